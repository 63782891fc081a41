"""How often the own one of two posts is picked."""

from __future__ import annotations

from harness.metrics import Floats, Weights, Wins, measure
from harness.metrics.weighted import average


@measure(label="own post picked", low=0, high=1, better="higher", average=True)
def picked(picks: Wins, *, w: Weights) -> Floats:
    """Share of pairs in which the own post is picked, in [0, 1]; 0.5 is chance.

    sum_i w_i x_i / sum_i w_i, with x = 1 where it is picked, 0 where the other is, 1/2 where neither is preferred.
    """
    return average(w, picks.values)
