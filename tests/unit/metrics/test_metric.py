"""Accuracy metrics, and how a metric is bound to the columns of an outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.columns import Labels, Numbers, Probabilities, Scores, Wins
from harness.metrics.curves import pass_at
from harness.metrics.joint import joint_accuracy
from harness.metrics.levels import Where
from harness.metrics.metric import Metric, check_metrics
from harness.metrics.ranking import auroc
from harness.metrics.shares import accuracy, coverage, mean, mean_probability, rate, selective_accuracy
from harness.outcomes import Kind, Outcome, Probability, Score, column_kinds


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    p: Probability
    margin: Score
    correct: bool
    condition: str
    turn: int = 1


ONE = np.ones((1, 4))
KINDS: dict[str, Kind] = {"item": "text", "group": "text", "error": "text", **column_kinds(Row)}


def test_accuracy_rate_and_mean() -> None:
    labels = Labels(np.array([1.0, 0, 1, 1]))
    assert accuracy(labels, w=ONE)[0] == rate(labels, w=ONE)[0] == 0.75
    assert accuracy(labels, w=np.array([[0.0, 3, 1, 0]]))[0] == 0.25
    assert mean(Numbers(np.array([1.0, -2, 3, 8])), w=ONE)[0] == 2.5


def test_a_mean_of_probabilities_is_bounded() -> None:
    p = Probabilities(np.array([0.25, 0.75, 1.0]))
    assert mean_probability(p, w=np.array([[1.0, 1, 2]]))[0] == pytest.approx(0.75)
    assert (mean_probability.low, mean_probability.high, mean_probability.average) == (0, 1, True)


def test_selective_accuracy_is_strictly_above_the_threshold() -> None:
    p, correct = Probabilities(np.array([0.5, 0.6, 0.9, 0.1])), Labels(np.array([1.0, 0, 1, 1]))
    assert selective_accuracy(p, correct, w=ONE)[0] == 0.5
    assert coverage(p, w=ONE)[0] == 0.5
    assert selective_accuracy(p, correct, w=ONE, threshold=0.8)[0] == 1
    assert np.isnan(selective_accuracy(p, correct, w=ONE, threshold=0.95)[0])


@pytest.mark.parametrize(
    ("column", "values"),
    [(Labels, [0.5]), (Numbers, [np.inf]), (Scores, [np.nan]), (Probabilities, [1.1]), (Wins, [1.5])],
)
def test_columns_refuse_what_they_are_not(column: type, values: list[float]) -> None:
    with pytest.raises(ValueError, match="must"):
        column(np.array(values))


def test_a_well_bound_metric_passes() -> None:
    Metric("auroc", auroc, ("p", "correct")).check(KINDS)
    Metric("auroc", auroc, ("margin", "correct")).check(KINDS)
    Metric("joint", joint_accuracy, ("correct", "group"), by=("arm", "condition")).check(KINDS)
    Metric("ece", ece_equal_width, ("p", "correct"), options={"bins": 15}).check(KINDS)
    wheres: list[Where] = [
        {"correct": True, "turn": 2},
        {"correct": "false", "turn": "2"},
        {"turn": 0.5, "condition": "x"},
    ]
    for where in wheres:
        Metric("brier", brier, ("p", "correct"), by=("correct", "turn"), where=where).check(KINDS)
    Metric("pass", pass_at, ("correct", "item"), index="draws").check(KINDS)


def test_metrics_of_one_name_are_refused() -> None:
    metric = Metric("brier", brier, ("p", "correct"))
    with pytest.raises(HarnessError, match="two metrics are called 'brier'; give one of them another name"):
        check_metrics([metric, Metric("a", brier, ("p", "correct")), metric], KINDS)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Metric("m", brier, ("margin", "correct")), "'margin' is a score, but the metric takes Probabilities"),
        (Metric("m", brier, ("p", "right")), "no column 'right' \\(there are: "),
        (Metric("m", brier, ("p",)), "takes 2 columns"),
        (
            Metric("m", brier, ("p", "correct"), by=("p",)),
            "'p' is a probability, but 'by' and 'where' take text",
        ),
        (Metric("m", brier, ("p", "correct"), where={"kind": "a"}), "no column 'kind'"),
        (Metric("m", brier, ("p", "correct"), by=("condtion",)), "no column 'condtion', did you mean 'condition'"),
        (
            Metric("m", brier, ("p", "correct"), where={"correct": 1}),
            "correct=1, but the column is a label; give",
        ),
        (Metric("m", brier, ("p", "correct"), where={"correct": "yes"}), "correct='yes', but the column is a label"),
        (Metric("m", brier, ("p", "correct"), where={"turn": True}), "turn=True, but the column is a number"),
        (Metric("m", brier, ("p", "correct"), where={"turn": "one"}), "turn='one', but the column is a number"),
        (Metric("m", brier, ("p", "correct"), where={"condition": 1}), "condition=1, but the column is a text"),
        (Metric("m", brier, ("p", "correct"), index="n"), "the measure is no curve; leave index out"),
        (Metric("m", pass_at, ("correct", "item")), "the measure is a curve; give it index="),
        (Metric("m", pass_at, ("correct", "item"), index="arm"), "index 'arm' is a column of 'by', too"),
        (Metric("m", brier, ("p", "correct"), options={"bins": 3}), "no option 'bins' \\(there are: none\\)"),
        (Metric("m", ece_equal_width, ("p", "correct"), options={"bin": 3}), "no option 'bin', did you mean 'bins'"),
    ],
)
def test_a_badly_bound_metric_is_refused(metric: Metric, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        metric.check(KINDS)


def test_measures_describe_themselves() -> None:
    assert ece_equal_width.options == {"bins": 10}
    assert ece_equal_width.parameters == (Probabilities, Labels)
    assert ece_equal_width.doc.startswith("Expected calibration error")
    assert (accuracy.low, accuracy.high, accuracy.better, accuracy.average) == (0, 1, "higher", True)
