"""Rows of several groups, such as pairs of years: how they are drawn, and intervals that hold the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.items import Grade, Item, group_text, groups_in
from harness.metrics.columns import Floats, Folds, Numbers, Weights
from harness.metrics.correlation import slope
from harness.metrics.metric import Metric, measure
from harness.metrics.shares import accuracy, mean
from harness.metrics.weighted import average
from harness.outcomes import ItemResult, Outcome, Table
from harness.report.curves import proportion, wilson
from harness.statistics.bootstrap import bootstrap_weights
from harness.statistics.claims import numbers_of
from harness.statistics.clusters import Clusters
from harness.statistics.estimates import estimate
from harness.statistics.pairs import contrast
from harness.statistics.pooled import pooled
from harness.vectors.probes import fit_probe
from scripts.coverage_pairs import tallied


def never(text: str, item: Item) -> Grade:
    return Grade("", None)


def item(group: str | tuple[str, ...]) -> Item:
    return Item({"question": "?"}, "", never, group)


def texts(*groups: tuple[str, ...]) -> np.ndarray:
    return np.array([group_text(names) for names in groups], dtype=object)


def test_an_item_may_belong_to_several_groups() -> None:
    pair = item(("1990", "2000"))
    assert (pair.groups, pair.clusters, pair.cluster) == (("1990", "2000"), ("1990", "2000"), '["1990", "2000"]')
    # Rows hold the text, and an item that is made of a row again belongs to the same groups.
    assert item(pair.cluster).clusters == pair.clusters
    assert item(("a",)).id == item("a").id != item(("a", "b")).id
    assert item(("a", "a")).clusters == ("a",)
    alone = item("")
    assert (alone.groups, alone.clusters, alone.cluster) == ((), (alone.id,), alone.id)


@pytest.mark.parametrize("name", ["plain", '["a', "[1, 2]", '["a", 2]', '["a"]', "[]", "Tom & Jerry", '["a", ""]'])
def test_any_other_name_is_one_group(name: str) -> None:
    assert groups_in(name) == (name,)


@pytest.mark.parametrize("group", [["a", "b"], ("a", 2), ("a", ""), None, 3], ids=str)
def test_a_group_that_is_no_name_is_refused(group: object) -> None:
    with pytest.raises(HarnessError, match="give a name, a tuple of names that are not empty, or nothing"):
        item(group)  # type: ignore[arg-type]


def test_names_in_two_places_are_one_kind_and_others_are_kinds_of_their_own() -> None:
    dyads = Clusters.of(texts(("a", "b"), ("b", "c"), ("a", "c"), ("a",)))
    assert (dyads.n, dyads.ways, dyads.sizes) == (3, 2, (3,))
    crossed = Clusters.of(texts(*product(("ann", "bob"), ("s1", "s2", "s3"))))
    assert (crossed.n, crossed.ways, crossed.sizes) == (2, 2, (2, 3))
    # The first and last places share "a", and the middle one is a kind of its own.
    mixed = Clusters.of(texts(("a", "x", "b"), ("b", "y", "a")))
    assert (mixed.n, mixed.ways, mixed.sizes) == (2, 3, (2, 2))
    plain = Clusters.of(np.array(["g", "h", "g"], dtype=object))
    assert (plain.n, plain.ways, plain.of_row.tolist()) == (2, 1, [0, 1, 0])
    assert Clusters.of(np.array([], dtype=object)).n == 0


def test_a_row_counts_by_the_product_of_the_counts_of_its_groups() -> None:
    people, stimuli = [f"p{i}" for i in range(5)], [f"s{i}" for i in range(7)]
    crossed = Clusters.of(texts(*product(people, stimuli), ("p0",)))
    w = np.concatenate(list(bootstrap_weights(crossed, 3000, seed=1)))
    by_pair = w[:, :35].reshape(-1, 5, 7)
    # Five persons and seven stimuli are drawn, so that the products add up to 35; a row without a stimulus counts by
    # its person, whose products with all seven stimuli add up to seven times its count.
    np.testing.assert_array_equal(w[:, :35].sum(axis=1), 35)
    np.testing.assert_array_equal(by_pair.sum(axis=2)[:, 0], 7 * w[:, 35])
    assert w[:, 0].mean() == pytest.approx(1, abs=0.1)
    years = [str(year) for year in range(8)]
    w = np.concatenate(list(bootstrap_weights(Clusters.of(texts(*combinations(years, 2), ("0",))), 3000, seed=1)))
    first, *others = w[:, 28], *w[:, :7].T
    counts = np.array(others) / np.where(first > 0, first, 1)
    drawn = first > 0
    np.testing.assert_array_equal(counts.sum(axis=0)[drawn] + first[drawn], 8)
    # E c_i c_j = 1 - 1/N.
    assert w[:, :28].mean() == pytest.approx(7 / 8, abs=0.02)


def test_rows_that_share_a_group_vary_together() -> None:
    rng = np.random.default_rng(0)
    names = [tuple(rng.choice(list("abcdefg"), 2, replace=False)) for _ in range(40)]
    off = rng.normal(size=40)
    alike = np.array([[bool({*one} & {*two}) for two in names] for one in names])
    assert Clusters.of(texts(*names)).variance_of_sum(off) == pytest.approx(off @ alike @ off, rel=1e-12)
    groups = rng.integers(0, 5, 40)
    expected = (np.bincount(groups, off) ** 2).sum()
    assert Clusters.single(groups).variance_of_sum(off) == pytest.approx(expected)


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    x: float
    y: float
    right: bool | None = None


def table(groups: Sequence[tuple[str, ...]], *arms: tuple[str, Floats, Floats]) -> Table:
    results = [
        ItemResult(
            f"i{i:05}", group_text(names), tuple(Row(arm=a, x=x[i], y=y[i], right=bool(y[i] > 0)) for a, x, y in arms)
        )
        for i, names in enumerate(groups)
    ]
    return Table.build(Row, results)


MEAN, SLOPE = Metric("mean", mean, ("y",)), Metric("slope", slope, ("x", "y"))
RIGHT = Metric("right", accuracy, ("right",))


def pairs(n: int) -> list[tuple[str, ...]]:
    return list(combinations([str(1990 + i) for i in range(n)], 2))


def made(n: int, shared: float, own: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Of all pairs of n years: the distance of two places, and 1 times that plus what both years and the pair add."""
    i, j = np.triu_indices(n, 1)
    of_year, place = shared * rng.normal(size=n), rng.normal(size=n)
    x = np.abs(place[i] - place[j])
    return x, x + of_year[i] + of_year[j] + own * rng.normal(size=len(x))


