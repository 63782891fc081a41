"""Paired comparison of two sides, each one run or several seeds of it, on the items that all of them have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from harness.errors import HarnessError
from harness.metrics.columns import Floats, Labels
from harness.metrics.levels import LevelValue, level_text
from harness.metrics.metric import Metric
from harness.outcomes import Table, factorize
from harness.statistics.alignment import aligned
from harness.statistics.bootstrap import bootstrap_weights, one_thread
from harness.statistics.clusters import Clusters
from harness.statistics.estimates import Estimate, shift
from harness.statistics.few_groups import power_factor
from harness.statistics.intervals import Interval, Replicates, interval_of, of_difference, p_value, reach
from harness.statistics.merged_rows import merged_rows
from harness.statistics.rows import Sample, held, rarer_groups, sample


@dataclass(frozen=True, kw_only=True)
class Contrast(Estimate):
    """The second side of a metric at one level, less the first: the estimate of a difference, with the numbers behind
    it.

    Attributes:
        level: of both sides; "b - a" where the second side's value b of a column is not the first's.
        first, second: the metric on the matched rows, of several seeds the mean.
        value, low, high: the paired difference second - first with its 95 % interval.
        p_holm: `p`, adjusted within its family (see `holm`), None until that is known.
        p_exact: exact sign test of a share over the groups, where each side is one run: McNemar's test where every
            group has one row on either side.
        smallest: the difference that would be found with 80 % power at the 5 % level.
        n_items: items of the matched rows.
        spread: standard deviation of the metric between the seeds of either side; None for a single run.
        gained, lost: of a share with one row an item, items whose label is true only on the second (first) side.
        ends: of a mean of numbers with two ends, the least and the largest difference that can be; None of others.
    """

    first: float | None
    second: float | None
    p_holm: float | None = None
    p_exact: float | None
    smallest: float | None
    n_items: int
    spread: tuple[float | None, float | None]
    gained: int | None
    lost: int | None
    ends: tuple[float, float] | None

    @property
    def estimate(self) -> Estimate:
        """The difference alone."""
        return Estimate(**{f.name: getattr(self, f.name) for f in fields(Estimate)})


def difference(
    metric: Metric,
    table: Table,
    level_a: Mapping[str, LevelValue],
    level_b: Mapping[str, LevelValue],
    *,
    other_metric: Metric | None = None,
    other: Table | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Paired difference value(a) - value(b): on the rows that both levels have, see `alignment`, resampled together.

    `better` is the metric's own: with "higher", a positive difference means that a is better.

    Args:
        other_metric: the metric of `level_b`, to compare two numbers of the same rows (a Brier score, and a
            constant's); None is `metric`.
        other: the table that `level_b` is taken from, to compare two runs. None takes both levels from `table`.

    Raises:
        HarnessError: a level that does not name the metric's `by` columns, a metric without intervals, or two metrics
            of which only one has an upper (lower) end, which can be no numbers of one unit.
    """
    beside = other_metric or metric
    check_unit(metric, beside)
    for of, level in ((metric, level_a), (beside, level_b)):
        if set(level) != set(of.keys):
            raise HarnessError(f"metric {of.name!r}: level {dict(level)} must name exactly {list(of.keys)}")
    return _contrast((beside, level_b, [other or table]), (metric, level_a, [table]), replicates, seed).estimate


