"""Published numbers: what makes them not comparable, and what the interval of the difference decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.calibration import ece_equal_width
from harness.metrics.metric import Metric
from harness.metrics.revisions import delta, mcnemar_p
from harness.metrics.shares import accuracy
from harness.statistics.equivalence import share_ends
from harness.statistics.estimates import Estimate
from harness.statistics.references import Reference, check_references, judge_reference

METRICS = (
    Metric("accuracy", accuracy, ("correct",)),
    Metric("ece", ece_equal_width, ("p", "correct")),
    Metric("delta", delta, ("before", "after")),
    Metric("mcnemar_p", mcnemar_p, ("before", "after")),
)
SETTINGS = {"model.name": "small", "task.name": "sums", "experiment.temperature": "0.7", "wording": "plain"}


def measured(value: float | None, low: float | None, high: float | None, **changes: Any) -> Estimate:
    made = Estimate(
        metric="accuracy",
        level={"arm": "zero-shot"},
        value=value,
        low=low,
        high=high,
        n=100,
        n_groups=20,
        n_failed=0,
        method="given",
        better="higher",
    )
    return replace(made, **changes)


def reference(**changes: Any) -> Reference:
    given: dict[str, Any] = {
        "metric": "accuracy",
        "level": {"arm": "zero-shot"},
        "value": 0.75,
        "model": "small",
        "task": "sums",
        "source": "a paper, table 2",
        "certainty": "seen",
        "tolerance": 0.05,
    }
    return Reference(**given | changes)


def share(value: float, n: int) -> Estimate:
    return measured(value, *share_ends(value, n), n=n, n_groups=n)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0.71, 0.79, "compatible"),
        (0.701, 0.799, "compatible"),
        (0.751, 0.79, "compatible"),  # surely another number, but less than the tolerance away
        (0.60, 0.69, "incompatible"),
        (0.81, 0.90, "incompatible"),
        (0.65, 0.74, "incompatible"),
        (0.60, 0.90, "too few items to tell"),
        (0.69, 0.79, "too few items to tell"),
    ],
)
def test_a_published_number_without_error_is_judged_by_the_runs_interval(low: float, high: float, kind: str) -> None:
    verdict = judge_reference(reference(), [measured((low + high) / 2, low, high)], METRICS, SETTINGS)
    assert (verdict.kind, verdict.published, verdict.source) == (kind, 0.75, "a paper, table 2")
    assert verdict.text == "accuracy[arm=zero-shot] = 0.75 for small on sums"
    assert "n of the published number is not known, and only this run's error counts" in verdict.reason


@pytest.mark.parametrize(
    ("value", "n", "changes", "kind", "told"),
    [
        # 0.06 off: the run alone excludes 0, both samples together do not.
        (0.69, 400, {"n": 400}, "too few items to tell", "own n = 400 is too small"),
        (0.69, 400, {"n": None}, "incompatible", "excludes 0 and reaches beyond ± 0.05"),
        (
            0.75,
            400,
            {"n": 400},
            "too few items to tell",
            "own n = 400 is too small for it (it needs a tolerance of 0.07",
        ),
        (0.75, 400, {"n": 400, "tolerance": None}, "compatible", "lies within ± 0.1"),
        (0.75, 3000, {"n": 3000}, "compatible", "the difference 0 [-0.0221, 0.0221] lies within ± 0.05"),
        (0.75, 300, {"n": 3000}, "too few items to tell", "takes about n = 1,141"),
        (0.60, 400, {"n": 400, "tolerance": None}, "incompatible", "excludes 0"),
    ],
)
def test_both_samples_err(value: float, n: int, changes: Mapping[str, Any], kind: str, told: str) -> None:
    verdict = judge_reference(reference(**changes), [share(value, n)], METRICS, SETTINGS)
    assert verdict.kind == kind
    assert told in verdict.reason


def test_a_share_of_0_errs_too() -> None:
    # FANToM's joint accuracy, as if of 254 sets: a run of 40 families with none right does not contradict it.
    none = measured(0.0, 0.0, 0.088, n=40, n_groups=40)
    assert judge_reference(reference(value=0.002, n=254), [none], METRICS, SETTINGS).kind == "too few items to tell"


def test_other_numbers_have_the_runs_error_at_their_own_n() -> None:
    # Half-width 0.04 at 400 rows is 0.08 at 100, and the two together are 0.0894.
    found = measured(0.2, 0.16, 0.24, metric="ece", n=400, n_groups=400)
    kind = {"metric": "ece", "value": 0.2, "n": 100}
    verdict = judge_reference(reference(**kind, tolerance=0.09), [found], METRICS, SETTINGS)
    assert verdict.kind == "compatible"
    assert "the difference 0 [-0.0894, 0.0894] lies within ± 0.09" in verdict.reason
    assert judge_reference(reference(**kind, tolerance=0.089), [found], METRICS, SETTINGS).kind != "compatible"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "large"}, "the published model is 'large', this run's is 'small'"),
        ({"task": "capitals"}, "the published task is 'capitals', this run's is 'sums'"),
        ({"certainty": "memory"}, "the published number is from memory, not seen in a source"),
        ({"level": {"arm": "x"}}, "the run has no accuracy[arm=x] (it has: [arm=zero-shot])"),
        (
            {"requires": {"experiment.temperature": 0, "wording": "math"}},
            "experiment.temperature is 0.7, published at 0; wording is plain, published at math",
        ),
        ({"requires": {"task.split": "test"}}, "this run has no task.split"),
        ({"tolerance": None}, "nothing says how large a difference counts as none: the number needs its n"),
    ],
)
def test_a_published_number_of_something_else_is_not_comparable(changes: Mapping[str, Any], reason: str) -> None:
    verdict = judge_reference(reference(**changes), [measured(0.75, 0.74, 0.76)], METRICS, SETTINGS)
    assert (verdict.kind, verdict.reason) == ("not comparable", reason)


def test_conditions_that_are_met_change_nothing() -> None:
    asked = reference(requires={"experiment.temperature": ">=0.7", "wording": "plain"})
    assert judge_reference(asked, [measured(0.75, 0.74, 0.76)], METRICS, SETTINGS).kind == "compatible"


def test_what_has_no_interval_is_not_judged() -> None:
    alone = measured(0.6, None, None, note="no interval: fewer than 2 groups")
    verdict = judge_reference(reference(), [alone], METRICS, SETTINGS)
    assert verdict.kind == "too few items to tell"
    assert "fewer than 2 groups" in verdict.reason
    undefined = measured(None, None, None, note="no rows")
    verdict = judge_reference(reference(), [undefined], METRICS, SETTINGS)
    assert (verdict.kind, verdict.reason) == ("undefined", "the number is undefined: no rows")
    p = judge_reference(
        reference(metric="mcnemar_p", value=0.03), [measured(0.03, None, None, metric="mcnemar_p")], METRICS, SETTINGS
    )
    assert (p.kind, p.reason) == ("not comparable", "mcnemar_p has no interval: it is a p-value")
    change = judge_reference(
        reference(metric="delta", value=-0.1, n=500, tolerance=None),
        [measured(-0.1, -0.12, -0.08, metric="delta")],
        METRICS,
        SETTINGS,
    )
    assert change.reason.endswith("the number needs a tolerance, as only a share has one by default")


def test_all_reasons_are_given() -> None:
    verdict = judge_reference(reference(model="large", task="capitals"), [], METRICS, SETTINGS)
    assert verdict.reason.count("the published") == 2
    assert "the run has no accuracy" in verdict.reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "accurracy"}, "did you mean 'accuracy'"),
        ({"level": {"arms": "a"}}, "did you mean 'arm'"),
        ({"value": 75.3}, "lies outside the range"),
        (
            {"requires": {"experiment.temprature": 0}},
            r"requires 'experiment\.temprature', but there is no such setting, did you mean 'experiment\.temperature'",
        ),
    ],
)
def test_a_wrong_reference_is_refused_before_the_run(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_references([reference(**changes)], METRICS, SETTINGS)


def test_right_references_pass() -> None:
    settings = {"experiment.temperature": ">=0.5", "wording": "math", "task.split": "test"}
    check_references([reference(), reference(requires=settings)], METRICS, SETTINGS)


def test_levels_and_conditions_are_native_values_or_text() -> None:
    assert reference(level={"turn": 2.0}).level == reference(level={"turn": "2"}).level == {"turn": "2"}
    assert reference(requires={"seed": 0, "limit": None}) == reference(requires={"seed": "0", "limit": "null"})


def test_impossible_references_cannot_be_made() -> None:
    with pytest.raises(HarnessError, match="did you mean 'memory'"):
        reference(certainty="memori")
    for changes in ({"tolerance": -0.1}, {"tolerance": 0.0}, {"tolerance": float("nan")}, {"n": 0}):
        with pytest.raises(HarnessError, match="is no number above 0"):
            reference(**changes)
    with pytest.raises(HarnessError, match="requires limit>=all: a bound is a number"):
        reference(requires={"limit": ">=all"})


@pytest.mark.parametrize(("n", "share_right"), [(60, 0.113), (60, 0.467), (500, 0.526), (1000, 0.75)])
def test_the_published_model_itself_is_rarely_called_incompatible(n: int, share_right: float) -> None:
    """A run of the published model on as many other items: about 80 % compatible, at most 5 % false alarms."""
    simulated = 10_000
    kinds: Counter[str] = Counter()
    for published, right in np.random.default_rng(n).binomial(n, share_right, size=(simulated, 2)) / n:
        asked = reference(value=float(published), n=n, tolerance=None)
        kinds[judge_reference(asked, [share(float(right), n)], METRICS, SETTINGS).kind] += 1
    assert kinds["incompatible"] / simulated <= 0.05
    assert kinds["compatible"] / simulated == pytest.approx(0.8, abs=0.05)
    assert kinds.total() == sum(kinds[kind] for kind in ("compatible", "incompatible", "too few items to tell"))
