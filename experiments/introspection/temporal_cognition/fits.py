"""What distance explains the dissimilarity of pairs of years, on years that the fit has not met; and which present.

A distance through a reference year has one more free parameter than the others: on plain logarithmic data the best
year still explains much. So distances are compared on pairs of which both years were left out of the fit. Where a line
falls, the distance explains nothing: two things are not alike because they are far apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.temporal_cognition.distances import through_reference
from harness.metrics import Floats, Numbers, Weights, measure
from harness.metrics.weighted import ratio

GRID: Floats = np.arange(1800, 2201).astype(np.float64)
"""Reference years that are tried."""

COARSE: Floats = GRID[::5]
"""Those that are tried anew without each pair of years."""

CLOSE = 0.005
"""R squared below the best one with which a reference year belongs to the set of those that fit as well."""

_TOO_FEW = "too few years are left when two are left out, or all dissimilarities are one"


@dataclass(frozen=True)
class Losses:
    """Squared errors of pairs, each of a fit on the pairs that share no year with it.

    Attributes:
        line: [n] of the line on the distance. constant: [n] of the mean alone. Both are 0 where there is no fit.
    """

    line: Floats
    constant: Floats


def losses(first: Floats, second: Floats, x: Floats, y: Floats, w: Floats) -> Losses:
    """The errors of lines y = a + b x, b >= 0, by least squares.

    Args:
        first, second: [n] the two years of each pair.
        x: [R, n] distances, of which that is taken, for each pair anew, with the least squared error on the others.
        y: [n] dissimilarities. w: [n] weights.
    """
    apart = _Apart.of(first, second)
    # About their mean, so that large numbers lose no digits.
    y = y - y.mean() if len(y) else y
    n, sum_y = (apart.others(w * v) for v in (np.ones_like(y), y))
    sum_x, sum_xx, sum_xy = (apart.others(w * v) for v in (x, x * x, x * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = sum_x / n, sum_y / n
        spread, shared = sum_xx - n * mean_x**2, sum_xy - n * mean_x * mean_y
        slope = np.where(spread > 1e-12 * np.abs(sum_xx), np.maximum(shared, 0.0) / spread, 0.0)
        best = np.argmin(-slope * shared, axis=0)
        row = np.arange(len(y))
        line = mean_y + slope[best, row] * (x[best, row] - mean_x[best, row])
    constant = np.where(n > 2, (y - mean_y) ** 2, 0.0)
    # Where all dissimilarities are one, rounding leaves errors of nothing.
    varied = (n > 2) & (constant.max(initial=0.0) > 1e-12 * (y * y).max(initial=0.0))
    return Losses(np.where(varied, (y - line) ** 2, 0.0), np.where(varied, constant, 0.0))


@dataclass(frozen=True)
class _Apart:
    """Sums over the pairs that share no year with each pair.

    Attributes:
        touches: [n, years] 1 where a pair has a year.
        same: [n, pairs] 1 for the pair of years that a row is of; row: [n] which.
        one, two: [n] the years of each row.
    """

    touches: Floats
    same: Floats
    row: NDArray[np.int64]
    one: NDArray[np.int64]
    two: NDArray[np.int64]

    @classmethod
    def of(cls, first: Floats, second: Floats) -> _Apart:
        years, codes = np.unique(np.stack([first, second]), return_inverse=True)
        one, two = codes.reshape(2, -1)
        touches = np.zeros((len(first), len(years)))
        touches[np.arange(len(first)), one] = touches[np.arange(len(first)), two] = 1
        pairs, row = np.unique(np.minimum(one, two) * len(years) + np.maximum(one, two), return_inverse=True)
        same = np.zeros((len(first), len(pairs)))
        same[np.arange(len(first)), row] = 1
        return cls(touches, same, row.reshape(-1), one, two)

    def others(self, values: Floats) -> Floats:
        """Of values [..., n], for each row the sum over the rows that share no year with it: [..., n]."""
        by_year, by_pair = values @ self.touches, values @ self.same
        # Both years of a pair are taken away, and pairs of the same two years come back, as they went twice.
        left = values.sum(axis=-1, keepdims=True) - by_year[..., self.one] - by_year[..., self.two]
        return np.asarray(left + by_pair[..., self.row])


Fit = Callable[[Weights], Floats]


def _explained(found: Losses) -> Fit:
    return lambda w: 1 - ratio(w @ found.line, w @ found.constant)


def _row_by_row(fitted: Callable[..., Fit]) -> Callable[..., Floats]:
    """A measure of weights [B, n] whose fits are made anew for each row of them."""
    return lambda *columns, w: np.concatenate([fitted(*columns, w=one)(one[None, :]) for one in w] or [np.zeros(0)])


def _fitted_distance(first: Numbers, second: Numbers, d: Numbers, y: Numbers, *, w: Floats) -> Fit:
    return _explained(losses(first.values, second.values, d.values[None, :], y.values, w))


def _fitted_reference(first: Numbers, second: Numbers, y: Numbers, *, w: Floats) -> Fit:
    x = through_reference(first.values, second.values, COARSE)
    return _explained(losses(first.values, second.values, x, y.values, w))


def _fitted_gain(first: Numbers, second: Numbers, d: Numbers, y: Numbers, *, w: Floats) -> Fit:
    free = _fitted_reference(first, second, y, w=w)
    fixed = _fitted_distance(first, second, d, y, w=w)
    return lambda weights: free(weights) - fixed(weights)


@measure(
    label="R squared of years left out",
    low=None,
    high=1,
    better="neither",
    fitted=_fitted_distance,
    exact=True,
    undefined=_TOO_FEW,
)
def held_out(first: Numbers, second: Numbers, d: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """1 - (squared error of the line on a distance) / (that of the mean), each pair by a fit without its two years.

    At most 1, and below 0 where the line says less of new years than the mean does. A line that falls counts as flat.
    The interval is about the fits to these data, whose errors are drawn.
    """
    return _row_by_row(_fitted_distance)(first, second, d, dissimilarity, w=w)


@measure(
    label="R squared of years left out, best reference year",
    low=None,
    high=1,
    better="neither",
    fitted=_fitted_reference,
    exact=True,
    undefined=_TOO_FEW,
)
def held_out_best_reference(first: Numbers, second: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """As `held_out`, of the distance through a reference year that is chosen, from 1800 to 2200 in steps of 5, anew
    without the two years of each pair: so that the free choice gains nothing by itself."""
    return _row_by_row(_fitted_reference)(first, second, dissimilarity, w=w)


@measure(
    label="gain of the best reference year on years left out",
    low=None,
    high=None,
    better="neither",
    fitted=_fitted_gain,
    exact=True,
    undefined=_TOO_FEW,
)
def reference_gain(first: Numbers, second: Numbers, d: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """`held_out_best_reference` less `held_out` of a distance d: above 0 where a present explains more than d does."""
    return _row_by_row(_fitted_gain)(first, second, d, dissimilarity, w=w)


def _in_sample(first: Floats, second: Floats, y: Floats, w: Weights) -> Floats:
    """R squared of the rising line on the distance through each year of `GRID`: [B, R]; 0 where the line falls."""
    x = through_reference(first, second, GRID)
    y = y - y.mean()
    x = x - x.mean(axis=1, keepdims=True)
    n = w.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = w @ x.T / n, (w @ y)[:, None] / n
        shared = w @ (x * y).T / n - mean_x * mean_y
        spread_x = w @ (x * x).T / n - mean_x**2
        spread_y = (w @ (y * y))[:, None] / n - mean_y**2
        found = np.maximum(shared, 0.0) ** 2 / (spread_x * spread_y)
    flat = ~(spread_y[:, 0] > 1e-12 * float((y * y).max(initial=0.0)))
    found[flat] = np.nan
    return np.asarray(found)


def _year(first: Numbers, second: Numbers, y: Numbers, w: Weights, which: str) -> Floats:
    if not len(y.values):
        return np.full(len(w), np.nan)
    explained = _in_sample(first.values, second.values, y.values, w)
    defined = np.isfinite(explained).all(axis=1)
    explained = np.nan_to_num(explained)
    close = explained >= explained.max(axis=1, keepdims=True) - CLOSE
    at = {
        "best": explained.argmax(axis=1),
        "earliest": close.argmax(axis=1),
        "latest": len(GRID) - 1 - close[:, ::-1].argmax(axis=1),
    }[which]
    return np.where(defined, GRID[at], np.nan)


_ENDS = {"low": float(GRID[0]), "high": float(GRID[-1]), "undefined": "all dissimilarities are one"}


@measure(**_ENDS, better="neither", exact=True)  # type: ignore[arg-type]
def reference_year(first: Numbers, second: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """The reference year, 1800 to 2200, through which distances explain the dissimilarities best.

    Read it with `earliest_reference` and `latest_reference`, between which years fit about as well.
    """
    return _year(first, second, dissimilarity, w, "best")


@measure(**_ENDS, better="neither", exact=True)  # type: ignore[arg-type]
def earliest_reference(first: Numbers, second: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """The earliest reference year whose R squared is at most .005 below that of the best one."""
    return _year(first, second, dissimilarity, w, "earliest")


@measure(**_ENDS, better="neither", exact=True)  # type: ignore[arg-type]
def latest_reference(first: Numbers, second: Numbers, dissimilarity: Numbers, *, w: Weights) -> Floats:
    """The latest reference year whose R squared is at most .005 below that of the best one."""
    return _year(first, second, dissimilarity, w, "latest")
