"""Translates calls into the bodies of requests, and a server's answers into replies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, cast

import orjson

from harness.calls.calls import Call, Choose, Generate, Logprobs, Reply, Sampling, Score, Text
from harness.engines.server.connection import LARGEST, Impossible
from harness.errors import ItemError
from harness.prompting.prompts import Message, Role
from harness.prompting.tokens import NOTHING
from harness.redaction import struck

LOWEST = -9999.0
"""Values that servers write for a log-probability of minus infinity, which JSON lacks."""

ROUNDING = 1e-3
"""By how much a probability, or its logarithm, may exceed what is possible: numbers are rounded on their way."""

LARGEST_TOKEN = (1 << 31) - 1

PER_TOKEN = 2000
"""Bytes of a reply for each token that is asked about; vLLM takes some 200."""

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and its cost, in tokens as the server counts them; `model` is the name that the server gives the model
    behind it, "" where it gives none."""

    reply: Reply
    prompt_tokens: int
    new_tokens: int
    cached_tokens: int
    fingerprint: str
    model: str


class Dialect(Protocol):
    """One of the two ways to ask a server.

    Attributes:
        path: path of the endpoint, after the address.
    """

    path: ClassVar[str]

    def body(self, call: Call) -> bytes:
        """The request that asks for a call, as JSON.

        Raises:
            ItemError: the call cannot be asked in this dialect.
        """

    def read(self, call: Call, answer: Any) -> Answer:
        """The reply in the server's JSON.

        Raises:
            Exception: one of `connection.WRONG_SHAPE`; something is missing or of another kind. `Impossible` is one of
                them: a number that no model can have given.
        """


@dataclass(frozen=True, slots=True)
class Completions:
    """/completions with vLLM's additions: exact token ids in both directions, log-probabilities of named tokens.

    Every parameter of the sampling is sent, because the server has defaults of its own (a model's
    generation_config.json may set a temperature or a penalty). Every request carries `logprob_token_ids`, as in
    `engines.vllm`: vLLM 0.32 returns wrong top-k log-probabilities for requests that share a step with such ones, of
    other users' too.

    Attributes:
        model: the name under which the server has the model.
    """

    path: ClassVar[str] = "/completions"
    model: str

    def body(self, call: Call) -> bytes:
        sampling = call.sampling if isinstance(call, Generate) else Sampling(1)
        fields: dict[str, Any] = {
            "model": self.model,
            "prompt": _prompt(call),
            "add_special_tokens": False,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "stop": list(sampling.stop),
            "logprobs": 0,
            "logprob_token_ids": list(call.tokens) if isinstance(call, Choose) else [0],
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
        }
        if isinstance(call, Generate) and sampling.temperature > 0:
            fields["seed"] = call.engine_seed()
        if isinstance(call, Generate) and call.until:
            fields["stop_token_ids"] = list(call.until)
        if isinstance(call, Score):
            fields["prompt_logprobs"] = 0
        return orjson.dumps(fields)

    def read(self, call: Call, answer: Any) -> Answer:
        choice = _only(answer["choices"])
        prompt = choice.get("prompt_token_ids")
        if prompt is not None and prompt != _prompt(call):
            raise ValueError("an answer to another prompt")
        reply: Reply
        if isinstance(call, Generate):
            tokens = tuple(_token(token) for token in choice["token_ids"])
            if len(tokens) > call.sampling.max_tokens:
                raise Impossible(f"{len(tokens)} tokens where {call.sampling.max_tokens} were asked for at most")
            logprobs = tuple(_logprob(value) for value in choice["logprobs"]["token_logprobs"])
            if len(logprobs) != len(tokens):
                raise ValueError(f"{len(logprobs)} log-probabilities of {len(tokens)} tokens")
            reply = Text(_typed(choice["text"], str), tokens, logprobs, _finish(choice))
        elif isinstance(call, Choose):
            named = choice["logprobs"]["top_logprobs"][0]
            reply = Logprobs(tuple(_logprob(named[f"token_id:{token}"]) for token in call.tokens))
            if (mass := math.fsum(map(math.exp, reply.values))) > 1 + ROUNDING:
                raise Impossible(f"probabilities of {len(call.tokens)} tokens that sum to {mass:.4g}")
        elif isinstance(call, Score):
            steps = zip(call.continuation, choice["prompt_logprobs"][len(call.prompt) :], strict=True)
            reply = Logprobs(tuple(_logprob(step[str(token)]["logprob"]) for token, step in steps))
        else:
            raise NotImplementedError
        return _answer(answer, reply)


