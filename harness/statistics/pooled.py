"""One number of several runs that differ in the seed only: their mean, with one interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import HarnessError
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.alignment import aligned
from harness.statistics.estimates import Estimate
from harness.statistics.intervals import Interval, interval_of
from harness.statistics.pairs import clusters_of, mean_of_seeds
from harness.statistics.rows import sample


@dataclass(frozen=True, kw_only=True)
class Pooled(Estimate):
    """A metric as the mean of several seeds; see `Estimate`.

    Attributes:
        seeds: how many runs it is the mean of.
        spread: standard deviation of the metric between the seeds; None for one.
    """

    seeds: int
    spread: float | None


def pooled(
    metric: Metric, level: Mapping[str, LevelValue], tables: Sequence[Table], *, replicates: int = 1000, seed: int = 0
) -> Pooled:
    """The mean of a metric over several seeds, on the rows that all of them have.

    Every replicate draws groups with replacement, the same for all seeds, and as many seeds with replacement, as
    `pairs.contrast` does: the interval is about further items and further seeds. Two or three seeds say little about
    seeds, so that their part of the interval is too small then (Davison and Hinkley 1997, section 2.4).

    Args:
        level: the value of every column of `by`, and the point of a curve.
        tables: the outcomes of each seed, two or more.

    Raises:
        HarnessError: the runs share no row that has a value.
    """
    match = aligned([sample(metric, table, level) for table in tables])
    rows, measure = match.sides, metric.measure
    if not match.n:
        raise HarnessError(f"metric {metric.name!r} at {dict(level)}: the seeds share no item that has a value")
    values = np.array([one.value() for one in rows])
    value, n_groups = float(values.mean()), clusters_of(rows).n
    interval = Interval(note="" if measure.interval else "a p-value: its mean has no interval")
    if np.isnan(value):
        interval = Interval(note=next(one for one in rows if np.isnan(one.value())).why_undefined())
    elif n_groups < 2:
        interval = Interval(note="no interval: fewer than 2 groups")
    elif measure.interval:
        # The interval of a calibration error is made of the gaps in the bins of one run; a mean of errors has none.
        drawn = mean_of_seeds(rows, replicates, seed)
        interval = interval_of(replace(measure, gaps=None), value, drawn, n_groups)
    notes = [interval.note, *(one.note for one in rows), match.note]
    if match.n_unmatched:
        notes.append(f"{match.n_unmatched} rows left out that not all seeds have")
    return Pooled(
        metric=metric.name,
        level=level_texts(level),
        value=None if np.isnan(value) else value,
        low=interval.low,
        high=interval.high,
        n=match.n,
        n_groups=n_groups,
        n_failed=match.n_failed,
        method=interval.method,
        better=measure.better,
        note="; ".join(dict.fromkeys(filter(None, notes))),
        se=interval.se,
        n_unmatched=match.n_unmatched,
        seeds=len(tables),
        spread=float(values.std(ddof=1)) if len(values) > 1 and not np.isnan(value) else None,
    )
