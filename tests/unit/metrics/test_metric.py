"""Accuracy metrics, and how a metric is bound to the columns of an outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.accuracy import accuracy, coverage, mean, rate, selective_accuracy
from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.columns import Labels, Numbers, Probabilities, Scores
from harness.metrics.joint import joint_accuracy
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.outcomes import Outcome, Probability, Score


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    p: Probability
    margin: Score
    correct: bool
    condition: str


ONE = np.ones((1, 4))


def test_accuracy_rate_and_mean() -> None:
    labels = Labels(np.array([1.0, 0, 1, 1]))
    assert accuracy(labels, w=ONE)[0] == rate(labels, w=ONE)[0] == 0.75
    assert accuracy(labels, w=np.array([[0.0, 3, 1, 0]]))[0] == 0.25
    assert mean(Numbers(np.array([1.0, -2, 3, 8])), w=ONE)[0] == 2.5


def test_selective_accuracy_is_strictly_above_the_threshold() -> None:
    p, correct = Probabilities(np.array([0.5, 0.6, 0.9, 0.1])), Labels(np.array([1.0, 0, 1, 1]))
    assert selective_accuracy(p, correct, w=ONE)[0] == 0.5
    assert coverage(p, w=ONE)[0] == 0.5
    assert selective_accuracy(p, correct, w=ONE, threshold=0.8)[0] == 1
    assert np.isnan(selective_accuracy(p, correct, w=ONE, threshold=0.95)[0])


@pytest.mark.parametrize(
    ("column", "values"), [(Labels, [0.5]), (Numbers, [np.inf]), (Scores, [np.nan]), (Probabilities, [1.1])]
)
def test_columns_refuse_what_they_are_not(column: type, values: list[float]) -> None:
    with pytest.raises(ValueError, match="must"):
        column(np.array(values))


def test_a_well_bound_metric_passes() -> None:
    Metric("auroc", auroc, ("p", "correct")).check(Row)
    Metric("auroc", auroc, ("margin", "correct")).check(Row)
    Metric("joint", joint_accuracy, ("correct", "group"), by=("arm", "condition")).check(Row)
    Metric("ece", ece_equal_width, ("p", "correct"), options={"bins": 15}).check(Row)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Metric("m", brier, ("margin", "correct")), "'margin' is a score, but the metric takes Probabilities"),
        (Metric("m", brier, ("p", "right")), "no column 'right'"),
        (Metric("m", brier, ("p",)), "takes 2 columns"),
        (Metric("m", brier, ("p", "correct"), by=("p",)), "need text columns, 'p' is none"),
        (Metric("m", brier, ("p", "correct"), where={"kind": "a"}), "need text columns, 'kind' is none"),
        (Metric("m", brier, ("p", "correct"), options={"bins": 3}), "no option 'bins' \\(there are: none\\)"),
        (Metric("m", ece_equal_width, ("p", "correct"), options={"bin": 3}), "no option 'bin' \\(there are: bins\\)"),
    ],
)
def test_a_badly_bound_metric_is_refused(metric: Metric, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        metric.check(Row)


def test_measures_describe_themselves() -> None:
    assert ece_equal_width.options == ("bins",)
    assert ece_equal_width.parameters == (Probabilities, Labels)
    assert ece_equal_width.doc.startswith("Expected calibration error")
    assert (accuracy.low, accuracy.high, accuracy.better, accuracy.average) == (0, 1, "higher", True)
