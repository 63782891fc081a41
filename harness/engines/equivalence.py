"""Compares two engines on the same calls: log-probabilities, choices, texts, activations and results."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Reply, Score, Text, capabilities_of
from harness.engines.base import Engine
from harness.engines.recording import sampled
from harness.errors import EngineDied, HarnessError, ItemError
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.prompting.tokens import Tokenizer
from harness.statistics.estimates import Estimate
from harness.statistics.pairs import difference
from harness.statistics.rows import levels_with_points, sample

MOST_DIVERGENCES = 20
"""Texts that differ are all counted; of so many it is kept where they do."""


@dataclass(frozen=True, kw_only=True)
class Deltas:
    """|log p(second) - log p(first)| of named tokens, natural logarithms.

    A token that both hold impossible counts as 0; one that only one of them does is infinitely far.

    Attributes:
        n: tokens compared; largest, mean, q99 (the 99th percentile): None without any.
    """

    n: int
    largest: float | None = None
    q99: float | None = None
    mean: float | None = None

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Deltas:
        """From pairs of log-probabilities."""
        return cls._of([0.0 if a == b else abs(a - b) for a, b in pairs])

    @classmethod
    def of_activations(cls, pairs: Iterable[tuple[Activations, Activations]]) -> Deltas:
        """Of vectors that were read: |second - first| / |first|, in place of a difference of log-probabilities."""
        values: list[float] = []
        for first, second in pairs:
            a, b = (one.values.numpy().astype(np.float64) for one in (first, second))
            apart, length = (np.linalg.norm(vectors, axis=-1).ravel().tolist() for vectors in (b - a, a))
            values += [d and (d / n if n else math.inf) for d, n in zip(apart, length, strict=True)]
        return cls._of(values)

    @classmethod
    def _of(cls, values: Sequence[float]) -> Deltas:
        if not values:
            return cls(n=0)
        q99 = float(np.quantile(values, 0.99, method="higher"))
        return cls(n=len(values), largest=max(values), q99=q99, mean=math.fsum(values) / len(values))


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A greedy text that differs between the engines.

    Attributes:
        position: how many tokens are the same before the first that differs.
        first, second: that token in either engine; "" where the text has ended.
        gap: how much more probable the second engine finds its own token than the first's, in log-probability; near 0
            where it was a toss-up. None where it cannot tell.
    """

    position: int
    first: str
    second: str
    gap: float | None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect of changing the engine on one number of the experiment.

    Attributes:
        first, second: the value with either engine; None where undefined.
        difference: second - first, paired by item, with its interval.
    """

    first: float | None
    second: float | None
    difference: Estimate


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The second engine's answers to the calls of the first, compared.

    Attributes:
        chosen, scored: log-probabilities of options and of given texts.
        greedy: of the tokens that greedy texts share; drawn: of the tokens that the first engine drew.
        questions: calls about two tokens or more; option_p: largest |p(second) - p(first)| of a token named in one of
            them, None without any; flipped: how many have another most probable token.
        items: that were asked about options; flipped_items: with a flip among their questions.
        texts: greedy ones; differing: how many are not the same; divergences: some of these.
        notes: the parts that could not be compared.
    """

    chosen: Deltas
    scored: Deltas
    greedy: Deltas
    drawn: Deltas
    activations: Deltas
    option_p: float | None
    questions: int
    flipped: int
    items: int
    flipped_items: int
    texts: int
    differing: int
    divergences: tuple[Divergence, ...]
    notes: tuple[str, ...]

    @property
    def largest(self) -> float | None:
        """The largest |difference of log p| of all, not of activations; None when nothing was compared."""
        return max((d.largest for d in self._deltas() if d.largest is not None), default=None)

    def _deltas(self) -> tuple[Deltas, ...]:
        return self.chosen, self.scored, self.greedy, self.drawn


@dataclass
class _Again:
    """The second engine's side: asks in a window, and counts what it cannot answer."""

    engine: Engine
    window: asyncio.Semaphore
    refused: dict[str, int] = field(default_factory=dict)

    async def ask(self, call: Call) -> Reply | None:
        lacking = sorted(capabilities_of(call) - self.engine.can)
        if lacking:
            self._refuse(f"the second engine cannot {lacking[0]}")
            return None
        async with self.window:
            try:
                return await self.engine.answer(call)
            except EngineDied:
                raise
            except ItemError as error:
                self._refuse(f"the second engine refuses: {error}")
                return None

    def _refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


