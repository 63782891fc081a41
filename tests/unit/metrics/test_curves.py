"""Curves: several numbers of one measure, each an estimate of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.columns import Floats, Labels, Numbers, Scores, Units, Weights
from harness.metrics.curves import accuracy_by_coverage, best_of, pass_at
from harness.metrics.levels import Where
from harness.metrics.metric import Metric, curve
from harness.metrics.selective import accuracy_at_coverage
from harness.metrics.weighted import average
from harness.outcomes import ItemResult, Outcome, Score, Table
from harness.statistics.claim_checks import check_claims
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.estimates import estimate, estimate_all
from harness.statistics.merged_rows import MOST, merged_rows
from harness.statistics.pairs import contrast, difference
from harness.statistics.rows import levels_with_points, sample


@dataclass(frozen=True, kw_only=True)
class Draw(Outcome):
    correct: bool | None
    score: Score | None = None
    year: float = 1850


PASS = Metric("pass", pass_at, ("correct", "item"), index="draws", options={"draws": [1, 2, 4]})


def table(rights: list[int], n: int = 4, arms: tuple[str, ...] = ("a",)) -> Table:
    """Items of n draws in each arm, so many of them right."""
    return Table.build(
        Draw,
        [
            ItemResult(
                f"i{i}",
                f"g{i}",
                tuple(Draw(arm=arm, correct=k < right, score=Score(k % 3)) for arm in arms for k in range(n)),
            )
            for i, right in enumerate(rights)
        ],
    )


def test_pass_at_is_the_share_of_sets_with_a_right_one() -> None:
    correct, unit = np.array([1.0, 0, 0, 0, 1, 1, 0, 0]), np.repeat([0, 1], 4)
    values = pass_at(Labels(correct), Units(unit), w=np.ones((1, 8)), draws=(1, 2, 3, 4))[0]
    # One of four right: 1/4, 1/2, 3/4, 1. Two of four: 1/2, 1 - 1/6, 1, 1.
    assert values == pytest.approx([3 / 8, (1 / 2 + 5 / 6) / 2, 7 / 8, 1])


def test_best_of_is_the_mean_over_all_sets_and_all_orders_of_ties() -> None:
    rng = np.random.default_rng(0)
    score, correct = rng.integers(0, 3, 14) / 2, rng.integers(0, 2, 14).astype(float)
    unit = np.array([0] * 6 + [1] * 8)
    sizes = (1, 2, 3, 6)
    values = best_of(Scores(score), Labels(correct), Units(unit), w=np.ones((1, 14)), draws=sizes)[0]
    for size, value in zip(sizes, values, strict=True):
        by_unit = []
        for one in (0, 1):
            found = []
            for chosen in combinations(np.flatnonzero(unit == one), size):
                rows = list(chosen)
                found.append(correct[rows][score[rows] == score[rows].max()].mean())
            by_unit.append(np.mean(found))
        assert value == pytest.approx(np.mean(by_unit))


def test_more_draws_than_a_unit_has_are_undefined_where_it_counts() -> None:
    correct, unit = Labels(np.array([1.0, 0, 1, 1])), Units(np.array([0, 0, 0, 1]))
    w = np.array([[1.0, 1, 1, 1], [2, 2, 2, 0]])
    np.testing.assert_allclose(pass_at(correct, unit, w=w, draws=(1, 2)), [[5 / 6, np.nan], [2 / 3, 1]])
    with pytest.raises(ValueError, match=r"draws=\[0\]: give numbers of 1 or more"):
        pass_at(correct, unit, w=w, draws=[0])


def test_accuracy_by_coverage_is_accuracy_at_each() -> None:
    rng = np.random.default_rng(2)
    score, correct, w = Scores(rng.random(50)), Labels(rng.integers(0, 2, 50).astype(float)), np.ones((3, 50))
    values = accuracy_by_coverage(score, correct, w=w, coverages=(0.25, 1))
    for j, coverage in enumerate((0.25, 1)):
        np.testing.assert_array_equal(values[:, j], accuracy_at_coverage(score, correct, w=w, coverage=coverage))


def test_each_point_is_an_estimate_with_its_interval() -> None:
    rng = np.random.default_rng(3)
    data = table(rng.binomial(4, 0.4, 400).tolist())
    found = estimate(PASS, data, replicates=2000)
    assert [e.level for e in found] == [{"arm": "a", "draws": n} for n in ("1", "2", "4")]
    assert [(e.n, e.n_groups, e.metric) for e in found] == [(1600, 400, "pass")] * 3
    # 1 - 0.6^N, and as wide as the clustered error of the items' values.
    rights = np.array([int(data.columns["correct"][data.columns["item"] == f"i{i}"].sum()) for i in range(400)])
    for e, share, values in zip(
        found,
        (0.4, 0.64, 1 - 0.6**4),
        (rights / 4, 1 - (4 - rights) * (3 - rights) / 12, (rights > 0).astype(float)),
        strict=True,
    ):
        assert e.value == pytest.approx(values.mean())
        assert e.value == pytest.approx(share, abs=0.08)
        assert e.low is not None
        assert e.high is not None
        assert e.high - e.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)
    assert found[0].low == pytest.approx(
        estimate(Metric("one", pass_at, ("correct", "item"), index="n", options={"draws": [1]}), data, replicates=2000)[
            0
        ].low
    )


def test_a_curve_does_not_depend_on_the_order_of_rows_or_on_its_company() -> None:
    rng = np.random.default_rng(4)
    data = table(rng.binomial(4, 0.5, 60).tolist(), arms=("a", "b"))
    turned = data.where(rng.permutation(len(data)))
    best = Metric("best", best_of, ("score", "correct", "item"), index="draws")
    by_coverage = Metric("sure", accuracy_by_coverage, ("score", "correct"), index="coverage")
    metrics = [PASS, best, by_coverage]
    assert estimate_all(metrics, data, replicates=50) == estimate_all(metrics, turned, replicates=50)
    alone = [e for metric in metrics for e in estimate(metric, data, replicates=50, interval="bca")]
    assert estimate_all(metrics, data, replicates=50, interval="bca") == alone
    undefined = [e for e in alone if e.level.get("draws") == "8"]
    assert {(e.value, e.note) for e in undefined} == {(None, "a unit has fewer draws")}


def test_all_right_has_a_binomial_bound_at_each_point() -> None:
    q = 0.025 ** (1 / 20)
    for e in estimate(PASS, table([4] * 20)):
        assert (e.value, e.low, e.high) == pytest.approx((1, q, 1))


def test_points_are_compared_claimed_and_paired() -> None:
    rng = np.random.default_rng(5)
    rights = rng.binomial(4, 0.3, 200)
    data = table(rights.tolist())
    up = difference(PASS, data, {"arm": "a", "draws": 4}, {"arm": "a", "draws": "1"})
    assert up.level == {"arm": "a", "draws": "4 - 1"}
    assert up.value == pytest.approx((rights > 0).mean() - rights.mean() / 4)
    assert up.low is not None
    assert up.low > 0
    two: Where = {"arm": "a", "draws": 2}
    one: Where = {"arm": "a", "draws": "1"}
    claim = Claim(text="more draws help", metric="pass", level=two, relation="above", than=one)
    check_claims([claim], [PASS])
    assert judge_claim(claim, estimate(PASS, data), [PASS], data).kind == "supported"
    with pytest.raises(HarnessError, match="lacks 'draws', by which 'pass' is estimated"):
        check_claims([Claim(text="x", metric="pass", level={"arm": "a"}, relation="above", value=0.5)], [PASS])
    other = table(np.minimum(rights + 1, 4).tolist())
    assert levels_with_points(PASS, data) == [{"arm": "a", "draws": n} for n in ("1", "2", "4")]
    found = contrast(PASS, {"arm": "a", "draws": "1"}, [data], [other])
    assert found.value == pytest.approx((np.minimum(rights + 1, 4) - rights).mean() / 4)
    assert found.gained is None
    absent = difference(PASS, data, {"arm": "a", "draws": 3}, {"arm": "a", "draws": 1})
    assert absent.value is None


@curve(names=lambda year, correct: tuple(f"{y:g}" for y in np.unique(year.values)), low=0, high=1, better="higher")
def by_year(year: Numbers, correct: Labels, *, w: Weights) -> Floats:
    """Accuracy of each year that occurs."""
    years = np.unique(year.values)
    return np.stack([average(w * (year.values == one), correct.values) for one in years], axis=1).reshape(len(w), -1)


def test_points_may_be_named_by_the_columns() -> None:
    metric = Metric("right", by_year, ("year", "correct"), index="year")
    rows = [Draw(arm="a", correct=i % 3 == 0, year=1850.0 + i % 2) for i in range(60)]
    data = Table.build(Draw, [ItemResult(f"i{i:02}", f"g{i:02}", (row,)) for i, row in enumerate(rows)])
    found = estimate(metric, data)
    assert [e.level["year"] for e in found] == ["1850", "1851"]
    assert [e.value for e in found] == pytest.approx([1 / 3, 1 / 3])
    assert all(e.low is not None and e.low < 1 / 3 < (e.high or 0) for e in found)
    d = difference(metric, data, {"arm": "a", "year": 1850}, {"arm": "a", "year": 1851})
    assert d.value == pytest.approx(0)
    gone = difference(metric, data, {"arm": "a", "year": 1850}, {"arm": "a", "year": 1900})
    assert (gone.value, gone.note) == (None, "the curve has no point 1900")
    # Numbers that name points are not put into steps, however many there are.
    many = Table.build(
        Draw,
        [ItemResult(f"i{i}", f"g{i}", (Draw(arm="a", correct=True, year=float(i)),)) for i in range(MOST + 10)],
    )
    assert merged_rows(sample(metric, many, {"arm": "a"})).steps == 0


def test_a_curve_that_gives_other_points_than_it_names_is_a_bug() -> None:
    @curve(names=("one", "two"), low=0, high=1, better="higher")
    def broken(correct: Labels, *, w: Weights) -> Floats:
        return average(w, correct.values)[:, None]

    with pytest.raises(AssertionError, match="gives 1 values for 2 points"):
        estimate(Metric("broken", broken, ("correct",), index="which"), table([1, 2]))