def test_an_estimate_knows_how_many_years_it_rests_on() -> None:
    x, y = made(20, 1, 1, np.random.default_rng(0))
    (e,) = estimate(MEAN, table(pairs(20), ("a", x, y)))
    assert (e.n, e.n_groups, e.method, e.doubt) == (190, 20, "two-way cluster bootstrap, 1000 replicates, t(19)", "")
    assert e.crossed
    x, y = made(9, 1, 1, np.random.default_rng(0))
    (few,) = estimate(MEAN, table(pairs(9), ("a", x, y)))
    assert few.doubt == "9 groups are too few for a verdict (10 needed)"
    several = [names for names in pairs(120) if (int(names[1]) - int(names[0])) % 3 == 0]
    x, y = (np.random.default_rng(0).normal(size=len(several)) for _ in range(2))
    (bca,) = estimate(MEAN, table(several, ("a", x, y)), interval="bca")
    assert bca.method == "two-way cluster bootstrap, 1000 replicates, BCa"
    x = made(9, 1, 1, np.random.default_rng(0))[0]
    (share,) = estimate(RIGHT, table(pairs(9), ("a", x, np.ones(36))))
    assert share.method == "binomial bound, all 9 groups agree"


def test_leaving_a_year_out_leaves_out_all_its_pairs() -> None:
    from harness.statistics.estimates import _left_out
    from harness.statistics.merged_rows import merged_rows
    from harness.statistics.rows import sample

    x, y = made(6, 1, 1, np.random.default_rng(0))
    rows = sample(MEAN, table(pairs(6), ("a", x, y)), {"arm": "a"})
    expected = [y[[year not in names for names in pairs(6)]].mean() for year in map(str, range(1990, 1996))]
    assert _left_out(rows, merged_rows(rows))[:, 0] == pytest.approx(expected)


