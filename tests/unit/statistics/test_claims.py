"""Verdicts: what an interval decides, what it leaves open, and what cannot be compared at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.execution.summary import _verdict
from harness.metrics.metric import Metric
from harness.metrics.revisions import mcnemar_p
from harness.metrics.shares import accuracy
from harness.outcomes import Table
from harness.statistics.claim_checks import check_claims
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.estimates import Estimate, estimate

ACCURACY = Metric("accuracy", accuracy, ("correct",))
P_VALUE = Metric("mcnemar_p", mcnemar_p, ("correct", "correct"))
METRICS = (ACCURACY, P_VALUE)


def measured(value: float | None, low: float | None, high: float | None, **changes: Any) -> Estimate:
    made = Estimate(
        metric="accuracy",
        level={"arm": "zero-shot"},
        value=value,
        low=low,
        high=high,
        n=100,
        n_groups=100,
        n_failed=0,
        method="given",
        better="higher",
    )
    return replace(made, **changes)


def two_arms(both: int, first: int, second: int, neither: int = 0) -> Table:
    """So many items right in arms "zero-shot" and "few-shot", in the first or second only, and in neither."""
    counts = [both, first, second, neither]
    a, b = np.repeat([1.0, 1, 0, 0], counts), np.repeat([1.0, 0, 1, 0], counts)
    names = np.array([f"i{i:04}" for i in range(len(a))], dtype=object)
    items = np.concatenate([names, names])
    arms = np.repeat(np.array(["zero-shot", "few-shot"], dtype=object), len(a))
    return Table(
        {"item": "text", "group": "text", "error": "text", "arm": "text", "correct": "label"},
        {
            "item": items,
            "group": items,
            "error": np.full(len(items), None, dtype=object),
            "arm": arms,
            "correct": np.concatenate([a, b]),
        },
    )


def claim(**changes: Any) -> Claim:
    return replace(
        Claim(
            text="the model is better than a coin",
            metric="accuracy",
            level={"arm": "zero-shot"},
            relation="above",
            value=0.5,
            source="a paper, table 1",
        ),
        **changes,
    )


NO_TABLE = two_arms(1, 0, 0)


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (0.51, 0.7, "supported", "contradicted"),
        (0.2, 0.49, "contradicted", "supported"),
        (0.4, 0.6, "undecided", "undecided"),
        (0.5, 0.6, "undecided", "undecided"),
        (0.4, 0.5, "undecided", "undecided"),
    ],
)
def test_a_constant_is_judged_by_the_whole_interval(low: float, high: float, above: str, below: str) -> None:
    estimates = [measured((low + high) / 2, low, high)]
    up = judge_claim(claim(), estimates, METRICS, NO_TABLE)
    down = judge_claim(claim(relation="below"), estimates, METRICS, NO_TABLE)
    assert (up.kind, down.kind) == (above, below)
    assert (up.measured, up.published, up.source) == (estimates[0], None, "a paper, table 1")


def test_the_reason_has_the_numbers() -> None:
    verdict = judge_claim(claim(), [measured(0.6, 0.55, 0.65, n_failed=3)], METRICS, NO_TABLE)
    assert verdict.reason == "0.6 [0.55, 0.65] (n = 100, 100 groups, 3 without a value) lies wholly above 0.5"


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (two_arms(600, 80, 20), "supported"),
        (two_arms(600, 20, 80), "contradicted"),
        (two_arms(600, 51, 49), "undecided"),
    ],
)
def test_two_levels_are_judged_by_their_paired_difference(table: Table, kind: str) -> None:
    verdict = judge_claim(
        claim(value=None, than={"arm": "few-shot"}), estimate(ACCURACY, table), METRICS, table, replicates=300
    )
    assert verdict.kind == kind
    assert verdict.measured is not None
    assert verdict.measured.level == {"arm": "zero-shot - few-shot"}
    assert verdict.measured.n_groups == 700


def test_pairing_decides_what_two_intervals_cannot() -> None:
    # 0.756 against 0.726 of 700: the intervals of the two levels overlap, that of the difference excludes 0.
    table = two_arms(500, 29, 8, 163)
    few, zero = estimate(ACCURACY, table)
    assert few.high is not None
    assert zero.low is not None
    assert few.high > zero.low
    assert judge_claim(claim(value=None, than={"arm": "few-shot"}), [few, zero], METRICS, table).kind == "supported"


def test_what_a_run_lacks_is_not_comparable() -> None:
    estimates = [measured(0.6, 0.55, 0.65), measured(None, None, None, level={"arm": "none"}, note="no rows")]
    absent = judge_claim(claim(level={"arm": "zero-shoot"}), estimates, METRICS, NO_TABLE)
    assert absent.kind == "not comparable"
    assert absent.reason == "the run has no accuracy[arm=zero-shoot] (it has: [arm=zero-shot], [arm=none])"
    other = judge_claim(claim(value=None, than={"arm": "ten"}), estimates, METRICS, NO_TABLE)
    assert (other.kind, other.measured) == ("not comparable", None)
    undefined = judge_claim(claim(level={"arm": "none"}), estimates, METRICS, NO_TABLE)
    assert (undefined.kind, undefined.reason) == ("undefined", "the number is undefined: no rows")


def test_no_interval_decides_nothing() -> None:
    alone = measured(0.6, None, None, note="no interval: fewer than 2 groups")
    verdict = judge_claim(claim(), [alone], METRICS, NO_TABLE)
    assert verdict.kind == "undecided"
    assert "fewer than 2 groups" in verdict.reason


@pytest.mark.parametrize(("p", "kind"), [(0.01, "supported"), (0.05, "undecided"), (0.7, "undecided")])
def test_a_large_p_value_shows_nothing(p: float, kind: str) -> None:
    small = claim(metric="mcnemar_p", relation="below", value=0.05)
    assert judge_claim(small, [measured(p, None, None, metric="mcnemar_p")], METRICS, NO_TABLE).kind == kind


def test_a_claim_is_supported_only_where_the_one_is_that_it_is_provided_with() -> None:
    other = {"arm": "few-shot"}
    condition = claim(text="so is the other", level=other)
    of = [measured(0.6, 0.55, 0.65), measured(0.6, 0.55, 0.65, level=other)]
    unsure = [of[0], measured(0.52, 0.45, 0.59, level=other)]
    opposite = [of[0], measured(0.4, 0.35, 0.45, level=other)]
    lower = [measured(0.4, 0.35, 0.45), of[1]]

    def kind(estimates: list[Estimate], condition: Claim = condition) -> str:
        return judge_claim(claim(provided=condition), estimates, METRICS, NO_TABLE).kind

    assert kind(of) == "supported"
    assert [kind(unsure), kind(opposite), kind(of[:1])] == ["undecided"] * 3
    # What fails by itself fails whatever the condition says; what is open stays open.
    assert [kind(lower), kind([lower[0], unsure[1]])] == ["contradicted"] * 2
    assert kind([measured(0.52, 0.45, 0.59), of[1]]) == "undecided"
    assert kind(of, replace(condition, provided=claim(text="a third", value=0.7))) == "undecided"
    held = judge_claim(claim(provided=condition), unsure, METRICS, NO_TABLE)
    assert held.reason == (
        "held back, it shows nothing while this is undecided: so is the other (the interval of 0.52 [0.45, 0.59] "
        "(n = 100, 100 groups) contains 0.5); by itself: 0.6 [0.55, 0.65] (n = 100, 100 groups) lies wholly above 0.5"
    )
    assert held.p is None
    line = _verdict(held, [claim(provided=condition)], 120)
    assert line.split(": ")[1] == "0.600 [0.550, 0.650], held back by 'so is the other'"


def test_the_p_of_a_provided_claim_is_the_larger_of_two() -> None:
    table = two_arms(both=42, first=19, second=10, neither=29)
    few, zero = estimate(ACCURACY, table)
    alone = judge_claim(claim(), [few, zero], METRICS, table)
    easier = claim(text="and better than a fifth", value=0.2)
    assert alone.p is not None
    assert alone.kind == judge_claim(claim(provided=easier), [few, zero], METRICS, table).kind == "supported"
    assert judge_claim(claim(provided=easier), [few, zero], METRICS, table).p == alone.p
    assert judge_claim(replace(easier, provided=claim()), [few, zero], METRICS, table).p == alone.p
    assert judge_claim(easier, [few, zero], METRICS, table).p != alone.p
    # A claim that is held back stays a test of its family: which ones are held back is a matter of chance.
    for value, kind in ((0.65, "undecided"), (0.9, "contradicted")):
        strict = claim(text="strict", value=value)
        condition = judge_claim(strict, [few, zero], METRICS, table)
        held = judge_claim(claim(provided=strict), [few, zero], METRICS, table)
        assert (condition.kind, held.kind) == (kind, "undecided")
        assert held.p == (condition.p if kind == "undecided" else 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"provided": Claim(text="the base", metric="acuracy", level={}, relation="above", value=0)},
            "claim 'the model is better than a coin': provided 'the base': metric 'acuracy' does not exist",
        ),
        ({"metric": "acuracy"}, "metric 'acuracy' does not exist, did you mean 'accuracy'"),
        ({"level": {"amr": "a"}}, "level column 'amr' does not exist, did you mean 'arm'"),
        ({"level": {}}, "lacks 'arm'"),
        ({"value": 75}, r"75 lies outside the range \[0, 1\] of 'accuracy'"),
        ({"value": None, "than": {"arm": "zero-shot"}}, "with itself"),
        ({"value": None, "than": {"shots": "5"}}, "level column 'shots' does not exist"),
        ({"metric": "mcnemar_p"}, "can only be claimed to lie below"),
    ],
)
def test_a_wrong_claim_is_refused_before_the_run(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_claims([claim(**changes)], METRICS)


def test_right_claims_pass() -> None:
    check_claims([claim(), claim(text="or not", value=None, than={"arm": "few-shot"})], METRICS)
    with pytest.raises(
        HarnessError, match=r"two claims are called 'the model is better than a coin'; give one of them"
    ):
        check_claims([claim(), claim(value=0.6)], METRICS)


def test_levels_of_claims_are_native_values_or_text() -> None:
    native = claim(level={"picked": True, "turn": 2}, value=None, than={"picked": False, "turn": 2})
    assert (native.level, native.than) == ({"picked": "true", "turn": "2"}, {"picked": "false", "turn": "2"})
    assert native == claim(level={"picked": "true", "turn": "2"}, value=None, than={"picked": "false", "turn": "2"})


def test_impossible_claims_cannot_be_made() -> None:
    with pytest.raises(HarnessError, match="exactly one of 'value'"):
        claim(than={"arm": "few-shot"})
    with pytest.raises(HarnessError, match="exactly one of 'value'"):
        claim(value=None)
    with pytest.raises(HarnessError, match="relation 'abov' does not exist, did you mean 'above'"):
        claim(relation="abov")
