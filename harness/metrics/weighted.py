"""Weighted sums over rows for many replicates at once: the arithmetic that the metrics share.

Everywhere `w` is [B, n]. The work is one pass over `w` each; nothing larger than `w` is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Weights


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


def sums_by(w: Weights, codes: NDArray[np.int64], *columns: Floats) -> Floats:
    """Weighted sums of columns [n] within each code that occurs: shape [codes, len(columns), B]."""
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return np.stack([totals(w[:, rows], *(c[rows] for c in columns)) for rows in members])


@dataclass(frozen=True, slots=True)
class Ties:
    """Rows in ascending order of a value, those of equal value taken together.

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

    def sums(self, w: Weights, values: Floats | None = None) -> Floats:
        """Sum of w, or of w * values [n], at each distinct value: shape [B, m]; `w` itself when that is the same."""
        ranked = w if self.order is None else np.take(w, self.order, axis=1)
        if values is not None:
            ranked = ranked * (values if self.order is None else values[self.order])
        return ranked if len(self.starts) == self.n else np.add.reduceat(ranked, self.starts, axis=1)
