"""Shares and means of rows, and accuracy among the answers that a model stands by."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Fates, Floats, Labels, Numbers, Probabilities, Quantities, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio, totals


@measure(low=0, high=1, better="higher", average=True)
def accuracy(correct: Labels, *, w: Weights) -> Floats:
    """Share of rows that are correct: sum_i w_i c_i / sum_i w_i, in [0, 1]."""
    return average(w, correct.values)


@measure(label="accuracy, ungraded counted as right", low=0, high=1, better="higher", average=True)
def accuracy_upper(correct: Labels, fate: Fates, *, w: Weights) -> Floats:
    """Accuracy if every answer that could not be graded were right, in [0, 1].

    The lower bound is `accuracy`, in which such answers are wrong. With any verdicts of a perfect grader on them, the
    accuracy lies between the two.
    """
    return average(w, np.maximum(correct.values, 1 - fate.values))


@measure(label="share that could be graded", low=0, high=1, better="neither", average=True)
def answered(fate: Fates, *, w: Weights) -> Floats:
    """Share of rows whose answer could be read and graded, in [0, 1]."""
    return average(w, fate.values)


@measure(low=0, high=1, better="neither", average=True)
def rate(label: Labels, *, w: Weights) -> Floats:
    """Share of rows whose label is true (parse failures, refusals, unchanged answers), in [0, 1]."""
    return average(w, label.values)


@measure(low=None, high=None, better="neither")
def mean(values: Quantities, *, w: Weights) -> Floats:
    """Mean: sum_i w_i x_i / sum_i w_i."""
    return average(w, values.values)


@measure(label="share of points included", low=0, high=1, better="higher", undefined="there are no points to include")
def points_included(included: Numbers, points: Numbers, *, w: Weights) -> Floats:
    """Points that the answers include, over all that they could: sum_i w_i k_i / sum_i w_i n_i, in [0, 1].

    A ratio of sums, in which an answer counts by its points: the bonus point coverage of CharToM-QA (Zhou et al. 2025).
    The mean of the answers' own shares is another number wherever they have different numbers of points.

    Args:
        included: points that an answer includes, k.
        points: points that it could include, n >= k.
    """
    some, all_points = totals(w, included.values, points.values)
    return ratio(some, all_points)


@measure(label="mean probability", low=0, high=1, better="neither", average=True)
def mean_probability(p: Probabilities, *, w: Weights) -> Floats:
    """Mean of probabilities, or of shares of a row, in [0, 1]: sum_i w_i p_i / sum_i w_i."""
    return average(w, p.values)


@measure(low=0, high=1, better="higher", undefined="no probability lies above the threshold")
def selective_accuracy(p: Probabilities, correct: Labels, *, w: Weights, threshold: float = 0.5) -> Floats:
    """Accuracy among rows with p > threshold, in [0, 1] (Kadavath et al. 2022, where p = P(True), threshold 0.5).

    Only means something beside `coverage` at the same threshold. Undefined where no such row has weight.
    """
    kept = (p.values > threshold).astype(float)
    right, all_kept = totals(w, kept * correct.values, kept)
    return ratio(right, all_kept)


@measure(low=0, high=1, better="neither", average=True)
def coverage(p: Probabilities, *, w: Weights, threshold: float = 0.5) -> Floats:
    """Share of rows with p > threshold, in [0, 1]."""
    return average(w, (p.values > threshold).astype(float))
