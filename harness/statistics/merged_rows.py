"""Merges rows with equal values into one weighted row, so that bootstrapping many rows stays fast.

For every metric a weight of k means k equal rows, so merging changes no number. Units whose rows are equal are merged
in the same way. Where too many different rows remain, numbers are binned into steps of equal counts. Only bootstrap
replicates use the binned values. The bias that binning causes is measured on the full sample and subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Classes, Fates, Floats, Folds, Labels, Units
from harness.statistics.rows import Sample

Codes = NDArray[np.int64]

MOST = 4_096
"""Different rows up to which nothing is put into steps, and about how many the steps leave at most."""

FINEST = 1_024
"""The most steps of a number: of an interval's width they change a thousandth, its 1,000 replicates a twentieth."""


@dataclass(frozen=True)
class MergedRows:
    """The different rows of a sample, each once.

    Attributes:
        values: the columns, each [m].
        of_row: [n] which of them, 0..m-1, each row of the sample is.
        steps: into how many steps numbers were put; 0 where they are as they were.
    """

    values: tuple[np.ndarray, ...]
    of_row: Codes
    steps: int

    def __len__(self) -> int:
        return len(self.values[0])

    @property
    def counts(self) -> Floats:
        """[m] how many rows of the sample each of them is."""
        return np.bincount(self.of_row, minlength=len(self)).astype(np.float64)


def merged_rows(sample: Sample) -> MergedRows:
    """The different rows of a sample, in the order of their values.

    Rows of units are put together by whole units, of which one keeps its rows: a unit's weight is the weight of each of
    its rows, not their sum.
    """
    parameters = sample.metric.measure.parameters
    if not len(sample):
        return MergedRows(sample.values, np.arange(len(sample)), 0)
    if Units in parameters:
        return _merged_units(sample.values, parameters.index(Units))
    exact = _merged(sample.values, 0)
    is_few = [p in (Labels, Folds, Fates, Classes) for p in parameters]
    if len(exact) <= MOST or sample.metric.measure.exact or all(is_few):
        return exact
    few = tuple(v for v, is_so in zip(exact.values, is_few, strict=True) if is_so)
    kinds = len(_merged(few, 0)) if few else 1
    steps = min(FINEST, max(2, int((MOST / kinds) ** (1 / (len(is_few) - len(few))))))
    columns = zip(sample.values, is_few, strict=True)
    return _merged(tuple(v if is_so else _stepped(v, steps) for v, is_so in columns), steps)


def _merged(values: tuple[np.ndarray, ...], steps: int) -> MergedRows:
    order = np.lexsort(values[::-1])
    ranked = tuple(v[order] for v in values)
    new = np.zeros(len(order), dtype=bool)
    for column in ranked:
        new[1:] |= column[1:] != column[:-1]
    of_row = np.empty(len(order), dtype=np.int64)
    of_row[order] = np.cumsum(new)
    new[0] = True
    return MergedRows(tuple(v[new] for v in ranked), of_row, steps)


def _merged_units(values: tuple[np.ndarray, ...], at: int) -> MergedRows:
    """Units that have the same rows, in any order, taken together; `at` is the column that names the units."""
    kinds = _merged(values[:at] + values[at + 1 :], 0).of_row
    order = np.lexsort((kinds, values[at]))
    starts = np.flatnonzero(np.diff(values[at][order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    alike = np.zeros(len(starts), dtype=np.int64)
    # Units are told apart by their first rows, then by their second ones, and so on; -1 is no such row.
    for place in range(int(lengths.max())):
        there = place < lengths
        kind = np.where(there, kinds[order[np.where(there, starts + place, 0)]], -1)
        alike = np.unique(alike * (len(order) + 1) + kind + 1, return_inverse=True)[1]
    _, first = np.unique(alike, return_index=True)
    offsets = np.append(0, np.cumsum(lengths[first]))
    of_row = np.empty(len(order), dtype=np.int64)
    of_row[order] = np.repeat(offsets[alike] - starts, lengths) + np.arange(len(order))
    chosen = np.concatenate([order[starts[unit] : starts[unit] + lengths[unit]] for unit in first])
    return MergedRows(tuple(v[chosen] for v in values), of_row, 0)


def _stepped(values: np.ndarray, steps: int) -> np.ndarray:
    """Each value replaced by its step's, the mean of its rows; with infinite ones, which only order, the lowest.

    Rows of equal value fall into the step of the first of them.
    """
    distinct, of_row, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= steps:
        return values
    step = (np.cumsum(counts) - counts) * steps // len(values)
    first = np.flatnonzero(np.append(True, step[1:] != step[:-1]))
    level = distinct[first]
    if np.isfinite(level).all():
        level = np.add.reduceat(distinct * counts, first) / np.add.reduceat(counts, first)
    return np.repeat(level, np.diff(np.append(first, len(distinct))))[of_row]
