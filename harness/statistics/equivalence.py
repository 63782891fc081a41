"""Tests whether a measured number equals a published one, with the sampling error of both.

Two numbers of samples are hardly ever equal, and that their difference is not significant shows no equality: of few
items nothing is significant. Equality is therefore shown as in equivalence trials (Schuirmann 1987, two one-sided
tests). One says beforehand how large a difference still counts as none (the tolerance), and shows that the data exclude
a larger one. That is so when the whole interval of the difference lies within the tolerance.

The interval is the 95 % interval that all numbers of a report have. Two one-sided tests at 5 % would do with an
interval of 90 %; with 95 % they are tests at 2.5 %. One and the same interval then decides whether the difference is
surely within the tolerance, and whether it is surely not 0 (with 5 % false alarms).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

Ends = tuple[float, float]

Z = NormalDist().inv_cdf(0.975)
POWER = Z + NormalDist().inv_cdf(0.9)
"""How many standard errors the tolerance must be for a true difference of 0 to be shown in 80 of 100 runs. The interval
reaches z(0.975) beyond the difference, and the difference itself lies within z(0.9) of 0 with 80 %."""


def share_ends(share: float, n: int) -> Ends:
    """The 95 % interval of a share of n items, in [0, 1]: Wilson's with a continuity correction (Newcombe 1998, method
    4). It has a width even at 0 and 1, and holds the truth in no less than 95 % although shares come in steps."""

    def end(share: float) -> float:
        """The upper end."""
        root = math.sqrt(Z**2 + 2 - 1 / n + 4 * share * (n * (1 - share) - 1))
        return min(1.0, (2 * n * share + Z**2 + 1 + Z * root) / (2 * (n + Z**2)))

    return (0.0 if share == 0 else 1 - end(1 - share)), (1.0 if share == 1 else end(share))


def error(ends: Ends) -> float:
    """The standard error that a 95 % interval of normal shape would have."""
    return (ends[1] - ends[0]) / (2 * Z)


def share_tolerance(share: float, n: int) -> float:
    """The least tolerance with which a second sample of as many items shows a true difference of 0 in 80 of 100 runs.

    4.58 standard errors of the share, as both samples err: 0.10 for a half of 500 items, 0.31 of 60.
    """
    return POWER * math.sqrt(2) * error(share_ends(share, n))


@dataclass(frozen=True)
class Difference:
    """A measured number less a published one, both with the 95 % interval of their own sample.

    Attributes:
        measured, published: the numbers.
        own, theirs: their intervals; equal ends where nothing is known of the published number's error.
        n: rows behind the measured number.
    """

    measured: float
    own: Ends
    n: int
    published: float
    theirs: Ends

    @property
    def value(self) -> float:
        """Measured less published."""
        return self.measured - self.published

    @property
    def ends(self) -> Ends:
        """The 95 % interval of the difference, from the intervals of the two numbers (Newcombe 1998, method 11; Zou and
        Donner 2008 for numbers other than shares). Distances from a number to its ends add in squares, as variances
        do."""
        down = math.hypot(self.measured - self.own[0], self.theirs[1] - self.published)
        up = math.hypot(self.own[1] - self.measured, self.published - self.theirs[0])
        return self.value - down, self.value + up

    def needed(self, tolerance: float) -> int | None:
        """Rows with which a run shows a true difference of 0 in 80 of 100 cases; None if no number of rows is enough,
        because the published number errs too much."""
        room = (tolerance / POWER) ** 2 - error(self.theirs) ** 2
        return math.ceil(round(self.n * error(self.own) ** 2 / room, 6)) if room > 0 else None

    @property
    def least_tolerance(self) -> float:
        """The tolerance below which no number of rows shows a true difference of 0 in 80 of 100 cases."""
        return POWER * error(self.theirs)
