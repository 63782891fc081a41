"""Calibration: whether events said to have probability p happen with frequency p.

All take `Probabilities`: a score that only ranks has no calibration. The errors differ in their bins and in how a bin
counts, and only errors of one name, at equal n and bins, compare:

    ece_equal_width       equal width          mean |gap|, each bin by its rows      Naeini 2015, Guo 2017
    ece_equal_count       exactly equal count  mean |gap|                            Kadavath 2022
    ece_adaptive          equal count, ties    mean |gap|, each bin by its rows      Nguyen and O'Connor 2015
    ece_unweighted        equal count, ties    mean |gap|, all bins alike            ACE of Nixon 2019
    ece_debiased          equal count, ties    root mean gap^2 less its noise        Kumar 2019
    rmsce_equal_width     equal width          root mean gap^2, each bin by its rows
    rmsce_equal_count     exactly equal count  root mean gap^2                       Hendrycks 2019, Kadavath 2022
    mce                   equal width          largest |gap|                         Naeini 2015

"Exactly equal count" divides a row, or rows of equal p, across a border; "ties" keeps rows of equal p together.

All but `ece_debiased` are biased upwards at small n, because noise in a bin counts as error (a calibrated p in ten
bins gives an ECE of about 0.02 at n = 5,000). Their intervals allow for the bias, the values do not: they are made from
the signed gaps, in which noise is as likely to be below as above.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.bins import (
    Binned,
    absolute,
    alike,
    bin_codes,
    by_count,
    by_ties,
    by_width,
    largest,
    length,
    means,
    roots,
    shares,
    squares,
)
from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.metric import Gaps, measure
from harness.metrics.weighted import average, ratio, sums_by, totals


def _debiased(binned: Binned, w: Weights) -> Floats:
    weight, right, conf = (binned.sums(w, values) for values in (None, binned.correct, binned.p))
    enough = weight >= 2
    safe = np.where(enough, weight, 2.0)
    noise = right / safe * (1 - right / safe) / (safe - 1)
    terms = np.where(enough, weight * (((right - conf) / safe) ** 2 - noise), 0.0)
    root: Floats = np.sqrt(np.maximum(ratio(terms.sum(axis=1), weight.sum(axis=1)), 0.0))
    return root


_WIDTH = Gaps(by_width, shares, absolute)
_WIDTH_ROOT = Gaps(by_width, roots, length)
_WIDTH_SQUARES = Gaps(by_width, roots, squares)
_LARGEST = Gaps(by_width, means, largest, counted="worst")
_COUNT = Gaps(by_count, shares, absolute)
_COUNT_ROOT = Gaps(by_count, roots, length)
_TIES = Gaps(by_ties, shares, absolute)
_DEBIASED = Gaps(by_ties, roots, length, _debiased)
_ALIKE = Gaps(by_ties, alike, absolute, counted="bins")


@measure(low=-1, high=1, better="neither", average=True)
def overconfidence(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Mean p - accuracy, in [-1, 1]: positive where the model says too much. At low accuracy most of an ECE is this."""
    return average(w, p.values - correct.values)


