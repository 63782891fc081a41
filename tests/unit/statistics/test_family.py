"""The family of a run's claims: false verdicts without and with the adjustment, and what is a test at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy, mean
from harness.statistics.claims import Claim, Verdict, judge_claim
from harness.statistics.estimates import estimate_all
from harness.statistics.family import in_family, resolution
from tests.support.simulated import arms

ACCURACY, MEAN = Metric("accuracy", accuracy, ("correct",)), Metric("mean", mean, ("p",))


def verdict(kind: Any, p: float | None) -> Verdict:
    return Verdict(kind, "t", None, None, "", "", p)


def test_thirteen_true_nulls_are_decided_in_one_run_of_twenty_together() -> None:
    # 13 arms of 60 probabilities whose mean is a half: that it is above (or below) a half is false for each.
    names = [f"arm{i}" for i in range(13)]
    claims = [Claim(text=n, metric="mean", level={"arm": n}, relation="above", value=0.5) for n in names]
    rng = np.random.default_rng(7)
    alone = together = 0
    for seed in range(100):
        table = arms({n: {"p": rng.random(60)} for n in names})
        estimates = estimate_all([MEAN], table, replicates=600, seed=seed)
        found = in_family([judge_claim(one, estimates, [MEAN], table, replicates=600, seed=seed) for one in claims])
        alone += any(v.kind != "undecided" for v in found)
        together += any(v.kind_holm != "undecided" for v in found)
    # One claim of 5 % makes 1 - .95^13 = 49 % of thirteen.
    assert 39 <= alone <= 59
    assert together <= 5 + 2 * 2.2  # two standard errors of 100 runs at 5 %


def test_what_one_large_family_leaves_of_each_verdict() -> None:
    found = in_family(
        [verdict("supported", 0.001), verdict("contradicted", 0.02), verdict("supported", 0.04),
         verdict("undecided", 0.3), verdict("not comparable", None), verdict("undecided", None)]
    )  # fmt: skip
    # Four tests: .001 * 4, .02 * 3, .04 * 2, .3.
    assert [v.p_holm for v in found] == [
        pytest.approx(0.004),
        pytest.approx(0.06),
        pytest.approx(0.08),
        0.3,
        None,
        None,
    ]
    assert [v.kind_holm for v in found] == [
        "supported", "undecided", "undecided", "undecided", "not comparable", "undecided"
    ]  # fmt: skip
    assert [v.kinds for v in found][:2] == ["supported", "contradicted (undecided in the family)"]
    assert [v.kind for v in found][:3] == ["supported", "contradicted", "supported"]


def test_a_verdict_without_a_p_cannot_be_adjusted() -> None:
    assert in_family([verdict("supported", None)])[0].kind_holm == "undecided"
    assert in_family([]) == []


def test_a_family_of_one_is_its_only_claim() -> None:
    assert in_family([verdict("supported", 0.05)])[0].kind_holm == "supported"


def test_the_p_of_a_claim_agrees_with_its_interval() -> None:
    rng = np.random.default_rng(8)
    for share in np.linspace(0.4, 0.6, 41):
        table = arms({"a": {"correct": (rng.random(200) < share).astype(float)}})
        estimates = estimate_all([ACCURACY], table, replicates=400)
        one = Claim(text="t", metric="accuracy", level={"arm": "a"}, relation="above", value=0.5)
        found = judge_claim(one, estimates, [ACCURACY], table, replicates=400)
        assert found.p is not None
        if not 0.04 < found.p < 0.06:
            assert (found.kind != "undecided") == (found.p <= 0.05)


def test_few_replicates_cannot_show_a_large_family() -> None:
    tests = [verdict("undecided", 0.3)] * 30
    assert resolution(tests, 2000) == ""
    assert resolution(tests, 1000) == (
        "1000 replicates of 30 claims: no adjusted p can be below 0.06; set replicates=1200"
    )
    assert resolution([verdict("not comparable", None)] * 30, 10) == ""
