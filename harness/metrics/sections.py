"""Scores of benchmarks that are divided into sections and subsets, with the weights of their release."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Numbers, Units, Weights, Wins
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, sums_by


@measure(label="mean over sections", low=0, high=1, better="higher")
def section_mean(win: Wins, weight: Numbers, subset: Units, section: Units, *, w: Weights) -> Floats:
    """Mean over sections of the weighted mean over their subsets, in [0, 1] (Lambert et al. 2024, RewardBench).

    A subset's value is the mean of its rows, whatever their number; a section's is sum_s W_s v_s / sum_s W_s over its
    subsets s; every section counts alike. Subsets and sections without rows are left out.

    Args:
        win: 1 for a pair that is decided rightly, 0 for one that is not, a share for a tie.
        weight: W_s, the same in all rows of a subset.
        subset, section: the subset and the section of each row.

    Raises:
        ValueError: rows of one subset have different weights.
    """
    if not len(win.values):
        return np.full(len(w), np.nan)
    pairs, first, codes = np.unique(
        np.stack([section.values, subset.values]), axis=1, return_index=True, return_inverse=True
    )
    codes = codes.reshape(-1)
    if not np.array_equal(weight.values[first][codes], weight.values):
        raise ValueError("rows of one subset have different weights")
    won, there = sums_by(w, codes, win.values, np.ones(len(codes))).transpose(1, 0, 2)
    means = np.nan_to_num(ratio(won, there))
    weights = weight.values[first][:, None] * (there > 0)
    belongs = (np.unique(pairs[0])[:, None] == pairs[0]).astype(float)
    scores = ratio(belongs @ (weights * means), belongs @ weights)
    known = ~np.isnan(scores)
    return ratio(np.nansum(scores, axis=0), known.sum(axis=0).astype(float))
