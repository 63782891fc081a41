"""Answering only when sure: closed forms, and ties that no threshold can divide."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from harness.metrics.columns import Floats, Labels, Scores
from harness.metrics.metric import Measure
from harness.metrics.selective import accuracy_at_coverage, coverage_at_accuracy

SCORE, CORRECT = np.array([5.0, 4, 3, 2, 1]), np.array([1.0, 1, 0, 1, 0])


def value(measure: Measure, score: Floats, y: Floats, w: Floats | None = None, **options: float) -> float:
    weights = np.ones(len(score)) if w is None else w
    return float(measure(Scores(score), Labels(y), w=weights[None, :], **options)[0])


def test_accuracy_at_coverage_closed_forms() -> None:
    for coverage, expected in ((0.2, 1), (0.4, 1), (0.6, 2 / 3), (0.8, 3 / 4), (1.0, 3 / 5)):
        assert value(accuracy_at_coverage, SCORE, CORRECT, coverage=coverage) == pytest.approx(expected, abs=1e-15)
    # Half of the third row, which is wrong: 2 of 2.5.
    assert value(accuracy_at_coverage, SCORE, CORRECT, coverage=0.5) == pytest.approx(0.8, abs=1e-15)


def test_accuracy_at_coverage_is_the_mean_over_the_orders_of_a_tie() -> None:
    score, y = np.array([9.0, 3, 3, 3, 1]), np.array([1.0, 1, 0, 0, 1])
    means = [y[[0, *order]][:3].mean() for order in permutations((1, 2, 3))]
    assert value(accuracy_at_coverage, score, y, coverage=0.6) == pytest.approx(np.mean(means), abs=1e-15)


def test_coverage_at_accuracy_is_the_largest_and_reachable() -> None:
    # Accuracies of the top 1 to 5: 1, 1, 2/3, 3/4, 3/5.
    for accuracy, expected in ((1.0, 0.4), (0.75, 0.8), (0.7, 0.8), (0.6, 1.0), (0.0, 1.0)):
        assert value(coverage_at_accuracy, SCORE, CORRECT, accuracy=accuracy) == expected
    assert value(coverage_at_accuracy, SCORE, 1 - CORRECT, accuracy=0.9) == 0
    # A tie is answered as a whole: the top 2 are never alone.
    assert value(coverage_at_accuracy, np.array([2.0, 2, 2, 1]), np.array([1.0, 1, 0, 0]), accuracy=0.9) == 0


@pytest.mark.parametrize("n", [10, 30, 70, 1000])
def test_nine_of_ten_are_an_accuracy_of_nine_tenths(n: int) -> None:
    y = np.arange(n) % 10 != 9
    assert value(coverage_at_accuracy, -np.arange(n).astype(float), y.astype(float), accuracy=0.9) == 1


def test_shares_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="coverage must lie above 0"):
        value(accuracy_at_coverage, SCORE, CORRECT, coverage=0)
    with pytest.raises(ValueError, match=r"accuracy must lie in \[0, 1\]"):
        value(coverage_at_accuracy, SCORE, CORRECT, accuracy=90)