@dataclass(frozen=True, slots=True)
class Chat:
    """/chat/completions of any server: messages as messages, texts back. It names no tokens and no probabilities.

    The tokens of a reply are the bytes of its text, as in a prompt (`Messages`); log-probabilities are empty.

    Attributes:
        model: the name under which the server has the model.
        prefill: whether the first words of an answer may be given, as a last message of the assistant. The fields that
            make vLLM go on with them instead of answering are sent; other servers may do otherwise.
    """

    path: ClassVar[str] = "/chat/completions"
    model: str
    prefill: bool

    def body(self, call: Call) -> bytes:
        if not isinstance(call, Generate):
            raise NotImplementedError
        messages, prefill = parse(bytes(call.prompt).decode())
        sampling = call.sampling
        fields: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
        }
        if sampling.temperature > 0:
            fields |= {"seed": call.engine_seed(), "top_p": sampling.top_p}
        if sampling.top_k:
            fields["top_k"] = sampling.top_k
        if sampling.stop:
            fields["stop"] = list(sampling.stop)
        if prefill:
            if not self.prefill:
                raise ItemError(
                    "the prompt gives the first words of the answer, which a chat endpoint may take for a finished "
                    "turn; use engine.api=completions, or engine.prefill=true if this one continues them"
                )
            fields["messages"].append({"role": "assistant", "content": prefill})
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
        return orjson.dumps(fields)

    def read(self, call: Call, answer: Any) -> Answer:
        choice = _only(answer["choices"])
        text, finish = _whole_reply(choice["message"], _finish(choice)), _finish(choice)
        return _answer(answer, Text(text, tuple(text.encode()), (), finish))


class Messages:
    """The tokenizer of a server that takes messages: a conversation as text, whose token ids are its UTF-8 bytes.

    Each turn is a line with its role in white brackets and its content; the last such line, the assistant's, is
    followed by the first words of the answer. The headings are special tokens to the renderer, which refuses contents
    that hold one: nothing in a message can pass for a turn.
    """

    bos: int | None = None
    template: str | None = "{% for m in messages %}⟦{{ m.role }}⟧\n{{ m.content }}\n{% endfor %}⟦assistant⟧\n"
    variables: frozenset[str] | None = frozenset()
    specials: frozenset[str] = frozenset({"⟦system⟧", "⟦user⟧", "⟦assistant⟧"})

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode(errors="replace")

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        return [(i, i + 1) for i, letter in enumerate(text) for _ in letter.encode()]

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return "".join(f"⟦{m.role}⟧\n{m.content}\n" for m in messages) + "⟦assistant⟧\n"


def parse(text: str) -> tuple[list[Message], str]:
    """The reverse of `Messages.chat`: the turns, and the first words of the answer.

    Raises:
        ItemError: the text is no conversation.
    """
    before, *pieces = re.split("⟦(system|user|assistant)⟧\n", text)
    if before or pieces[-2:-1] != ["assistant"]:
        raise ItemError("a chat endpoint takes messages, not plain text; use engine.api=completions for such a prompt")
    *turns, prefill = zip(pieces[::2], pieces[1::2], strict=True)
    return [Message(cast(Role, role), content.removesuffix("\n")) for role, content in turns], prefill[1]


def _prompt(call: Call) -> list[int]:
    return [*call.prompt, *call.continuation] if isinstance(call, Score) else list(call.prompt)


def _whole_reply(message: Any, finish: Finish) -> str:
    """The text of a message, its thought in front between the commonest marks: servers that know a model's marks give
    the thought in a field of its own. A model that was cut while it thought, or that only thought, has no answer."""
    content = message["content"]
    answer = "" if content is None else _typed(content, str)
    thought = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(thought, str) or not thought:
        return answer
    return f"<think>\n{thought}" + ("" if not answer and finish == "length" else f"\n</think>\n\n{answer}")


def _finish(choice: Any) -> Finish:
    reason = choice["finish_reason"]
    if reason not in ("stop", "length"):
        raise ValueError(f"the text ended with finish_reason {reason!r}")
    return cast(Finish, reason)


def _only(choices: Any) -> Any:
    if len(_typed(choices, list)) != 1:
        raise ValueError(f"{len(choices)} answers to one question")
    return choices[0]


def _token(value: Any) -> int:
    token = int(_typed(value, int))
    if not 0 <= token <= LARGEST_TOKEN:
        raise Impossible(f"a token id of {token}"[:60])
    return token


def _logprob(value: Any) -> float:
    number = float(_typed(value, (int, float)))
    if not number <= ROUNDING:
        raise Impossible(f"a log-probability of {number:g}")
    return number if number > LOWEST else -math.inf


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):  # to Python, true is a number
        raise TypeError(struck(repr(value))[:60] + " in place of another kind of value")
    return value


def _count(value: Any) -> int:
    """A number of tokens, 0 where the server does not tell."""
    count = 0 if value is None else int(_typed(value, int))
    if not 0 <= count <= LARGEST_TOKEN:
        raise Impossible(f"{count}"[:40] + " tokens")
    return count


def largest(call: Call) -> int:
    """Bytes that the reply to a call may have."""
    tokens = len(_prompt(call))
    tokens += call.sampling.max_tokens if isinstance(call, Generate) else 0
    tokens += len(call.tokens) if isinstance(call, Choose) else 0
    return LARGEST + PER_TOKEN * tokens


def _answer(answer: Any, reply: Reply) -> Answer:
    usage = answer.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    return Answer(
        reply,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        new_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")),
        fingerprint=str(answer.get("system_fingerprint") or ""),
        model=str(answer.get("model") or ""),
    )
