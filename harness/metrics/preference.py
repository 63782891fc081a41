"""Comparisons by judges, and self-preference: do they prefer their own answers beyond gold (Chen et al. 2025)?"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Numbers, Weights, Wins
from harness.metrics.logistic import sigmoid, slope_fit
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, average, ratio, totals


@measure(low=0, high=1, better="higher", average=True)
def win_rate(win: Wins, *, w: Weights) -> Floats:
    """Share of comparisons that are won, in [0, 1]; a tie counts as the share that the column gives it."""
    return average(w, win.values)


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


@measure(label="excess DBG", low=-1, high=1, better="neither", average=True)
def excess_dbg(judge: Wins, third: Wins, *, w: Weights) -> Floats:
    """The judge's win rate of its own answers less another judge's on the same pairs, in [-1, 1].

    It is the judge's DBG less the other judge's, because the gold win rate cancels. Two judges without preferences have
    0 at any quality of the answers. Where the other judge wrote the other answers, it is also the interaction of judge
    and author: how much more often each prefers its own answers than the other one does.

    Args:
        judge: as in `own_win_rate`.
        third: the same of the other judge, about the same answer.
    """
    return average(w, judge.values - third.values)


@measure(low=-1, high=1, better="neither", undefined="there are no pairs in which only one of the two answers is right")
def wrong_vote_gap(win: Wins, own_right: Labels, other_right: Labels, *, w: Weights) -> Floats:
    """How much more often a judge votes for a wrong answer over a right one where the wrong one is its own: [-1, 1].

    Its win rate of own wrong answers against right ones, less its rate of votes for others' wrong answers against right
    ones of its own (after Roytburg et al. 2026, arXiv 2601.22548). A judge that only errs has 0; one that prefers its
    own answers has more. The two kinds of pairs are of different questions, which may differ in difficulty.

    Args:
        win: as in `own_win_rate`.
        own_right, other_right: whether the judge's own answer and the other one are right.
    """
    own_wrong = (1 - own_right.values) * other_right.values
    other_wrong = own_right.values * (1 - other_right.values)
    votes, pairs, against, others = totals(
        w, own_wrong * win.values, own_wrong, other_wrong * (1 - win.values), other_wrong
    )
    return ratio(votes, pairs) - ratio(against, others)


@measure(low=0, high=1, better="neither", undefined="the longer answer always wins, always loses, or never differs")
def win_rate_at_equal_length(win: Wins, longer: Numbers, *, w: Weights) -> Floats:
    """The win rate of own answers if they were as long as the others, in [0, 1], by a logistic fit.

    P(win) = sigmoid(a + b z), with z = 1 where the own answer is the longer one, -1 where the other one is, and 0 at
    equal length. The value is sigmoid(a). A tie is half a win.

    Args:
        win: as in `own_win_rate`.
        longer: z of each pair.
    """
    if not len(win.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(longer.values)
    z, weights, won = longer.values[ties.distinct], ties.sums(w), ties.sums(w, win.values)
    there = weights > 0
    # Where z has one value only there is no slope, and no need of one where that is 0.
    rate = np.where(there[:, z != 0].any(axis=1), np.nan, average(w, win.values))
    varied = there.sum(axis=1) > 1
    rate[varied] = sigmoid(slope_fit(z, weights[varied], won[varied])[0])
    return rate
