"""Draws the weights of the cluster bootstrap, for rows or for equal rows taken together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Weights
from harness.statistics.clusters import Clusters, Codes, counted

_CHUNK = 1 << 18
"""Weights held at once, 2 MB: a metric's own temporaries are a few times that, and stay near the processor."""

_KEPT = 1 << 23
"""Counts of drawn groups that are kept for further rows with as many groups: at most 34 MB, twice."""


def bootstrap_weights(clusters: Clusters, replicates: int, seed: int, merged: Codes | None = None) -> Iterator[Weights]:
    """Weights of the cluster bootstrap, for rows or for rows taken together.

    Every replicate draws as many groups as there are, with replacement. The weight of a row is how often its group was
    drawn (multinomial counts), so that draws nested in a group come along with it. A row with several groups has the
    product of their counts, see `Clusters.drawn`, and rows taken together have their sum.

    Args:
        clusters: the groups of n rows, n >= 1.
        merged: [n] which of m different rows, 0..m-1, each row is; None takes none together.

    Yields:
        Weights [b, m]; together `replicates` of them.
    """
    n = len(clusters.of_row)
    merged = np.arange(n) if merged is None else merged
    n_sets, n_merged = len(clusters.members), int(merged.max()) + 1
    if clusters.ways == 1 and n_sets == n:
        yield from _weights_of_rows(np.bincount(merged), replicates, _generator(seed))
        return
    from scipy.sparse import coo_array

    rows = coo_array((np.ones(n), (merged, clusters.of_row)), shape=(n_merged, n_sets)).tocsr()
    for drawn in _drawn(clusters, replicates, seed, max(sum(clusters.sizes), n_sets, n_merged)):
        yield np.ascontiguousarray((rows @ drawn).T)


def one_thread() -> AbstractContextManager[Any]:
    """Keeps numpy's linear algebra to one thread, while it lasts.

    The products of a metric are small, so that several threads wait for each other longer than they compute. Metrics
    have threads of their own.
    """
    limit: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limit


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def _drawn(clusters: Clusters, replicates: int, seed: int, width: int) -> Iterator[Floats]:
    """How often each set of groups is drawn in each replicate, in parts [S, b] for weights [b, width]."""
    sizes = _chunks(replicates, width)
    if clusters.ways == 1 and replicates * clusters.n <= _KEPT:
        for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
            yield _kept(clusters.n, replicates, seed)[start : start + size].T.astype(np.float64, order="C")
        return
    rng = _generator(seed)
    for size in sizes:
        yield np.ascontiguousarray(clusters.drawn(size, rng).T)


@lru_cache(maxsize=2)
def _kept(n_groups: int, replicates: int, seed: int) -> NDArray[np.int32]:
    """How often each group is drawn in each replicate, [B, G]. Most metrics of a run have rows of the same groups."""
    rng, clusters = _generator(seed), Clusters.single(np.arange(n_groups))
    parts = [clusters.drawn(size, rng).astype(np.int32) for size in _chunks(replicates, n_groups)]
    return np.concatenate(parts)


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
            yield counted(of_row[rng.integers(0, n, (size, n))], len(rows))
            continue
        counts = rng.poisson(rates, (size, len(rows)))
        while (over := counts.sum(axis=1) > n).any():
            counts[over] = rng.poisson(rates, (int(over.sum()), len(rows)))
        missing = n - counts.sum(axis=1)
        singles = [of_row[rng.integers(0, n, k)] for k in missing]
        yield counted(singles, len(rows)) + counts


def _chunks(replicates: int, width: int) -> list[int]:
    # Numbers of replicates of `width` weights to hold at once.
    most = max(1, _CHUNK // width)
    return [min(most, replicates - start) for start in range(0, replicates, most)]
