"""Cells: rows that are alike change no number when put together, and steps change next to nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.cli.listing import measures
from harness.metrics.columns import Classes, Fates, Floats, Labels, Units
from harness.metrics.correlation import kendall, spearman
from harness.metrics.joint import joint_accuracy
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.recalibration import ece_after_temperature
from harness.outcomes import Table
from harness.statistics.bootstrap import bootstrap_weights
from harness.statistics.clusters import Clusters
from harness.statistics.estimates import estimate, estimate_all
from harness.statistics.merged_rows import MOST, merged_rows
from harness.statistics.rows import Sample, evaluate, sample

COLUMNS = ("p", "correct", "group")
LEVEL = {"arm": "a"}


def table(n: int, decimals: int = 12, per_group: int = 1) -> Table:
    """Overconfident rows with another number beside them."""
    rng = np.random.default_rng(n)
    p = rng.beta(2, 1, n).round(decimals)
    text = {
        "item": np.array([f"i{i:06}" for i in range(n)], dtype=object),
        "group": np.array([f"g{i // per_group:06}" for i in range(n)], dtype=object),
        "error": np.full(n, None, dtype=object),
        "arm": np.full(n, "a", dtype=object),
    }
    correct = (rng.random(n) < p**1.5).astype(float)
    return Table(
        {**dict.fromkeys(text, "text"), "p": "probability", "correct": "label", "length": "number"},
        {**text, "p": p, "correct": correct, "length": p + rng.normal(size=n)},
    )


def rows(metric: Metric, n: int, decimals: int = 12, per_group: int = 1) -> Sample:
    return sample(metric, table(n, decimals, per_group), LEVEL)


def on_both(read: Sample, replicates: int = 40) -> tuple[Floats, Floats]:
    """A metric on the same replicates, of rows and of rows taken together."""
    merged = merged_rows(read)
    w = np.concatenate(list(bootstrap_weights(read.clusters, replicates, 0)))
    taken = np.stack([np.bincount(merged.of_row, row, minlength=len(merged)) for row in w]).astype(np.float64)
    return read.measure(w), evaluate(read.metric, merged.values, taken)


def test_rows_alike_are_one_cell() -> None:
    merged = merged_rows(rows(Metric("auroc", auroc, ("p", "correct")), 3000, decimals=1))
    assert (len(merged), merged.steps) == (22 - 2, 0)
    pairs = set(zip(*(v.tolist() for v in merged.values), strict=True))
    assert len(pairs) == len(merged)


@pytest.mark.parametrize("decimals", [1, 12])
def test_rows_taken_together_change_no_number(decimals: int) -> None:
    for measure in (auroc, ece_after_temperature):
        names = COLUMNS[: len(measure.parameters)]
        of_rows, of_merged = on_both(rows(Metric("m", measure, names), 1500, decimals, per_group=3))
        np.testing.assert_allclose(of_merged, of_rows, rtol=0, atol=1e-9)


CALIBRATION = {
    name: m
    for name, m in sorted(measures().items())
    if Labels in m.parameters and m.parameters.count(Labels) == 1 and len(m.parameters) in (2, 3)
    if not {Units, Fates, Classes} & set(m.parameters)  # here every row would be a class of its own
}


@pytest.mark.parametrize("name", [*CALIBRATION, "spearman", "kendall"])
def test_steps_change_a_replicate_by_a_small_part_of_its_spread(name: str) -> None:
    measure = {**CALIBRATION, "spearman": spearman, "kendall": kendall}[name]
    columns = ("p", "length") if measure in (spearman, kendall) else COLUMNS[: len(measure.parameters)]
    read = rows(Metric(name, measure, columns), 3 * MOST)
    assert merged_rows(read).steps > 0
    assert len(merged_rows(read)) <= 1.3 * MOST
    of_rows, of_merged = on_both(read)
    apart = (of_merged - of_rows) - (of_merged - of_rows).mean()
    # Two numbers share the steps, 64 each, as five folds do. The largest gap is often that of a small bin, to whose
    # edge the steps do not keep. Even a tenth, being independent, widens an interval by half a percent only.
    coarse = {
        "spearman": 0.12,
        "kendall": 0.12,
        "mce": 0.12,
        "ece_after_temperature": 0.06,
        "coverage_at_accuracy": 0.06,
        "length_f1": 0.2,  # its border lies at a single length; lengths of texts have few values, and no steps
    }
    most = coarse.get(name, 0.03)
    assert apart.std() <= most * of_rows.std() + 1e-12


def test_steps_are_said_and_take_nothing_off_the_value() -> None:
    metric = Metric("auroc", auroc, ("p", "correct"))
    many = table(3 * MOST)
    (e,) = estimate(metric, many, replicates=200)
    assert e.method == "cluster bootstrap, 200 replicates, percentile, numbers in 1024 steps"
    assert e.value == pytest.approx(sample(metric, many, LEVEL).value(), abs=0)
    assert e.low is not None
    assert e.high is not None
    assert e.value is not None
    assert e.low < e.value < e.high
    (exact,) = estimate(metric, many.where(np.arange(len(many)) < MOST), replicates=200)
    assert exact.method == "cluster bootstrap, 200 replicates, percentile"


def test_units_of_the_same_rows_are_one_unit() -> None:
    metric = Metric("joint", joint_accuracy, ("correct", "group"))
    read = rows(metric, 600, per_group=3)
    # Units of three rows with none, one, two or three of them right.
    assert len(merged_rows(read)) == 4 * 3
    whole = sample(metric, table(601, per_group=3), LEVEL)  # the last unit has one row
    assert len(merged_rows(whole)) == 4 * 3 + 1
    for some in (read, whole):
        of_rows, of_merged = on_both(some)
        np.testing.assert_allclose(of_merged, of_rows, rtol=0, atol=1e-12)
    # Values that tell units apart by their rows together, and not row by row.
    mixed = rows(metric, 4, per_group=2)
    mixed = replace(mixed, values=(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 1, 0, 1])))
    assert merged_rows(mixed).of_row.tolist() == [0, 0, 1, 1]


def test_metrics_estimated_together_are_those_estimated_alone() -> None:
    rng = np.random.default_rng(0)
    small = table(400, decimals=1)
    arms = np.where(rng.random(400) < 0.5, "a", "b").astype(object)
    small = Table(small.kinds, {**small.columns, "arm": arms})
    metrics = [
        Metric(name, m, COLUMNS[: len(m.parameters)], index="" if m.names is None else "point")
        for name, m in CALIBRATION.items()
    ]
    together = estimate_all(metrics, small, replicates=50)
    alone = [e for metric in metrics for e in estimate(metric, small, replicates=50)]
    assert together == alone
    assert len(together) == 2 * sum(1 if m.names is None else len(m.points()) for m in CALIBRATION.values())


@pytest.mark.parametrize("alike", [1, 5, 50])
def test_weights_of_rows_taken_together_are_multinomial(alike: int) -> None:
    # Six different rows, one of them twice as often; from 8 equal rows on they are drawn in another way.
    sizes = alike * np.array([1, 1, 1, 2, 1, 1])
    of_row = np.repeat(np.arange(6), sizes)
    n = len(of_row)
    clusters = Clusters.single(np.random.default_rng(1).permutation(n))
    w = np.concatenate(list(bootstrap_weights(clusters, 20_000, 3, of_row)))
    assert w.shape == (20_000, 6)
    np.testing.assert_array_equal(w.sum(axis=1), n)
    share = sizes / n
    np.testing.assert_allclose(w.mean(axis=0), sizes, rtol=0, atol=4 * np.sqrt(n * share * (1 - share) / 20_000).max())
    covariance = n * (np.diag(share) - np.outer(share, share))
    np.testing.assert_allclose(np.cov(w.T), covariance, rtol=0, atol=0.06 * covariance.max())