async def compare_calls(heard: Mapping[Call, Reply], engine: Engine, asked_by: Mapping[Call, Sequence[str]]) -> Numbers:
    """Asks a second engine the calls of a first one.

    Options and given texts are asked again; greedy texts are written again; the tokens of sampled texts are scored,
    because two engines need not draw alike.

    Args:
        heard: calls of the first engine with its replies.
        engine: the second one.
        asked_by: items behind a call.

    Raises:
        EngineDied: the second engine stopped.
    """
    again = _Again(engine, asyncio.Semaphore(2 * engine.capacity))
    calls = {call: _question(call, reply) for call, reply in heard.items()}
    wanted = [question for question in calls.values() if question is not None]
    replies = dict(zip(wanted, await asyncio.gather(*map(again.ask, wanted)), strict=True))
    pairs = [(call, heard[call], replies[q]) for call, q in calls.items() if q is not None and replies[q] is not None]

    chosen = [
        (call, at_a, at_b)
        for call, a, b in pairs
        if isinstance(call, Choose)
        for at_a, at_b in zip(_by_position(call, a), _by_position(call, b), strict=True)
    ]
    questions = [(call, a, b) for call, a, b in chosen if len(call.tokens) > 1]
    flips = [call for call, a, b in questions if a.index(max(a)) != b.index(max(b))]
    texts = [(c, a, b) for c, a, b in pairs if isinstance(a, Text) and isinstance(b, Text) and isinstance(c, Generate)]
    differing = [(call, a, b) for call, a, b in texts if a.text != b.text]
    shown = await asyncio.gather(*(_divergence(call, a, b, again) for call, a, b in differing[:MOST_DIVERGENCES]))
    notes = [f"{n} calls not compared: {why}" for why, n in sorted(again.refused.items())]
    return Numbers(
        chosen=Deltas.of(pair for _, a, b in chosen for pair in zip(a, b, strict=True)),
        scored=Deltas.of(_tokens((a, b) for call, a, b in pairs if isinstance(call, Score))),
        greedy=Deltas.of(pair for _, a, b in texts for pair in _shared(a, b)),
        drawn=Deltas.of(_tokens((a, b) for call, a, b in pairs if sampled(call))),
        activations=Deltas.of_activations(
            (a, b) for _, a, b in pairs if isinstance(a, Activations) and isinstance(b, Activations)
        ),
        option_p=max((_largest_change(a, b) for _, a, b in questions), default=None),
        questions=len(questions),
        flipped=len(flips),
        items=len({item for call, _, _ in questions for item in asked_by.get(call, ())}),
        flipped_items=len({item for call in flips for item in asked_by.get(call, ())}),
        texts=len(texts),
        differing=len(differing),
        divergences=tuple(shown),
        notes=tuple(notes),
    )


def effects(metrics: Sequence[Metric], first: Table, second: Table, *, replicates: int, seed: int) -> list[Effect]:
    """The difference that the second engine makes to every metric and level that both runs have; no p-values."""
    found = []
    for metric in metrics:
        if not metric.measure.interval:
            continue
        others = levels_with_points(metric, second)
        for level in (level for level in levels_with_points(metric, first) if level in others):
            a, b = (sample(metric, table, level).value() for table in (first, second))
            change = difference(metric, second, level, level, other=first, replicates=replicates, seed=seed)
            found.append(Effect(first=_defined(a), second=_defined(b), difference=change))
    return found


def check_tokens(heard: Iterable[Call], first: Tokenizer, second: Tokenizer) -> None:
    """Refuses engines that write the same text in different tokens: ids of one mean nothing to the other.

    Raises:
        HarnessError: they do.
    """
    for call in heard:
        text = first.decode(call.prompt)
        try:
            same = second.decode(call.prompt) == text and second.encode(text) == first.encode(text)
        except (KeyError, IndexError, ValueError, TypeError, OverflowError):  # ids that it does not have
            same = False
        if not same:
            raise HarnessError(
                "the two engines have different tokenizers, so that no call of one can be put to the other; "
                "compare engines on one model"
            )


def _question(call: Call, reply: Reply) -> Call | None:
    """The call for the second engine: the same, or for a sampled text its score; None for an empty text."""
    if sampled(call) and isinstance(reply, Text):
        return Score(call.prompt, reply.tokens, call.interventions) if reply.tokens else None
    return call


def _by_position(call: Choose, reply: Reply | None) -> list[tuple[float, ...]]:
    values, n = _values(reply), len(call.tokens)
    return [values[i : i + n] for i in range(0, len(values), n)]


async def _divergence(call: Generate, a: Text, b: Text, again: _Again) -> Divergence:
    n = len(_shared(a, b))
    one, other = a.tokens[n : n + 1], b.tokens[n : n + 1]
    gap = None
    if one and other and "choose" in again.engine.can:
        where = Choose(call.prompt + a.tokens[:n], tuple(sorted((*one, *other))), call.interventions)
        reply = await again.ask(where)
        if isinstance(reply, Logprobs):
            p = dict(zip(where.tokens, reply.values, strict=True))
            gap = p[other[0]] - p[one[0]]
    decode = again.engine.tokenizer.decode
    return Divergence(position=n, first=decode(one), second=decode(other), gap=gap)


def _shared(a: Text, b: Text) -> list[tuple[float, float]]:
    """The log-probabilities of the tokens with which both texts begin."""
    pairs = []
    for s, t, p, q in zip(a.tokens, b.tokens, a.logprobs, b.logprobs, strict=False):
        if s != t:
            break
        pairs.append((p, q))
    return pairs


def _values(reply: Reply | None) -> tuple[float, ...]:
    if isinstance(reply, Text):
        return reply.logprobs
    assert isinstance(reply, Logprobs)
    return reply.values


def _tokens(pairs: Iterable[tuple[Reply, Reply | None]]) -> Iterable[tuple[float, float]]:
    return (pair for a, b in pairs for pair in zip(_values(a), _values(b), strict=True))


def _largest_change(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(p - q) for p, q in zip(_shares(a), _shares(b), strict=True))


def _shares(logprobs: Sequence[float]) -> list[float]:
    """Probabilities among the named tokens alone; uniform where none is possible."""
    top = max(logprobs)
    weights = [math.exp(v - top) if top > -math.inf else 1.0 for v in logprobs]
    return [w / math.fsum(weights) for w in weights]


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
