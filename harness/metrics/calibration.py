"""Calibration: whether events said to have probability p happen with frequency p.

All take `Probabilities`: a score that only ranks has no calibration. Both ECEs are biased upwards at small n (a
calibrated p in ten bins gives about 0.02 at n = 5,000), so two of them compare only at equal n and binning. Their
intervals allow for the bias, the values do not. In simulations of 200 rows an interval meant to miss in 5 % misses in
11 to 17 %, and in about half of the runs of a perfectly calibrated model, at whose 0 an ECE has its corner.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, average, ratio, sums_by, totals


def bin_codes(p: Floats, bins: int) -> NDArray[np.int64]:
    """Number of the equal-width bin of each p, shape [n].

    Bin b is ](b)/bins, (b+1)/bins]: a p on an edge belongs to the bin below it, p = 1 to the last, and p = 0 to
    the first (Guo et al. 2017, section 2, whose first bin leaves 0 out). Edges are the nearest floats to b/bins, so
    that p = 0.3 lies on the edge 3/10.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    return np.maximum(np.searchsorted(np.arange(bins + 1) / bins, p, side="left") - 1, 0)


@measure(low=0, high=1, better="lower", biased=True)
def ece_equal_width(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Expected calibration error in bins of equal width, in [0, 1] (Naeini et al. 2015; Guo et al. 2017).

    sum_b n_b/N |acc_b - conf_b|, where acc_b is the share correct and conf_b the mean p of bin b. For the edges
    see `bin_codes`.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    gaps = sums_by(w, bin_codes(p.values, bins), correct.values - p.values)[:, 0]
    return ratio(np.abs(gaps).sum(axis=0), w.sum(axis=1))


@measure(low=0, high=1, better="lower", biased=True)
def ece_equal_count(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Calibration error in bins of equal numbers of predictions, unweighted mean over bins of |acc_b - conf_b|, in
    [0, 1] (Kadavath et al. 2022, who use 10 bins).

    Bins hold exactly N/bins of the weight each and are made anew in every replicate. A row, or a group of rows of
    equal p, that lies across a border is divided between the two bins in proportion; tied rows are one group, so
    that their order cannot matter. With n divisible by `bins` and no ties across borders this is the plain definition.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    if not len(p.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(p.values)
    weight = np.cumsum(ties.sums(w), axis=1)
    gap = np.cumsum(ties.sums(w, correct.values - p.values), axis=1)
    total = weight[:, -1]
    borders = total[:, None] * np.arange(1, bins) / bins
    # One binary search a replicate, microseconds each; the cumulative sums above are the work.
    at = np.stack([np.searchsorted(row, edges) for row, edges in zip(weight, borders, strict=True)])
    before_weight = np.where(at > 0, np.take_along_axis(weight, np.maximum(at - 1, 0), axis=1), 0.0)
    before_gap = np.where(at > 0, np.take_along_axis(gap, np.maximum(at - 1, 0), axis=1), 0.0)
    here_weight = np.take_along_axis(weight, at, axis=1) - before_weight
    here_gap = np.take_along_axis(gap, at, axis=1) - before_gap
    share = np.divide(borders - before_weight, here_weight, out=np.zeros_like(borders), where=here_weight > 0)
    at_borders = np.concatenate([np.zeros((len(w), 1)), before_gap + share * here_gap, gap[:, -1:]], axis=1)
    return ratio(np.abs(np.diff(at_borders, axis=1)).sum(axis=1), total)


@measure(low=0, high=1, better="lower", average=True)
def brier(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Brier score: mean of (p_i - c_i)^2, in [0, 1]; a constant 0.5 scores 0.25 (Brier 1950)."""
    return average(w, (p.values - correct.values) ** 2)


@measure(low=0, high=1, better="lower", biased=True)
def brier_reliability(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Reliability, the miscalibration part of the Brier score: sum_b n_b/N (conf_b - acc_b)^2, in [0, 1].

    brier = brier_reliability - brier_resolution + brier_uncertainty, exactly, for any number of bins (Murphy 1973;
    Stephenson et al. 2008). Bins are those of `ece_equal_width`.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    weight, right, conf = _bin_sums(p, correct, w, bins)
    return ratio(_over(conf - right, conf - right, weight), w.sum(axis=1))


@measure(low=-0.75, high=0.25, better="higher", biased=True)
def brier_resolution(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Generalised resolution: how far outcomes differ between forecasts, in [-0.75, 0.25] (Stephenson et al. 2008).

    sum_b n_b/N (acc_b - acc)^2 - WBV + WBC. The within-bin variance WBV = mean (p_i - conf_b)^2 and covariance
    WBC = mean 2 (c_i - acc_b)(p_i - conf_b) account for different p in one bin; both vanish when every bin holds
    one value of p, which leaves Murphy's (1973) resolution. Negative when forecasts do worse than their bin's mean.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    weight, right, conf = _bin_sums(p, correct, w, bins)
    squares, products = totals(w, p.values**2, p.values * correct.values)
    within = 2 * (products - _over(conf, right, weight)) - (squares - _over(conf, conf, weight))
    total = w.sum(axis=1)
    return ratio(_over(right, right, weight) + within, total) - ratio(right.sum(axis=0), total) ** 2


@measure(low=0, high=0.25, better="neither")
def brier_uncertainty(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Uncertainty, the part of the Brier score that no forecast changes: acc (1 - acc), in [0, 0.25] (Murphy 1973).

    Takes p, without reading it, so that the three parts rest on the same rows.
    """
    base = average(w, correct.values)
    return base * (1 - base)


def _bin_sums(p: Probabilities, correct: Labels, w: Weights, bins: int) -> tuple[Floats, Floats, Floats]:
    # Weight, weight of correct rows, and weighted p in each bin that occurs: three times [bins, B].
    ones = np.ones(len(p.values))
    sums = sums_by(w, bin_codes(p.values, bins), ones, correct.values, p.values)
    return sums[:, 0], sums[:, 1], sums[:, 2]


def _over(a: Floats, b: Floats, weight: Floats) -> Floats:
    # sum over bins of a b / weight; a bin without weight adds nothing.
    terms: Floats = np.divide(a * b, weight, out=np.zeros_like(weight), where=weight > 0)
    over_bins: Floats = terms.sum(axis=0)
    return over_bins
