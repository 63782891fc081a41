"""The rows of a table that one number rests on: selected, counted, and put into a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.bins import Binned
from harness.metrics.columns import Classes, Fates, Floats, Folds, Labels, Units, Weights
from harness.metrics.levels import LevelValue, Mask, chosen, level_texts, missing, shown
from harness.metrics.metric import Metric
from harness.outcomes import Table, factorize
from harness.statistics.clusters import Clusters


@dataclass(frozen=True)
class Sample:
    """The rows that a metric reads at one level, in an order that depends on their content only.

    Attributes:
        values: the metric's columns, each [n]; units as codes.
        groups, items: [n] names of each row's cluster and item.
        codes: [n] number of each row's group among the names of `groups` when the sample was taken.
        table: the rows are taken from it; wanted: by these values, of `where` and of the level.
        at: [n] the number of each row in the table. lost: the numbers of rows left out for a missing value; failed: of
            failures of items that belong, or may belong, to the level.
        note: rows left out for other reasons than missing values; "" without any.
        reasons: why no rows are left, from the outcomes' column "reason"; "" where they do not say.
    """

    metric: Metric
    values: tuple[np.ndarray, ...]
    groups: np.ndarray
    items: np.ndarray
    codes: NDArray[np.int64]
    table: Table
    wanted: Mapping[str, LevelValue]
    at: NDArray[np.int64]
    lost: NDArray[np.int64]
    failed: NDArray[np.int64]
    note: str = ""
    reasons: str = ""

    def __len__(self) -> int:
        return len(self.groups)

    @cached_property
    def clusters(self) -> Clusters:
        """The groups of the rows."""
        return Clusters.of(self.groups, _dense(self.codes))

    @property
    def n_failed(self) -> int:
        """Rows left out for a missing value, and failures."""
        return len(self.lost) + len(self.failed)

    def under(self, metric: Metric) -> Sample:
        """The rows under another metric of the same columns, with the same `clusters`, which many rows take long to
        find."""
        other = replace(self, metric=metric)
        other.__dict__["clusters"] = self.clusters
        return other

    def where(self, mask: Mask) -> Sample:
        """The rows where the mask [n] is true, in the same order."""
        values = tuple(v[mask] for v in self.values)
        groups, items, codes, at = self.groups[mask], self.items[mask], self.codes[mask], self.at[mask]
        return replace(self, values=values, groups=groups, items=items, codes=codes, at=at)

    def measure(self, w: Weights) -> Floats:
        """The metric's value for each row of weights [B, n]: shape [B], of a curve [B, k], NaN where undefined.

        Raises:
            HarnessError: the values cannot be what the metric takes (an infinite number, units across groups).
            AssertionError: a value outside the range that the measure declares.
        """
        return evaluate(self.metric, self.values, w)

    def value(self) -> float:
        """The metric's value with every row counted once; NaN when undefined."""
        return float(self.values_of_points()[0])

    def values_of_points(self) -> Floats:
        """[k] as `value`, for every point of a curve; k = 1 for a metric that gives one number."""
        points = self.points()
        if not len(self):
            return np.full(len(points), np.nan)
        values = self.measure(np.ones((1, len(self)))).reshape(-1)
        if len(values) != len(points):
            raise AssertionError(f"metric {self.metric.name!r} gives {len(values)} values for {len(points)} points")
        return values

    def points(self) -> tuple[str, ...]:
        """The names of the points of a curve; ("",) for a metric that gives one number."""
        measure = self.metric.measure
        if measure.names is None:
            return ("",)
        return measure.points(*_columns(self.metric, self.values), **self.metric.options)

    def remark(self) -> str:
        """A remark on the rows to read before quoting the value; "" without one."""
        measure = self.metric.measure
        if Folds in measure.parameters and self.clusters.ways > 1:
            return "folds share groups, of which rows have several, so that the fits have met a part of their test"
        if measure.remark is None or not len(self):
            return ""
        return measure.remark(*_columns(self.metric, self.values))

    def why_undefined(self) -> str:
        """Why `value` is NaN."""
        if not len(self):
            return f"no rows: {self.reasons}" if self.reasons else "no rows"
        return self.metric.measure.undefined or "undefined on these rows"


