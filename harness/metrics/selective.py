"""Selective answering: the accuracy at a coverage, and the coverage at which an accuracy is reached.

Rows are taken from the highest score down. For thresholds of a probability see `shares.selective_accuracy`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.metrics.columns import Floats, Labels, Scores, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, before, ratio


@measure(low=0, high=1, better="higher")
def accuracy_at_coverage(score: Scores, correct: Labels, *, w: Weights, coverage: float = 0.8) -> Floats:
    """Accuracy among the share `coverage` of rows with the highest scores, in [0, 1].

    A row, or rows of equal score, across the border enter in proportion: the mean over all orders of the ties.

    Raises:
        ValueError: a coverage outside ]0, 1].
    """
    return accuracies(score, correct, w, [coverage])[:, 0]


def accuracies(score: Scores, correct: Labels, w: Weights, coverages: Sequence[float]) -> Floats:
    """`accuracy_at_coverage` for each of k coverages: [B, k].

    Raises:
        ValueError: a coverage outside ]0, 1].
    """
    if outside := [coverage for coverage in coverages if not 0 < coverage <= 1]:
        raise ValueError(f"coverage must lie above 0 and not above 1, not {outside[0]}")
    if not len(score.values):
        return np.full((len(w), len(coverages)), np.nan)
    ties = Ties.of(score.values)
    taken, right = ties.downto(w), ties.downto(w, correct.values)
    wanted = taken[:, -1:] * np.array(coverages)
    # The first tie that reaches each border; rounding must not push it past the last.
    below = [(taken < border[:, None]).sum(axis=1) for border in wanted.T]
    at = np.minimum(np.stack(below, axis=1), len(ties.starts) - 1)
    taken_before, right_before = before(taken, at), before(right, at)
    here = np.take_along_axis(taken, at, axis=1) - taken_before
    here_right = np.take_along_axis(right, at, axis=1) - right_before
    share = np.divide(wanted - taken_before, here, out=np.zeros_like(here), where=here > 0)
    return ratio(right_before + share * here_right, wanted)


@measure(low=0, high=1, better="higher")
def coverage_at_accuracy(score: Scores, correct: Labels, *, w: Weights, accuracy: float = 0.9) -> Floats:
    """The largest share of rows that can be answered at this accuracy or more, in [0, 1].

    Thresholds lie between distinct scores: rows of equal score are answered together. 0 where no threshold reaches the
    accuracy. Picks the best threshold on the same rows, so that it is a little too high at small n.

    Raises:
        ValueError: an accuracy outside [0, 1].
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy must lie in [0, 1], not {accuracy}")
    if not len(score.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(score.values)
    taken, right = ties.downto(w), ties.downto(w, correct.values)
    # 9 of 10 are an accuracy of 0.9, although 0.9 * 10 need not be 9 in floating point.
    reached = right >= accuracy * taken * (1 - 1e-12)
    return ratio(np.where(reached, taken, 0.0).max(axis=1), taken[:, -1])
