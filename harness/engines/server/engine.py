"""A server that speaks OpenAI's protocol, `vllm serve` above all: asks over HTTP, as exactly as the server allows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from harness.calls.calls import Call, Capability, Generate, Reply, Score, capabilities_of
from harness.engines.base import Engine, Usage
from harness.engines.server.connection import Connection, Patience, Refused
from harness.engines.server.dialects import Chat, Completions, Dialect, Messages
from harness.engines.server.discovery import (
    find_context,
    find_served,
    find_version,
    first_words,
    probe,
    request,
    same_tokenizer,
    stable,
)
from harness.engines.server.messages import short
from harness.errors import HarnessError, ItemError
from harness.models.model import Model
from harness.models.snapshot import Snapshot
from harness.prompting.tokens import Tokenizer
from harness.redaction import keep_secret

COMPLETIONS: frozenset[Capability] = frozenset({"generate", "choose", "score"})
CHAT: frozenset[Capability] = frozenset({"generate"})


@dataclass(frozen=True, kw_only=True)
class Server:
    """Settings of `engine=server`: any OpenAI-compatible server, `vllm serve` above all.

    With api=completions the model's tokenizer is loaded here (`model.source`), prompts go as token ids, and at load
    the server is asked what it answers exactly. `vllm serve` answers everything but `read` and interventions.
    With api=chat messages go as messages: any chat endpoint, texts only, no token ids and no log-probabilities.
    Wherever tokens are counted in outcomes, they are then bytes of UTF-8, and `model.source` is only a name. A model
    that thinks does so in the same call: thought and answer share `max_tokens`, and stop strings may end either.

    Calls are kept under the server's address, model id, root and version, and under the fingerprint of its
    configuration where it is vLLM. Weights that are exchanged in place are not seen: give another `label` then.

    Attributes:
        url: the address before /completions: http://HOST:8000/v1.
        api: "completions" or "chat".
        served_name: the model's name at the server; None is the only one that is served, or `model.source`.
        label: stands for the address in the identity under which calls are kept, so that they are found again when
            a cluster gives the server another host. A user who gives it vouches that it means one model only.
        key_env: environment variable that holds the server's key; there need not be one.
        max_model_len: longest prompt plus reply in tokens, for servers of completions that do not tell it.
        prefill: with api=chat, whether the endpoint goes on with a last message of the assistant.
        concurrency: requests in flight.
        timeout: seconds to wait for a whole reply.
        wait: seconds to wait at the beginning for a server that is still starting.
        give_up: seconds without any whole reply after which the server counts as dead.
        backoff: seconds before a second try, at most; doubled with each further one.
    """

    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    url: str
    api: Literal["completions", "chat"] = "completions"
    served_name: str | None = None
    label: str | None = None
    key_env: str = "OPENAI_API_KEY"
    max_model_len: int | None = None
    prefill: bool = False
    concurrency: int = 64
    timeout: float = 600.0
    wait: float = 3.0
    give_up: float = 600.0
    backoff: float = 0.5

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise HarnessError(
                "engine.url holds a password, a query or a fragment; give the bare address, and the key in the "
                f"environment variable {self.key_env}"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HarnessError(f"engine.url={self.url} is no address; give one like http://localhost:8000/v1")
        if self.concurrency < 1:
            raise HarnessError(f"engine.concurrency={self.concurrency}: at least one request must be in flight")

    @property
    def can(self) -> frozenset[Capability]:
        return COMPLETIONS if self.api == "completions" else CHAT

    def tokenizer(self, model: Model) -> Tokenizer:
        """The model's own with api=completions; with api=chat messages stay messages, and the model is only a name."""
        return model.tokenizer() if self.api == "completions" else Messages()

    def load(self, model: Model) -> Engine:
        """Finds the server, checks what it serves and asks it what it can.

        Raises:
            HarnessError: no server, another model or tokenizer than asked for, no key, or no exact token ids.
        """
        if model.adapter:
            raise HarnessError(
                "model.adapter: a server applies its own adapters; serve it (vllm serve MODEL --enable-lora "
                "--lora-modules NAME=FOLDER) and choose it with engine.served_name=NAME"
            )
        if self.api == "chat" and model.style == "plain":
            raise HarnessError("model.style=plain: a chat endpoint takes messages only; use engine.api=completions")
        if self.api == "chat" and (model.thinking.mode == "off" or model.thinking.open):
            raise HarnessError(
                "model.thinking: a chat endpoint writes the model's prompts itself; switch its thoughts off there, or "
                "use engine.api=completions"
            )
        connection = Connection(
            self.url.rstrip("/"),
            key=_key(self.key_env),
            key_env=self.key_env,
            concurrency=self.concurrency,
            patience=Patience(read=self.timeout, backoff=self.backoff, give_up=self.give_up),
            usage=Usage(),
        )
        try:
            return self._load(model, connection)
        except Refused as refusal:
            connection.close()
            raise HarnessError(
                f"engine.url={connection.address} refuses a first request ({refusal}); the url is what comes before "
                "/completions, most often with /v1 at its end"
            ) from None
        except BaseException:
            connection.close()
            raise

    def _load(self, model: Model, connection: Connection) -> Engine:
        served = find_served(connection, self.served_name, model.source, self.wait)
        name = str(served["id"])
        identity = {
            "engine": "server",
            "api": self.api,
            "model": name,
            "root": str(served.get("root") or ""),
            "version": find_version(connection),
        }
        identity |= {"label": self.label} if self.label else {"address": connection.address}
        if self.api == "chat":
            chat, messages = Chat(name, self.prefill), Messages()
            return ServerEngine(
                connection=connection,
                dialect=chat,
                tokenizer=messages,
                identity=identity
                | {"fingerprint": first_words(connection, chat, messages), "tokenizer": "none, tokens count as bytes"},
                can=CHAT,
                context=1 << 30,  # the server counts the tokens, and refuses what is too long
                capacity=self.concurrency,
            )
        tokenizer = model.tokenizer()
        checked = same_tokenizer(connection, name, tokenizer, model.source)
        context = find_context(served.get("max_model_len"), self.max_model_len)
        can, fingerprint = probe(connection, Completions(name), tokenizer)
        identity |= {
            "fingerprint": fingerprint,
            "tokenizer": model.resolve_tokenizer().fingerprint
            + ("" if checked else " (the server's could not be compared)"),
            "context": str(context),
        }
        return ServerEngine(
            connection=connection,
            dialect=Completions(name),
            tokenizer=tokenizer,
            identity=identity,
            can=can,
            context=context,
            capacity=self.concurrency,
        )


