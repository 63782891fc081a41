"""Answers from a known distribution without a model, so that tests can assert exact numbers."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from harness.calls.calls import (
    Activations,
    Call,
    Capability,
    Choose,
    Generate,
    Logprobs,
    Read,
    Reply,
    Sampling,
    Score,
    Text,
)
from harness.engines.base import Engine, Usage
from harness.errors import HarnessError, ItemError
from harness.models.model import Model
from harness.models.snapshot import Snapshot
from harness.prompting.prompts import Message
from harness.prompting.tokens import NOTHING, Specials, Tokenizer

Replies = Callable[[str], Mapping[str, float]]
"""The distribution of whole replies to a prompt text: reply text -> probability, summing to 1.

For a text that is no prompt it may give none or raise LookupError."""

Intervened = Callable[[Call, Mapping[str, float]], Mapping[str, float]]
"""The effect of a call's interventions on the distribution of replies."""

Activate = Callable[[Read, str, int], Sequence[float]]
"""The activation at one position: of the call, the text up to and with that position's token, and the layer."""

CAN: frozenset[Capability] = frozenset({"generate", "choose", "choose_at", "score", "read"})

END = zlib.crc32(b"<end>")
"""The token that ends a reply which others continue."""

HEADER = "<assistant> "

LAYERS, HEADS, WIDTH = 4, 4, 16
"""Blocks, heads a block, and width of the activations that an engine has unless it is given others."""

_WORD = re.compile(r"<end>| ?\w+| ?[^\w\s]|\s")


class WordTokenizer:
    """Splits at word boundaries, a leading space kept with its word; ids are checksums, the same in every process.

    Its chat template writes one line a turn: `<role> content`.
    """

    bos: int | None = None
    template: str | None = "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}<assistant> "
    variables: frozenset[str] | None = None
    specials: frozenset[str] = frozenset({"<end>"})

    # Of the class, so that an engine can read ids that another one's tokenizer wrote.
    _words: ClassVar[dict[int, str]] = {END: "<end>"}

    def encode(self, text: str) -> list[int]:
        return list(_encoded(text))

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(self._words.__getitem__, ids))

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        return [word.span() for word in _WORD.finditer(text)]

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return "".join(f"<{m.role}> {m.content}\n" for m in messages) + HEADER


@lru_cache(maxsize=256)  # a reply is encoded at every place where it may have begun
def _encoded(text: str) -> tuple[int, ...]:
    ids = []
    for word in _WORD.findall(text):
        token = zlib.crc32(word.encode())
        WordTokenizer._words[token] = word
        ids.append(token)
    return tuple(ids)


@dataclass(frozen=True, slots=True)
class _Possible:
    """A reply that may still come.

    Attributes:
        tokens: those to come; closed by `END` where another reply goes on after them.
        p: its probability, given what is written already; sums to 1.
    """

    tokens: tuple[int, ...]
    p: float

    def at(self, i: int) -> int | None:
        """The token at a place; END behind the last one."""
        return self.tokens[i] if i < len(self.tokens) else END if i == len(self.tokens) else None


_Known = dict[int, Sequence[_Possible]]
"""The replies to the beginnings of one prompt, by their number of tokens; () where there are none."""