def test_a_difference_draws_the_same_years_for_both_arms() -> None:
    x, y = made(20, 1, 1, np.random.default_rng(0))
    outcomes = table(pairs(20), ("a", x, y), ("b", x, y + 1))
    found = contrast(MEAN, {"arm": "a"}, [outcomes], [outcomes], other={"arm": "b"})
    # All of what the years add is on both sides.
    assert found.value == pytest.approx(1)
    assert found.n_groups == 20
    assert found.note == "no interval: all replicates agree"
    noisy = table(pairs(20), ("a", x, y), ("b", x, y + np.random.default_rng(1).normal(size=190)))
    found = contrast(MEAN, {"arm": "a"}, [noisy], [noisy], other={"arm": "b"})
    (alone,) = (e for e in estimate(MEAN, noisy) if e.level == {"arm": "a"})
    assert found.method == "paired two-way cluster bootstrap, 1000 replicates, t(19)"
    assert found.se is not None
    assert alone.se is not None
    assert found.se < alone.se / 2
    share = contrast(RIGHT, {"arm": "a"}, [noisy], [noisy], other={"arm": "b"})
    assert share.p_exact is None
    both = pooled(MEAN, {"arm": "a"}, [noisy, noisy])
    assert (both.n_groups, both.method) == (20, "two-way cluster bootstrap, 1000 replicates, t(19)")


def test_intervals_of_pairs_hold_the_truth_where_those_of_one_way_do_not() -> None:
    found = tallied(20, 1, 0.5, runs=60, replicates=150)
    held = {head: n for head, (n, _) in found.items()}
    assert min(held["slope", "two-way"], held["mean", "two-way"]) >= 51  # of 60 at 95 %: 51 or more with 99.7 %
    assert max(held["slope", "by pair"], held["mean", "by pair"]) <= 48
    assert held["mean", "by first year"] <= 51


def test_intervals_of_pairs_that_share_little_are_wide_and_not_short() -> None:
    found = tallied(20, 0, 1, runs=60, replicates=150)
    assert min(held for (_, grouping), (held, _) in found.items() if grouping == "two-way") >= 55
    assert found["slope", "two-way"][1] < 2.2 * found["slope", "by pair"][1]


def test_a_share_in_a_figure_has_the_interval_of_its_years() -> None:
    rng = np.random.default_rng(0)
    names = pairs(12)
    i, j = np.triu_indices(12, 1)
    of_year = rng.normal(size=12)
    labels = (of_year[i] + of_year[j] > 0).astype(float)
    alone = proportion(labels, texts(*((str(k),) for k in range(66))))
    shared = proportion(labels, texts(*names))
    assert (alone.low, alone.high) == wilson(float(labels.mean()), 66)
    assert shared.high - shared.low > 1.4 * (alone.high - alone.low)
    same = proportion(np.ones(66), texts(*names))
    assert (same.low, same.high) == wilson(1.0, 12)


def test_a_probe_refuses_items_of_several_groups() -> None:
    x = {0: np.random.default_rng(0).normal(size=(20, 3))}
    groups = [group_text(names) for names in pairs(7)[:20]]
    with pytest.raises(HarnessError, match="choose a task whose items have one group"):
        fit_probe(x, [1.0, 0.0] * 10, [0.0, 1.0] * 10, groups)


def test_a_verdict_tells_its_years() -> None:
    x, y = made(12, 1, 1, np.random.default_rng(0))
    (e,) = estimate(MEAN, table(pairs(12), ("a", x, y)))
    assert numbers_of(e).endswith("(n = 66, 12 groups)")


def test_folds_that_share_years_are_told() -> None:
    @measure(low=None, high=None, better="neither")
    def folded(y: Numbers, fold: Folds, *, w: Weights) -> Floats:
        return average(w, y.values + 0 * fold.values)

    x, y = made(12, 1, 1, np.random.default_rng(0))
    (e,) = estimate(Metric("folded", folded, ("y", "group")), table(pairs(12), ("a", x, y)))
    assert "folds share groups" in e.note
    (alone,) = estimate(Metric("folded", folded, ("y", "group")), table([("a",), ("b",)] * 33, ("a", x, y)))
    assert alone.note == ""
