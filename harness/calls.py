"""Calls and replies: the unit of batching, caching, resuming and seeding.

A call is keyed by everything that its reply depends on, and by nothing else: the identity of the model, the
exact token ids, the kind of call, the sampling parameters, and for a sampled call the run seed and the draw.
Greedy calls and option probabilities therefore are shared between seeds, sampled ones are not.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Literal

import orjson


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is drawn.

    Attributes:
        max_tokens: cap on new tokens (>= 1).
        temperature: 0 is greedy; 1 is the model's own distribution.
        top_p: nucleus mass in (0, 1]; 1 is off.
        top_k: 0 is off.
        stop: strings that end the text (not included in it).
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ValueError(f"impossible sampling parameters: {self}")


@dataclass(frozen=True, slots=True)
class Generate:
    """Draw a text after the prompt.

    Attributes:
        prompt: token ids, special tokens included.
        draw: which of the independent draws of this prompt (0 for greedy).
        seed: the run seed; 0 for greedy, whose reply does not depend on it.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    draw: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampling.temperature == 0 and (self.draw or self.seed):
            raise ValueError("a greedy call has no draw and no seed")

    def engine_seed(self) -> int:
        """A 63-bit seed from the run seed, the prompt, the sampling and the draw: never from order or the clock.

        A function of the call's content only, so that two experiments asking for the same draw share it.
        """
        return int.from_bytes(_digest(["seed", _body(self)])[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Choose:
    """The log-probabilities of named tokens at the next position: raw, over the whole vocabulary, before temperature.

    Attributes:
        prompt: token ids.
        tokens: the token ids asked about, sorted and distinct.
    """

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.tokens or list(self.tokens) != sorted(set(self.tokens)):
            raise ValueError("tokens must be sorted, distinct and not empty")


Call = Generate | Choose


@dataclass(frozen=True, slots=True)
class Text:
    """The reply to `Generate`.

    Attributes:
        text: decoded, without the stop string and special tokens.
        tokens: generated token ids (an end-of-turn token included).
        logprobs: natural log-probability of each generated token, raw (before temperature).
        finish: "stop" (end token or stop string) or "length" (max_tokens reached).
    """

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Logprobs:
    """The reply to `Choose`: natural log-probabilities, in the order of `Choose.tokens`."""

    values: tuple[float, ...]


Reply = Text | Logprobs


def _body(call: Call) -> list[Any]:
    return [type(call).__name__, call]  # orjson writes dataclasses field by field


def _digest(content: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def call_key(identity: str, call: Call) -> bytes:
    """16 bytes that name a call of one model identity (the digest of `Engine.identity`)."""
    return _digest([identity, _body(call)])[:16]


def identity_digest(identity: dict[str, str]) -> str:
    """16 hex digits of a model identity."""
    return _digest(identity).hex()[:16]


def pack_reply(reply: Reply) -> bytes:
    """The reply as JSON."""
    return orjson.dumps(reply)


def unpack_reply(data: bytes) -> Reply:
    """The reverse of `pack_reply`."""
    values: dict[str, Any] = orjson.loads(data)
    if "values" in values:
        return Logprobs(_floats(values["values"]))
    return Text(values["text"], tuple(values["tokens"]), _floats(values["logprobs"]), values["finish"])


def _floats(values: list[float | None]) -> tuple[float, ...]:
    # JSON has no infinities: a probability of exactly zero comes back as null.
    return tuple(-math.inf if v is None else v for v in values)
