"""Yes-or-no decisions against the truth: `said` and `is` of each row are 1 for the positive class, else 0.

Precision and F1 move with the share of positives: saying "positive" of everything has precision pi, recall 1 and
F1 = 2 pi/(1 + pi) at a share pi of them. Show them beside that row.
"""

from __future__ import annotations

from harness.metrics.columns import Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, totals


@measure(low=0, high=1, better="higher", undefined="no row was said to be positive")
def precision(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the rows said to be positive that are, TP/(TP + FP), in [0, 1]."""
    hits, named = totals(w, said.values * positive.values, said.values)
    return ratio(hits, named)


@measure(low=0, high=1, better="higher", undefined="no row is positive")
def recall(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the positive rows that are said to be, TP/(TP + FN), in [0, 1]."""
    hits, there = totals(w, said.values * positive.values, positive.values)
    return ratio(hits, there)


@measure(low=0, high=1, better="higher", undefined="no row is negative")
def specificity(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the negative rows that are said to be, TN/(TN + FP), in [0, 1]."""
    passed, there = totals(w, (1 - said.values) * (1 - positive.values), 1 - positive.values)
    return ratio(passed, there)


@measure(label="F1", low=0, high=1, better="higher", undefined="no row is positive, and none was said to be")
def f1(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Harmonic mean of precision and recall, 2 TP/(2 TP + FP + FN), in [0, 1] (van Rijsbergen 1979).

    0 where nothing was said to be positive although something is, though precision is undefined there.
    """
    hits, named, there = totals(w, said.values * positive.values, said.values, positive.values)
    return ratio(2 * hits, named + there)


@measure(low=0, high=1, better="higher", undefined="all rows are of one class")
def balanced_accuracy(correct: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Mean of two accuracies, on positive rows and on negative rows, in [0, 1] (Brodersen et al. 2010).

    Always saying one of the two gives 1/2 at any share of positives. Unlike recall and specificity it takes
    whether a row is right, so that an answer which is neither counts as wrong.
    """
    on_positive, on_negative = correct.values * positive.values, correct.values * (1 - positive.values)
    right, there, passed, absent = totals(w, on_positive, positive.values, on_negative, 1 - positive.values)
    return (ratio(right, there) + ratio(passed, absent)) / 2