def rarer_groups(rows: Sample) -> int | None:
    """Of a mean over pairs of a right and a wrong row (of one class), the groups that have rows of the rarer kind.

    None of other metrics, and where rows have several groups.
    """
    parameters = rows.metric.measure.parameters
    if not rows.metric.measure.ranks or rows.clusters.ways > 1:
        return None
    label = rows.values[parameters.index(Labels)]
    classes = rows.values[parameters.index(Classes)] if Classes in parameters else np.zeros(len(rows))
    kinds = ([(classes == one) & (label == right) for right in (0, 1)] for one in np.unique(classes))
    return sum(min(len(np.unique(rows.codes[mask])) for mask in pair) for pair in kinds)


def evaluate(metric: Metric, values: tuple[np.ndarray, ...], w: Weights) -> Floats:
    """A metric of columns [n] each for each row of weights [B, n]; see `Sample.measure`."""
    with _named(metric):
        return _in_range(metric, metric.measure(*_columns(metric, values), w=w, **metric.options))


def held(metric: Metric, values: tuple[np.ndarray, ...], counts: Floats) -> Callable[[Weights], Floats]:
    """As `evaluate`, of weights [B, n] alone, with bins and fits made once from data of so many rows each, [n]."""
    with _named(metric):
        of_weights = metric.measure.held(*_columns(metric, values), w=counts, **metric.options)

    def evaluated(w: Weights) -> Floats:
        with _named(metric):
            found = of_weights(w)
        _in_range(metric, found if metric.measure.root is None else np.abs(found))
        return found

    return evaluated


def held_gaps(metric: Metric, values: tuple[np.ndarray, ...], counts: Floats) -> Callable[[Weights], Floats]:
    """As `held`, with the parts of a calibration error's interval behind each value: [B, 1 + 2 bins] of the value, the
    weight in each bin, and its sum of c - p. Of a metric without gaps the shape is [B, 1], of a curve [B, k]."""
    how = metric.measure.gaps
    if how is None:
        of_weights = held(metric, values, counts)
        return lambda w: of_weights(w).reshape(len(w), -1)
    bins = binned(metric, values, counts)

    def evaluated(w: Weights) -> Floats:
        weight, sums = bins.gaps(w)
        value = how.size(how.scaled(weight, sums)) if how.debiased is None else how.debiased(bins, w)
        return np.column_stack([_in_range(metric, value), weight, sums])

    return evaluated


def binned(metric: Metric, values: tuple[np.ndarray, ...], counts: Floats) -> Binned:
    """The bins of a calibration error of data of so many rows each, [n]."""
    assert metric.measure.gaps is not None
    with _named(metric):
        return metric.measure.gaps.binned(*_columns(metric, values), w=counts, **metric.options)


@contextmanager
def _named(metric: Metric) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise HarnessError(f"metric {metric.name!r} of columns {metric.columns}: {error}") from error


def _in_range(metric: Metric, result: Floats) -> Floats:
    measure = metric.measure
    too_low = measure.low is not None and (result < measure.low - 1e-9).any()
    if too_low or (measure.high is not None and (result > measure.high + 1e-9).any()):
        raise AssertionError(
            f"metric {metric.name!r} left its range [{measure.low}, {measure.high}]: "
            f"{np.nanmin(result)} to {np.nanmax(result)}"
        )
    return result


def _columns(metric: Metric, values: tuple[np.ndarray, ...]) -> list[Any]:
    return [p(v) for p, v in zip(metric.measure.parameters, values, strict=True)]


def levels(metric: Metric, table: Table) -> list[dict[str, str]]:
    """The combinations of the metric's `by` columns that occur among the rows it reads, in their order.

    An arm of which every item failed occurs, too, so that its failures are told.
    """
    surely, _ = chosen(table, metric.where)
    if not metric.by:
        return [{}]
    for column in metric.by:
        surely &= ~missing(table, column)
    found = set(zip(*(table.columns[column][surely].tolist() for column in metric.by), strict=True))
    kinds = [table.kinds[column] for column in metric.by]
    return [dict(zip(metric.by, map(shown, values, kinds), strict=True)) for values in sorted(found)]


