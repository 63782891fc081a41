"""Estimates: a metric's value with its interval, and how many rows it rests on.

Intervals come from the cluster bootstrap: whole groups (stories, questions with all their draws) are drawn with
replacement, never single rows, because rows of one group are not independent. A metric takes weights, so a
replicate is a row of weights and not a new table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.columns import Floats, Weights
from harness.metrics.metric import Measure, Metric
from harness.outcomes import Table
from harness.sample import levels, sample

Codes = NDArray[np.int64]

_CHUNK = 1 << 20
"""Weights held at once, 8 MB: a metric's own temporaries are a few times that, and stay near the processor."""

_MISS = 0.025
"""Chance of missing the truth on either side."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number of a run.

    Attributes:
        metric: name of the metric.
        level: the values of the metric's `by` columns, e.g. {"arm": "zero-shot"}. Of a difference: "a - b" where
            the two sides have different values.
        value: the point value on all rows; None when undefined (`note` says why).
        low, high: ends of the 95 % interval; None when there is none.
        n: rows that entered; n_groups: clusters among them.
        n_failed: rows left out because a value was missing, plus items whose protocol failed.
        method: how the interval was made; "none" without one.
        better: "higher", "lower" or "neither".
        note: why a value or an interval is missing, and what else to know before quoting it; "" otherwise.
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


@dataclass(frozen=True)
class _Interval:
    low: float | None = None
    high: float | None = None
    method: str = "none"
    note: str = ""


def bootstrap_weights(groups: Codes, replicates: int, seed: int) -> Iterator[Weights]:
    """Row weights of the cluster bootstrap.

    Every replicate draws as many groups as there are, with replacement; the weight of a row is how often its
    group was drawn (multinomial counts), so that draws nested in a group come along with it.

    Args:
        groups: [n] code of each row's group, 0..G-1, n >= 1.

    Yields:
        Weights [b, n]; together `replicates` of them.
    """
    rng = np.random.default_rng(seed)
    n_groups = int(groups.max()) + 1
    chunk = max(1, _CHUNK // len(groups))
    for start in range(0, replicates, chunk):
        drawn = rng.integers(0, n_groups, (min(chunk, replicates - start), n_groups))
        counts = np.stack([np.bincount(row, minlength=n_groups) for row in drawn]).astype(np.float64)
        yield np.take(counts, groups, axis=1)


def estimate(metric: Metric, table: Table, *, replicates: int = 1000, seed: int = 0) -> list[Estimate]:
    """Estimates a metric for every combination of its `by` columns that occurs, in alphabetical order.

    A row with a missing value in a column that the metric reads is left out and counted in `n_failed`, together with
    the items that failed as a whole; those belong to no arm and count in every level. For units see `sample`.

    The interval is the 2.5 to 97.5 percentile range of the cluster bootstrap; for a biased metric (ECE) that range
    reflected about the value, the basic bootstrap, because resampling adds the same bias once more (Davison and
    Hinkley 1997, section 5.2), widened to hold the value. It is cut at the metric's range. Replicates in which the
    metric is undefined are left out. There is no interval for p-values, for fewer than two groups, where more than 5 %
    of the replicates are undefined, and where all replicates agree; in the last case a mean falls back on a binomial
    bound. The result does not depend on the order of the table's rows.

    Raises:
        HarnessError: a column holds values that the metric cannot take.
    """
    return [_estimate(metric, table, level, replicates, seed) for level in levels(metric, table)]


def _estimate(metric: Metric, table: Table, level: Mapping[str, str], replicates: int, seed: int) -> Estimate:
    rows = sample(metric, table, level)
    value = rows.value()
    names, codes = np.unique(rows.groups, return_inverse=True)
    interval = _Interval()
    if np.isnan(value):
        interval = _Interval(note=rows.why_undefined())
    elif not metric.measure.interval:
        clustered = len(names) < len(rows)
        interval = _Interval(note=f"rows of {len(names)} groups taken as independent" if clustered else "")
    elif len(names) < 2:
        interval = _Interval(note="no interval: fewer than 2 groups")
    else:
        values = np.concatenate([rows.measure(w) for w in bootstrap_weights(codes, replicates, seed)])
        interval = _interval(metric.measure, value, values, len(names), _reach(metric.measure))
    return Estimate(
        metric=metric.name,
        level=level,
        value=None if np.isnan(value) else value,
        low=interval.low,
        high=interval.high,
        n=len(rows),
        n_groups=len(names),
        n_failed=rows.n_missing + rows.n_errors,
        method=interval.method,
        better=metric.measure.better,
        note="; ".join(filter(None, [interval.note, rows.note])),
    )


def difference(
    metric: Metric,
    table: Table,
    level_a: Mapping[str, str],
    level_b: Mapping[str, str],
    *,
    other: Table | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Paired difference value(a) - value(b): on the groups present in both levels, resampled together.

    `better` is the metric's own: with "higher", a positive difference means that a is better.

    Args:
        other: the table that `level_b` is taken from, to compare two runs; then only items that have rows in both
            enter. None takes both levels from `table`.

    Raises:
        HarnessError: a level that does not name the metric's `by` columns, or a metric without intervals.
    """
    if not metric.measure.interval:
        raise HarnessError(f"metric {metric.name!r} is a p-value: differences of it mean nothing")
    for level in (level_a, level_b):
        if set(level) != set(metric.by):
            raise HarnessError(f"metric {metric.name!r}: level {dict(level)} must name exactly {list(metric.by)}")
    all_a, all_b = sample(metric, table, level_a), sample(metric, other or table, level_b)
    a, b = all_a, all_b
    if other is not None:
        a, b = a.where(np.isin(a.items, b.items)), b.where(np.isin(b.items, a.items))
    shared = np.intersect1d(a.groups, b.groups)
    a, b = a.where(np.isin(a.groups, shared)), b.where(np.isin(b.groups, shared))
    value = a.value() - b.value()
    if np.isnan(value):
        interval = _Interval(note=(a if np.isnan(a.value()) else b).why_undefined())
    elif len(shared) < 2:
        interval = _Interval(note="no interval: fewer than 2 groups")
    else:
        codes = np.searchsorted(shared, np.concatenate([a.groups, b.groups]))
        weights = bootstrap_weights(codes, replicates, seed)
        values = np.concatenate([a.measure(w[:, : len(a)]) - b.measure(w[:, len(a) :]) for w in weights])
        low, high = _reach(metric.measure)
        interval = _interval(metric.measure, value, values, len(shared), (low - high, high - low))
    unpaired = len(all_a) + len(all_b) - len(a) - len(b)
    notes = [interval.note, a.note, b.note, f"{unpaired} rows left out without a partner" if unpaired else ""]
    return Estimate(
        metric=metric.name,
        level={c: level_a[c] if level_a[c] == level_b[c] else f"{level_a[c]} - {level_b[c]}" for c in metric.by},
        value=None if np.isnan(value) else value,
        low=interval.low,
        high=interval.high,
        n=len(a) + len(b),
        n_groups=len(shared),
        n_failed=a.n_missing + b.n_missing + a.n_errors + (b.n_errors if other is not None else 0),
        method=f"paired {interval.method}" if interval.low is not None else "none",
        better=metric.measure.better,
        note="; ".join(filter(None, notes)),
    )


