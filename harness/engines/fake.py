"""An engine without a model: replies from a known distribution, so that tests can assert exact numbers."""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.calls import Call, Capability, Choose, Generate, Logprobs, Reply, Text
from harness.engines.base import Engine, Usage
from harness.models import Model
from harness.prompts import Message
from harness.tokens import Tokenizer

Replies = Callable[[str], Mapping[str, float]]
"""The distribution of replies to a prompt text: reply text -> probability, summing to 1."""


CAN: frozenset[Capability] = frozenset({"generate", "choose"})


class WordTokenizer:
    """Splits at word boundaries, a leading space kept with its word; ids are checksums, the same in every process.

    Its chat template writes one line a turn: `<role> content`.
    """

    bos: int | None = None
    has_chat_template = True

    def __init__(self) -> None:
        self._words: dict[int, str] = {}

    def encode(self, text: str) -> list[int]:
        ids = []
        for word in re.findall(r" ?\w+| ?[^\w\s]|\s", text):
            token = zlib.crc32(word.encode())
            self._words[token] = word
            ids.append(token)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._words[i] for i in ids)

    def chat(self, messages: Sequence[Message]) -> str:
        return "".join(f"<{m.role}> {m.content}\n" for m in messages) + "<assistant> "


class FakeEngine:
    """Answers from `replies(prompt text)`.

    Generate: greedy takes the most probable reply (the first of equals); sampled draws from p^(1/temperature),
    by the call's own seed. Choose: the probability of a token is that of all replies that begin with it.

    Args:
        replies: the known distribution.
        name: part of the identity.
        delay: seconds that every call takes.
        tokenizer: by default one that splits at word boundaries.
    """

    can: frozenset[Capability] = CAN

    def __init__(
        self, replies: Replies, name: str = "fake", delay: float = 0.0, tokenizer: Tokenizer | None = None
    ) -> None:
        self.replies = replies
        self.identity = {"engine": "fake", "model": name}
        self.tokenizer: Tokenizer = tokenizer or WordTokenizer()
        self.context = 1 << 20
        self.capacity = 256
        self.usage = Usage()
        self.delay = delay

    async def answer(self, call: Call) -> Reply:
        if self.delay:
            await asyncio.sleep(self.delay)
        start = time.perf_counter()
        odds = self.replies(self.tokenizer.decode(call.prompt))
        if isinstance(call, Generate):
            reply: Reply = self._generate(call, odds)
        elif isinstance(call, Choose):
            reply = self._choose(call, odds)
        else:
            raise NotImplementedError
        self.usage.calls += 1
        self.usage.prompt_tokens += len(call.prompt)
        self.usage.new_tokens += len(reply.tokens) if isinstance(reply, Text) else 0
        self.usage.busy += time.perf_counter() - start
        return reply

    def close(self) -> None:
        pass

    def _generate(self, call: Generate, odds: Mapping[str, float]) -> Text:
        texts = list(odds)
        if call.sampling.temperature == 0:
            text = max(texts, key=lambda t: odds[t])
        else:
            weights = [odds[t] ** (1 / call.sampling.temperature) for t in texts]
            text = random.Random(call.engine_seed()).choices(texts, weights)[0]
        tokens = self.tokenizer.encode(text)[: call.sampling.max_tokens]
        whole = len(tokens) == len(self.tokenizer.encode(text))
        logprobs = [math.log(odds[text])] + [0.0] * (len(tokens) - 1)
        shown = self.tokenizer.decode(tokens)
        for stop in call.sampling.stop:
            shown = shown.split(stop)[0]
        return Text(shown, tuple(tokens), tuple(logprobs[: len(tokens)]), "stop" if whole else "length")

    def _choose(self, call: Choose, odds: Mapping[str, float]) -> Logprobs:
        mass: dict[int, float] = {}
        for text, p in odds.items():
            first = self.tokenizer.encode(text)[:1]
            if first:
                mass[first[0]] = mass.get(first[0], 0.0) + p
        return Logprobs(tuple(math.log(mass[t]) if mass.get(t) else -math.inf for t in call.tokens))


def dry_run(prompt: str) -> dict[str, float]:
    """A deterministic stand-in for a model, to try a protocol without one: letters, yes/no and small numbers."""
    weights = {
        text: 1 + zlib.crc32(f"{text}|{prompt}".encode()) % 97 for text in ("A", "B", " Yes", " No", "7", "12", "Paris")
    }
    total = sum(weights.values())
    return {text: weight / total for text, weight in weights.items()}


@dataclass(frozen=True, kw_only=True)
class Fake:
    """Settings of `engine=fake`: a dry run of a protocol without any model.

    Attributes:
        delay: seconds that every call takes.
    """

    can: ClassVar[frozenset[Capability]] = CAN

    delay: float = 0.0

    def load(self, model: Model) -> Engine:
        """An engine that answers at once; the model's weights are not read."""
        return FakeEngine(dry_run, f"fake:{model.name}", self.delay)
