"""Weighted sums over rows for many replicates at once: the arithmetic that the metrics share.

Everywhere `w` is [B, n]. The work is one pass over `w` each; nothing larger than `w` is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Units, Weights


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """numerator / denominator, NaN where the denominator is not positive."""
    undefined = np.full(np.shape(denominator), np.nan)
    values: Floats = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return values


def totals(w: Weights, *columns: Floats) -> Floats:
    """Weighted sum of each column [n]: shape [len(columns), B]."""
    return (w @ np.stack(columns, axis=1)).T


def average(w: Weights, values: Floats) -> Floats:
    """Weighted mean of values [n]: shape [B], NaN for a replicate without weight."""
    return ratio(w @ values, w.sum(axis=1))


def unit_weights(unit: Units, w: Weights) -> tuple[Weights, NDArray[np.int64]]:
    """The weight of each of m units, [B, m], and which of them each row belongs to, [n].

    Raises:
        ValueError: rows of one unit have different weights.
    """
    _, first, codes = np.unique(unit.values, return_index=True, return_inverse=True)
    weights = w[:, first]
    if not np.array_equal(weights[:, codes], w):
        raise ValueError("rows of one unit have different weights; a unit must lie within one group")
    return weights, codes


def sums_by(w: Weights, codes: NDArray[np.int64], *columns: Floats) -> Floats:
    """Weighted sums of columns [n] within each code that occurs: shape [codes, len(columns), B]."""
    order = np.argsort(codes, kind="stable")
    borders = np.flatnonzero(np.diff(codes[order])) + 1
    if (np.diff(order) == 1).all():
        # Rows in the order of their codes, as an estimate's rows are: each code is a slice, which copies nothing.
        slices = [slice(*ends) for ends in zip([0, *borders], [*borders, len(codes)], strict=True)]
        return np.stack([totals(w[:, rows], *(c[rows] for c in columns)) for rows in slices])
    members = np.split(order, borders)
    return np.stack([totals(w[:, rows], *(c[rows] for c in columns)) for rows in members])


@dataclass(frozen=True, slots=True)
class Ties:
    """Rows in ascending order of a value, with rows of equal value taken together.

    Attributes:
        order: [n] row numbers in ascending order; None when the rows are in that order already.
        starts: [m] where each of the m distinct values begins in that order.
        n: number of rows.
    """

    order: NDArray[np.int64] | None
    starts: NDArray[np.int64]
    n: int

    @classmethod
    def of(cls, values: Floats) -> Ties:
        """The ties among values [n]."""
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)])
        return cls(None if (np.diff(order) == 1).all() else order, starts, len(values))

    @property
    def ends(self) -> NDArray[np.int64]:
        """[m] the last row of each distinct value, in ascending order of value."""
        return np.append(self.starts[1:], self.n) - 1

    def ranked(self, w: Weights, values: Floats | None = None) -> Floats:
        """w, or w * values [n], with the rows in ascending order of value: shape [B, n]; `w` itself if that is so."""
        ranked = w if self.order is None else np.take(w, self.order, axis=1)
        if values is None:
            return ranked
        return ranked * (values if self.order is None else values[self.order])

    def upto(self, w: Weights, values: Floats | None = None) -> Floats:
        """Sum of w, or of w * values [n], over the rows at and below each distinct value: shape [B, m]."""
        cumulative = np.cumsum(self.ranked(w, values), axis=1)
        return cumulative if len(self.starts) == self.n else np.take(cumulative, self.ends, axis=1)

    def downto(self, w: Weights, values: Floats | None = None) -> Floats:
        """Sum of w, or of w * values [n], over the rows at and above each distinct value, highest first: [B, m]."""
        cumulative = np.cumsum(self.ranked(w, values)[:, ::-1], axis=1)
        if len(self.starts) == self.n:
            return cumulative
        return np.take(cumulative, self.n - 1 - self.starts[::-1], axis=1)

    def sums(self, w: Weights, values: Floats | None = None) -> Floats:
        """Sum of w, or of w * values [n], at each distinct value: shape [B, m]; `w` itself when that is the same."""
        if len(self.starts) == self.n:
            return self.ranked(w, values)
        # Differences of a running sum: several times faster than adding up many short stretches.
        return steps(self.upto(w, values))

    @property
    def distinct(self) -> NDArray[np.int64]:
        """[m] a row of each distinct value, in ascending order of value."""
        return self.starts if self.order is None else self.order[self.starts]


def steps(upto: Floats) -> Floats:
    """The increments of running sums [B, m]: shape [B, m]."""
    by_step = upto.copy()
    by_step[:, 1:] -= upto[:, :-1]
    return by_step


def before(upto: Floats, at: NDArray[np.int64]) -> Floats:
    """The running sums [B, m] just before the positions `at` [B, k], each 0..m: shape [B, k]."""
    return np.where(at > 0, np.take_along_axis(upto, np.maximum(at - 1, 0), axis=1), 0.0)