@dataclass(eq=False, kw_only=True)
class ServerEngine:
    """A server that was found and probed; see `Server`. Attributes as `engines.base.Engine`."""

    connection: Connection
    dialect: Dialect
    tokenizer: Tokenizer
    identity: dict[str, str]
    can: frozenset[Capability]
    context: int
    capacity: int
    layers: int | None = None
    heads: int | None = None
    parameters: int | None = None
    snapshot: Snapshot = field(default_factory=Snapshot)

    def __post_init__(self) -> None:
        self.usage = self.connection.usage
        self._model = ""  # behind the first answer

    async def answer(self, call: Call) -> Reply:
        """The reply to one call; the server batches it with the other calls in flight.

        Raises:
            ItemError: it does not fit the context, or the server refuses it or fails at it again and again.
            EngineDied: nothing is answered any more.
            HarnessError: the server cannot answer such calls, no longer serves the model or no longer takes the key.
        """
        if lacking := capabilities_of(call) - self.can:
            raise HarnessError(f"the server at {self.connection.address} cannot {'/'.join(sorted(lacking))} exactly")
        size = _size(call)
        if size > self.context:
            raise ItemError(f"prompt and reply take {size} tokens and do not fit the context of {self.context}")
        try:
            answer = await self.connection.ask(
                request(self.connection, self.dialect, call), partial(self.dialect.read, call)
            )
        except Refused as refusal:
            if refusal.status == 404:
                raise HarnessError(f"{self.connection.address} no longer serves the model: {refusal}") from None
            raise ItemError(f"the server refuses the call: {refusal}") from None
        if stable(answer) != self.identity["fingerprint"]:
            raise HarnessError(
                f"the server at {self.connection.address} now has another configuration ({stable(answer)}) than when "
                f"it was loaded ({self.identity['fingerprint']}); run the same command again to go on with that one"
            )
        self._model = self._model or answer.model
        if answer.model not in ("", self._model):  # a gateway falls back to another one, a server was exchanged
            raise HarnessError(
                f"the server at {self.connection.address} answers as the model {short(answer.model)!r} now, and before "
                f"as {short(self._model)!r}; let one model answer, then run the same command again"
            )
        self.usage.calls += 1
        self.usage.prompt_tokens += answer.prompt_tokens
        self.usage.cached_tokens += answer.cached_tokens
        self.usage.new_tokens += answer.new_tokens if isinstance(call, Generate) else 0
        return answer.reply

    def close(self) -> None:
        """Closes the connections; the server goes on."""
        self.connection.close()


def _size(call: Call) -> int:
    """Tokens that a call takes: a server generates one even where none is wanted."""
    if isinstance(call, Generate):
        return len(call.prompt) + call.sampling.max_tokens
    return len(call.prompt) + (len(call.continuation) if isinstance(call, Score) else 0) + 1


def _key(variable: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    if key and not re.fullmatch(r"[!-~]+", key):
        raise HarnessError(f"the environment variable {variable} does not hold a key: spaces or special characters")
    if key:
        keep_secret(key)  # a server may repeat it in its answers
    return key or None
