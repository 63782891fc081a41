"""Whether verdicts are better where answers are more certain, apart from how many of these are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from experiments.correction.chains import State
from harness import Probability
from harness.metrics import Floats, Labels, Ordered, Weights, measure, spearman


@measure(
    label="certainty against verdict",
    low=-1,
    high=1,
    better="neither",
    undefined="no two degrees of certainty have both right and wrong answers, or all verdicts are alike",
)
def certainty_correlation(certainty: Ordered, verdict_right: Labels, wrong: Labels, *, w: Weights) -> Floats:
    """Spearman's correlation of certainty with a right verdict, right and wrong answers weighing alike, in [-1, 1].

    At each degree of certainty, the weights of right and of wrong answers are scaled to half of the degree's whole; a
    degree at which only one of them occurs is left out. Otherwise the correlation is partly mechanical. Certain answers
    are mostly right, so that a judge that always says "correct" is right where answers are certain (after Luo et al.
    2023, section 5, who have no such control).
    """
    balanced = np.zeros_like(w)
    for degree in np.unique(certainty.values):
        here = certainty.values == degree
        sides = [here & (wrong.values == label) for label in (0.0, 1.0)]
        sums = [w[:, side].sum(axis=1, keepdims=True) for side in sides]
        both = (sums[0] > 0) & (sums[1] > 0)
        for side, own in zip(sides, sums, strict=True):
            scale = np.divide((sums[0] + sums[1]) / 2, own, out=np.zeros_like(own), where=both)
            balanced[:, side] = w[:, side] * scale
    value: Floats = spearman(certainty, Ordered(verdict_right.values), w=balanced)
    return value


def certainty(states: Sequence[State]) -> Probability:
    """Share of sampled answers that agree with the most frequent one, in [0, 1]; one that cannot be read agrees with
    none."""
    counts = Counter(state.grade.answer for state in states if state.grade.fate == "answered")
    return Probability(max(counts.values(), default=0) / len(states))
