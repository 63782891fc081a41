"""Draws the weights of the cluster bootstrap, for rows or for equal rows taken together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Weights

Codes = NDArray[np.int64]

_CHUNK = 1 << 18
"""Weights held at once, 2 MB: a metric's own temporaries are a few times that, and stay near the processor."""


def bootstrap_weights(groups: Codes, replicates: int, seed: int, merged: Codes | None = None) -> Iterator[Weights]:
    """Weights of the cluster bootstrap, for rows or for rows taken together.

    Every replicate draws as many groups as there are, with replacement; the weight of a row is how often its
    group was drawn (multinomial counts), so that draws nested in a group come along with it. That of rows taken
    together is their sum.

    Args:
        groups: [n] code of each row's group, 0..G-1, n >= 1.
        merged: [n] which of m different rows, 0..m-1, each row is; None takes none together.

    Yields:
        Weights [b, m]; together `replicates` of them.
    """
    rng = np.random.Generator(np.random.SFC64(seed))
    merged = np.arange(len(groups)) if merged is None else merged
    n_groups, n_merged = int(groups.max()) + 1, int(merged.max()) + 1
    if n_groups == len(groups):
        yield from _weights_of_rows(np.bincount(merged), replicates, rng)
        return
    from scipy.sparse import coo_array

    rows = coo_array((np.ones(len(groups)), (merged, groups)), shape=(n_merged, n_groups)).tocsr()
    for size in _chunks(replicates, max(n_groups, n_merged)):
        counts = _counts(rng.integers(0, n_groups, (size, n_groups)), n_groups)
        yield np.ascontiguousarray((rows @ np.ascontiguousarray(counts.T)).T)


def _weights_of_rows(rows: Codes, replicates: int, rng: np.random.Generator) -> Iterator[Weights]:
    """Weights [b, m] of different rows of which there are so many each, [m], where every row is a group of its own.

    Multinomial counts: n draws among n rows. With many equal rows they come from Poisson counts, which are
    multinomial given their sum: of a mean a little below n, so that their sum is hardly ever above n (if so, they
    are drawn again), and filled up with single draws.
    """
    n = int(rows.sum())
    of_row = np.repeat(np.arange(len(rows)), rows)
    few = n < 8 * len(rows)
    rates = rows * max(0.0, 1 - 5 / np.sqrt(n))
    for size in _chunks(replicates, n if few else len(rows)):
        if few:
            yield _counts(of_row[rng.integers(0, n, (size, n))], len(rows))
            continue
        counts = rng.poisson(rates, (size, len(rows)))
        while (over := counts.sum(axis=1) > n).any():
            counts[over] = rng.poisson(rates, (int(over.sum()), len(rows)))
        missing = n - counts.sum(axis=1)
        singles = [of_row[rng.integers(0, n, k)] for k in missing]
        yield _counts(singles, len(rows)) + counts


def _chunks(replicates: int, width: int) -> list[int]:
    # Numbers of replicates of `width` weights to hold at once.
    most = max(1, _CHUNK // width)
    return [min(most, replicates - start) for start in range(0, replicates, most)]


def _counts(codes: Iterable[Codes], size: int) -> Weights:
    # How often each code 0..size-1 occurs in each row of codes.
    return np.stack([np.bincount(row, minlength=size) for row in codes]).astype(np.float64)
