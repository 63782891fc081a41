"""Names for people: of every measure, of metrics with a prefix or suffix, of columns."""

import pytest

from harness import metrics
from harness.metrics.labels import column_label, metric_label
from harness.metrics.metric import Measure


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("auroc", "AUROC"),
        ("ece_equal_width", "ECE, equal-width bins"),
        ("ece_equal_width_answered", "ECE, equal-width bins (gradable answers only)"),
        ("accuracy_before_answered", "accuracy before revision (gradable answers only)"),
        ("greedy_accuracy", "accuracy (greedy)"),
        ("brier_skill", "Brier skill score"),
        ("temperature", "temperature"),
        ("p_ik", "P(IK)"),
        ("option_mass", "option mass"),
        ("mean_confidence", "mean confidence"),
        ("", ""),
    ],
)
def test_a_metric_has_a_name_for_people(name: str, label: str) -> None:
    assert metric_label(name) == label


def test_the_label_of_each_measure_is_its_own_and_no_identifier() -> None:
    measures = {n: m for n in metrics.__all__ if isinstance(m := getattr(metrics, n), Measure)}
    labels = [measure.label for measure in measures.values()]
    assert len(labels) > 50
    assert len(set(labels)) == len(labels)
    assert not [label for label in labels if "_" in label or not label]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("p", "probability"),
        ("p_true", "P(True)"),
        ("p_unanswerable", "P(unanswerable)"),
        ("after", "right after"),
        ("confidence", "confidence"),
        ("fate_before", "fate before"),
    ],
)
def test_a_column_has_a_name_for_people(name: str, label: str) -> None:
    assert column_label(name) == label