@measure(label="ECE, equal-width bins", low=0, high=1, better="lower", biased=True, gaps=_WIDTH)
def ece_equal_width(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Expected calibration error in bins of equal width, in [0, 1] (Naeini et al. 2015; Guo et al. 2017).

    sum_b n_b/N |acc_b - conf_b|, where acc_b is the share correct and conf_b the mean p of bin b. For the edges
    see `bins.bin_codes`.
    """
    return _WIDTH(p, correct, w=w, bins=bins)


@measure(label="RMSCE, equal-width bins", low=0, high=1, better="lower", biased=True, gaps=_WIDTH_ROOT)
def rmsce_equal_width(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Root mean square calibration error in bins of equal width, in [0, 1].

    sqrt(sum_b n_b/N (acc_b - conf_b)^2), the root of `brier_reliability`; for the edges see `bins.bin_codes`.
    """
    return _WIDTH_ROOT(p, correct, w=w, bins=bins)


@measure(label="MCE", low=0, high=1, better="lower", biased=True, gaps=_LARGEST)
def mce(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Maximum calibration error: the largest |acc_b - conf_b| of a bin of equal width, in [0, 1] (Naeini et al. 2015).

    Counts a bin of one row like any other, so that a single wrong answer decides it where a bin is nearly empty. Of all
    these errors it has the most bias and noise.
    """
    return _LARGEST(p, correct, w=w, bins=bins)


@measure(label="ECE, equal-count bins", low=0, high=1, better="lower", biased=True, gaps=_COUNT)
def ece_equal_count(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Calibration error in bins of equal numbers of predictions, unweighted mean over bins of |acc_b - conf_b|, in
    [0, 1] (Kadavath et al. 2022, who use 10 bins).

    Bins hold exactly N/bins of the weight each. A row, or a group of rows of equal p, that lies across a border is
    divided between the two bins in proportion; tied rows are one group, so that their order cannot matter. With n
    divisible by `bins` and no ties across borders this is the plain definition. Replicates keep the data's bins: the
    interval is about the error in these.
    """
    return _COUNT(p, correct, w=w, bins=bins)


@measure(label="RMSCE, equal-count bins", low=0, high=1, better="lower", biased=True, gaps=_COUNT_ROOT)
def rmsce_equal_count(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Root mean square calibration error: sqrt(mean_b (acc_b - conf_b)^2), in [0, 1] (Hendrycks et al. 2019;
    Kadavath et al. 2022). Bins as in `ece_equal_count`.
    """
    return _COUNT_ROOT(p, correct, w=w, bins=bins)


@measure(label="adaptive ECE", low=0, high=1, better="lower", biased=True, gaps=_TIES)
def ece_adaptive(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Expected calibration error in bins of about equal numbers of predictions, in [0, 1] (Nguyen and O'Connor 2015).

    sum_b n_b/N |acc_b - conf_b|. Rows of equal p stay together: all lie in the bin of the lowest of them, number
    floor(bins * (weight below them) / N). Stated confidences, which cluster, therefore give fewer bins than asked for.
    Replicates keep the data's bins: the interval is about the error in these.
    """
    return _TIES(p, correct, w=w, bins=bins)


@measure(label="unweighted ECE", low=0, high=1, better="lower", biased=True, gaps=_ALIKE)
def ece_unweighted(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Mean over the bins of `ece_adaptive` of |acc_b - conf_b|, each bin that has rows counting alike, in [0, 1].

    The adaptive calibration error, ACE, of Nixon et al. (2019) for one class. (Others call "ACE" the unweighted mean
    over bins of equal width.)
    """
    return _ALIKE(p, correct, w=w, bins=bins)


@measure(label="debiased ECE", low=0, high=1, better="lower", debiased=True, gaps=_DEBIASED)
def ece_debiased(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Debiased root mean square calibration error, in [0, 1] (Kumar et al. 2019, section 5).

    sqrt(max(0, sum_b n_b/N ((acc_b - conf_b)^2 - acc_b (1 - acc_b)/(n_b - 1)))): the square of each gap less the
    variance of acc_b, whose sum has no bias before the root. Bins as in `ece_adaptive`; one with fewer than
    two rows adds nothing. 0 means that no more error is seen than noise makes.
    """
    return _DEBIASED(p, correct, w=w, bins=bins)


@measure(label="Brier score", low=0, high=1, better="lower", average=True)
def brier(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Brier score: mean of (p_i - c_i)^2, in [0, 1]; a constant 0.5 scores 0.25 (Brier 1950)."""
    return average(w, (p.values - correct.values) ** 2)


@measure(label="Brier reliability", low=0, high=1, better="lower", biased=True, gaps=_WIDTH_SQUARES)
def brier_reliability(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Reliability, the miscalibration part of the Brier score: sum_b n_b/N (conf_b - acc_b)^2, in [0, 1].

    brier = brier_reliability - brier_resolution + brier_uncertainty, exactly, for any number of bins (Murphy 1973;
    Stephenson et al. 2008). Bins as in `ece_equal_width`.
    """
    return _WIDTH_SQUARES(p, correct, w=w, bins=bins)


@measure(label="Brier resolution", low=-0.75, high=0.25, better="higher", biased=True)
def brier_resolution(p: Probabilities, correct: Labels, *, w: Weights, bins: int = 10) -> Floats:
    """Generalised resolution: how far outcomes differ between forecasts, in [-0.75, 0.25] (Stephenson et al. 2008).

    sum_b n_b/N (acc_b - acc)^2 - WBV + WBC. The within-bin variance WBV = mean (p_i - conf_b)^2 and covariance
    WBC = mean 2 (c_i - acc_b)(p_i - conf_b) account for different p in one bin. Both vanish when every bin holds one
    value of p, which leaves Murphy's (1973) resolution. Negative when forecasts do worse than their bin's mean.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    weight, right, conf = _bin_sums(p, correct, w, bins)
    squares, products = totals(w, p.values**2, p.values * correct.values)
    within = 2 * (products - _over(conf, right, weight)) - (squares - _over(conf, conf, weight))
    total = w.sum(axis=1)
    return ratio(_over(right, right, weight) + within, total) - ratio(right.sum(axis=0), total) ** 2


@measure(label="Brier uncertainty", low=0, high=0.25, better="neither", debiased=True)
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
