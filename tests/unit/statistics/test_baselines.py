"""Claims of skill: a number against the base rate or the best of several baselines, on the same rows and replicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.config.build import construct
from harness.config.written import written_fields
from harness.errors import HarnessError
from harness.metrics.calibration import brier, brier_uncertainty, ece_equal_width
from harness.metrics.correlation import spearman
from harness.metrics.metric import Metric
from harness.metrics.recalibration import ece_after_temperature
from harness.metrics.shares import accuracy
from harness.metrics.skill import brier_skill
from harness.outcomes import Table
from harness.statistics.claim_checks import check_claims
from harness.statistics.claims import Claim, Verdict, judge_claim
from harness.statistics.estimates import estimate_all
from tests.support.simulated import arms

PAIR = ("p", "correct")
METRICS = (
    Metric("accuracy", accuracy, ("correct",)),
    Metric("brier", brier, PAIR),
    Metric("brier_uncertainty", brier_uncertainty, PAIR),
    Metric("brier_skill", brier_skill, PAIR),
    Metric("ece_equal_width", ece_equal_width, PAIR),
    Metric("ece_after_temperature", ece_after_temperature, (*PAIR, "group")),
    Metric("spearman", spearman, PAIR),
)
ARM = {"arm": "a"}


def claim(metric: str, relation: Any, level: Any = None, **more: Any) -> Claim:
    return Claim(text="t", metric=metric, level=ARM if level is None else level, relation=relation, **more)


def judged(one: Claim, table: Table, replicates: int = 200, seed: int = 0, names: Sequence[str] = ()) -> Verdict:
    check_claims([one], METRICS)
    about = {name for name, _ in one.sides} | set(names)
    estimates = estimate_all([m for m in METRICS if m.name in about], table, replicates=replicates, seed=seed)
    return judge_claim(one, estimates, METRICS, table, replicates=replicates, seed=seed)


BEATS = (
    claim("brier_skill", "above", value=0.0),
    claim("brier", "below", than_metric="brier_uncertainty"),
)


@pytest.mark.parametrize("one", BEATS)
@pytest.mark.parametrize(("rate", "n"), [(0.139, 80), (0.6, 30)])
def test_a_forecaster_of_the_base_rate_does_not_beat_it_and_is_not_beaten(one: Claim, rate: float, n: int) -> None:
    rng = np.random.default_rng(0)
    kinds = []
    for seed in range(200):
        correct = (rng.random(n) < rate).astype(float)
        table = arms({"a": {"p": np.full(n, rate), "correct": correct}})
        kinds.append(judged(one, table, seed=seed).kind)
    assert kinds.count("supported") <= 10
    assert kinds.count("contradicted") <= 10


@pytest.mark.parametrize("one", BEATS)
def test_a_constant_half_is_beaten_and_knowing_something_beats(one: Claim) -> None:
    rng = np.random.default_rng(1)
    p = 1 / (1 + np.exp(-rng.normal(-1, 1.5, 400)))
    correct = (rng.random(400) < p).astype(float)
    assert judged(one, arms({"a": {"p": p, "correct": correct}})).kind == "supported"
    worse = judged(one, arms({"a": {"p": np.full(400, 0.5), "correct": correct}}))
    assert worse.kind == "contradicted"


def test_a_brier_score_far_below_a_quarter_is_no_skill_where_few_answers_are_right() -> None:
    # README's example: accuracy .139 of 72, Brier .1227 against .1196 for the base rate.
    correct = np.repeat([1.0, 0.0], [10, 62])
    p = np.repeat([0.2, 0.5, 0.0897], [10, 8, 54])
    table = arms({"a": {"p": p, "correct": correct}})
    values = {e.metric: e.value for e in estimate_all(METRICS, table, replicates=10)}
    assert values["brier"] == pytest.approx(0.1227, abs=1e-4)
    assert values["brier_uncertainty"] == pytest.approx(0.1196, abs=1e-4)
    assert judged(claim("brier", "below", value=0.25), table).kind == "supported"
    for one in BEATS:
        assert judged(one, table).kind != "supported"


def test_a_comparison_with_another_metric_is_of_the_same_rows() -> None:
    rng = np.random.default_rng(2)
    p = np.clip(rng.random(60), 0.01, 0.99)
    correct = (rng.random(60) < p).astype(float)
    p[:3] = np.nan  # rows without a probability are in neither number
    found = judged(claim("brier", "below", than_metric="brier_uncertainty"), arms({"a": {"p": p, "correct": correct}}))
    there = correct[3:]
    expected = ((p[3:] - there) ** 2).mean() - there.mean() * (1 - there.mean())
    assert found.measured is not None
    assert found.measured.value == pytest.approx(expected, abs=1e-12)
    assert found.measured.metric == "brier - brier_uncertainty"
    assert (found.measured.n, found.measured.n_groups, found.measured.level) == (57, 57, ARM)
    assert "(n = 57 pairs, 57 groups, 3 without a value)" in found.reason


def test_a_temperature_mends_what_is_too_extreme_and_not_what_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    mends = claim("ece_after_temperature", "below", than_metric="ece_equal_width")
    x = rng.normal(0.7, 1.2, 600)
    correct = (rng.random(600) < 1 / (1 + np.exp(-x))).astype(float)
    extreme, calibrated = 1 / (1 + np.exp(-3 * x)), 1 / (1 + np.exp(-x))
    assert judged(mends, arms({"a": {"p": extreme, "correct": correct}})).kind == "supported"
    assert judged(mends, arms({"a": {"p": calibrated, "correct": correct}})).kind == "undecided"


def right(share: Sequence[float], n: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Arms a, b, c, ... with so many right answers each, independent of each other."""
    rng = np.random.default_rng(seed)
    return {name: {"correct": (rng.random(n) < p).astype(float)} for name, p in zip("abcdef", share, strict=False)}


