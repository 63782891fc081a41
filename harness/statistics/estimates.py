"""Estimates: a metric's value with its interval, and how many rows it rests on.

Intervals come from the cluster bootstrap: whole groups (stories, questions with all their draws) are drawn with
replacement, never single rows, because rows of one group are not independent. A metric takes weights, so a
replicate is a row of weights and not a new table.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from harness.metrics.columns import Classes, Fates, Floats, Folds, Units
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric
from harness.metrics.weighted import ratio
from harness.outcomes import Table
from harness.statistics.alignment import MOST_UNMATCHED
from harness.statistics.bootstrap import bootstrap_weights, one_thread
from harness.statistics.few_groups import FEWEST_GROUPS
from harness.statistics.intervals import (
    Interval,
    IntervalKind,
    Replicates,
    clustered_error,
    interval_of,
    p_value,
)
from harness.statistics.inversion import GapReplicates
from harness.statistics.merged_rows import MergedRows, merged_rows
from harness.statistics.rows import Sample, binned, evaluate, held, held_gaps, levels, rarer_groups, sample

_Pairs = tuple[tuple[str, str], ...]
_Key = tuple[tuple[str, ...], tuple[type | None, ...], bool, _Pairs, _Pairs]
"""The key of metrics that read the same rows: columns and their coding, `where`, level."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number of a run.

    Attributes:
        metric: name of the metric.
        level: the values of the metric's `by` columns as text, e.g. {"arm": "zero-shot", "turn": "2"}, and of a curve
            the name of the point. Of a difference: "a - b" where the two sides have different values.
        value: the point value on all rows; None when undefined (`note` says why).
        low, high: ends of the 95 % interval; None when there is none.
        n: rows that entered, of a difference matched pairs of them (see `alignment`).
        n_groups: clusters among them; where a row has several (a person and a stimulus), of the kind with the fewest.
        n_failed: rows left out because a value was missing, plus failures of items that may belong to the level. Of a
            difference: pairs in which a value is missing on either side, and items that failed on either side.
        method: how the interval was made; "none" without one.
        better: "higher", "lower" or "neither".
        note: why a value or an interval is missing, and anything else to know before quoting it; "" otherwise.
        se: standard error, clustered by group: of a mean in closed form (CR1), else the standard deviation of the
            bootstrap replicates; None without an interval.
        p: p-value of a difference, two-sided against 0, from the same replicates; None otherwise, see `p_against`.
        n_unmatched: of a difference, rows left out because the other side has no such row with a value.
    """

    metric: str
    level: Mapping[str, str]
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_groups: int
    n_failed: int
    method: str
    better: str
    note: str = ""
    se: float | None = None
    p: float | None = None
    n_unmatched: int = 0

    @property
    def label(self) -> str:
        """Metric and level in words."""
        level = ", ".join(self.level.values())
        return f"{self.metric} ({level})" if level else self.metric

    def text(self, form: str) -> str:
        """Value and interval in a number format, as "0.69 [0.50, 0.86]"; "undefined" without a value."""
        return "undefined" if self.value is None else f"{self.value:{form}} {self.interval(form)}".rstrip()

    def interval(self, form: str) -> str:
        """The interval in a number format, as "[0.50, 0.86]"; "" without one."""
        return "" if self.low is None or self.high is None else f"[{self.low:{form}}, {self.high:{form}}]"

    @property
    def crossed(self) -> bool:
        """Whether rows have several groups each, and so are not independent however many groups there are."""
        return "-way cluster bootstrap" in self.method

    @property
    def doubt(self) -> str:
        """Why no verdict may rest on the number, wherever its interval lies; "" if nothing."""
        pairs = self.n + self.n_unmatched
        if self.n_unmatched > MOST_UNMATCHED * pairs:
            return f"the arms answered different items ({self.n_unmatched} of {pairs} unmatched)"
        if self.n_groups < FEWEST_GROUPS:
            return f"{self.n_groups} groups are too few for a verdict ({FEWEST_GROUPS} needed)"
        return ""


MOST_LEFT_OUT = 5_000
"""Groups up to which a BCa interval is made: each is left out once."""


def estimate(
    metric: Metric, table: Table, *, replicates: int = 1000, seed: int = 0, interval: IntervalKind = "percentile"
) -> list[Estimate]:
    """Estimates a metric for every combination of its `by` columns that occurs, in alphabetical order.

    A row with a missing value in a column that the metric reads is left out and counted in `n_failed`. So are items
    that failed as a whole; they belong to no arm and count in every level. For units see `sample`.

    The interval is the 2.5 to 97.5 percentile range of the cluster bootstrap. For a calibration error it holds the
    errors under which the value is neither too large nor too small, see `inversion.inverted`. For another biased metric
    the range is reflected about the value (the basic bootstrap), because resampling adds the same bias once more
    (Davison and Hinkley 1997, section 5.2). Both are widened to hold the value. It is cut at the metric's range.
    Replicates in which the metric is undefined are left out. With interval="bca" percentile ranges are corrected for
    bias and skewness (Efron 1987), from the metric without each group in turn. Below `few_groups.FEW` groups both of
    these give way to quantiles of Student's t.

    There is no interval for p-values, for fewer than two groups, where more than 5 % of the replicates are undefined,
    and where all replicates agree. In the last case a mean falls back on a binomial bound. The result does not depend
    on the order of the table's rows.

    Above `merged_rows.MOST` different rows the replicates are computed on numbers in steps, which `method` says.

    Raises:
        HarnessError: a column holds values that the metric cannot take.
    """
    return estimate_all([metric], table, replicates=replicates, seed=seed, interval=interval)


def estimate_all(
    metrics: Sequence[Metric],
    table: Table,
    *,
    replicates: int = 1000,
    seed: int = 0,
    interval: IntervalKind = "percentile",
) -> list[Estimate]:
    """The estimates of several metrics, in order, each as from `estimate`.

    Metrics that read the same rows share one selection of them and one set of replicates, which at many rows take
    longer than most metrics.

    Raises:
        HarnessError: as `estimate`.
    """
    shared: dict[_Key, list[tuple[tuple[int, int], Metric]]] = {}
    found: dict[tuple[int, int], list[Estimate]] = {}
    occurring: dict[Hashable, list[dict[str, str]]] = {}
    for i, metric in enumerate(metrics):
        where = tuple(sorted(level_texts(metric.where).items()))
        coded = tuple(p if p in (Folds, Classes, Units, Fates) else None for p in metric.measure.parameters)
        if (metric.by, where) not in occurring:
            occurring[metric.by, where] = levels(metric, table)
        for j, level in enumerate(occurring[metric.by, where]):
            key = (metric.columns, coded, metric.measure.exact, where, tuple(level.items()))
            shared.setdefault(key, []).append(((i, j), metric))
    # Metrics are pure and their time is numpy's, which lets other threads run; each holds temporaries of its own.
    with one_thread(), ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = {
            places: pool.submit(_estimates, alike, table, dict(level_items), replicates, seed, interval)
            for (*_, level_items), members in shared.items()
            for places, alike in [zip(*members, strict=True)]
        }
        for places, job in jobs.items():
            found |= zip(places, job.result(), strict=True)
    return [e for place in sorted(found) for e in found[place]]


def p_against(
    metric: Metric,
    table: Table,
    level: Mapping[str, LevelValue],
    bound: float,
    *,
    replicates: int = 1000,
    seed: int = 0,
    interval: IntervalKind = "percentile",
) -> float | None:
    """Two-sided p of "the metric at this level is `bound`", by the replicates of its interval, with which it agrees.

    None where there is no interval, and for a calibration error, see `intervals.p_value`.

    Args:
        level: the value of every column of `by`, and the point of a curve.

    Raises:
        HarnessError: as `estimate`.
    """
    rows = sample(metric, table, level)
    value, n_groups = rows.value(), rows.clusters.n
    if not metric.measure.interval or np.isnan(value) or n_groups < 2:
        return None
    with one_thread():
        [[drawn]] = _replicated([(rows, rows.values_of_points())], replicates, seed, interval)
    return p_value(metric.measure, value, drawn, n_groups, bound)


def _estimates(  # noqa: PLR0917
    metrics: Sequence[Metric],
    table: Table,
    level: Mapping[str, str],
    replicates: int,
    seed: int,
    kind: IntervalKind,
) -> list[list[Estimate]]:
    """Estimates of metrics that take the same columns, at one level: of each metric one, of a curve one a point."""
    rows = sample(metrics[0], table, level)
    n_groups = rows.clusters.n
    samples = [rows.under(metric) for metric in metrics]
    values = [rows.values_of_points() for rows in samples]
    drawn = [i for i, m in enumerate(metrics) if m.measure.interval and not np.isnan(values[i]).all() and n_groups > 1]
    pairs = [(samples[i], values[i]) for i in drawn]
    replicated = _replicated(pairs, replicates, seed, kind) if drawn else []
    by_metric = dict(zip(drawn, replicated, strict=True))
    return [
        [
            _estimate(r, value, {**level, r.metric.index: point} if r.metric.index else level, n_groups, replicates)
            for point, value, replicates in zip(r.points(), of_points, by_metric.get(i, repeat(None)), strict=False)
        ]
        for i, (r, of_points) in enumerate(zip(samples, values, strict=True))
    ]


def _replicated(
    pairs: Sequence[tuple[Sample, Floats]], replicates: int, seed: int, kind: IntervalKind
) -> list[list[Replicates]]:
    """The values of metrics on the replicates of the rows that they share, for BCa also with each group left out.

    Args:
        pairs: for each metric the rows, and its values on them, [k].

    Returns:
        For each metric the replicates of each of its k points.
    """
    samples = [rows for rows, _ in pairs]
    merged = merged_rows(samples[0])
    functions = [held_gaps(rows.metric, merged.values, merged.counts) for rows in samples]
    parts: list[list[Floats]] = [[] for _ in functions]
    for w in bootstrap_weights(samples[0].clusters, replicates, seed, merged.of_row):
        for part, of_weights in zip(parts, functions, strict=True):
            part.append(of_weights(w))
    return [
        _finished(rows, values, np.concatenate(part), merged=merged, kind=kind)
        for (rows, values), part in zip(pairs, parts, strict=True)
    ]


def _finished(
    rows: Sample, values: Floats, drawn: Floats, *, merged: MergedRows, kind: IntervalKind
) -> list[Replicates]:
    """The replicates of each point of a metric, as `held_gaps` gives them, with all that their interval needs."""
    off = shift(rows, values, merged)
    how, gaps = rows.metric.measure.gaps, None
    if how is not None:
        counts = merged.counts[None, :]
        bins = binned(rows.metric, merged.values, merged.counts)
        weight, sums = bins.gaps(counts)
        k = weight.shape[1]
        gaps = GapReplicates(
            weight=weight[0],
            sums=sums[0],
            said=np.nan_to_num(ratio(bins.sums(counts, bins.p), weight)[0]),
            weight_drawn=drawn[:, 1 : 1 + k],
            sums_drawn=drawn[:, 1 + k :],
            even=how.scaled(weight, weight)[0],
            off=0.0 if rows.metric.measure.debiased else float(off[0]),
        )
    left_out = _left_out(rows, merged) if kind == "bca" else None
    return [
        Replicates(
            drawn[:, j] + off[j],
            merged.steps,
            None if left_out is None else left_out[:, j],
            gaps,
            rows.clusters.ways,
            rarer_groups(rows),
        )
        for j in range(len(values))
    ]


def _left_out(rows: Sample, merged: MergedRows) -> Floats:
    """The metric without each of the groups, [G, k]; empty where there are too many groups or numbers are in steps."""
    n_groups = sum(rows.clusters.sizes)
    if n_groups > MOST_LEFT_OUT or merged.steps:
        return np.zeros((0, len(rows.points())))
    counts = np.zeros((n_groups, len(merged)))
    row, group = rows.clusters.touched()
    np.add.at(counts, (group, merged.of_row[row]), 1.0)
    total = merged.counts
    parts = [total - counts[start : start + 256] for start in range(0, n_groups, 256)]
    of_weights = held(rows.metric, merged.values, merged.counts)
    return np.concatenate([of_weights(w).reshape(len(w), -1) for w in parts])


def shift(rows: Sample, values: Floats, merged: MergedRows) -> Floats:
    """[k] the bias that binning adds to a metric's values [k]; 0 without binning."""
    if not merged.steps:
        return np.zeros(len(values))
    off = values - evaluate(rows.metric, merged.values, merged.counts[None, :]).reshape(-1)
    return np.nan_to_num(off, nan=0.0)


def _estimate(
    rows: Sample, value: float, level: Mapping[str, str], n_groups: int, replicates: Replicates | None
) -> Estimate:
    measure = rows.metric.measure
    if np.isnan(value):
        interval = Interval(note=rows.why_undefined())
    elif not measure.interval:
        clustered = n_groups < len(rows) or rows.clusters.ways > 1
        interval = Interval(note=f"rows of {n_groups} groups taken as independent" if clustered else "")
    elif replicates is None:
        interval = Interval(note="no interval: fewer than 2 groups")
    else:
        interval = interval_of(measure, value, replicates, n_groups)
    se = interval.se
    if measure.average and interval.low is not None and len(rows.values) == 1 and rows.clusters.ways == 1:
        se = clustered_error(rows.values[0], rows.clusters)
    return Estimate(
        metric=rows.metric.name,
        level=level,
        value=None if np.isnan(value) else value,
        low=interval.low,
        high=interval.high,
        n=len(rows),
        n_groups=n_groups,
        n_failed=rows.n_failed,
        method=interval.method,
        better=measure.better,
        note="; ".join(filter(None, [interval.note, rows.note, rows.remark()])),
        se=se,
    )
