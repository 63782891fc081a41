"""How two columns move together: Pearson's r and its square, Spearman's rho and Kendall's tau-b, a line's slope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Numbers, Ordered, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, average, ratio, steps

_CONSTANT = "one of the two columns has one value only"


@measure(label="Spearman correlation", low=-1, high=1, better="neither", undefined=_CONSTANT)
def spearman(x: Ordered, y: Ordered, *, w: Weights) -> Floats:
    """Spearman's rank correlation: Pearson's of the ranks, tied rows sharing their mean rank, in [-1, 1].

    A weight k is k tied rows (Spearman 1904; Kendall 1948 for ties).
    """
    if not len(x.values):
        return np.full(len(w), np.nan)
    rank_x, rank_y = _ranks(x.values, w), _ranks(y.values, w)
    cross = np.einsum("bn,bn,bn->b", w, rank_x, rank_y)
    square_x = np.einsum("bn,bn,bn->b", w, rank_x, rank_x)
    square_y = np.einsum("bn,bn,bn->b", w, rank_y, rank_y)
    # Ranks run from -1/2 to 1/2: where all are tied, rounding leaves squares of nothing.
    varied = np.minimum(square_x, square_y) > 1e-12 * w.sum(axis=1)
    return ratio(cross, np.where(varied, np.sqrt(square_x * square_y), 0.0))


@measure(label="Pearson correlation", low=-1, high=1, better="neither", undefined=_CONSTANT)
def pearson(x: Numbers, y: Numbers, *, w: Weights) -> Floats:
    """Pearson's correlation: the covariance over the product of the standard deviations, in [-1, 1]."""
    if not len(x.values):
        return np.full(len(w), np.nan)
    # About their plain means first, so that the products of large numbers lose no digits.
    a, b = x.values - x.values.mean(), y.values - y.values.mean()
    mean_a, mean_b = average(w, a), average(w, b)
    spreads = average(w, a**2) - mean_a**2, average(w, b**2) - mean_b**2
    # Where all values are one, rounding leaves a spread of nothing.
    varied = (spreads[0] > 1e-12 * (a**2).max()) & (spreads[1] > 1e-12 * (b**2).max())
    root = np.sqrt(np.where(varied, spreads[0] * spreads[1], 0.0))
    return np.clip(ratio(average(w, a * b) - mean_a * mean_b, root), -1, 1)


@measure(label="R squared", low=0, high=1, better="neither", root=pearson.function, undefined=_CONSTANT)
def r_squared(x: Numbers, y: Numbers, *, w: Weights) -> Floats:
    """Share of the variance of y that the straight line on x explains by least squares, in [0, 1].

    That is the square of `pearson`, the same for y on x as for x on y. Chance alone makes it 1 / (n - 1) on average.
    The interval is the square of the one of r, and begins at 0 where that one holds 0.
    """
    return np.square(pearson(x, y, w=w))


@measure(label="Kendall correlation", low=-1, high=1, better="neither", undefined=_CONSTANT)
def kendall(x: Ordered, y: Ordered, *, w: Weights) -> Floats:
    """Kendall's rank correlation tau-b, in [-1, 1] (Kendall 1945).

    It is (concordant - discordant pairs) over the root of (pairs not tied in x)(pairs not tied in y).

    Where most pairs of values occur, as of numbers in steps, they are a table, and pairs are counted by running sums
    along its two sides. Else by halving the range of the column with fewer distinct values, again and again: of two
    halves, each pair across them is compared in the other column by running sums. That is ceil(log2(distinct values))
    passes over the weights, one for a label, 13 for 8,000 numbers.
    """
    if not len(x.values):
        return np.full(len(w), np.nan)
    codes = sorted((np.unique(c.values, return_inverse=True)[1] for c in (x, y)), key=lambda code: int(code.max()))
    fewer, other = codes
    shape = (int(fewer.max()) + 1, int(other.max()) + 1)
    if shape[0] * shape[1] <= 2 * len(other):
        surplus = _in_table(fewer * shape[1] + other, shape, w)
    else:
        surplus = np.zeros(len(w))
        for bit in range(int(fewer.max()).bit_length()):
            surplus += _across(fewer, other, bit, w)
    total = w.sum(axis=1)
    tied = [np.einsum("bm,bm->b", s, s) for s in (Ties.of(code.astype(float)).sums(w) for code in codes)]
    untied = np.maximum(np.stack([total**2 - t for t in tied]) / 2, 0.0)
    varied = untied.min(axis=0) > 1e-12 * total**2
    return ratio(surplus, np.where(varied, np.sqrt(untied[0] * untied[1]), 0.0))


