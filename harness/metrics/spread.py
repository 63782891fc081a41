"""How widely the values of a column are spread."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Classes, Floats, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, sums_by


@measure(label="entropy of the answers", low=0, high=None, better="neither")
def answer_entropy(said: Classes, *, w: Weights) -> Floats:
    """Entropy of the histogram of answers over all rows, in nats: -sum_k q_k ln q_k, with q_k the share of answer k.

    0 for a judge that always says the same, ln k for one that says k things equally often. A judge that is trained on
    its own majority can end in the former.
    """
    if not len(said.values):
        return np.full(len(w), np.nan)
    _, codes = np.unique(said.values, return_inverse=True)
    counts = sums_by(w, codes, np.ones(len(codes)))[:, 0]
    q = ratio(counts, np.broadcast_to(w.sum(axis=1), counts.shape))
    entropy: Floats = -(q * np.log(np.where(q > 0, q, 1.0))).sum(axis=0)
    return np.abs(entropy)  # no minus zero
