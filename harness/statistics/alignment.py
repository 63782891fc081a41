"""Matches the rows of two or more sides, so that a difference compares answers to the same questions.

A difference between arms that fail on different items would otherwise be one between easy and hard items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Units
from harness.metrics.levels import Mask, chosen, missing
from harness.outcomes import factorize, fate_columns
from harness.statistics.rows import Sample

Codes = NDArray[np.int64]

DRAW = "draw"
"""The outcome column that says which of several samples of one item a row is."""

MOST_UNMATCHED = 0.05
"""Share of pairs with a value on some sides only beyond which no verdict is given: rows are seldom lost at random."""


@dataclass(frozen=True)
class Alignment:
    """The rows of all sides that match.

    Attributes:
        sides: the matched rows of each side.
        n: matched pairs; n_unmatched: pairs that have a value on some sides only, which are left out.
        n_failed: pairs in which a value is missing on any side, and items that failed there.
        note: where pairs are no single rows, what they are; "" otherwise.
    """

    sides: tuple[Sample, ...]
    n: int
    n_unmatched: int
    n_failed: int
    note: str = ""


@dataclass(frozen=True)
class _Rows:
    """The rows of one side, with a value or without: their numbers in its table, and their keys for matching, [n]."""

    at: Codes
    block: Codes
    place: Codes


def aligned(sides: Sequence[Sample]) -> Alignment:
    """Keeps the rows that all sides have.

    Rows match by item, by the column "draw" where no row lacks it, and by their place among the rows of that item and
    draw: an experiment returns the rows of an arm in one order, whether or not they have a value. Draws that one side
    never took are left out. There are no such places where the sides have different numbers of rows of every item (a
    vote and the answers that it counts; two kinds of question). The item is then one pair as a whole, if no row of it
    lacks a value. Where only some items have different numbers, rows were lost, and those items do not match. A unit
    that has an unmatched row is left out whole, as in `rows.sample`.
    """
    sides, by_draw, left_out = _of_shared_draws(sides)
    places = _places(sides, by_draw)
    n_blocks = 1 + max(int(one.block.max(initial=-1)) for one in places)
    counts = np.stack([np.bincount(one.block, minlength=n_blocks) for one in places])
    shared, alike = (counts > 0).all(axis=0), (counts == counts[0]).all(axis=0)
    whole = shared & ~alike & ~(shared & alike).any()
    # Pairs are numbered block by block; a block that is one pair has one number.
    sizes = np.where(whole, 1, counts.max(axis=0, initial=0))
    starts, n_pairs = np.cumsum(sizes) - sizes, int(sizes.sum())
    pairs = [starts[one.block] + np.where(whole[one.block], 0, one.place) for one in places]
    full, some = np.repeat(whole | (shared & alike), sizes), np.zeros(n_pairs, dtype=bool)
    for one, pair, side in zip(places, pairs, sides, strict=True):
        found = np.bincount(pair[np.isin(one.at, side.at)], minlength=n_pairs)
        full &= found == np.bincount(pair, minlength=n_pairs)
        some |= found > 0
    of_row = [pair[np.searchsorted(one.at, side.at)] for one, pair, side in zip(places, pairs, sides, strict=True)]
    full = _without_torn_units(sides, of_row, full)
    lost = [pair[np.isin(one.at, side.lost)] for one, pair, side in zip(places, pairs, sides, strict=True)]
    failed = [side.table.columns["item"][side.failed] for side in sides]
    notes = [
        f"{left_out} rows of draws left out that not all sides took" if left_out else "",
        "the sides have different numbers of rows of an item, so that each item is one pair" if whole.any() else "",
    ]
    return Alignment(
        tuple(side.where(full[pair]) for side, pair in zip(sides, of_row, strict=True)),
        int(full.sum()),
        int((some & ~full).sum()),
        len(np.unique(np.concatenate(lost))) + len(set(np.concatenate(failed).tolist())),
        "; ".join(filter(None, notes)),
    )


def _of_shared_draws(sides: Sequence[Sample]) -> tuple[Sequence[Sample], bool, int]:
    """The sides without draws that some side never took, whether their draws are known, and how many rows that leaves
    out."""
    rows = [_designed(side) for side in sides]
    tables = [side.table for side in sides]
    if any(DRAW not in t.columns or missing(t, DRAW)[there].any() for t, there in zip(tables, rows, strict=True)):
        return sides, False, 0
    drawn = [set(t.columns[DRAW][there].tolist()) for t, there in zip(tables, rows, strict=True)]
    common = list(set.intersection(*drawn)) or list(set.union(*drawn))
    kept = [side.where(np.isin(side.table.columns[DRAW][side.at], common)) for side in sides]
    return kept, True, sum(map(len, sides)) - sum(map(len, kept))


def _places(sides: Sequence[Sample], by_draw: bool) -> list[_Rows]:
    """Blocks are items, or items and draws, under one numbering for all sides."""
    rows = [np.flatnonzero(_designed(side)) for side in sides]
    codes = np.zeros(sum(map(len, rows)), dtype=np.int64)
    for column in ("item", DRAW) if by_draw else ("item",):
        values = np.concatenate([side.table.columns[column][at] for side, at in zip(sides, rows, strict=True)])
        names, code = factorize(values)
        codes = np.unique(codes * len(names) + code, return_inverse=True)[1]
    blocks = np.split(codes, np.cumsum([len(at) for at in rows])[:-1])
    return [_Rows(at, block, _place(block)) for at, block in zip(rows, blocks, strict=True)]


def _designed(side: Sample) -> Mask:
    """The rows that belong, or may belong, to the level of a side. A row that `where` leaves out by its fate keeps its
    place among the rows of its item, as one without a value does."""
    fates = fate_columns(side.table.kinds)
    wanted = {column: value for column, value in side.wanted.items() if column not in fates}
    found: Mask = chosen(side.table, wanted)[1] & missing(side.table, "error")
    return found


def _place(block: Codes) -> Codes:
    """[n] how many rows of the same block come before each row."""
    order = np.argsort(block, kind="stable")
    ranked = block[order]
    first = np.flatnonzero(np.diff(ranked, prepend=-1))
    place = np.empty(len(block), dtype=np.int64)
    place[order] = np.arange(len(block)) - np.repeat(first, np.diff(np.append(first, len(block))))
    return place


def _without_torn_units(sides: Sequence[Sample], of_row: Sequence[Codes], full: Mask) -> Mask:
    """The pairs none of whose rows is of a unit that has an unmatched row."""
    units = [
        (value, pair)
        for side, pair in zip(sides, of_row, strict=True)
        for value, parameter in zip(side.values, side.metric.measure.parameters, strict=True)
        if parameter is Units
    ]
    while True:
        left = full.copy()
        for unit, pair in units:
            torn = np.isin(unit, unit[~left[pair]])
            left[pair[torn]] = False
        if (left == full).all():
            return full
        full = left
