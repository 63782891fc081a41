"""Scores of benchmarks that are divided into sections and subsets, with the weights of their release."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Classes, Floats, Numbers, Weights, Wins
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, sums_by


@measure(label="mean over sections", low=0, high=1, better="higher")
def section_mean(win: Wins, weight: Numbers, subset: Classes, section: Classes, *, w: Weights) -> Floats:
    """Mean over sections of the weighted mean over their subsets, in [0, 1] (Lambert et al. 2024, RewardBench).

    A subset's value is the mean of its rows, many or few. A section's is sum_s W_s v_s / sum_s W_s over its subsets s,
    and every section counts alike. Subsets and sections without rows are left out.

    Args:
        win: 1 for a pair that is decided rightly, 0 for one that is not, a share for a tie.
        weight: W_s; the mean over the rows of a subset, which should all have the same.
        subset, section: the names of the subset and the section of each row.
    """
    if not len(win.values):
        return np.full(len(w), np.nan)
    pairs, codes = np.unique(np.stack([section.values, subset.values]), axis=1, return_inverse=True)
    won, heavy, there = sums_by(w, codes.reshape(-1), win.values, weight.values, np.ones(len(w[0]))).transpose(1, 0, 2)
    means, weights = (np.nan_to_num(ratio(total, there)) for total in (won, heavy))
    belongs = (np.unique(pairs[0])[:, None] == pairs[0]).astype(float)
    scores = ratio(belongs @ (weights * means), belongs @ weights)
    known = ~np.isnan(scores)
    return ratio(np.nansum(scores, axis=0), known.sum(axis=0).astype(float))
