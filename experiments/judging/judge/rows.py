"""Arms of the judge experiment, the rows that they give, and how scores decide a comparison."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from experiments.shared.pairs import PairVerdict
from experiments.shared.thoughts import THOUGHTS, ThoughtArm
from harness import Fate, Item, Outcome, Probability, Score
from harness.tasks.texts import words


@dataclass(frozen=True, kw_only=True)
class Way(ThoughtArm):
    """A way to a score, or to a comparison.

    Attributes:
        reads: the source of the score: the end of a written judgement (text), the most probable digit (mode), the mean
            of the digits by their probabilities (mean), the most frequent or the mean score of several judgements
            (vote, vote mean), letters of pairs (letters), or no model (rule).
        rationale: whether the judge writes its reasons first.
        reference: the reference answer shown: the item's own, none, or another item's.
        rule: the rule of `RULES` that scores in the model's place; "none" asks the model.
    """

    reads: Literal["text", "mode", "mean", "vote", "vote mean", "letters", "rule"]
    rationale: bool = False
    reference: Literal["own", "none", "other"] = "own"
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Judgement(Outcome):
    """One score of one response, or one comparison of all responses of an item (arm "pair letters").

    Attributes:
        section, subset, weight: of the set, see the task.
        head: whether it is the row of the item's first response, which carries the comparison.
        said: the score read, as a text; "" where none could be read.
        score: from 1 to 5; where none could be read it is 3, the middle of the scale, in correlations alone.
        gold: the right score. correct: whether the score is exactly that, rounded; near: at most 1 off. off: the
            difference. Without a readable score it is wrong, not near, and as far off as the scale allows.
        p_mode: probability of the score among the digits, or its share of several judgements.
        wins: 1 where every right response is scored above every wrong one, 0 where not. In a tie at the top it is the
            chance of the right one when lots are drawn, 1/2 for two. 0 where a score is missing.
        wins_strict: the same with ties as 0.
        orders_agree, first_bias: of letters of pairs, see `PairVerdict`.
        tokens: tokens written, of all judgements of this response.
    """

    section: str
    subset: str
    weight: float
    head: bool
    fate: Fate = "answered"
    parse_failed: bool = False
    said: str | None = None
    score: Score | None = None
    gold: Score | None = None
    correct: bool | None = None
    near: bool | None = None
    off: float | None = None
    p_mode: Probability | None = None
    mass: Probability | None = None
    wins: float | None = None
    wins_strict: float | None = None
    orders_agree: bool | None = None
    first_bias: float | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Scored:
    """A score of one response; None where none could be read, and `fate` says why."""

    score: float | None
    fate: Fate = "answered"
    p_mode: float | None = None
    mass: float | None = None
    tokens: int = 0


def rows_of(item: Item, scored: Sequence[Scored]) -> list[Judgement]:
    """The rows of an item's responses, the first of which carries the comparison."""
    won, strict = comparison([one.score for one in scored], item.gold["best"])
    golds: Sequence[float | None] = item.gold["scores"] or [None] * len(scored)
    about = {name: item.fields[name] for name in ("section", "subset", "weight")}
    rows = []
    for at, (one, gold) in enumerate(zip(scored, golds, strict=True)):
        unread = one.score is None
        score = 3.0 if one.score is None else one.score
        off = None if gold is None else max(gold - 1, 5 - gold) if unread else abs(score - gold)
        rows.append(
            Judgement(
                **about,
                head=at == 0,
                fate=one.fate,
                parse_failed=unread,
                said="" if unread else str(rounded(score)),
                score=Score(score),
                gold=None if gold is None else Score(gold),
                correct=None if gold is None else not unread and rounded(score) == gold,
                near=None if off is None else not unread and off <= 1,
                off=off,
                p_mode=None if one.p_mode is None else Probability(one.p_mode),
                mass=None if one.mass is None else Probability(one.mass),
                wins=won if at == 0 else None,
                wins_strict=strict if at == 0 else None,
                tokens=one.tokens,
            )
        )
    return rows


