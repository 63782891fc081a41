"""Bounds the effect of rows without a value on a verdict, because such rows are seldom missing at random."""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.metric import Metric
from harness.statistics.estimates import Estimate

MOST_LEFT_OUT = 0.05
"""Share of rows without a value beyond which a verdict names them, and must hold for any values of theirs."""

Side = tuple[Metric, Estimate]
"""One number of a claim: a metric, and its estimate at the claimed level."""


def told(sides: Sequence[Side]) -> str:
    """How many rows have no value, for each side where they are more than a few; "" if none is."""
    texts = []
    for _, one in sides:
        if _many(one):
            level = f" at {', '.join(one.level.values())}" if one.level else ""
            of = one.n + one.n_failed
            texts.append(f"{one.n_failed} of {of} rows{level} have no value and are left out")
    return "; ".join(dict.fromkeys(texts))


def turns(first: Sequence[Side], second: Sequence[Side], above: bool, value: float | None) -> bool:
    """Whether the rows without a value could turn a verdict round, were they the worst that they can be.

    A mean of something between two ends would lie, with k of n + k rows at an end, at (n mean + k end) / (n + k). The
    missing rows of the first side are given the end that speaks against the verdict, and the second side's the other
    end. The verdict turns when the sides then lie the other way round (Manski 1990). Of a mean over pairs of a right
    and a wrong row the share (n / (n + k))^2 of all pairs has a value, if missing rows are right as often as the
    others. Only means with two ends have a worst case; of another metric it is not known, and False.

    Args:
        first: the number that was judged, of several seeds one each; second: what it was compared with.
        above: whether the first was found to lie above.
        value: the constant it was compared with, if there is no second side.
    """
    ends = [_with_missing(metric, one, lowest=above) for metric, one in first]
    others = [_with_missing(metric, one, lowest=not above) for metric, one in second] or [value]
    worst, bound = _mean(ends), _mean(others)
    if worst is None or bound is None or not any(_many(one) for _, one in (*first, *second)):
        return False
    return worst <= bound if above else worst >= bound


def _many(one: Estimate) -> bool:
    return one.n_failed > MOST_LEFT_OUT * (one.n + one.n_failed)


def _with_missing(metric: Metric, one: Estimate, *, lowest: bool) -> float | None:
    """A mean with all missing rows at its lowest (highest) end; None where there is no such end."""
    measure = metric.measure
    end = measure.low if lowest else measure.high
    if not (measure.average or measure.ranks) or end is None or one.value is None:
        return None
    there, of = one.n, one.n + one.n_failed
    if measure.ranks:
        there, of = there**2, of**2
    return (there * one.value + (of - there) * end) / of


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
