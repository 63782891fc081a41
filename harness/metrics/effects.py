"""How far apart two conditions are, in units of the spread within them."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Numbers, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, totals


@measure(
    label="Cohen's d",
    low=None,
    high=None,
    better="neither",
    undefined="one of the two conditions has no rows, or neither has a spread",
)
def cohens_d(values: Numbers, condition: Labels, *, w: Weights) -> Floats:
    """Mean of the rows of the condition less the mean of the others, over their pooled standard deviation (Cohen 1988).

    The pooled variance is sum_i w_i (x_i - mean of i's own condition)^2 / (sum_i w_i - 2): a weight k is k rows. Of
    pairs, too, the spread is the spread of the rows, and not of the differences within pairs (d_z, another number).

    Args:
        values: what is compared.
        condition: true in the condition whose mean comes first.
    """
    if not len(values.values):
        return np.full(len(w), np.nan)
    # About the plain mean first, so that the squares of large numbers lose no digits.
    x, inside = values.values - values.values.mean(), condition.values
    outside = 1 - inside
    n, m, sum_in, sum_out = totals(w, inside, outside, x * inside, x * outside)
    mean_in, mean_out = ratio(sum_in, n), ratio(sum_out, m)
    within = totals(w, x**2)[0] - n * mean_in**2 - m * mean_out**2
    # Where all rows of a condition are alike, rounding leaves a spread of nothing.
    spread = np.where(within > 1e-12 * (x**2).max() * (n + m), within, 0.0)
    return ratio(mean_in - mean_out, np.sqrt(ratio(spread, n + m - 2)))
