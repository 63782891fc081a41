"""Effects of a revision on answers: right or wrong `before` and `after` (Kumar et al. 2024, section 3).

delta = accuracy_after - accuracy_before = delta_i2c - delta_c2i. The unconditional shares (delta_i2c, delta_c2i) are
over all rows; the conditional rates (fix_rate, break_rate) are over the rows that could change that way.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Fates, Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio, totals


@measure(label="accuracy before revision", low=0, high=1, better="higher", average=True)
def accuracy_before(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of rows right before the revision, Acc@t1, in [0, 1].

    Takes `after`, without reading it, so that both accuracies and delta rest on the same rows.
    """
    return average(w, before.values)


@measure(label="accuracy after revision", low=0, high=1, better="higher", average=True)
def accuracy_after(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of rows right after the revision, Acc@t2, in [0, 1]; see `accuracy_before`."""
    return average(w, after.values)


@measure(label="change in accuracy", low=-1, high=1, better="higher", average=True)
def delta(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Acc@t2 - Acc@t1, in [-1, 1] (Kumar et al. 2024). Read it beside `accuracy_before`."""
    return average(w, after.values - before.values)


@measure(label="relative change in accuracy", low=-1, high=None, better="higher", undefined="no row was correct before")
def relative_lift(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """(Acc@t2 - Acc@t1) / Acc@t1, from -1 up (Huang et al. 2024, arXiv 2412.01951, who give 100 times that).

    Where few rows are right before, a small change is a large ratio: read it beside `delta`, never alone.
    """
    gained, right = totals(w, after.values - before.values, before.values)
    return ratio(gained, right)


@measure(label="change in accuracy, lower bound", low=-1, high=1, better="higher", average=True)
def delta_lower(before: Labels, fate_before: Fates, after: Labels, fate_after: Fates, *, w: Weights) -> Floats:
    """`delta` if every answer before that could not be graded were right, and every such one after wrong, in [-1, 1].

    With `delta_upper`, the other way round, it bounds what a perfect grader would find. A verdict that holds at both
    ends does not hang on the answers that could not be read.
    """
    return average(w, after.values * fate_after.values - np.maximum(before.values, 1 - fate_before.values))


@measure(label="change in accuracy, upper bound", low=-1, high=1, better="higher", average=True)
def delta_upper(before: Labels, fate_before: Fates, after: Labels, fate_after: Fates, *, w: Weights) -> Floats:
    """`delta` if every answer before that could not be graded were wrong, and every such answer after right, in
    [-1, 1]; see `delta_lower`."""
    return average(w, np.maximum(after.values, 1 - fate_after.values) - before.values * fate_before.values)


@measure(label="share turned right", low=0, high=1, better="higher", average=True)
def delta_i2c(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of all rows that go from incorrect to correct, in [0, 1] (Kumar et al. 2024)."""
    return average(w, (1 - before.values) * after.values)


@measure(label="share turned wrong", low=0, high=1, better="lower", average=True)
def delta_c2i(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of all rows that go from correct to incorrect, in [0, 1] (Kumar et al. 2024)."""
    return average(w, before.values * (1 - after.values))


@measure(label="share of wrong answers mended", low=0, high=1, better="higher", undefined="no row was incorrect before")
def fix_rate(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of the rows incorrect before that are correct after, delta_i2c / (1 - Acc@t1), in [0, 1]."""
    fixed, incorrect = totals(w, (1 - before.values) * after.values, 1 - before.values)
    return ratio(fixed, incorrect)


@measure(label="share of right answers spoilt", low=0, high=1, better="lower", undefined="no row was correct before")
def break_rate(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Share of the rows correct before that are incorrect after, delta_c2i / Acc@t1, in [0, 1]."""
    broken, correct = totals(w, before.values * (1 - after.values), before.values)
    return ratio(broken, correct)


@measure(label="McNemar's p", low=0, high=1, better="neither", interval=False)
def mcnemar_p(before: Labels, after: Labels, *, w: Weights) -> Floats:
    """Exact two-sided McNemar test of delta = 0, a p-value in [0, 1] (McNemar 1947).

    min(1, 2 P(X <= min(f, b))), X binomial with f + b trials of probability 1/2, where f rows were fixed and b
    broken; 1 when nothing changed. Counts rows as independent: give it one row an item. Weights must be whole.
    """
    from scipy.special import bdtr

    fixed, broken, n = totals(
        w, (1 - before.values) * after.values, before.values * (1 - after.values), np.ones(len(before.values))
    )
    changed = np.rint(fixed + broken).astype(np.int64)
    p = np.minimum(1.0, 2 * bdtr(np.minimum(fixed, broken), changed, 0.5))
    return np.where(n > 0, p, np.nan)
