"""Estimates: which rows count, intervals that cover, pairs that pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.calibration import brier, ece_debiased, ece_equal_count, ece_equal_width
from harness.metrics.columns import Floats, Labels, Weights
from harness.metrics.joint import joint_accuracy
from harness.metrics.likelihood import nll
from harness.metrics.metric import Metric, measure
from harness.metrics.multiclass import macro_f1
from harness.metrics.ranking import auroc
from harness.metrics.revisions import delta, mcnemar_p
from harness.metrics.shares import accuracy, mean, selective_accuracy
from harness.outcomes import ItemResult, Outcome, Probability, Table
from harness.statistics.bootstrap import bootstrap_weights
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.clusters import Clusters
from harness.statistics.estimates import Estimate, estimate, estimate_all
from harness.statistics.pairs import difference
from tests.support.simulated import arms


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    correct: bool | None
    p: Probability | None = None
    before: bool = False
    story: str | None = None


ACCURACY = Metric("accuracy", accuracy, ("correct",))
AUROC = Metric("auroc", auroc, ("p", "correct"))


def table(*results: tuple[str, str, Sequence[Row]], failed: Sequence[str] = ()) -> Table:
    """A table of (item, group, rows), and of items that failed, each a group of its own."""
    ok = [ItemResult(item, group, tuple(rows)) for item, group, rows in results]
    return Table.build(Row, ok + [ItemResult(item, item, error="no answer") for item in failed])


def columns(correct: Floats, groups: np.ndarray, arm: np.ndarray | None = None) -> Table:
    """A table of labels without the way through results."""
    n = len(correct)
    names = np.array([f"g{g:05d}" for g in groups], dtype=object)
    arms = np.full(n, "a", dtype=object) if arm is None else arm
    none = np.full(n, None, dtype=object)
    return Table(
        {"item": "text", "group": "text", "error": "text", "arm": "text", "correct": "label"},
        {"item": names, "group": names, "error": none, "arm": arms, "correct": correct},
    )


def one(estimates: list[Estimate]) -> Estimate:
    (only,) = estimates
    return only


def test_weights_are_counts_of_whole_groups() -> None:
    groups = np.array([0, 1, 1, 2, 0])
    w = np.concatenate(list(bootstrap_weights(Clusters.single(groups), 2000, seed=1)))
    assert w.shape == (2000, 5)
    np.testing.assert_array_equal(w[:, 0], w[:, 4])
    np.testing.assert_array_equal(w[:, 1], w[:, 2])
    np.testing.assert_array_equal(w[:, [0, 1, 3]].sum(axis=1), 3)
    # Multinomial: mean 1, variance G (1/G) (1 - 1/G) = 2/3.
    assert w[:, 3].mean() == pytest.approx(1, abs=0.08)
    assert w[:, 3].var() == pytest.approx(2 / 3, abs=0.1)


def test_weights_of_many_rows_come_in_chunks() -> None:
    shapes = [w.shape for w in bootstrap_weights(Clusters.single(np.arange(100_000)), 5, seed=0)]
    assert shapes == [(2, 100_000), (2, 100_000), (1, 100_000)]


def test_levels_are_estimated_apart_and_in_order() -> None:
    rows = table(
        ("i1", "g1", [Row(arm="zero", correct=True), Row(arm="few", correct=True)]),
        ("i2", "g2", [Row(arm="zero", correct=False), Row(arm="few", correct=True)]),
        ("i3", "g3", [Row(arm="zero", correct=False)]),
    )
    few, zero = estimate(ACCURACY, rows)
    assert (few.level, few.value, few.n, few.n_groups) == ({"arm": "few"}, 1.0, 2, 2)
    assert (zero.level, zero.value, zero.n, zero.n_groups) == ({"arm": "zero"}, 1 / 3, 3, 3)
    assert zero.method == "cluster bootstrap, 1000 replicates, t(2)"
    overall = one(estimate(Metric("all", accuracy, ("correct",), by=()), rows))
    assert (overall.level, overall.value, overall.n, overall.n_groups) == ({}, 0.6, 5, 3)


def test_missing_values_and_failed_items_are_counted_not_scored() -> None:
    rows = table(
        ("i1", "g1", [Row(arm="a", correct=True), Row(arm="b", correct=None)]),
        ("i2", "g2", [Row(arm="a", correct=None), Row(arm="b", correct=None)]),
        ("i3", "g3", [Row(arm="a", correct=False)]),
        failed=["i4", "i5"],
    )
    a, b = estimate(ACCURACY, rows)
    assert (a.value, a.n, a.n_failed) == (0.5, 2, 3)
    assert (b.value, b.low, b.high, b.n, b.n_failed, b.note) == (None, None, None, 0, 4, "no rows")


def test_where_keeps_rows_and_a_missing_condition_counts_as_failed() -> None:
    rows = table(
        ("i1", "g1", [Row(arm="a", correct=True, story="x"), Row(arm="a", correct=False, story="y")]),
        ("i2", "g2", [Row(arm="a", correct=True, story="x"), Row(arm="a", correct=True, story=None)]),
    )
    only = one(estimate(Metric("x", accuracy, ("correct",), where={"story": "x"}), rows))
    assert (only.value, only.n, only.n_failed) == (1.0, 2, 1)
    x, y = estimate(Metric("x", accuracy, ("correct",), by=("story",)), rows)
    assert [(e.level["story"], e.value, e.n_failed) for e in (x, y)] == [("x", 1.0, 1), ("y", 0.0, 1)]


def test_no_rows_at_all() -> None:
    rows = table(failed=["i1"])
    assert estimate(ACCURACY, rows) == []
    nothing = one(estimate(Metric("all", accuracy, ("correct",), by=()), rows))
    assert (nothing.value, nothing.n, nothing.n_failed, nothing.note) == (None, 0, 1, "no rows")


def test_an_undefined_value_says_why() -> None:
    rows = table(*((f"i{i}", f"g{i}", [Row(arm="a", correct=True, p=Probability(0.1 * i))]) for i in range(4)))
    undefined = one(estimate(AUROC, rows))
    assert (undefined.value, undefined.low, undefined.method) == (None, None, "none")
    assert undefined.note == "all rows are correct, or all are wrong"
    assert one(estimate(Metric("s", selective_accuracy, ("p", "correct")), rows)).note == (
        "no probability lies above the threshold"
    )


def test_an_interval_on_which_one_group_decides_is_none() -> None:
    # One wrong row in ten: (9/10)^10 = 35 % of the replicates miss it.
    mixed = table(*((f"i{i}", f"g{i}", [Row(arm="a", correct=i != 4, p=Probability(0.05 * i))]) for i in range(10)))
    auc = one(estimate(AUROC, mixed))
    assert auc.value == pytest.approx(5 / 9)
    assert auc.low is None
    assert auc.note.startswith(("no interval: undefined in 3", "no interval: undefined in 4"))


def test_one_group_has_no_interval() -> None:
    rows = table(("i1", "g", [Row(arm="a", correct=True)]), ("i2", "g", [Row(arm="a", correct=False)]))
    only = one(estimate(ACCURACY, rows))
    assert (only.value, only.low, only.high, only.method) == (0.5, None, None, "none")
    assert only.note == "no interval: fewer than 2 groups"


def test_agreement_of_all_groups_is_the_interval_of_clopper_and_pearson() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for value in (0.0, 1.0):
        perfect = one(estimate(ACCURACY, columns(np.full(20, value), np.arange(20))))
        expected = proportion_confint(int(20 * value), 20, method="beta")
        assert (perfect.low, perfect.high) == pytest.approx(expected, abs=1e-12)
        assert perfect.method == "binomial bound, all 20 groups agree"
    # A model that never changes its answer: delta 0, and q = 0.025^(1/20) of all items are like that.
    rows = table(*((f"i{i:02}", f"g{i}", [Row(arm="a", correct=True, before=True)]) for i in range(20)))
    unchanged = one(estimate(Metric("delta", delta, ("before", "correct")), rows))
    q = 0.025 ** (1 / 20)
    assert (unchanged.value, unchanged.low, unchanged.high) == pytest.approx((0, q - 1, 1 - q), abs=1e-12)
    constant = one(estimate(Metric("mean", mean, ("correct",)), rows))
    assert (constant.low, constant.note) == (None, "no interval: all replicates agree")


@pytest.mark.parametrize("wrong", [3, 12, 30])
def test_a_ranking_without_an_error_has_an_interval_by_the_rarer_kind(wrong: int) -> None:
    # Clopper and Pearson's bound of as many trials as there are wrong rows, each of which could have been ranked badly.
    y = np.array([0.0] * wrong + [1.0] * (60 - wrong))
    measured = {"p": np.where(y == 1, 0.9, 0.1), "correct": y}
    (perfect,) = estimate(Metric("auroc", auroc, ("p", "correct")), arms({"a": measured}))
    assert perfect.value == 1
    assert (perfect.low, perfect.high) == pytest.approx((0.025 ** (1 / wrong), 1))
    metrics = (Metric("auroc", auroc, ("p", "correct")),)
    outcomes = arms({"a": measured, "constant": {"p": np.full(60, 0.5), "correct": y}})
    estimates = estimate_all(metrics, outcomes)
    for against in ({"value": 0.5}, {"than": {"arm": "constant"}}):
        claim = Claim(text="t", metric="auroc", level={"arm": "a"}, relation="above", **against)
        verdict = judge_claim(claim, estimates, metrics, outcomes)
        assert verdict.kind == ("supported" if wrong > 3 else "undecided")
        assert verdict.p is not None
        assert (verdict.p < 0.05) == (wrong > 3)


def test_an_auroc_near_1_is_held_by_its_intervals_with_few_wrong_rows() -> None:
    # The model's scores of right and wrong rows are normal and apart by z: AUROC = Phi(z / sqrt 2) = .98.
    truth, held = 0.98, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = (rng.random(40) < 0.7).astype(float)
        score = rng.normal(2.9044 * y, 1)
        p = 1 / (1 + np.exp(-score))
        (found,) = estimate(
            Metric("auroc", auroc, ("p", "correct")), arms({"a": {"p": p, "correct": y}}), replicates=100
        )
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert held >= 180, held


def test_the_interval_is_that_of_theory() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.3).astype(float)
    e = one(estimate(ACCURACY, columns(y, np.arange(4000)), replicates=4000))
    assert e.low is not None
    assert e.high is not None
    assert e.high - e.low == pytest.approx(2 * 1.96 * np.sqrt(0.21 / 4000), rel=0.06)
    assert e.low < e.value < e.high  # type: ignore[operator]


def test_same_seed_same_interval_whatever_the_order_of_rows() -> None:
    rng = np.random.default_rng(2)
    n = 300
    rows = [
        (f"i{i:03}", f"g{i // 3}", [Row(arm="a", correct=bool(rng.random() < 0.6), p=Probability(rng.random()))])
        for i in range(n)
    ]
    straight = table(*rows)
    turned = straight.where(rng.permutation(n))
    for metric in (AUROC, Metric("brier", brier, ("p", "correct")), Metric("ece", ece_equal_count, ("p", "correct"))):
        assert estimate(metric, straight) == estimate(metric, turned)
        assert estimate(metric, straight, seed=1) != estimate(metric, straight)


def test_a_p_value_has_no_interval_and_says_when_rows_are_clustered() -> None:
    metric = Metric("p", mcnemar_p, ("before", "correct"))
    rows = [Row(arm="a", correct=True)] * 5
    alone = one(estimate(metric, table(*((f"i{k}", f"g{k}", [row]) for k, row in enumerate(rows)))))
    assert alone.value == pytest.approx(2 / 32)
    assert (alone.low, alone.method, alone.note) == (None, "none", "")
    assert one(estimate(metric, table(("i", "g", rows)))).note == "rows of 1 groups taken as independent"


def test_a_unit_with_a_missing_row_is_left_out_whole() -> None:
    metric = Metric("joint", joint_accuracy, ("correct", "story"))
    rows = table(
        ("i1", "g1", [Row(arm="a", correct=True, story="s1"), Row(arm="a", correct=True, story="s1")]),
        ("i2", "g1", [Row(arm="a", correct=True, story="s2"), Row(arm="a", correct=None, story="s2")]),
        ("i3", "g3", [Row(arm="a", correct=False, story="s3"), Row(arm="a", correct=True, story="s3")]),
        ("i4", "g4", [Row(arm="a", correct=True, story="s4")]),
        failed=["i5"],
    )
    joint = one(estimate(metric, rows))
    assert (joint.value, joint.n, joint.n_failed) == (2 / 3, 5, 3)
    assert joint.note == "1 rows left out with incomplete units"
    # An item that failed in the group of a unit may have been part of it.
    lost = Table.build(
        Row,
        [
            ItemResult("i1", "g1", (Row(arm="a", correct=True, story="s1"),)),
            ItemResult("i2", "g2", (Row(arm="a", correct=False, story="s2"),)),
            ItemResult("i3", "g1", error="too long"),
        ],
    )
    assert (one(estimate(metric, lost)).value, one(estimate(metric, lost)).n) == (0.0, 1)


def test_a_unit_across_groups_is_an_error() -> None:
    rows = table(*((f"i{i}", f"g{i}", [Row(arm="a", correct=True, story="s")]) for i in range(3)))
    with pytest.raises(HarnessError, match=r"metric 'joint'.*one unit have different weights"):
        estimate(Metric("joint", joint_accuracy, ("correct", "story")), rows)


def test_a_value_outside_the_declared_range_is_a_bug() -> None:
    @measure(low=0, high=1, better="higher")
    def broken(correct: Labels, *, w: Weights) -> Floats:
        return 2 * (w @ correct.values)

    with pytest.raises(AssertionError, match="left its range"):
        estimate(Metric("broken", broken, ("correct",)), columns(np.ones(3), np.arange(3)))


def test_intervals_of_clustered_rows_cover_and_those_of_rows_do_not() -> None:
    # Five rows a group, intra-group correlation 1/2: the variance is three times that of independent rows.
    rng = np.random.default_rng(11)
    runs, n_groups, size = 400, 80, 5
    clustered = independent = 0
    for run in range(runs):
        ability = rng.random(n_groups) < 0.6
        own = rng.random((n_groups, size)) < 0.6
        follows = rng.random((n_groups, size)) < np.sqrt(0.5)
        y = np.where(follows, ability[:, None], own).astype(float).ravel()
        groups = np.arange(n_groups).repeat(size)
        for grouping in ("group", "row"):
            rows = columns(y, groups if grouping == "group" else np.arange(len(y)))
            e = one(estimate(ACCURACY, rows, replicates=300, seed=run))
            assert e.low is not None
            assert e.high is not None
            if grouping == "group":
                clustered += e.low <= 0.6 <= e.high
            else:
                independent += e.low <= 0.6 <= e.high
    # Nominal 95 %; three standard errors of 400 runs are 3.3 points.
    assert 0.917 < clustered / runs < 0.983
    # 2 Phi(1.96 / sqrt(3)) - 1 = 74 %.
    assert 0.67 < independent / runs < 0.81


def test_the_interval_of_an_ece_is_not_pushed_up_by_its_bias() -> None:
    # p uniform, P(correct) = 0.25 + p/2: the gap |p/2 - 0.25| averages 1/8 over the bins. At n = 200 the value is about
    # 0.148, and the percentile range lies above the truth in more than a quarter of the runs.
    metric = Metric("ece", ece_equal_width, ("p", "correct"))
    runs, too_high = 120, 0
    for run in range(runs):
        rng = np.random.default_rng(run)
        p = rng.random(200)
        rows = columns((rng.random(200) < 0.25 + p / 2).astype(float), np.arange(200))
        rows = Table({**rows.kinds, "p": "probability"}, {**rows.columns, "p": p})
        e = one(estimate(metric, rows, replicates=200))
        assert e.low is not None
        assert e.method == "cluster bootstrap, 200 replicates, test inversion"
        too_high += e.low > 0.125
    # 2.5 % nominal; three standard errors of 120 runs are 4.3 points.
    assert too_high / runs < 0.07


def two_arms(n: int, both: float, a_only: float, b_only: float) -> Table:
    """Items with one row in each arm: right in both, in a only, in b only."""
    counts = [round(n * x) for x in (both, a_only, b_only)]
    counts.append(n - sum(counts))
    a, b = np.repeat([1.0, 1, 0, 0], counts), np.repeat([1.0, 0, 1, 0], counts)
    arm = np.repeat(np.array(["a", "b"], dtype=object), n)
    return columns(np.concatenate([a, b]), np.tile(np.arange(n), 2), arm)


def test_a_difference_is_paired() -> None:
    rows = two_arms(1000, both=0.5, a_only=0.06, b_only=0.02)
    d = difference(ACCURACY, rows, {"arm": "a"}, {"arm": "b"}, replicates=4000)
    assert d.low is not None
    assert d.high is not None
    assert d.value == pytest.approx(0.04)
    assert (d.level, d.n, d.n_groups) == ({"arm": "a - b"}, 1000, 1000)
    # Var of the mean of differences (0.08 - 0.04^2)/n; unpaired it would be six times that.
    assert d.high - d.low == pytest.approx(2 * 1.96 * np.sqrt((0.08 - 0.0016) / 1000), rel=0.06)
    assert d.method == "paired cluster bootstrap, 4000 replicates, percentile"
    back = difference(ACCURACY, rows, {"arm": "b"}, {"arm": "a"}, replicates=4000)
    assert (back.value, back.low, back.high) == pytest.approx((-0.04, -d.high, -d.low))


def test_a_difference_rests_on_shared_groups() -> None:
    rows = table(
        ("i1", "g1", [Row(arm="a", correct=True), Row(arm="b", correct=False)]),
        ("i2", "g2", [Row(arm="a", correct=True), Row(arm="b", correct=True)]),
        ("i3", "g3", [Row(arm="a", correct=True), Row(arm="b", correct=None)]),
        ("i4", "g4", [Row(arm="b", correct=True)]),
        failed=["i5"],
    )
    d = difference(ACCURACY, rows, {"arm": "a"}, {"arm": "b"})
    assert (d.value, d.n, d.n_groups, d.n_failed) == (0.5, 2, 2, 2)
    assert d.n_unmatched == 2
    assert d.note == "2 rows left out without a partner"


def test_a_difference_of_two_runs_rests_on_shared_items() -> None:
    def run(items: range, right: int) -> Table:
        return table(*((f"i{i}", f"g{i // 2}", [Row(arm="a", correct=i < right)]) for i in items))

    d = difference(ACCURACY, run(range(8), 6), {"arm": "a"}, {"arm": "a"}, other=run(range(1, 8), 2))
    assert d.value == pytest.approx(4 / 7)
    assert (d.n, d.n_groups, d.level) == (7, 4, {"arm": "a"})
    assert d.note == "1 rows left out without a partner"


def test_a_difference_that_all_groups_share() -> None:
    d = difference(ACCURACY, two_arms(50, 0, 1, 0), {"arm": "a"}, {"arm": "b"})
    q = 0.025 ** (1 / 50)
    assert (d.value, d.low, d.high) == pytest.approx((1, 2 * q - 1, 1), abs=1e-12)
    assert d.method == "paired binomial bound, all 50 groups agree"


def test_what_has_no_difference() -> None:
    rows = two_arms(10, 0.5, 0.1, 0.1)
    with pytest.raises(HarnessError, match="is a p-value"):
        difference(Metric("p", mcnemar_p, ("correct", "correct")), rows, {"arm": "a"}, {"arm": "b"})
    with pytest.raises(HarnessError, match=r"must name exactly \['arm'\]"):
        difference(ACCURACY, rows, {"arm": "a"}, {"shots": "b"})
    missing = difference(ACCURACY, rows, {"arm": "a"}, {"arm": "c"})
    assert (missing.value, missing.n_groups, missing.note) == (None, 0, "no rows; 10 rows left out without a partner")


def test_the_interval_of_an_ece_holds_its_value_and_covers_a_known_miscalibration() -> None:
    covered, runs = 0, 150
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.5, 1, 200)
        correct = rng.uniform(size=200) < p - 0.2  # says 0.2 too much everywhere: the true ECE
        base = columns(correct.astype(float), np.arange(200))
        rows = Table({**base.kinds, "p": "probability"}, {**base.columns, "p": p})
        e = one(estimate(Metric("ece", ece_equal_width, ("p", "correct")), rows, replicates=200, seed=seed))
        assert e.value is not None
        assert e.low is not None
        assert e.high is not None
        assert 0 <= e.low <= e.value <= e.high <= 1
        covered += e.low <= 0.2 <= e.high
    # 95 % nominal; 150 runs know it to +-5 points.
    assert 0.9 <= covered / runs <= 1


def test_a_debiased_error_and_the_zero_of_a_calibrated_one_are_covered() -> None:
    # The replicates of a debiased error hold the noise of the sample once more, and those of any error never get to 0.
    metrics = [Metric("debiased", ece_debiased, ("p", "correct")), Metric("ece", ece_equal_width, ("p", "correct"))]
    runs = 100
    for off in (0.0, 0.15):
        covered = dict.fromkeys(["debiased", "ece"], 0)
        for seed in range(runs):
            rng = np.random.default_rng(seed)
            p = rng.uniform(0.3, 1, 300)
            base = columns((rng.random(300) < p - off).astype(float), np.arange(300))
            rows = Table({**base.kinds, "p": "probability"}, {**base.columns, "p": p})
            for e in estimate_all(metrics, rows, replicates=150, seed=seed):
                assert e.method == "cluster bootstrap, 150 replicates, test inversion"
                assert e.value is not None
                assert e.low is not None
                assert e.high is not None
                assert e.low <= e.value <= e.high
                covered[e.metric] += e.low <= off <= e.high
        # 95 % nominal; 100 runs know it to 6 points.
        assert min(covered.values()) / runs >= 0.89, (off, covered)


def test_what_a_measure_remarks_on_is_in_the_note() -> None:
    base = columns(np.array([1.0, 0, 1, 0]), np.arange(4))
    rows = Table({**base.kinds, "p": "probability"}, {**base.columns, "p": np.array([0.5, 1.0, 0.6, 0.2])})
    e = one(estimate(Metric("nll", nll, ("p", "correct")), rows, replicates=20))
    assert e.note == "1 wrong rows with p of exactly 0 or 1: their infinite loss counts as 36.04"


@dataclass(frozen=True, kw_only=True)
class Named(Outcome):
    said: str
    gold: str
    right: bool


def test_texts_of_two_columns_are_the_same_class_where_they_are_equal() -> None:
    # Of each column alone, the names have other numbers: "no" is the first of two, and the second of three.
    gold = ["no", "yes", "yes", "yes"] * 30
    said = ["no", "yes", "maybe", ""] * 30
    results = [
        ItemResult(f"i{i}", f"i{i}", (Named(arm="a", said=s, gold=g, right=s == g),))
        for i, (s, g) in enumerate(zip(said, gold, strict=True))
    ]
    found = one(estimate(Metric("macro_f1", macro_f1, ("said", "gold")), Table.build(Named, results)))
    assert found.value == pytest.approx((1 + 2 / 4) / 2)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.75 < found.high < 1