def compared_row(item: Item, verdicts: Sequence[PairVerdict]) -> Judgement:
    """The row of a comparison by letters: it is won as far as the worst of its pairs is."""
    worst = min(float(verdict.win) for verdict in verdicts)
    return Judgement(
        **{name: item.fields[name] for name in ("section", "subset", "weight")},
        head=True,
        wins=worst,
        wins_strict=float(worst == 1),
        mass=Probability(fmean(verdict.mass for verdict in verdicts)),
        orders_agree=all(verdict.orders_agree for verdict in verdicts),
        first_bias=fmean(verdict.first_bias for verdict in verdicts),
    )


def comparison(scores: Sequence[float | None], best: Sequence[int]) -> tuple[float, float]:
    """`wins` and `wins_strict` of scores, in which the responses at the places `best` are the right ones."""
    read = [score for score in scores if score is not None]
    if len(read) < len(scores):
        return 0.0, 0.0
    lowest = min(read[at] for at in best)
    others = [score for at, score in enumerate(read) if at not in best]
    if max(others) != lowest:
        decided = float(lowest > max(others))
        return decided, decided
    return 1 / (1 + others.count(lowest)), 0.0


def rounded(score: float) -> int:
    """The whole score that is nearest, the higher one of two."""
    return int(score + 0.5)


def vote(judgements: Sequence[Scored], *, mean: bool) -> Scored:
    """One score of several judgements: the most frequent one, the first of equals, or the mean of those readable.

    `p_mode` is the share of the most frequent score among all of them, unreadable ones included; a mean has none.
    """
    tokens = sum(one.tokens for one in judgements)
    scores = [one.score for one in judgements if one.score is not None]
    if not scores:
        return Scored(None, fate=judgements[0].fate, tokens=tokens)
    most, count = Counter(scores).most_common(1)[0]
    if mean:
        return Scored(fmean(scores), tokens=tokens)
    return Scored(most, p_mode=count / len(judgements), tokens=tokens)


Rule = Callable[[Item, random.Random], Sequence[float]]


def _longer(item: Item, rng: random.Random) -> Sequence[float]:
    return _scaled([len(text) for text in item.fields["responses"]])


def _overlap(item: Item, rng: random.Random) -> Sequence[float]:
    wanted = {*words(item.fields["reference"] or item.fields["question"])}
    return _scaled([len(wanted & {*words(text)}) for text in item.fields["responses"]])


def _scaled(sizes: Sequence[int]) -> Sequence[float]:
    """Sizes on the scale from 1 to 5; all 3 where they are equal."""
    low, high = min(sizes), max(sizes)
    return [3.0 if low == high else 1 + 4 * (size - low) / (high - low) for size in sizes]


RULES: Mapping[str, Rule] = {
    "coin": lambda item, rng: [float(rng.randint(1, 5)) for _ in item.fields["responses"]],
    "always 3": lambda item, rng: [3.0] * len(item.fields["responses"]),
    "longer wins": _longer,
    "word overlap": _overlap,
}
"""Judges that read nothing: by chance, a constant, by length, and by the words shared with the reference answer, or
with the instruction where there is none."""

_JUDGES: Mapping[str, Way] = {
    "rationale first": Way(reads="text", rationale=True),
    "rationale first expectation": Way(reads="mean", rationale=True),
    "score only": Way(reads="mode"),
    "expectation": Way(reads="mean"),
    "pair letters": Way(reads="letters"),
}
_OTHERS: Mapping[str, Way] = {
    "expectation no reference": Way(reads="mean", reference="none"),
    "expectation shuffled reference": Way(reads="mean", reference="other"),
    "self-consistency mode": Way(reads="vote", rationale=True),
    "self-consistency mean": Way(reads="vote mean", rationale=True),
    **{name: Way(reads="rule", rule=name) for name in RULES},
}

DEFAULT = (*_JUDGES, *_OTHERS)
ARMS: Mapping[str, Way] = {
    **{
        f"{name}{end}": Way(reads=way.reads, rationale=way.rationale, thought=thought)
        for end, thought in THOUGHTS.items()
        for name, way in _JUDGES.items()
    },
    **_OTHERS,
}
"""All arms; those about thoughts are for models that think, and run when asked for."""