def contrast(
    metric: Metric,
    level: Mapping[str, LevelValue],
    first: Sequence[Table],
    second: Sequence[Table],
    *,
    other: Mapping[str, LevelValue] | None = None,
    other_metric: Metric | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Contrast:
    """Compares two sides, each one table or several that differ in the seed only, on the rows that all tables have.

    Every replicate draws groups with replacement, the same for all tables, and of several seeds as many with
    replacement: the interval is about further items and further seeds. Two or three seeds say little about seeds, so
    that their part of the interval is too small then (Davison and Hinkley 1997, section 2.4).

    Args:
        other: the second side's level, to compare arms; None is `level`.
        other_metric: the second side's metric, the same measure of other columns; None is `metric`.

    Raises:
        HarnessError: a metric without intervals, two metrics that are not the same measure, or no row that all
            tables have.
    """
    theirs = other_metric or metric
    check_comparable(metric, theirs)
    found = _contrast((metric, level, first), (theirs, level if other is None else other, second), replicates, seed)
    if not found.n:
        raise HarnessError(f"metric {metric.name!r} at {dict(level)}: the runs share no item that has a value")
    return found


_Side = tuple[Metric, Mapping[str, LevelValue], Sequence[Table]]


def _contrast(first: _Side, second: _Side, replicates: int, seed: int) -> Contrast:
    """The second side less the first; a value of None, with a note, where there is none."""
    whole = [sample(metric, table, level) for metric, level, tables in (first, second) for table in tables]
    match, n_first = aligned(whole), len(first[2])
    rows = match.sides
    values = [np.array([one.value() for one in side]) for side in (rows[:n_first], rows[n_first:])]
    one, two = (float(v.mean()) for v in values)
    n_groups = clusters_of(rows).n
    with one_thread():
        interval, p = _tested(rows, two - one, n_groups, lambda: _replicated(rows, n_first, replicates, seed))
    counts = _discordant(*rows) if len(rows) == 2 else None
    signs = _signs(*rows) if len(rows) == 2 else None
    left_out = f"{match.n_unmatched} rows left out without a partner" if match.n_unmatched else ""
    return Contrast(
        metric=second[0].name,
        level=level_of_difference(second[1], first[1]),
        value=_defined(two - one),
        low=interval.low,
        high=interval.high,
        n=match.n,
        n_groups=n_groups,
        n_failed=match.n_failed,
        method=f"paired {interval.method}" if interval.low is not None else "none",
        better=second[0].measure.better,
        note="; ".join(dict.fromkeys(filter(None, [interval.note, *(r.note for r in rows), match.note, left_out]))),
        se=interval.se,
        p=p,
        n_unmatched=match.n_unmatched,
        first=_defined(one),
        second=_defined(two),
        p_exact=None if signs is None else sign_test(*signs),
        smallest=None if interval.se is None else power_factor(n_groups) * interval.se,
        n_items=len(np.unique(rows[0].items)),
        spread=(_spread(values[0]), _spread(values[1])),
        gained=None if counts is None else counts[0],
        lost=None if counts is None else counts[1],
        ends=_ends_of_mean(second[0], first[0]),
    )


def _ends_of_mean(one: Metric, two: Metric) -> tuple[float, float] | None:
    of = of_difference(one.measure, two.measure)
    return None if not of.average or of.low is None or of.high is None else (of.low, of.high)


def level_of_difference(first: Mapping[str, LevelValue], second: Mapping[str, LevelValue]) -> dict[str, str]:
    """The level of first - second: "a - b" where the two have different values in a column, "-" where one has none."""
    pairs = {c: (level_text(first.get(c, "-")), level_text(second.get(c, "-"))) for c in {**first, **second}}
    return {column: one if one == two else f"{one} - {two}" for column, (one, two) in pairs.items()}


def check_unit(one: Metric, two: Metric) -> None:
    """Raises HarnessError: a difference of the two metrics cannot be one of numbers of the same unit."""
    for metric in (one, two):
        if not metric.measure.interval:
            raise HarnessError(f"metric {metric.name!r} is a p-value: differences of it mean nothing")
    ranges = [np.isfinite(reach(metric.measure)) for metric in (one, two)]
    if (ranges[0] != ranges[1]).any():
        raise HarnessError(
            f"metrics {one.name!r} in {list(reach(one.measure))} and {two.name!r} in {list(reach(two.measure))} are no "
            "numbers of one unit; compare metrics that both have ends, or both none"
        )


def check_comparable(one: Metric, two: Metric) -> None:
    """Raises HarnessError: the two metrics are not one measure (columns may differ), so that a run's number cannot be
    compared with another run's."""
    check_unit(one, two)
    if (one.measure, one.options) != (two.measure, two.options):
        told = [f"{m.measure.function.__qualname__} {dict(m.options) or ''}".strip() for m in (one, two)]
        raise HarnessError(f"metrics {one.name!r} ({told[0]}) and {two.name!r} ({told[1]}) are not the same measure")


def _tested(
    rows: Sequence[Sample], value: float, n_groups: int, replicated: Callable[[], Replicates]
) -> tuple[Interval, float | None]:
    """The interval of a difference, and its p; None where there is nothing to test."""
    if math.isnan(value):
        return Interval(note=next(r for r in rows if math.isnan(r.value())).why_undefined()), None
    if n_groups < 2:
        return Interval(note="no interval: fewer than 2 groups"), None
    of = of_difference(rows[-1].metric.measure, rows[0].metric.measure)
    drawn = replicated()
    return interval_of(of, value, drawn, n_groups), p_value(of, value, drawn, n_groups)


def clusters_of(rows: Sequence[Sample]) -> Clusters:
    """The groups of the rows of several samples, one after the other."""
    return Clusters.of(np.concatenate([one.groups for one in rows]))


def mean_of_seeds(rows: Sequence[Sample], replicates: int, seed: int) -> Replicates:
    """The mean over seeds on draws of groups, which are the same for all seeds, and of seeds."""
    by_run, steps, ways = _by_run(rows, replicates, seed)
    drawn = _mean_of_drawn(by_run, np.random.default_rng([seed, len(rows)]))
    return Replicates(drawn, steps, ways=ways, rarer=_rarer(rows))


def _replicated(rows: Sequence[Sample], n_first: int, replicates: int, seed: int) -> Replicates:
    """Differences between the sides on the same draws of groups, and of the seeds of each side where it has several."""
    by_run, steps, ways = _by_run(rows, replicates, seed)
    rng = np.random.default_rng([seed, len(rows)])
    first, second = (_mean_of_drawn(side, rng) for side in (by_run[:n_first], by_run[n_first:]))
    return Replicates(second - first, steps, ways=ways, rarer=_rarer(rows))


def _rarer(rows: Sequence[Sample]) -> int | None:
    found = [rarer_groups(one) for one in rows]
    known = [n for n in found if n is not None]
    return min(known) if len(known) == len(found) else None


def _by_run(rows: Sequence[Sample], replicates: int, seed: int) -> tuple[Floats, int, int]:
    """The metric of each run on the same draws of groups, [runs, B], the steps that its numbers were put into, and how
    many groups a row has at most."""
    merged = [merged_rows(r) for r in rows]
    clusters = clusters_of(rows)
    starts = np.cumsum([0, *map(len, merged)])
    of_row = np.concatenate([start + one.of_row for start, one in zip(starts, merged, strict=False)])
    functions = [held(r.metric, one.values, one.counts) for r, one in zip(rows, merged, strict=True)]
    parts: list[list[Floats]] = [[] for _ in rows]
    for w in bootstrap_weights(clusters, replicates, seed, of_row):
        for part, of_weights, one, start in zip(parts, functions, merged, starts, strict=False):
            part.append(of_weights(w[:, start : start + len(one)]))
    by_run = np.stack(
        [
            np.concatenate(part) + shift(r, r.values_of_points(), one)
            for part, r, one in zip(parts, rows, merged, strict=True)
        ]
    )
    return by_run, max(one.steps for one in merged), clusters.ways


def _mean_of_drawn(values: Floats, rng: np.random.Generator) -> Floats:
    """[b] the mean over seeds drawn with replacement, of values [seeds, b]."""
    k, b = values.shape
    drawn = rng.integers(0, k, (k, b)) if k > 1 else np.zeros((1, b), dtype=np.int64)
    return np.asarray(np.take_along_axis(values, drawn, axis=0).mean(axis=0))


def _discordant(first: Sample, second: Sample) -> tuple[int, int] | None:
    """How many items have a true label on the second (on the first) side only; None where that is no simple pairing."""
    if not is_share(first.metric):
        return None
    one, two = (dict(zip(side.items, side.values[0], strict=True)) for side in (first, second))
    if len(one) < len(first) or len(two) < len(second):
        return None
    gained = sum(two[item] > one[item] for item in one)
    return int(gained), int(sum(two[item] < one[item] for item in one))


def is_share(metric: Metric) -> bool:
    """Whether a metric is the share of rows whose label is true."""
    return metric.measure.average and metric.measure.parameters == (Labels,) and not metric.index


def _signs(first: Sample, second: Sample) -> tuple[int, int] | None:
    """In how many groups the second side's share is the higher (the lower) one; None where it is no share, and where
    rows have several groups, which are then not independent of each other."""
    if not is_share(first.metric) or clusters_of((first, second)).ways > 1:
        return None
    names, codes = factorize(np.concatenate([first.groups, second.groups]))
    shares = []
    for side, of_row in ((first, codes[: len(first)]), (second, codes[len(first) :])):
        sums, rows = (np.bincount(of_row, w, len(names)) for w in (side.values[0], np.ones(len(side))))
        shares.append(sums / rows)
    moved = np.round(shares[1] - shares[0], 12)
    return int((moved > 0).sum()), int((moved < 0).sum())


def sign_test(gained: int, lost: int) -> float:
    """Exact two-sided p that changes in either direction are as likely, in [0, 1]; 1 without a change.

    Of the items that changed, the number that gained is binomial with p = 1/2 under the null (McNemar 1947). Groups are
    counted, since rows of one group are not independent.
    """
    from scipy.special import bdtr  # scipy.stats has the test itself, and takes .6 s to import

    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5))) if gained + lost else 1.0


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values of a family of tests, which keep the chance of any false alarm at the level (Holm 1979).

    The i-th smallest of m is multiplied by m - i + 1 and is no smaller than the ones before it; at most 1. Those that
    are None stay so and do not count.
    """
    known = sorted((value, i) for i, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, i) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        adjusted[i] = highest
    return adjusted


def _spread(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 and not np.isnan(values).any() else None


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
