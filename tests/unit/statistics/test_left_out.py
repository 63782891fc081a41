"""Rows without a value: a verdict names them, and falls where they could turn it round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.shares import accuracy
from harness.metrics.skill import brier_skill
from harness.statistics.claims import Claim, Verdict, judge_claim
from harness.statistics.estimates import estimate_all
from harness.statistics.left_out import turns
from tests.support.simulated import arms

ACCURACY, AUROC = Metric("accuracy", accuracy, ("correct",)), Metric("auroc", auroc, ("p", "correct"))
METRICS = (ACCURACY, AUROC, Metric("brier_skill", brier_skill, ("p", "correct")))


def labels(right: int, wrong: int, missing: int) -> np.ndarray:
    return np.repeat([1.0, 0.0, np.nan], [right, wrong, missing])


def judged(columns: Any, relation: Any, metric: str = "accuracy", **against: Any) -> Verdict:
    table = arms(columns)
    claim = Claim(text="t", metric=metric, level={"arm": "a"}, relation=relation, **against)
    return judge_claim(claim, estimate_all(METRICS, table, replicates=200), METRICS, table, replicates=200)


def test_few_missing_rows_are_counted_and_no_more() -> None:
    found = judged({"a": {"correct": labels(76, 20, 4)}}, "above", value=0.5)
    assert found.kind == "supported"
    assert "(n = 96, 96 groups, 4 without a value)" in found.reason
    assert "left out" not in found.reason


def test_many_missing_rows_are_named() -> None:
    found = judged({"a": {"correct": labels(58, 10, 12)}}, "above", value=0.5)
    assert found.kind == "supported"  # 58 of 80 are right, even if all 12 were wrong
    assert found.reason.endswith("lies wholly above 0.5; 12 of 80 rows at a have no value and are left out")


@pytest.mark.parametrize(
    ("right", "wrong", "missing", "relation", "kind"),
    [
        (48, 20, 12, "above", "supported"),  # 48 of 80, were they all wrong
        (48, 20, 28, "above", "undecided"),  # 48 of 96
        (20, 48, 12, "above", "contradicted"),  # 32 of 80, were they all right
        (20, 48, 28, "above", "undecided"),  # 48 of 96
        (20, 48, 28, "below", "undecided"),
        (20, 48, 12, "below", "supported"),
    ],
)
def test_a_verdict_holds_whatever_the_missing_rows_would_have_been(
    right: int, wrong: int, missing: int, relation: str, kind: str
) -> None:
    found = judged({"a": {"correct": labels(right, wrong, missing)}}, relation, value=0.5)
    assert found.kind == kind
    if kind == "undecided":
        assert found.p is None
        assert found.reason.startswith(f"held back, {missing} of {right + wrong + missing} rows at a have no value")


def test_the_worst_of_two_sides_is_that_of_both() -> None:
    # Both arms lack the same 10 of 100 items, so that all others match: 70 and 45 of 90 right. Were the missing rows
    # wrong in the first and right in the second: 70 against 55.
    a, b = labels(70, 20, 10), labels(45, 45, 10)
    found = judged({"a": {"correct": a}, "b": {"correct": b}}, "above", than={"arm": "b"})
    assert found.kind == "supported"
    assert "10 of 100 rows at a have no value and are left out; 10 of 100 rows at b" in found.reason
    # 61 against 45 of 90: a difference of .18, which 61 against 55 of 100 does not turn; 53 against 55 does.
    assert judged({"a": {"correct": labels(61, 29, 10)}, "b": {"correct": b}}, "above", than={"arm": "b"}).kind == (
        "supported"
    )
    assert judged({"a": {"correct": labels(53, 37, 10)}, "b": {"correct": b}}, "above", than={"arm": "b"}).kind == (
        "undecided"
    )


def test_a_metric_without_a_worst_case_is_only_told() -> None:
    correct = labels(40, 40, 20)
    p = np.where(np.isnan(correct), np.nan, 0.3 + 0.4 * np.nan_to_num(correct))
    p[:5] = 0.2
    found = judged({"a": {"correct": correct, "p": p}}, "above", metric="brier_skill", value=0.0)
    assert found.kind == "supported"
    assert found.reason.endswith("; 20 of 100 rows at a have no value and are left out")


@pytest.mark.parametrize(("missing", "kind"), [(4, "supported"), (20, "supported"), (40, "undecided")])
def test_a_ranking_of_the_rows_that_have_a_confidence_falls_with_many_that_have_none(missing: int, kind: str) -> None:
    # 80 rows with an AUROC of .875; were all pairs with a missing row ranked wrongly, .56 of it are left beside 20, and
    # .39 beside 40.
    correct = labels(40, 40, missing)
    p = np.where(np.isnan(correct), np.nan, 0.3 + 0.4 * np.nan_to_num(correct))
    p[:5] = 0.2
    found = judged({"a": {"correct": correct, "p": p}}, "above", metric="auroc", value=0.5)
    assert found.measured is not None
    assert found.measured.value == pytest.approx(0.875)
    assert found.kind == kind


def test_seeds_of_a_side_are_taken_together() -> None:
    table = arms(
        {
            "a": {"correct": labels(60, 30, 10)},
            "b": {"correct": labels(60, 40, 0)},
            "c": {"correct": labels(45, 45, 10)},
        }
    )
    a, b, c = ((ACCURACY, e) for e in estimate_all([ACCURACY], table, replicates=10))
    # (.60 + .60) / 2 against .55 at worst, and .60 against .60.
    assert not turns([a, b], [c], above=True, value=None)
    assert turns([c], [a, b], above=True, value=None)
    assert turns([a], [b], above=True, value=None)
    assert not turns([b], [], above=True, value=0.5)