def _interval(
    measure: Measure, value: float, replicates: Floats, n_groups: int, reach: tuple[float, float]
) -> _Interval:
    # reach: the range that the value lies in, whatever the data.
    defined = replicates[~np.isnan(replicates)]
    lost = 1 - len(defined) / len(replicates)
    if lost > 0.05:
        # About three groups decide whether the value exists at all: what the others vary by is not its uncertainty.
        return _Interval(note=f"no interval: undefined in {lost:.0%} of the replicates")
    notes = []
    if np.ptp(defined) < 1e-9:
        return _agreement(value, n_groups, reach if measure.average else (-np.inf, np.inf))
    low, high = (float(q) for q in np.quantile(defined, [_MISS, 1 - _MISS]))
    method = f"cluster bootstrap, {len(replicates)} replicates, {'basic' if measure.biased else 'percentile'}"
    if measure.biased:
        if not low <= value <= high:
            notes = ["the value is biased upwards at this n"]
        low, high = min(value, 2 * value - high), max(value, 2 * value - low)
    return _Interval(max(low, reach[0]), min(high, reach[1]), method, "; ".join(notes))


def _agreement(value: float, n_groups: int, bounds: tuple[float, float]) -> _Interval:
    """The interval of a mean that is the same in all groups, where the bootstrap has no width.

    With G groups alike, the share q of such groups is at least 0.025^(1/G) with 97.5 % confidence, and the others may
    lie anywhere within the bounds. For a share of 0 or 1 this is the interval of Clopper and Pearson (1934).
    """
    if not np.isfinite(bounds).all():
        return _Interval(note="no interval: all replicates agree")
    q = _MISS ** (1 / n_groups)
    low, high = (q * value + (1 - q) * bound for bound in bounds)
    return _Interval(low, high, f"binomial bound, all {n_groups} groups agree")


def _reach(measure: Measure) -> tuple[float, float]:
    return -np.inf if measure.low is None else measure.low, np.inf if measure.high is None else measure.high