BEST = claim("accuracy", "above", than=({"arm": "b"}, {"arm": "c"}, {"arm": "d"}))


def test_the_best_of_several_baselines_decides() -> None:
    better = judged(BEST, arms(right((0.8, 0.5, 0.6, 0.4), 400, 0)))
    assert better.kind == "supported"
    assert better.measured is not None
    assert better.measured.level == {"arm": "a - c"}
    assert better.reason.endswith("(a - c: one of 3 to be compared with)")
    worse = judged(BEST, arms(right((0.5, 0.3, 0.8, 0.4), 400, 1)))
    assert worse.kind == "contradicted"
    assert worse.measured is not None
    assert worse.measured.level == {"arm": "a - c"}
    even = judged(BEST, arms(right((0.6, 0.3, 0.6, 0.4), 400, 3)))
    assert even.kind == "undecided"
    assert even.measured is not None
    assert even.measured.level == {"arm": "a - c"}
    below = claim("accuracy", "below", than=({"arm": "b"}, {"arm": "c"}))
    assert judged(below, arms(right((0.3, 0.5, 0.8), 400, 4))).kind == "supported"
    lacking = judged(
        claim("accuracy", "above", than=(ARM | {"arm": "b"}, {"arm": "z"})), arms(right((0.9, 0.1), 50, 0))
    )
    assert (lacking.kind, lacking.measured) == ("not comparable", None)


def test_a_claim_no_better_than_the_best_of_several_is_seldom_decided() -> None:
    # As good as two of three baselines: the claim fails, and not one of six comparisons may decide by luck.
    kinds = []
    ps = []
    for seed in range(200):
        found = judged(BEST, arms(right((0.5, 0.5, 0.5, 0.5), 100, 1000 + seed)), seed=seed)
        kinds.append(found.kind)
        assert found.p is not None
        ps.append(found.p)
    assert kinds.count("supported") <= 4
    assert kinds.count("contradicted") <= 10
    assert np.mean(np.array(ps) <= 0.05) <= 0.08


def test_the_p_of_several_is_the_largest_of_those_in_favour() -> None:
    table = arms(right((0.75, 0.5, 0.65, 0.6), 120, 5))
    single = [judged(claim("accuracy", "above", than={"arm": arm}), table).p for arm in "bcd"]
    assert all(p is not None for p in single)
    assert judged(BEST, table).p == max(p for p in single if p is not None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"than_metric": "brier_uncertanty"}, "than_metric 'brier_uncertanty' does not exist, did you mean"),
        ({"than_metric": "brier"}, r"compares level {'arm': 'a'} with itself"),
        ({"than": ({"arm": "b"}, {"arm": "b"})}, r"compares level {'arm': 'b'} twice"),
        ({"than": ({"arm": "b"}, {"amr": "c"})}, "level column 'amr' does not exist"),
        ({"than": ({"arm": "b"}, ARM)}, "with itself"),
        ({"than_metric": "brier_skill"}, "are no numbers of one unit"),
    ],
)
def test_a_wrong_baseline_is_refused_before_the_run(changes: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_claims([claim("brier", "below", **changes)], METRICS)


@pytest.mark.parametrize(
    "changes", [{}, {"value": 0.1, "than_metric": "brier"}, {"value": 0.1, "than": ARM}, {"than": ()}]
)
def test_a_claim_has_a_constant_or_a_baseline(changes: Any) -> None:
    with pytest.raises(HarnessError, match=r"exactly one of 'value' .* 'than_metric'"):
        claim("brier", "below", **changes)


def test_baselines_are_read_from_a_config_and_written_again() -> None:
    node = {
        "text": "t", "metric": "brier", "level": {"arm": "a"}, "relation": "below",
        "than": [{"arm": "b", "turn": 2}, {"arm": "c", "turn": True}], "than_metric": "brier_uncertainty",
    }  # fmt: skip
    made = construct(Claim, node, "claims[0]")
    assert made.than == ({"arm": "b", "turn": "2"}, {"arm": "c", "turn": "true"})
    assert made.rivals == tuple(("brier_uncertainty", level) for level in made.than)
    assert construct(Claim, written_fields(made, "claims[0]"), "claims[0]") == made
    one = construct(Claim, {**node, "than": {"arm": "b"}, "than_metric": None}, "claims[0]")
    assert (one.than, one.rivals) == ({"arm": "b"}, (("brier", {"arm": "b"}),))
