"""What the words on a page mean, said where they stand."""

from __future__ import annotations

from collections.abc import Iterable

from harness.outcomes import Table
from harness.statistics.estimates import Estimate

ARM = ("arm", "one way of asking the same items: another prompt, other examples, or a control")
LEVEL = ("level", "the part of the rows that a number is about: an arm, a turn, a condition")
GROUP = (
    "group",
    "rows that are not independent of each other, as those of one question or story; the bootstrap draws whole groups",
)
DRAW = ("draw", "one of several answers that were sampled to the same question")
MASS = (
    "option mass",
    "the probability that the model says one of the options at all; where it is low, their probabilities say little",
)
INTERVAL = (
    "95 % interval",
    "made so that it holds the true number in about 95 of 100 such experiments with other items of the same kind",
)


def words_on(table: Table, estimates: Iterable[Estimate]) -> list[tuple[str, str]]:
    """The words that the page of a run needs, each with its meaning."""
    levels = {column for e in estimates for column in e.level}
    words = [ARM] if "arm" in levels else []
    words += [LEVEL] if levels - {"arm"} else []
    words += [GROUP, INTERVAL]
    words += [DRAW] if "draw" in table.kinds else []
    words += [MASS] if "mass" in table.kinds else []
    return words