class FakeEngine:
    """Answers from `replies(prompt text)`, exactly: every log-probability is the mass of the replies that begin with
    the tokens so far and this one, over the mass of the replies that begin with the tokens so far.

    So `Generate.logprobs`, `Score` and a chain of `Choose` agree. The log-probabilities of a whole reply add up to log
    p(reply). A reply that another one continues is closed with the token END. Where the end is certain, this token
    would have probability 1 and is left out.

    A prompt may end in the beginning of a reply. The engine then goes on with the replies that begin so. It takes the
    longest ending of the last turn that some reply to the text before it continues. The last turn is the text behind
    the header `<assistant> `, or in a text without one the last line.

    Generate: greedy takes the most probable reply (the first of equals), which need not begin with the most probable
        token. Sampling draws whole replies from p^(1/temperature) by the call's own seed; top_k and top_p keep the most
        probable of them.

    Args:
        replies: the known distribution.
        name: part of the identity.
        delay: seconds that every call takes.
        tokenizer: by default one that splits at word boundaries.
        activations: the activations that `Read` finds; by default `hashed_activations`.
        intervened: the effect of interventions on the replies; without it the engine cannot intervene.

    Raises:
        HarnessError: by `answer`: the probabilities of the replies to a prompt do not sum to 1.
        UnknownPrompt: by `answer`: there are none.
    """

    def __init__(
        self,
        replies: Replies,
        name: str = "fake",
        delay: float = 0.0,
        tokenizer: Tokenizer | None = None,
        *,
        activations: Activate | None = None,
        intervened: Intervened | None = None,
    ) -> None:
        self.replies = replies
        self.identity = {"engine": "fake", "model": name}
        self.tokenizer: Tokenizer = tokenizer or WordTokenizer()
        self._specials = Specials(self.tokenizer.specials)
        self.can: frozenset[Capability] = CAN | ({"intervene"} if intervened else set())
        self.context = 1 << 20
        self.capacity = 256
        self.layers: int | None = LAYERS
        self.heads: int | None = HEADS
        self.parameters: int | None = None
        self.snapshot = Snapshot()
        self.usage = Usage()
        self.delay = delay
        self.activations = activations or hashed_activations
        self.intervened = intervened

    @classmethod
    def table(cls, answers: Mapping[str, str], name: str = "table") -> FakeEngine:
        """An engine that answers from a table and never by chance; see `AnswerTable`."""
        return cls(AnswerTable(answers), name)

    async def answer(self, call: Call) -> Reply:
        if self.delay:
            await asyncio.sleep(self.delay)
        start = time.perf_counter()
        if call.interventions and self.intervened is None:
            raise HarnessError("this fake engine was not told what interventions do; give it intervened=")
        reply = self._read(call) if isinstance(call, Read) else self._say(call)
        self.usage.calls += 1
        self.usage.prompt_tokens += len(call.prompt)
        self.usage.new_tokens += len(reply.tokens) if isinstance(reply, Text) else 0
        self.usage.busy += time.perf_counter() - start
        return reply

    def close(self) -> None:
        pass

    def _say(self, call: Generate | Choose | Score) -> Reply:
        if isinstance(call, Choose):
            # Named tokens after a position are those after the prompt that ends there.
            ends = [p + 1 for p in call.positions] or [len(call.prompt)]
            known: _Known = {}
            after = [self._possible(call, call.prompt[:end], known) for end in ends]
            return Logprobs(tuple(_conditionals(some, (token,))[0] for some in after for token in call.tokens))
        possible = self._possible(call, call.prompt, {})
        if isinstance(call, Generate):
            return self._generate(call, possible)
        return Logprobs(_conditionals(possible, call.continuation))

    def _possible(self, call: Generate | Choose | Score, prompt: tuple[int, ...], known: _Known) -> Sequence[_Possible]:
        for written in range(self._last_turn(prompt), 0, -1):
            begun = prompt[-written:]
            before = len(prompt) - written
            if before not in known:
                try:
                    known[before] = self._replies(call, prompt[:before])
                except (LookupError, StopIteration):
                    known[before] = ()
            alive = [r for r in known[before] if r.p and len(r.tokens) > written and r.tokens[:written] == begun]
            if alive:
                mass = math.fsum(r.p for r in alive)
                return [_Possible(r.tokens[written:], r.p / mass) for r in alive]
        return self._replies(call, prompt)

    def _replies(self, call: Generate | Choose | Score, prompt: tuple[int, ...]) -> list[_Possible]:
        text = self.tokenizer.decode(prompt)
        odds = self.replies(text)
        if not odds:
            raise UnknownPrompt(f"there are no replies to the prompt ending {text[-80:]!r}")
        if call.interventions and self.intervened is not None:
            odds = self.intervened(call, odds)
        if abs(math.fsum(odds.values()) - 1) > 1e-9:
            raise HarnessError(
                f"the replies to the prompt ending {text[-80:]!r} have probabilities that do not sum to 1: {dict(odds)}"
            )
        tokens = [tuple(self.tokenizer.encode(reply)) for reply in odds]
        lengths = {len(t) for t in tokens}
        beginnings = {t[:n] for t, p in zip(tokens, odds.values(), strict=True) if p for n in lengths if n < len(t)}
        closed = [(*t, END) if t in beginnings else t for t in tokens]
        return [_Possible(t, p) for t, p in zip(closed, odds.values(), strict=True)]

    def _last_turn(self, prompt: tuple[int, ...]) -> int:
        """How many of the prompt's last tokens may be the beginning of a reply."""
        text = self.tokenizer.decode(prompt)
        header = text.rfind(HEADER)
        begin = header + len(HEADER) if header >= 0 else text.rfind("\n") + 1
        return len(self.tokenizer.encode(text[begin:]))

    def _generate(self, call: Generate, possible: Sequence[_Possible]) -> Text:
        chosen = _choose_reply(call, possible)
        tokens, finish = chosen.tokens, "stop"
        if len(tokens) > call.sampling.max_tokens:
            tokens, finish = tokens[: call.sampling.max_tokens], "length"
        shown = self._shown(tokens)
        for n in range(len(tokens) + 1):
            said = self._shown(tokens[:n])
            if n and tokens[n - 1] in call.until:
                tokens, shown, finish = tokens[:n], self._shown(tokens[: n - 1]), "stop"
                break
            found = [at for stop in call.sampling.stop if (at := said.find(stop)) >= 0]
            if found:
                tokens, shown, finish = tokens[:n], said[: min(found)], "stop"
                break
        return Text(shown, tokens, _conditionals(possible, tokens), "stop" if finish == "stop" else "length")

    def _shown(self, tokens: Sequence[int]) -> str:
        return self._specials.without(self.tokenizer.decode([t for t in tokens if t != END]))

    def _read(self, call: Read) -> Activations:
        import numpy as np

        texts = [self.tokenizer.decode(call.prompt[: p + 1]) for p in call.positions]
        found = np.array([[self.activations(call, text, layer) for text in texts] for layer in call.layers])
        return call.reply(found)


