"""Distances between two years: plain, logarithmic, of their digits, and through a reference year."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from harness.metrics import Floats


def from_reference(year: float, reference: float) -> float:
    """Signed subjective time: sign(x - R) ln(|x - R| + 1), 0 at the reference year R and negative before it."""
    return math.copysign(math.log(abs(year - reference) + 1), year - reference)


def through_reference(first: Floats, second: Floats, references: Floats) -> Floats:
    """|f(i) - f(j)| with f of `from_reference`, for each reference year: [R, n].

    On one side of the reference year it is a difference of logarithms, across it their sum.
    """

    def f(years: Floats) -> Floats:
        off = years[None, :] - references[:, None]
        return np.asarray(np.sign(off) * np.log(np.abs(off) + 1))

    return np.abs(f(first) - f(second))


def levenshtein(one: str, two: str) -> int:
    """How many digits must be inserted, deleted or replaced to make one text of the other (Levenshtein 1966)."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(two, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def distances(first: int, second: int, reference: int) -> Mapping[str, float]:
    """The distances of two years by name. The reference distance is that through the given year."""
    return {
        "linear": abs(first - second),
        "log": abs(math.log(first) - math.log(second)),
        "levenshtein": levenshtein(str(first), str(second)),
        "reference": abs(from_reference(first, reference) - from_reference(second, reference)),
    }
