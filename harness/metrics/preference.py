"""Self-preference: does a judge prefer its own answers more often than gold judges do (Chen et al. 2025)?"""

from __future__ import annotations

from harness.metrics.columns import Floats, Weights, Wins
from harness.metrics.metric import measure
from harness.metrics.weighted import average


@measure(low=0, high=1, better="neither", average=True)
def own_win_rate(judge: Wins, *, w: Weights) -> Floats:
    """Share of pairs in which the judge prefers its own answer, in [0, 1]; a tie is half a win.

    Args:
        judge: 1 where the judge prefers its own answer over both orders of the pair, 0 the other's, 0.5 neither.
    """
    return average(w, judge.values)


@measure(label="DBG score", low=-1, high=1, better="neither", average=True)
def dbg(judge: Wins, gold: Wins, *, w: Weights) -> Floats:
    """The judge's win rate of its own answers less the gold judges' of the same ones, in [-1, 1] (Chen et al. 2025).

    sum_i w_i (j_i - g_i) / sum_i w_i, with j and g as in `own_win_rate`; the paper gives 100 times that. Not zero for a
    judge without preferences: a coin flip, or always the first answer, gives 1/2 less the gold win rate. Read it beside
    that, and beside the number of a third party that judges the same pairs.

    Args:
        judge: 1 where the judge prefers its own answer, 0 the other's, 0.5 for a tie.
        gold: the same of the majority of gold judges.
    """
    return average(w, judge.values - gold.values)