def _choose_reply(call: Generate, possible: Sequence[_Possible]) -> _Possible:
    sampling = call.sampling
    if sampling.temperature == 0:
        return max(possible, key=lambda r: r.p)
    weights = _truncated([r.p ** (1 / sampling.temperature) for r in possible], sampling)
    return random.Random(call.engine_seed()).choices(possible, weights)[0]


def _truncated(weights: list[float], sampling: Sampling) -> list[float]:
    """The weights with zeros for the tokens that top_k and top_p leave out; top_p keeps the fewest that reach its
    mass."""
    order = sorted(range(len(weights)), key=lambda i: -weights[i])
    if sampling.top_k:
        order = order[: sampling.top_k]
    before = [0.0, *itertools.accumulate(weights[i] for i in order)]
    if sampling.top_p < 1:
        order = [i for i, lower in zip(order, before, strict=False) if lower < sampling.top_p * before[-1]]
    kept = set(order)
    return [w if i in kept else 0.0 for i, w in enumerate(weights)]


def _conditionals(possible: Sequence[_Possible], tokens: Sequence[int]) -> tuple[float, ...]:
    """Log-probability of each token given those before it; after an impossible one all are impossible."""
    logprobs = []
    alive, mass = list(possible), math.fsum(r.p for r in possible)
    for i, token in enumerate(tokens):
        alive = [r for r in alive if r.p and r.at(i) == token]
        before, mass = mass, math.fsum(r.p for r in alive)
        logprobs.append(math.log(mass / before) if mass else -math.inf)
    return tuple(logprobs)


def hashed_activations(call: Read, text: str, layer: int) -> list[float]:
    """Standard normal numbers, shape [WIDTH], that depend on text, layer, site and interventions and on nothing else.

    Raises:
        ItemError: there are only LAYERS layers.
    """
    if layer >= LAYERS:
        raise ItemError(f"there is no layer {layer}: the fake model has {LAYERS}, counted from 0")
    rng = random.Random(f"{layer}/{call.site}/{call.interventions!r}/{text}")
    return [rng.gauss() for _ in range(WIDTH)]


class UnknownPrompt(HarnessError, LookupError):
    """An answer table has no answer to a prompt."""


@dataclass(frozen=True)
class AnswerTable:
    """Fixed replies, looked up by the text of the prompt.

    Attributes:
        answers: reply by prompt text or by a part of one. The exact text goes first; then of the parts that occur the
            one that ends last in the prompt (in a conversation, the latest question), and of those the longest.
    """

    answers: Mapping[str, str]

    def __call__(self, prompt: str) -> dict[str, float]:
        """The only reply, with probability 1.

        Raises:
            UnknownPrompt: no key fits; the message shows the prompt's end.
        """
        keys = [prompt] if prompt in self.answers else [key for key in self.answers if key in prompt]
        if not keys:
            known = ", ".join(repr(key[-40:]) for key in list(self.answers)[:5]) or "none"
            raise UnknownPrompt(f"the answer table has no key for the prompt ending {prompt[-80:]!r}; keys: {known}")
        return {self.answers[max(keys, key=lambda key: (prompt.rfind(key) + len(key), len(key)))]: 1.0}


def dry_run(prompt: str) -> dict[str, float]:
    """A deterministic stand-in for a model, to try a protocol without one: letters, yes/no and small numbers."""
    weights = {
        text: 1 + zlib.crc32(f"{text}|{prompt}".encode()) % 97 for text in ("A", "B", " Yes", " No", "7", "12", "Paris")
    }
    total = sum(weights.values())
    return {text: weight / total for text, weight in weights.items()}


def dry_intervened(call: Call, odds: Mapping[str, float]) -> dict[str, float]:
    """A deterministic stand-in for the effect of interventions: other weights for the same replies."""
    weights = {text: p * (1 + zlib.crc32(f"{text}|{call.interventions!r}".encode()) % 97) for text, p in odds.items()}
    total = math.fsum(weights.values())
    return {text: weight / total for text, weight in weights.items()}


def dry_engine(name: str = "fake", delay: float = 0.0, tokenizer: Tokenizer | None = None) -> FakeEngine:
    """An engine that answers every kind of call with something, to try a protocol; its numbers mean nothing."""
    return FakeEngine(dry_run, name, delay, tokenizer, intervened=dry_intervened)


@dataclass(frozen=True, kw_only=True)
class Fake:
    """Settings of `engine=fake`: a dry run of a protocol without any model.

    Attributes:
        delay: seconds that every call takes.
    """

    can: ClassVar[frozenset[Capability]] = CAN | {"intervene"}
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    delay: Annotated[float, Ge(0)] = 0.0

    def tokenizer(self, model: Model) -> Tokenizer:
        """The one that splits at words, for every model."""
        return WordTokenizer()

    def load(self, model: Model) -> Engine:
        """An engine that answers at once; the model's weights are not read."""
        return dry_engine(model.as_dry_run().name, self.delay)
