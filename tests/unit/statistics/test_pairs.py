"""Paired comparisons: known differences, exact tests, adjusted p-values, and what simulations say of false alarms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.calibration import brier_uncertainty, ece_equal_width
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.shares import accuracy
from harness.outcomes import ItemResult, Outcome, Probability, Table
from harness.statistics.clusters import Clusters
from harness.statistics.estimates import estimate
from harness.statistics.few_groups import power_factor
from harness.statistics.intervals import Replicates, clustered_error, interval_of, of_difference, p_value
from harness.statistics.pairs import Contrast, contrast, holm, sign_test


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    """A judged answer."""

    correct: bool | None
    p: Probability


ACCURACY = Metric("accuracy", accuracy, ("correct",))
ECE = Metric("ece", ece_equal_width, ("p", "correct"))
LEVEL = {"arm": "a"}


def table(correct: Sequence[bool | None] | NDArray[Any], start: int = 0, per_group: int = 1, p: float = 0.5) -> Table:
    """One row an item, items numbered from `start`."""
    results = [
        ItemResult(
            f"i{start + i:05d}",
            f"g{(start + i) // per_group}",
            (Row(arm="a", correct=None if c is None else bool(c), p=Probability(p)),),
        )
        for i, c in enumerate(correct)
    ]
    return Table.build(Row, results)


def compared(first: Table, second: Table, metric: Metric = ACCURACY, replicates: int = 400) -> Contrast:
    return contrast(metric, LEVEL, [first], [second], replicates=replicates)


def test_a_known_difference_is_found_with_its_exact_test() -> None:
    # 40 items: 10 right on both sides, 20 gained, 4 lost, 6 wrong on both.
    one = [True] * 10 + [False] * 20 + [True] * 4 + [False] * 6
    two = [True] * 30 + [False] * 10
    found = compared(table(one), table(two), replicates=2000)
    assert (found.first, found.second) == (14 / 40, 30 / 40)
    assert found.value == pytest.approx(16 / 40)
    assert (found.gained, found.lost) == (20, 4)
    # 2 P(X <= 4) for 24 fair coins.
    assert found.p_exact == pytest.approx(2 * sum(math.comb(24, k) for k in range(5)) / 2**24, abs=1e-12)
    d = np.array([b - a for a, b in zip(one, two, strict=True)], dtype=float)
    assert found.se == pytest.approx(d.std() / math.sqrt(40), rel=0.06)
    assert found.low is not None
    assert found.high is not None
    assert found.low == pytest.approx(0.4 - 1.96 * d.std() / math.sqrt(40), abs=0.04)
    assert found.smallest == pytest.approx(power_factor(40) * (found.se or 0))
    assert found.p is not None
    assert found.p < 0.01
    assert (found.n_items, found.n_groups, found.n_failed) == (40, 40, 0)


def test_equal_runs_differ_by_nothing_and_say_so() -> None:
    same = table([True, False] * 10)
    found = compared(same, same)
    assert (found.value, found.p, found.se) == (0.0, None, None)
    assert found.p_exact == 1.0
    assert (found.gained, found.lost) == (0, 0)


def test_only_shared_items_count_and_none_is_an_error() -> None:
    found = compared(table([True] * 10), table([False] * 10, start=5))
    assert (found.n_items, found.value) == (5, -1.0)
    # The interval of five groups that agree ends at 0 at the level of their sign test.
    assert found.p == pytest.approx(2 / 2**5)
    with pytest.raises(HarnessError, match="share no item"):
        compared(table([True] * 5), table([True] * 5, start=5))
    found = compared(table([True, None, True, False]), table([True, True, None, True]))
    assert (found.n_items, found.n_failed, found.gained, found.lost) == (2, 2, 1, 0)


def test_rows_of_one_group_stay_together() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(rng.random(40) < 0.5, 10)
    alone = compared(table(np.zeros(400)), table(groups))
    nested = compared(table(np.zeros(400), per_group=10), table(groups, per_group=10))
    assert (alone.n_groups, nested.n_groups) == (400, 40)
    # All rows of a group agree: the effective number of rows is that of groups.
    assert (nested.se or 0) / (alone.se or 1) == pytest.approx(math.sqrt(10), rel=0.15)


def test_several_seeds_are_a_level_of_their_own() -> None:
    rng = np.random.default_rng(1)
    base = [table(rng.random(200) < 0.5) for _ in range(4)]
    other = [table(rng.random(200) < q) for q in (0.4, 0.5, 0.7, 0.8)]
    found = contrast(ACCURACY, LEVEL, base, other, replicates=1000)
    means = [[float(np.nanmean(t.columns["correct"])) for t in side] for side in (base, other)]
    assert found.value == pytest.approx(np.mean(means[1]) - np.mean(means[0]))
    assert found.spread == pytest.approx((np.std(means[0], ddof=1), np.std(means[1], ddof=1)))
    one = contrast(ACCURACY, LEVEL, base[:1], other[:1], replicates=1000)
    assert one.spread == (None, None)
    # Items alone would give sqrt(2 * .25/200/4) = 0.025; the seeds of the second side vary by far more.
    assert (found.se or 0) > 0.06
    assert found.p_exact is None


def test_biased_metrics_agree_with_their_interval() -> None:
    rng = np.random.default_rng(2)
    right = rng.random(300) < 0.5
    found = compared(table(right, p=0.5), table(right, p=0.9), ECE)
    assert found.value == pytest.approx(abs(right.mean() - 0.9) - abs(right.mean() - 0.5))
    assert found.p is not None
    assert found.p < 0.01
    assert (found.low or 0) > 0


def test_a_p_value_is_the_level_at_which_the_interval_ends_at_zero() -> None:
    values = np.arange(-99, 901).astype(np.float64)  # 100 of 1000 at or below 0
    assert p_value(accuracy, 400.0, Replicates(values, 0), 150) == pytest.approx(2 * 101 / 1001)
    assert p_value(accuracy, 0.0, Replicates(np.array([np.nan] * 6 + [1.0] * 94), 0), 150) is None
    assert p_value(of_difference(accuracy, accuracy), 1.0, Replicates(np.ones(999), 0), 150) == pytest.approx(2 / 1000)


def test_the_exact_test_is_binomial_over_groups() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(3, 3) == 1
    # 6 groups of 4 items: 5 gain one item or more, one gains and loses one.
    two = [True, False, False, False] * 4 + [True] * 4 + [True, False, False, False]
    one = [False] * 20 + [False, True, False, False]
    found = compared(table(one, per_group=4), table(two, per_group=4))
    assert (found.gained, found.lost) == (9, 1)
    assert found.p_exact == pytest.approx(2 / 32)


def test_arms_are_compared_within_one_run() -> None:
    rows = [
        [Row(arm="a", correct=i < 3, p=Probability(0.5)), Row(arm="b", correct=i < 7, p=Probability(0.5))]
        for i in range(10)
    ]
    both = Table.build(Row, [ItemResult(f"i{i}", f"g{i}", tuple(r)) for i, r in enumerate(rows)])
    found = contrast(ACCURACY, LEVEL, [both], [both], other={"arm": "b"}, replicates=100)
    assert (found.first, found.second, found.level) == (0.3, 0.7, {"arm": "b - a"})
    assert (found.gained, found.lost, found.p_exact) == (4, 0, 2 / 16)


def test_the_replicates_of_a_difference_of_eces_are_moved_and_not_reflected() -> None:
    # Their mean is .06 and the value .02: reflected about it they would reach from -.0575 to .0375.
    values = np.concatenate([np.arange(100.0), np.full(1, 1110.0)]) / 1000
    moved = of_difference(ece_equal_width, ece_equal_width)
    assert (moved.biased, moved.debiased) == (False, True)
    found = interval_of(moved, 0.02, Replicates(values, 0), 150)
    assert values.mean() == pytest.approx(0.06)
    assert (found.low, found.high) == pytest.approx((-0.0375, 0.0575))
    # A difference of 0 is .04 before the move, and 41 of the 101 lie at or below that.
    assert p_value(moved, 0.02, Replicates(values, 0), 150) == pytest.approx(2 * 42 / 102)
    ranked = of_difference(auroc, brier_uncertainty)
    assert (ranked.biased, ranked.debiased, ranked.low, ranked.high) == (False, True, -0.25, 1)


def test_holm_agrees_with_statsmodels_and_leaves_what_is_unknown_out() -> None:
    from statsmodels.stats.multitest import multipletests

    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]), abs=1e-12)
    assert holm([None, 0.02, None, 0.9]) == [None, 0.04, None, 0.9]


def test_the_clustered_error_agrees_with_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    groups = np.sort(rng.integers(0, 30, 200))
    _, codes = np.unique(groups, return_inverse=True)
    x = rng.normal(size=200) + 0.5 * codes % 3
    fit = sm.OLS(x, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": codes})
    assert clustered_error(x, Clusters.single(codes)) == pytest.approx(float(fit.bse[0]), rel=1e-9)
    assert clustered_error(x, Clusters.single(np.arange(200))) == pytest.approx(
        x.std(ddof=1) / math.sqrt(200), rel=1e-9
    )
    assert clustered_error(x, Clusters.single(np.zeros(200, dtype=np.int64))) is None
    correct = rng.random(60) < 0.7
    (one,) = estimate(ACCURACY, table(correct, per_group=3), replicates=50)
    assert one.se == pytest.approx(clustered_error(correct.astype(float), Clusters.single(np.arange(60) // 3)))


def test_bca_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(4)
    correct = rng.random(100) < 0.9
    (ours,) = estimate(ACCURACY, table(correct), replicates=20_000, interval="bca")
    theirs = bootstrap((correct.astype(float),), np.mean, n_resamples=20_000, method="BCa", rng=rng).confidence_interval
    assert "BCa" in ours.method
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)
    (plain,) = estimate(ACCURACY, table(correct), replicates=20_000)
    assert "percentile" in plain.method
    ranked = Metric("auroc", auroc, ("p", "correct"))
    (tied,) = estimate(ranked, table(correct), replicates=100, interval="bca")
    assert tied.value == 0.5
    wrong = int((~correct).sum())  # a constant p: no pair is decided, as far as the rarer kind tells
    q = 0.025 ** (1 / wrong)
    assert (tied.low, tied.high) == pytest.approx((q / 2, 1 - q / 2))


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    # 300 pairs of runs of one model: 5 % are called different, give or take three standard errors (0.038).
    rng = np.random.default_rng(5)
    alarms = 0
    for i in range(300):
        one, two = (table(rng.random(60) < 0.6) for _ in range(2))
        found = contrast(ACCURACY, LEVEL, [one], [two], replicates=200, seed=i)
        alarms += found.p is not None and found.p < 0.05
    assert 0.012 < alarms / 300 < 0.088
