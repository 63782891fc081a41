"""Few groups: intervals of t, p-values that agree with every kind of interval, and how often both are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.metrics.calibration import brier, brier_resolution, ece_equal_width
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.shares import accuracy, mean
from harness.outcomes import Kind, Table
from harness.statistics.estimates import Estimate, estimate, p_against
from harness.statistics.few_groups import t_ends, t_p
from harness.statistics.intervals import IntervalKind
from harness.statistics.pairs import contrast, difference
from scripts.coverage_groups import ARMS, METRICS, Design, alarms, answers, held, truths

A, B = {"arm": "a"}, {"arm": "b"}
MEAN, ACCURACY = Metric("mean", mean, ("number",)), Metric("accuracy", accuracy, ("correct",))
BRIER, AUROC = Metric("brier", brier, ("p", "correct")), Metric("auroc", auroc, ("p", "correct"))


def table(groups: np.ndarray, arm: str = "a", **columns: Any) -> Table:
    """One row an item."""
    n = len(groups)
    text = {
        "item": np.array([f"i{i}" for i in range(n)], dtype=object),
        "group": np.array([f"g{g}" for g in groups], dtype=object),
        "arm": np.full(n, arm, dtype=object),
        "error": np.full(n, None, dtype=object),
    }
    kinds: dict[str, Kind] = {"correct": "label", "p": "probability", "number": "number", "text": "text"}
    return Table(
        {**dict.fromkeys(text, kinds["text"]), **{c: kinds[c] for c in columns}},
        {**text, **{c: np.asarray(v, dtype=float) for c, v in columns.items()}},
    )


def one(metric: Metric, rows: Table, **options: Any) -> Estimate:
    (found,) = estimate(metric, rows, **options)
    return found


def ends(e: Estimate) -> tuple[float, float]:
    assert e.low is not None
    assert e.high is not None
    return e.low, e.high


def test_the_interval_of_few_numbers_is_students() -> None:
    from scipy import stats

    x = np.random.default_rng(0).normal(3, 2, 12)
    found = one(MEAN, table(np.arange(12), number=x), replicates=20_000)
    assert found.method == "cluster bootstrap, 20000 replicates, t(11)"
    expected = stats.t.interval(0.95, 11, x.mean(), x.std(ddof=1) / np.sqrt(12))
    assert ends(found) == pytest.approx(expected, abs=0.04)
    p = p_against(MEAN, table(np.arange(12), number=x), A, 2.0, replicates=20_000)
    assert p == pytest.approx(stats.ttest_1samp(x, 2.0).pvalue, rel=0.05)


def test_a_number_with_ends_has_its_interval_on_log_odds_and_one_with_a_lower_end_on_logarithms() -> None:
    t = 2.200985160082949  # t(0.975, 11)
    low, high = t_ends(0.1, 0.05, 12, (0.0, 1.0))
    half = t * 0.05 / 0.09
    assert np.log(low / (1 - low)) == pytest.approx(np.log(1 / 9) - half)
    assert np.log(high / (1 - high)) == pytest.approx(np.log(1 / 9) + half)
    assert t_ends(2.0, 0.5, 12, (0.0, np.inf)) == pytest.approx((2 * np.exp(-t / 4), 2 * np.exp(t / 4)))
    assert t_ends(2.0, 0.5, 12, (-np.inf, np.inf)) == pytest.approx((2 - t / 2, 2 + t / 2))
    # At an end there are no log-odds.
    assert t_ends(1.0, 0.1, 12, (0.0, 1.0)) == pytest.approx((1 - 0.1 * t, 1 + 0.1 * t))
    for reach in ((0.0, 1.0), (0.0, np.inf), (-np.inf, np.inf)):
        for bound in t_ends(0.3, 0.05, 12, reach):
            assert t_p(0.3, 0.05, 12, reach, bound) == pytest.approx(0.05)
    assert t_p(0.3, 0.05, 12, (0.0, 1.0), 0.0) == 0


def test_from_100_groups_on_intervals_are_percentiles() -> None:
    from scipy import stats

    rng = np.random.default_rng(1)
    correct = rng.random(100) < 0.5
    assert one(ACCURACY, table(np.arange(100), correct=correct)).method.endswith("percentile")
    assert one(ACCURACY, table(np.arange(99), correct=correct[:99])).method.endswith("t(98)")
    other = table(np.arange(39), correct=rng.random(39) < 0.5)
    found = contrast(ACCURACY, A, [table(np.arange(39), correct=correct[:39])], [other])
    assert found.method == "paired cluster bootstrap, 1000 replicates, t(38)"
    assert found.smallest == pytest.approx((stats.t.ppf(0.975, 38) + stats.t.ppf(0.8, 38)) * (found.se or 0))


CASES: list[tuple[Metric, int, IntervalKind]] = [
    *((metric, groups, "percentile") for metric in (ACCURACY, BRIER, AUROC) for groups in (12, 100)),
    (BRIER, 100, "bca"),
    (AUROC, 100, "bca"),
    (Metric("resolution", brier_resolution, ("p", "correct")), 200, "percentile"),
]


@pytest.mark.parametrize(("metric", "groups", "kind"), CASES, ids=lambda x: getattr(x, "name", x))
def test_p_is_below_5_percent_just_where_the_interval_ends(metric: Metric, groups: int, kind: IntervalKind) -> None:
    rows = answers(Design(groups, 3, False, 0.5), ARMS[:1], np.random.default_rng(groups))
    found = one(metric, rows, replicates=2000, interval=kind, seed=3)
    low, high = ends(found)

    def p(bound: float) -> float:
        value = p_against(metric, rows, A, bound, replicates=2000, interval=kind, seed=3)
        assert value is not None
        return value

    step = 0.05 * (high - low)
    for end, out in ((low, -step), (high, step)):
        assert p(end + out) < 0.05 < p(end - out)
    assert found.value is not None
    assert p(found.value) > 0.5


def test_the_p_of_a_difference_agrees_with_its_interval() -> None:
    decided = set()
    for seed in range(60):
        groups = (12, 60)[seed % 2]
        rows = answers(Design(groups, 4, False, 0.5), ARMS, np.random.default_rng(seed))
        shifted = Table(
            rows.kinds, {**rows.columns, "p": rows.columns["p"] ** np.where(rows.columns["arm"] == "b", 3, 1)}
        )
        for metric in (BRIER, Metric("ece", ece_equal_width, ("p", "correct"))):
            found = difference(metric, shifted, B, A, replicates=400, seed=seed)
            low, high = ends(found)
            assert found.p is not None
            if not 0.04 < found.p < 0.06:  # the grain of 400 replicates
                assert (found.p < 0.05) == (not low <= 0 <= high)
                decided.add((groups, found.p < 0.05))
    assert decided == {(12, True), (12, False), (60, True), (60, False)}


def test_groups_that_agree_have_the_p_of_their_binomial_bound() -> None:
    rows = table(np.arange(12), correct=np.ones(12))
    low, _ = ends(one(ACCURACY, rows))
    assert low == pytest.approx(0.025 ** (1 / 12))
    assert p_against(ACCURACY, rows, A, low) == pytest.approx(0.05)
    # All of twelve right, were half of all: twice 2^-12, but no less than 1,000 replicates can show.
    assert p_against(ACCURACY, rows, A, 0.5) == pytest.approx(2 / 1001)
    assert p_against(ACCURACY, rows, A, 0.9) == pytest.approx(2 * 0.9**12)


def test_what_has_no_interval_has_no_p() -> None:
    rows = answers(Design(50, 3, False, 0.5), ARMS[:1], np.random.default_rng(0))
    assert p_against(Metric("ece", ece_equal_width, ("p", "correct")), rows, A, 0.1) is None
    assert p_against(ACCURACY, rows, {"arm": "c"}, 0.5) is None
    assert p_against(ACCURACY, table(np.zeros(9), correct=np.arange(9) > 3), A, 0.5) is None


def test_intervals_of_twelve_groups_hold_and_equal_arms_are_seldom_called_different() -> None:
    # 95 % of 100 runs are known to 2.2 points, 5 % of 40 to 3.4 (one standard error each).
    design = Design(12, 5, False, 0.5)
    kept = held(design, truths(0.5), 100, 150)
    assert all(k >= 89 and n == 100 for k, n in kept.values()), kept
    called = alarms(design, 40, 150)
    assert all(k <= 6 and n == 40 for k, n in called.values()), called
    assert len(kept) == len(called) == len(METRICS)
