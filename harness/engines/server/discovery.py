"""Asks a server which models it serves, with which tokenizer, and which calls it can answer exactly."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from harness.calls.calls import Call, Capability, Choose, Generate, Logprobs, Reply, Sampling, Score, Text
from harness.engines.server.connection import WRONG_SHAPE, Connection, Impossible, Reader, Refused, Request
from harness.engines.server.dialects import Answer, Dialect, largest
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Message
from harness.prompting.tokens import Tokenizer

NOISE = 0.5
"""Log-probabilities of one token in requests of different kinds differ by less, even in bfloat16."""


def request(connection: Connection, dialect: Dialect, call: Call) -> Request:
    return Request(connection.address + dialect.path, dialect.body(call), largest(call))


def find_served(connection: Connection, wanted: str | None, source: str, wait: float) -> dict[str, Any]:
    """The model list's entry of the model."""

    def read(answer: Any) -> dict[str, dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = {}
        for entry in answer["data"]:
            name = str(entry["id"])
            if entries.setdefault(name, entry) != entry:
                raise ValueError(f"the model {name!r} is listed twice, each time differently")
        return entries

    try:
        served = connection.reach(Request(f"{connection.address}/models"), read, wait)
    except Refused as refusal:
        if wanted and refusal.status == 404:
            return {"id": wanted}  # an endpoint without a list
        raise
    if wanted is None and len(served) == 1:
        return next(iter(served.values()))
    name = wanted or source
    if name not in served:
        some = ", ".join(sorted(served)[:20]) or "nothing"
        said = f"engine.served_name={name} is not served" if wanted else "several models are served, or none"
        raise HarnessError(f"{said} at {connection.address}, but: {some}; set engine.served_name to one of them")
    return served[name]


def find_version(connection: Connection) -> str:
    """The version of the server's software, "unknown" where it does not tell."""
    return _optional(connection, "/version", None, lambda answer: str(answer["version"])) or "unknown"


def _optional(connection: Connection, path: str, body: bytes | None, read: Reader[Any]) -> Any:
    """The answer of a vLLM endpoint outside of the protocol; None where there is no such endpoint."""

    def lenient(answer: Any) -> Any:
        try:
            return read(answer)
        except WRONG_SHAPE:
            return None

    try:
        return connection.now(Request(connection.address.removesuffix("/v1") + path, body, optional=True), lenient)
    except (Refused, ItemError, HarnessError):  # a gateway may send elsewhere or ask for another key there
        return None


def find_context(told: Any, setting: int | None) -> int:
    limits = [n for n in (told, setting) if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    if not limits:
        raise HarnessError("the server does not tell its longest prompt plus reply; set engine.max_model_len=TOKENS")
    return min(limits)


def same_tokenizer(connection: Connection, name: str, tokenizer: Tokenizer, source: str) -> bool:
    """Whether the server could be asked for its tokens of a text.

    Raises:
        HarnessError: they are others than the local tokenizer's.
    """
    specials = "".join(sorted(tokenizer.specials)[:20])
    text = f"Naïve: 12345 * 6.7\n\n (A) Paris? 中文 🙂\t  <def f(x):>{specials}What"
    body = orjson.dumps({"model": name, "prompt": text, "add_special_tokens": False})
    tokens = _optional(connection, "/tokenize", body, lambda answer: list(answer["tokens"]))
    if tokens is not None and tokens != tokenizer.encode(text):
        raise HarnessError(
            f"the tokenizer of model.source={source} is not that of {name} at {connection.address}; set model=hub "
            "model.source=... to the model that the server has loaded"
        )
    return tokens is not None


def first_words(connection: Connection, dialect: Dialect, tokenizer: Tokenizer) -> str:
    """Asks a chat endpoint for one token, which becomes the canary; gives the fingerprint of vLLM's configuration."""
    call = Generate(tuple(tokenizer.encode(tokenizer.chat([Message("user", "Hello")]))), Sampling(1))
    asked, read = request(connection, dialect, call), partial(dialect.read, call)
    answer = connection.now(asked, read)
    connection.canary = asked, read
    return stable(answer)


def stable(answer: Answer) -> str:
    """vLLM's fingerprint tells its version, parallelism and a hash of its configuration; others' change at will."""
    return answer.fingerprint if answer.fingerprint.startswith("vllm-") else "unknown"


def probe(connection: Connection, dialect: Dialect, tokenizer: Tokenizer) -> tuple[frozenset[Capability], str]:
    """Asks one question in every way and compares: what the server can answer exactly, and its fingerprint.

    Raises:
        HarnessError: it gives no token ids or log-probabilities with a text, or not the model's own ones, or
            impossible ones.
    """
    prompt = tuple(([tokenizer.bos] if tokenizer.bos is not None else []) + tokenizer.encode("The"))
    greedy = Generate(prompt, Sampling(1))
    try:
        first = _try(connection, dialect, greedy)
    except Refused as refusal:
        raise HarnessError(f"{_lacks(connection)} ({refusal})") from None
    if first is None or not isinstance(first.reply, Text) or not first.reply.tokens:
        raise HarnessError(_lacks(connection))
    token, logprob = first.reply.tokens[0], first.reply.logprobs[0]
    connection.canary = (request(connection, dialect, greedy), partial(dialect.read, greedy))
    # All but one token are cut off: log-probabilities after the cut would be 0, the model's own are those before it.
    others: dict[Capability, Call] = {
        "generate": Generate(prompt, Sampling(1, temperature=1.0, top_k=1)),
        "choose": Choose(prompt, tuple(sorted({token, *tokenizer.encode("A B")}))),
        "score": Score(prompt, (token,)),
    }
    can = set()
    for kind, call in others.items():
        try:
            answer = _try(connection, dialect, call)
        except Refused:
            answer = None
        if answer is None:
            continue
        value = _logprob_of(call, answer.reply, token)
        if value > 0 or abs(value - logprob) > NOISE:
            raise HarnessError(
                f"{connection.address} gives other log-probabilities than the model's own: {logprob:.3f} for a token, "
                f"and {value:.3f} when asked to {kind}; start vLLM without --logprobs-mode and logits processors"
            )
        can.add(kind)
    if "generate" not in can:
        raise HarnessError(_lacks(connection))
    return frozenset(can), stable(first)


def _try(connection: Connection, dialect: Dialect, call: Call) -> Answer | None:
    """The answer to a probe; None where a text comes, but without what was asked besides."""

    def read(answer: Any) -> Answer | None:
        if not isinstance(answer["choices"][0]["text"], str):
            raise TypeError("no text")
        try:
            return dialect.read(call, answer)
        except Impossible as error:
            raise HarnessError(f"{connection.address} gives numbers that no model can have given: {error}") from None
        except WRONG_SHAPE:
            return None

    return connection.now(request(connection, dialect, call), read)


def _logprob_of(call: Call, reply: Reply, token: int) -> float:
    if isinstance(reply, Text):
        return reply.logprobs[0]
    assert isinstance(reply, Logprobs)
    return reply.values[call.tokens.index(token)] if isinstance(call, Choose) else reply.values[0]


def _lacks(connection: Connection) -> str:
    return (
        f"{connection.address} does not answer a prompt of token ids with token ids and log-probabilities, as vLLM "
        "does; use engine.api=chat for texts alone"
    )
