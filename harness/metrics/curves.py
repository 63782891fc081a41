"""Curves: measures that give several numbers at once, one for each number of draws or each coverage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Labels, Scores, Units, Weights
from harness.metrics.levels import level_text
from harness.metrics.metric import curve
from harness.metrics.selective import accuracies
from harness.metrics.weighted import average, unit_weights

_SHORT = "a unit has fewer draws"
DRAWS = (1, 2, 4, 8)
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@curve(
    label="pass@k",
    names=lambda *, draws: tuple(map(level_text, draws)),
    low=0,
    high=1,
    better="higher",
    average=True,
    undefined=_SHORT,
)
def pass_at(correct: Labels, unit: Units, *, w: Weights, draws: Sequence[int] = DRAWS) -> Floats:
    """Probability that at least one of N draws is correct, pass@N, in [0, 1], for each N of `draws`.

    Mean over units (items) of 1 - C(n - c, N)/C(n, N) for c correct ones of n draws: the mean over all sets of N of
    them, without bias (Chen et al. 2021, section 2.1). Undefined for an N that a unit has not drawn.

    Raises:
        ValueError: rows of one unit have different weights, or a number of draws is below 1.
    """
    codes, n, weights = _units(unit, w, draws)
    right = np.bincount(codes, correct.values, minlength=len(n)).astype(np.float64)
    return _over_units(weights, n, [1 - _none_of(n, right, size) for size in draws], draws)


@curve(
    label="best of k",
    names=lambda *, draws: tuple(map(level_text, draws)),
    low=0,
    high=1,
    better="higher",
    average=True,
    undefined=_SHORT,
)
def best_of(score: Scores, correct: Labels, unit: Units, *, w: Weights, draws: Sequence[int] = DRAWS) -> Floats:
    """Accuracy of the answer with the highest score among N draws, in [0, 1], for each N of `draws`.

    Mean over units (items) and over all sets of N of a unit's n draws. A draw with r draws above it is the best of C(n
    - 1 - r, N - 1) of the C(n, N) sets. Among draws of equal score each is as likely to be taken. N = 1 is the accuracy
    of a single draw. Undefined for an N that a unit has not drawn.

    Raises:
        ValueError: rows of one unit have different weights, or a number of draws is below 1.
    """
    codes, n, weights = _units(unit, w, draws)
    if not len(codes):
        return np.full((len(w), len(draws)), np.nan)
    order = np.lexsort((score.values, codes))
    starts = np.cumsum(n) - n
    # From the highest score down: how many draws of the unit lie above each, and how many at or above it.
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = n[codes[order]] - 1 - (np.arange(len(codes)) - starts[codes[order]])
    above, upto = _tied(codes, score.values, place)
    values = []
    for size in draws:
        # A set's best lies in a group of ties unless all are below it, or some above: shared by the ties of the group.
        taken = _none_of(n[codes], above, size) - _none_of(n[codes], upto, size)
        hits = taken / (upto - above) * correct.values
        values.append(np.bincount(codes, hits, minlength=len(n)).astype(np.float64))
    return _over_units(weights, n, values, draws)


@curve(names=lambda *, coverages: tuple(map(level_text, coverages)), low=0, high=1, better="higher")
def accuracy_by_coverage(
    score: Scores, correct: Labels, *, w: Weights, coverages: Sequence[float] = COVERAGES
) -> Floats:
    """Accuracy among the rows with the highest scores, in [0, 1], for each share of the rows in `coverages`; see
    `accuracy_at_coverage`."""
    return accuracies(score, correct, w, coverages)


def _units(unit: Units, w: Weights, draws: Sequence[int]) -> tuple[NDArray[np.int64], Floats, Weights]:
    """Each row's unit, 0..m-1; how many rows each unit has, [m]; and its weight, [B, m]."""
    if not draws or min(draws) < 1:
        raise ValueError(f"draws={list(draws)}: give numbers of 1 or more")
    weights, codes = unit_weights(unit, w)
    return codes, np.bincount(codes, minlength=weights.shape[1]).astype(np.float64), weights


def _none_of(n: Floats, marked: Floats, size: int) -> Floats:
    """Probability that none of `size` draws out of n, without replacement, is one of the marked ones."""
    share = np.ones(len(n))
    for i in range(size):
        left = n - marked - i
        share *= np.divide(np.maximum(left, 0.0), n - i, out=np.zeros(len(n)), where=n > i)
    return share


def _tied(codes: NDArray[np.int64], score: Floats, place: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Of each row, how many rows of its unit have a higher score, and how many one that is at least as high."""
    _, group = np.unique(np.stack([codes, np.unique(score, return_inverse=True)[1]]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    first = np.full(int(group.max()) + 1, len(codes))
    np.minimum.at(first, group, place)
    above = first[group].astype(np.float64)
    return above, above + np.bincount(group)[group]


def _over_units(weights: Weights, n: Floats, values: Sequence[Floats], draws: Sequence[int]) -> Floats:
    """[B, k] the mean over units of values [m] for each number of draws; NaN where a unit that counts has fewer."""
    columns = []
    for size, value in zip(draws, values, strict=True):
        short = weights @ (n < size).astype(np.float64)
        columns.append(np.where(short > 0, np.nan, average(weights, value)))
    return np.stack(columns, axis=1)