def levels_with_points(metric: Metric, table: Table) -> list[dict[str, str]]:
    """The levels at which there are rows, each with every point of a curve; two tables are compared at these."""
    there = [(level, sample(metric, table, level)) for level in levels(metric, table)]
    if not metric.index:
        return [level for level, rows in there if len(rows)]
    return [{**level, metric.index: point} for level, rows in there if len(rows) for point in rows.points()]


def sample(metric: Metric, table: Table, level: Mapping[str, LevelValue]) -> Sample:
    """The rows of one level that a metric can read; with the `index` of a curve in the level, for that point alone.

    A row without a value is left out and counted if it belongs to the level, or may belong to it because a `by` or
    `where` value is missing. So is a failure. A unit with such a row is left out whole, as are the units of a group
    with such a failure, whose unit is not known: what remains of a unit would look easier than the unit is.
    """
    wanted = {**metric.where, **level}
    if metric.index in wanted:
        point = level_texts(level)[metric.index]
        metric = replace(metric, measure=metric.measure.at(point))
        del wanted[metric.index]
    failed = ~missing(table, "error")
    complete, maybe = chosen(table, wanted)
    candidate, failed = maybe & ~failed, maybe & failed
    complete &= candidate
    for column in metric.columns:
        complete &= ~missing(table, column)
    n_incomplete = 0
    for column, parameter in zip(metric.columns, metric.measure.parameters, strict=True):
        if parameter is Units:
            whole = complete & ~_torn(table, column, failed | (candidate & ~complete))
            n_incomplete += int((complete & ~whole).sum())
            complete = whole
    groups, items = table.columns["group"][complete], table.columns["item"][complete]
    values = [table.columns[column][complete] for column in metric.columns]
    coded = [_coded(v, p) for v, p in zip(values, metric.measure.parameters, strict=True)]
    group_codes = _dense(table.group_codes[complete])
    # Rows equal in all of these are interchangeable, so that sums come out the same to the last bit.
    order = np.lexsort((group_codes, *reversed(coded)))
    return Sample(
        metric,
        tuple(v[order] for v in coded),
        groups[order],
        items[order],
        group_codes[order],
        table,
        wanted,
        np.flatnonzero(complete)[order],
        np.flatnonzero(candidate & ~complete),
        np.flatnonzero(failed),
        f"{n_incomplete} rows left out with incomplete units" if n_incomplete else "",
        "" if complete.any() else _reasons(table, candidate),
    )


def _reasons(table: Table, rows: Mask) -> str:
    """The reasons of the rows without a value, in alphabetical order."""
    if table.kinds.get("reason") != "text":
        return ""
    return "; ".join(sorted({reason for reason in table.columns["reason"][rows] if reason is not None}))


def _coded(values: np.ndarray, parameter: type) -> np.ndarray:
    # Text as numbers: which fold, which class, whether answered, or which of the different names.
    if parameter is Folds or parameter is Classes:
        return np.fromiter(map(parameter.of, values), dtype=np.int64, count=len(values))
    if parameter is Fates:
        return np.fromiter(map(Fates.of, values), dtype=np.float64, count=len(values))
    return factorize(values)[1] if values.dtype == object else values


def _dense(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    # The same codes without the ones that do not occur.
    number = np.cumsum(np.bincount(codes) > 0) - 1
    return np.asarray(number[codes])


def _torn(table: Table, column: str, lost: Mask) -> Mask:
    # Rows whose unit has a lost row. A lost row without a unit may be of any unit of its group.
    if not lost.any():
        return lost
    units, groups = table.columns[column], table.columns["group"]
    named = lost & ~missing(table, column) & missing(table, "error")
    torn_units, torn_groups = set(units[named]), set(groups[lost & ~named])
    rows = zip(units, groups, strict=True)
    return np.fromiter((u in torn_units or g in torn_groups for u, g in rows), dtype=bool, count=len(units))
