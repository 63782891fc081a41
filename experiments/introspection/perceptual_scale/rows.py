"""The questions, the rows that they give, the scales of known form that are tried, and the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.introspection.perceptual_scale import measures
from experiments.introspection.perceptual_scale.fisher import Path, Predicted
from experiments.introspection.perceptual_scale.magnitudes import DOMAINS
from harness import Arm, Item, Metric, Outcome, Probability, metrics

TEXTS: Mapping[str, str] = {
    "apart": "Consider the $noun $all.\nWhich two feel further apart?\n(A) $first\n(B) $second\nAnswer with A or B.",
    "alike": "Consider the $noun $all.\nWhich two feel more alike?\n(A) $first\n(B) $second\nAnswer with A or B.",
    "arithmetic": "Consider the $noun $all.\nIn each pair, subtract the smaller from the larger. Which pair has the "
    "larger difference?\n(A) $first\n(B) $second\nAnswer with A or B.",
    "lead": "Answer:",
}


@dataclass(frozen=True, kw_only=True)
class Question(Arm):
    """How two pairs are compared.

    Attributes:
        asks: which two feel further apart, which feel more alike, or which difference is larger.
        shuffled: whether the pairs' names are swapped at random, once an item: judgements without a scale.
    """

    asks: Literal["apart", "alike", "arithmetic"]
    shuffled: bool = False


ARMS: Mapping[str, Question] = {
    "apart": Question(asks="apart"),
    "alike": Question(asks="alike"),
    "arithmetic": Question(asks="arithmetic"),
    "shuffled labels": Question(asks="apart", shuffled=True),
}


@dataclass(frozen=True, kw_only=True)
class Judged(Outcome):
    """One judgement of a lower and an upper pair of magnitudes, with the pairs in one order.

    Attributes:
        domain, shape: as the item's.
        frame: which pair is shown first, "lower first" or "upper first". Each has an intercept of its own.
        s1, s2, s3, s4: the magnitudes: s1 < s2 are the lower pair, s3 < s4 the upper one, and s2 <= s3.
        upper: probability that the upper pair is judged to be further apart, given that a letter is said.
        first: probability that the pair shown first is.
        correct: whether the pair with the larger difference is the more probable one; None where the differences are
            equal, or magnitudes have no unit.
        mass: probability that a letter is said at all.
        linear, log, rank, length, now, fisher, fisher_shuffled: the upper pair's distance less the lower pair's, on a
            scale that is the magnitude, its logarithm, its place among the magnitudes, the number of characters of its
            text, the logarithmic distance from the present (of years), the path of the model's states, and that path
            with its steps in a random order.
        layer: the layer whose states those are, counted from 0; None without a path.
        reason: why there is no path of states; None where there is one.
    """

    domain: str
    shape: str
    frame: str
    s1: float
    s2: float
    s3: float
    s4: float
    upper: Probability
    first: Probability
    correct: bool | None
    mass: Probability
    linear: float
    log: float
    rank: float
    length: float
    now: float | None
    fisher: float | None
    fisher_shuffled: float | None
    layer: int | None
    reason: str | None


Scales = Mapping[str, Callable[[str, float], float]]


def known_scales(domain: str, present: int) -> Scales:
    """The scales of known form that need no model: value by text and magnitude.

    Args:
        present: the year from which years are counted.
    """
    scales: dict[str, Callable[[str, float], float]] = {
        "linear": lambda text, s: s,
        "log": lambda text, s: math.log(s),
        "rank": lambda text, s: float([*DOMAINS[domain].levels].index(text)),
        "length": lambda text, s: float(len(text)),
    }
    if domain == "years":
        scales["now"] = lambda text, s: math.copysign(math.log(abs(s - present) + 1), s - present)
    return scales


def judged(item: Item, first: str, p: float, mass: float, *, present: int, states: Predicted) -> Judged:
    """The row of one judgement.

    Args:
        first: the pair that is shown first, "lower" or "upper".
        p: probability that the upper pair is judged to be further apart.
        present: as in `known_scales`.
    """
    fields = item.fields
    s1, s2, s3, s4 = fields["magnitudes"]
    known = {name: gap(item, value) for name, value in known_scales(fields["domain"], present).items()}
    return Judged(
        domain=fields["domain"],
        shape=fields["shape"],
        frame=f"{first} first",
        s1=s1,
        s2=s2,
        s3=s3,
        s4=s4,
        upper=Probability(p),
        first=Probability(p if first == "upper" else 1 - p),
        correct=(p > 0.5) == (item.gold == "upper") if item.gold in ("lower", "upper") else None,
        mass=Probability(mass),
        linear=known["linear"],
        log=known["log"],
        rank=known["rank"],
        length=known["length"],
        now=known.get("now"),
        fisher=along(item, states.path),
        fisher_shuffled=along(item, states.shuffled),
        layer=states.layer,
        reason=states.reason or None,
    )


def along(item: Item, path: Path) -> float | None:
    """The upper pair's distance less the lower pair's, along a path of states; None without one."""
    return gap(item, lambda text, s: path[text]) if path else None


def gap(item: Item, value: Callable[[str, float], float]) -> float:
    """The upper pair's distance less the lower pair's, on a scale."""
    texts: Sequence[str] = [*item.fields["lower"], *item.fields["upper"]]
    s1, s2, s3, s4 = (value(text, s) for text, s in zip(texts, item.fields["magnitudes"], strict=True))
    return s4 - s3 - s2 + s1


BY = ("arm", "domain")
READ = ("upper", "frame", "s1", "s2", "s3", "s4")
ANSWERED = {"shuffled": False}


def _candidates(*names: str, where: Mapping[str, str | bool]) -> tuple[Metric, ...]:
    """How much each candidate scale explains, and its distance from the free scale."""
    pairs = (("explained", measures.explained), ("distance", measures.distance))
    return tuple(Metric(f"{name}_{what}", one, (*READ, name), BY, where) for name in names for what, one in pairs)


METRICS = (
    Metric("likelihood_ratio", measures.likelihood_ratio, READ, BY),
    Metric("sensitivity", measures.sensitivity, READ, BY),
    Metric("scale", measures.scale, READ, BY, index="magnitude"),
    Metric("exponent", measures.exponent, READ, BY, ANSWERED),
    Metric("power_explained", measures.power_explained, READ, BY, ANSWERED),
    *_candidates("linear", "log", "rank", "length", "fisher", "fisher_shuffled", where=ANSWERED),
    *_candidates("now", where={**ANSWERED, "domain": "years"}),
    Metric("fisher_path", measures.form, (*READ[1:], "fisher"), BY, {**ANSWERED, "asks": "apart"}, index="magnitude"),
    Metric("six_point", measures.six_point, READ, BY, {"shape": "quadruple"}),
    *metrics.each(("correct",), metrics.accuracy, by=BY, where={"asks": "arithmetic"}),
    *metrics.mean_probabilities("first", option_mass="mass", by=BY, where=ANSWERED),
)
