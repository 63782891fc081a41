"""Predictions in bins, and the signed gap of each bin between how often it was right and how often it said to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.weighted import Ties, before, sums_by


def bin_codes(p: Floats, bins: int) -> NDArray[np.int64]:
    """Number of the equal-width bin of each p, shape [n].

    Bin b is ](b)/bins, (b+1)/bins]: a p on an edge belongs to the bin below it, p = 1 to the last, and p = 0 to
    the first (Guo et al. 2017, section 2, whose first bin leaves 0 out). Edges are the nearest floats to b/bins, so
    that p = 0.3 lies on the edge 3/10.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    return np.maximum(np.searchsorted(np.arange(bins + 1) / bins, p, side="left") - 1, 0)


def by_width(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> tuple[Floats, Floats]:
    """`Gaps.binned` in those bins of equal width that occur; for the edges see `bin_codes`."""
    if not len(p.values):
        return _nothing(w)
    sums = sums_by(w, bin_codes(p.values, bins), np.ones(len(p.values)), correct.values - p.values)
    return sums[:, 0].T, sums[:, 1].T


def by_count(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> tuple[Floats, Floats]:
    """`Gaps.binned` in bins of exactly equal weight: a row, or rows of equal p, across a border is divided in two."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    if not len(p.values):
        return _nothing(w)
    ties = Ties.of(p.values)
    weight = ties.upto(w)
    gap = ties.upto(w, correct.values - p.values)
    total = weight[:, -1:]
    borders = total * np.arange(1, bins) / bins
    # One binary search a replicate, microseconds each; the cumulative sums above are the work.
    at = np.stack([np.searchsorted(row, edges) for row, edges in zip(weight, borders, strict=True)])
    weight_before, gap_before = before(weight, at), before(gap, at)
    here_weight = np.take_along_axis(weight, at, axis=1) - weight_before
    here_gap = np.take_along_axis(gap, at, axis=1) - gap_before
    part = np.divide(borders - weight_before, here_weight, out=np.zeros_like(borders), where=here_weight > 0)
    at_borders = np.concatenate([np.zeros((len(w), 1)), gap_before + part * here_gap, gap[:, -1:]], axis=1)
    return np.repeat(total / bins, bins, axis=1), np.diff(at_borders, axis=1)


def by_ties(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> tuple[Floats, Floats]:
    """`Gaps.binned` in the bins of `sums_by_ties`."""
    if not len(p.values):
        return _nothing(w)
    weight, gap = sums_by_ties(p, w, bins, correct.values - p.values)
    return weight, gap


def sums_by_ties(p: Probabilities, w: Weights, bins: int, *columns: Floats) -> list[Floats]:
    """The weight, and the weighted sum of each column [n], in bins of about equal weight: [B, bins] each.

    Rows of equal p stay together: all lie in the bin of the lowest of them, number floor(bins * (weight below) / N).
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    ties = Ties.of(p.values)
    weight = ties.upto(w)
    below = np.concatenate([np.zeros((len(w), 1)), weight[:, :-1]], axis=1)
    borders = weight[:, -1:] * np.arange(bins + 1) / bins
    at = np.stack([np.searchsorted(row, edges) for row, edges in zip(below, borders, strict=True)])
    at[:, 0], at[:, -1] = 0, len(ties.starts)
    return [np.diff(before(s, at), axis=1) for s in (weight, *(ties.upto(w, column) for column in columns))]


def shares(weight: Floats, gap: Floats) -> Floats:
    """Each bin's mean gap times its share of the weight: their `absolute` size is the expected gap."""
    return _over(gap, weight.sum(axis=1, keepdims=True))


def roots(weight: Floats, gap: Floats) -> Floats:
    """Each bin's mean gap times the root of its share of the weight: their `squares` are the expected squared gap."""
    return _over(gap, np.sqrt(weight * weight.sum(axis=1, keepdims=True)))


def means(weight: Floats, gap: Floats) -> Floats:
    """Each bin's mean gap; 0 for a bin without weight."""
    return _over(gap, weight)


def alike(weight: Floats, gap: Floats) -> Floats:
    """Each bin's mean gap divided by the number of bins with weight: their `absolute` size counts all bins alike."""
    return _over(means(weight, gap), (weight > 0).sum(axis=1, keepdims=True))


def absolute(gaps: Floats) -> Floats:
    """Sum of |gap|."""
    return np.asarray(np.abs(gaps).sum(axis=-1))


def squares(gaps: Floats) -> Floats:
    """Sum of squared gaps."""
    return np.asarray((gaps**2).sum(axis=-1))


def length(gaps: Floats) -> Floats:
    """Root of the sum of squared gaps."""
    return np.sqrt(squares(gaps))


def largest(gaps: Floats) -> Floats:
    """The largest |gap|."""
    return np.asarray(np.abs(gaps).max(axis=-1))


def _nothing(w: Weights) -> tuple[Floats, Floats]:
    return np.zeros((len(w), 1)), np.zeros((len(w), 1))


def _over(gap: Floats, divisor: Floats) -> Floats:
    # 0 in a bin without weight, NaN where no bin has any.
    quotient = np.divide(gap, divisor, out=np.zeros_like(gap), where=divisor > 0)
    return np.where((divisor > 0).any(axis=1, keepdims=True), quotient, np.nan)
