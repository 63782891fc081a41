"""Sorts predictions into bins, and computes each bin's signed gap between accuracy and mean confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Labels, Probabilities, Weights


def bin_codes(p: Floats, bins: int) -> NDArray[np.int64]:
    """Number of the equal-width bin of each p, shape [n].

    Bin b is ](b)/bins, (b+1)/bins]: a p on an edge belongs to the bin below it, p = 1 to the last, and p = 0 to the
    first. In Guo et al. 2017, section 2, the first bin leaves 0 out. Edges are the nearest floats to b/bins, so that p
    = 0.3 lies on the edge 3/10.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    return np.maximum(np.searchsorted(np.arange(bins + 1) / bins, p, side="left") - 1, 0)


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows in bins that are made once, from the data, and then hold for any weights of the rows.

    Attributes:
        members: [n, bins] how much of each row lies in each bin: 1 in one of them, or parts that add up to 1.
        p: [n] the probability said. correct: [n] the labels.
    """

    members: Floats
    p: Floats
    correct: Floats

    def sums(self, w: Weights, values: Floats | None = None) -> Floats:
        """The weight in each bin, or the weighted sum of values [n]: [B, bins], for each row of weights [B, n]."""
        return np.asarray(w @ (self.members if values is None else self.members * values[:, None]))

    def gaps(self, w: Weights) -> tuple[Floats, Floats]:
        """The weight in each bin, and its weighted sum of c - p: twice [B, bins]."""
        return self.sums(w), self.sums(w, self.correct - self.p)


def by_width(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Binned:
    """Bins of equal width, for any weights w [n]; for the edges see `bin_codes`."""
    return Binned(_one_each(bin_codes(p.values, bins), bins), p.values, correct.values)


def by_count(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Binned:
    """Bins of exactly equal weight under w [n]: a row, or rows of equal p, across a border is divided in proportion."""
    upto, here, of_row = _upto(p, w, bins)
    borders = upto[-1:].sum() * np.arange(bins + 1) / bins
    within = np.minimum(upto[:, None], borders[1:]) - np.maximum((upto - here)[:, None], borders[:-1])
    inside = np.maximum(within, 0.0)
    total = inside.sum(axis=1, keepdims=True)
    parts = np.divide(inside, total, out=np.zeros_like(inside), where=total > 0)
    return Binned(parts[of_row], p.values, correct.values)


def by_ties(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Binned:
    """Bins of about equal weight under w [n], in which rows of equal p stay together.

    All of them lie in the bin of the lowest of them, number floor(bins * (weight below) / N).
    """
    upto, _, of_row = _upto(p, w, bins)
    borders = upto[-1:].sum() * np.arange(1, bins) / bins
    codes = np.searchsorted(borders, np.append(0.0, upto[:-1])[: len(upto)], side="right")
    return Binned(_one_each(codes[of_row], bins), p.values, correct.values)


def _upto(p: Probabilities, w: Weights, bins: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    # Weight up to, and at, each distinct p in ascending order [m]; which of them each row has [n].
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    distinct, of_row = np.unique(p.values, return_inverse=True)
    here = np.bincount(of_row, w, minlength=len(distinct)).astype(np.float64)
    return np.cumsum(here), here, of_row


def _one_each(codes: NDArray[np.int64], bins: int) -> Floats:
    return np.asarray(codes[:, None] == np.arange(bins), dtype=np.float64)


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


def _over(gap: Floats, divisor: Floats) -> Floats:
    # 0 in a bin without weight, NaN where no bin has any.
    quotient = np.divide(gap, divisor, out=np.zeros_like(gap), where=divisor > 0)
    return np.where((divisor > 0).any(axis=1, keepdims=True), quotient, np.nan)
