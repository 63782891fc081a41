"""Ranking: whether a score puts right answers above wrong ones. Only the order of the scores counts."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Scores, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, ratio


@measure(low=0, high=1, better="higher", undefined="all rows are correct, or all are wrong")
def auroc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Probability that a correct row has a higher score than a wrong one, ties counting one half, in [0, 1].

    sum over pairs of a correct row i and a wrong row j of w_i w_j ([s_i > s_j] + [s_i = s_j]/2), over the weight of
    all such pairs (Hanley and McNeil 1982). Undefined when one of the two kinds has no weight.
    """
    if not len(score.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(score.values)
    right = ties.sums(w, correct.values)
    wrong = ties.sums(w) - right
    below = np.cumsum(wrong, axis=1)
    all_wrong = below[:, -1].copy()
    below -= wrong / 2
    return ratio(np.einsum("bm,bm->b", right, below), right.sum(axis=1) * all_wrong)


@measure(low=0, high=1, better="lower")
def aurc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Area under the risk-coverage curve, in [0, 1] (Geifman and El-Yaniv 2017; Geifman et al. 2019).

    1/N sum_k r_k, where r_k is the error rate among the k highest scores. Among tied rows it is the mean over all
    their orders: with N' rows and E' errors above a tie of n rows and e errors, the k-th row counts
    r_k = (E' + e (k - N')/n) / k. A weight counts as that many rows; between whole counts the harmonic
    numbers in the sum are interpolated linearly. The error rate itself is the value of a score that ranks at random.
    """
    if not len(score.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(score.values)
    # From the highest score down.
    weight = ties.sums(w)[:, ::-1]
    errors = ties.sums(w, 1 - correct.values)[:, ::-1]
    upto = np.cumsum(weight, axis=1)
    lead = np.cumsum(errors, axis=1)
    total, all_errors = upto[:, -1].copy(), lead[:, -1].copy()
    # sum_{k=N'+1}^{N'+n} r_k = e + (E' - N' e/n) (H(N'+n) - H(N')), with H the harmonic numbers. In place, because
    # these are the largest temporaries of all metrics.
    harmonic = _harmonic(upto)
    upto -= weight
    upto *= np.divide(errors, weight, out=np.zeros_like(upto), where=weight > 0)
    lead -= errors
    lead -= upto
    rest = np.einsum("bm,bm->b", lead, harmonic) - np.einsum("bm,bm->b", lead[:, 1:], harmonic[:, :-1])
    return ratio(all_errors + rest, total)


def _harmonic(counts: Floats) -> Floats:
    # H(x) = 1 + 1/2 + ... + 1/x, linear between whole x.
    whole = counts.astype(np.int64)
    table = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(whole.max()) + 1))])
    rest = counts - whole
    values: Floats = np.take(table, whole)
    if rest.any():
        values += rest / (whole + 1)
    return values