@measure(low=None, high=None, better="neither", undefined="the first column has one value only")
def slope(x: Numbers, y: Numbers, *, w: Weights) -> Floats:
    """Slope of the straight line that fits y best by least squares: by how much y rises where x rises by 1.

    It is sum_i w_i (x_i - mean x)(y_i - mean y) / sum_i w_i (x_i - mean x)^2. Where every x has as many rows, it is the
    slope through the means of y at each x.
    """
    if not len(x.values):
        return np.full(len(w), np.nan)
    # About their plain means first, so that the products of large numbers lose no digits.
    a, b = x.values - x.values.mean(), y.values - y.values.mean()
    mean_a = average(w, a)
    spread = average(w, a**2) - mean_a**2
    # Where all x are one, rounding leaves a spread of nothing.
    varied = spread > 1e-12 * (a**2).max()
    return ratio(average(w, a * b) - mean_a * average(w, b), np.where(varied, spread, 0.0))


def _ranks(values: Floats, w: Weights) -> Floats:
    # Mid-ranks in the order of the rows, [B, n], from -1/2 to 1/2 and of weighted mean 0.
    ties = Ties.of(values)
    upto = ties.upto(w)
    total = upto[:, -1:].copy()
    middle = np.divide(upto - steps(upto) / 2, total, out=np.zeros_like(upto), where=total > 0) - 0.5
    tie_of_row = np.searchsorted(values[ties.distinct], values)
    return np.take(middle, tie_of_row, axis=1)


def _in_table(places: NDArray[np.int64], shape: tuple[int, int], w: Weights) -> Floats:
    """Concordant minus discordant weight of all pairs of rows, which lie at `places` of a table: [B]."""
    flat = np.zeros((len(w), shape[0] * shape[1]))
    ties = Ties.of(places.astype(float))
    flat[:, places[ties.distinct]] = ties.sums(w)
    table = flat.reshape(len(w), *shape)
    above = np.cumsum(table, axis=1)
    above -= table  # of all lines before this one
    upto = np.cumsum(above, axis=2)
    # Concordant are those before this column, upto - above; discordant those behind it, upto[-1] - upto.
    surplus: Floats = np.einsum("bij,bij->b", table, 2 * upto - above)
    surplus -= np.einsum("bij,bi->b", table, upto[:, :, -1])
    return surplus


def _across(halved: NDArray[np.int64], other: NDArray[np.int64], bit: int, w: Weights) -> Floats:
    """Concordant minus discordant weight of the pairs that bit `bit` of `halved` tells apart: [B].

    Those are pairs whose higher bits agree (a block), one row with the bit clear (low) and one with it set (high).
    """
    block, high = halved >> (bit + 1), (halved >> bit) & 1
    # Blocks one after the other, within each the other column in ascending order; equal ones are one tie.
    ties = Ties.of((block * (int(other.max()) + 1) + other).astype(float))
    upto_low = ties.upto(w, (high == 0).astype(float))
    high_here = ties.sums(w, high.astype(float))
    low_here = steps(upto_low)
    of_tie = block[ties.distinct]
    first = np.flatnonzero(np.append(True, of_tie[1:] != of_tie[:-1]))
    last = np.append(first[1:], len(of_tie)) - 1
    lengths = last - first + 1
    # Low rows below less low rows above: (upto - here - start) - (end - upto), with the block's own rows.
    start = np.repeat(upto_low[:, first] - low_here[:, first], lengths, axis=1)
    end = np.repeat(upto_low[:, last], lengths, axis=1)
    surplus: Floats = np.einsum("bm,bm->b", high_here, 2 * upto_low - low_here - start - end)
    return surplus
