"""Counts of what became of answers, and the metrics of answers that could not be graded."""

from dataclasses import dataclass
from typing import Any

import pytest

from harness import metrics
from harness.items import Fate
from harness.outcomes import Failed, GradedAnswer, ItemResult, Outcome, Table
from harness.statistics.estimates import estimate_all
from harness.statistics.fates import count_fates


@dataclass(frozen=True, kw_only=True)
class Revised(Outcome):
    before: bool
    fate_before: Fate
    after: bool
    fate_after: Fate


def answers(arm: str, *fates: tuple[bool, Any]) -> list[ItemResult]:
    return [
        ItemResult(f"{arm}{i}", f"{arm}{i}", (GradedAnswer(arm=arm, answer="x", correct=correct, fate=fate),))
        for i, (correct, fate) in enumerate(fates)
    ]


def test_fates_are_counted_by_arm_and_a_failed_arm_is_an_error() -> None:
    rows = answers("a", (True, "answered"), (False, "answered"), (False, "cut"), (False, "refused"))
    rows += answers("b", (False, "unreadable"))
    failed = [ItemResult("c", "c", (Failed(arm="b", error="too long"),)), ItemResult("d", "d", error="broken")]
    a, b = count_fates(Table.build(GradedAnswer, rows + failed))
    assert (a.arm, a.n, a.counts) == ("a", 4, {"answered": 2, "refused": 1, "cut": 1})
    assert (b.arm, b.n, b.counts) == ("b", 2, {"unreadable": 1, "error": 1})
    assert (a.lost, b.lost) == (0.5, 1.0)
    assert a.text == "refused 1, cut 1 of 4 answers (50% could not be graded)"


def test_accuracy_counts_them_as_wrong_and_its_bounds_say_what_hangs_on_that() -> None:
    right, wrong, lost = (True, "answered"), (False, "answered"), (False, "unreadable")
    table = Table.build(GradedAnswer, answers("a", right, right, right, wrong, lost, lost, lost, lost))
    found = {e.metric: e for e in estimate_all(metrics.graded(), table)}
    values = {name: e.value for name, e in found.items()}
    assert values == {"accuracy": 3 / 8, "accuracy_answered": 3 / 4, "accuracy_upper": 7 / 8, "answered": 1 / 2}
    assert found["accuracy"].n == 8
    assert found["accuracy_answered"].n == 4


def test_a_revision_into_comments_is_a_loss() -> None:
    """Of 30 right answers 15 become comments that cannot be read (an audit found a delta of 0 there)."""
    rows = [
        Revised(before=True, fate_before="answered", after=i >= 15, fate_after="answered" if i >= 15 else "unreadable")
        for i in range(30)
    ]
    table = Table.build(Revised, [ItemResult(f"{i:02}", f"{i:02}", (row,)) for i, row in enumerate(rows)])
    found = {e.metric: e.value for e in estimate_all(metrics.transitions(by=()), table)}
    assert found["delta"] == pytest.approx(-0.5)
    assert (found["accuracy_before"], found["accuracy_after"]) == (1.0, 0.5)
    assert (found["delta_lower"], found["delta_upper"]) == (-0.5, 0.0)
    assert found["delta_answered"] == 0.0
    assert found["break_rate"] == 0.5


def test_the_bounds_hold_the_delta_of_every_perfect_grader() -> None:
    rows = [
        Revised(before=False, fate_before="cut", after=True, fate_after="answered"),
        Revised(before=True, fate_before="answered", after=False, fate_after="empty"),
        Revised(before=False, fate_before="unreadable", after=False, fate_after="refused"),
        Revised(before=False, fate_before="answered", after=True, fate_after="answered"),
    ]
    table = Table.build(Revised, [ItemResult(f"{i}", f"{i}", (row,)) for i, row in enumerate(rows)])
    found = {e.metric: e.value for e in estimate_all(metrics.transitions(by=()), table)}
    # By row, the least: 1 - 1, 0 - 1, 0 - 1, 1 - 0; the most: 1 - 0, 1 - 1, 1 - 0, 1 - 0.
    assert found["delta_lower"] == pytest.approx((0 - 1 - 1 + 1) / 4)
    assert found["delta_upper"] == pytest.approx((1 + 0 + 1 + 1) / 4)
    assert found["delta"] == pytest.approx((1 - 1 + 0 + 1) / 4)
