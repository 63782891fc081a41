"""Checks that a number did not get worse by more than a margin: a gate for a release or a change.

A difference that is not significant shows no equality: of few items nothing is significant. So nothing passes because
no harm was found. It passes when the 95 % interval of the difference excludes the harm that the margin names, as in a
non-inferiority trial (Piaggio et al. 2012, CONSORT extension). Where the true difference lies at the margin, it passes
by luck in 2.5 % of all cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import HarnessError
from harness.statistics.pairs import Contrast

Result = Literal["pass", "fail", "inconclusive"]

_WRITTEN = re.compile(
    r"\s*(?P<metric>[^\s\[\]<>=]+)\s*(?:\[(?P<level>[^\]]*)\])?\s*(?P<relation>[<>])\s*(?P<value>[-+]?[\d.]+(?:[eE]-?\d+)?)\s*"
)


@dataclass(frozen=True)
class Margin:
    """A difference that is not accepted.

    Attributes:
        metric, level: the number; a level may name some of the metric's columns only.
        relation: "<" where a difference below `value` is not accepted, ">" where one above it is not.
        value: the border, in the metric's own unit.
    """

    metric: str
    relation: Literal["<", ">"]
    value: float
    level: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        level = ", ".join(f"{column}={value}" for column, value in self.level.items())
        return f"{self.metric}{f'[{level}]' if level else ''} {self.relation} {self.value:g}"

    def of(self, contrasts: Sequence[Contrast]) -> list[Contrast]:
        """The differences that the margin is about."""
        wanted = self.level.items()
        return [c for c in contrasts if c.metric == self.metric and all(c.level.get(k) == v for k, v in wanted)]


@dataclass(frozen=True)
class Ruling:
    """What a difference says of a margin.

    Attributes:
        reason: why, with the numbers.
    """

    result: Result
    reason: str


def read_margin(text: str) -> Margin:
    """A margin as it is written on the command line: "accuracy < -0.02", "accuracy[arm=greedy] < -0.02".

    Raises:
        HarnessError: it is not written so.
    """
    match = _WRITTEN.fullmatch(text)
    how = "write a metric, a level if there are several, < or >, and a difference: 'accuracy[arm=greedy] < -0.02'"
    if match is None:
        raise HarnessError(f"--fail-if {text!r} is not understood; {how}")
    level = {}
    for part in filter(None, (match["level"] or "").split(",")):
        column, equals, value = part.partition("=")
        if not equals:
            raise HarnessError(f"--fail-if {text!r}: {part.strip()!r} is no level; {how}")
        level[column.strip()] = value.strip()
    try:
        value = float(match["value"])
    except ValueError:
        raise HarnessError(f"--fail-if {text!r}: {match['value']!r} is no number; {how}") from None
    return Margin(match["metric"], "<" if match["relation"] == "<" else ">", value, level)


def judge_margin(margin: Margin, c: Contrast) -> Ruling:
    """Passes when the whole interval lies on the accepted side, fails when it lies wholly beyond, else inconclusive.

    It is inconclusive, too, where no verdict may rest on the interval (`Estimate.doubt`), and where the pairs without a
    value could turn a pass round, were they the worst that they can be (Manski 1990).
    """
    held = _held_back(c)
    if held or c.value is None or c.low is None or c.high is None:
        return Ruling("inconclusive", held)
    sign, numbers = 1 if margin.relation == "<" else -1, _numbers(c)
    worst, best = (c.low, c.high) if sign > 0 else (c.high, c.low)
    if sign * (best - margin.value) < 0:
        return Ruling("fail", f"{numbers} lies wholly beyond {margin.value:g}")
    if sign * (worst - margin.value) <= 0:
        return Ruling("inconclusive", f"{numbers} contains {margin.value:g}; {_needed(margin, c)}")
    lost = _with_missing(c, sign)
    if lost is not None and sign * (lost - margin.value) <= 0:
        told = f"{c.n_failed} pairs have no value, and at their worst make it {lost:+.4f}"
        return Ruling("inconclusive", f"{numbers}: {told}")
    return Ruling("pass", f"{numbers} excludes {margin.value:g}")


def _held_back(c: Contrast) -> str:
    """Why nothing can be said of a difference; "" if something can."""
    if c.value is None:
        return f"the difference is undefined: {c.note}"
    if c.low is None or c.high is None:
        return f"{_numbers(c)}: {c.note}"
    return f"{_numbers(c)}: {c.doubt}" if c.doubt else ""


def _numbers(c: Contrast) -> str:
    interval = "" if c.low is None or c.high is None else f" [{c.low:+.4f}, {c.high:+.4f}]"
    return f"{c.value:+.4f}{interval} (n = {c.n} pairs, {c.n_items} items, {c.n_groups} groups)"


def _with_missing(c: Contrast, sign: int) -> float | None:
    """A difference of means with all missing pairs at their worst; None where there is no worst, or none is missing."""
    if not c.n_failed or c.ends is None:
        return None
    return (c.n * (c.value or 0.0) + c.n_failed * c.ends[0 if sign > 0 else 1]) / (c.n + c.n_failed)


def _needed(margin: Margin, c: Contrast) -> str:
    """How many items decide in 80 of 100 cases: given no difference, or the measured one if 0 is refused."""
    accepted = margin.value < 0 if margin.relation == "<" else margin.value > 0
    truth = 0.0 if accepted else c.value or 0.0
    room = abs(truth - margin.value)
    if not room or not c.se or not c.smallest:
        return "more items would not tell"
    # `smallest` is so many standard errors that it is found with 80 % power; errors shrink with the root of n.
    items = math.ceil(c.n_items * (c.smallest / room) ** 2)
    what = "no true difference" if accepted else f"a true difference of {truth:+.4f}"
    return f"about {items:,} items would tell in 80 of 100 cases, given {what}"
