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
from harness.outcomes import factorize
from harness.statistics.rows import Sample

Codes = NDArray[np.int64]

DRAW = "draw"
"""The outcome column that says which of several samples of one item a row is."""

FATE = "fate"
"""The outcome column that says what became of an answer. A row that `where` leaves out by its fate keeps its place
among the rows of its item, as one without a value does."""

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
    """The rows of one side, with a value or without: their numbers in its table, and what they are matched by, [n]."""

    at: Codes
    block: Codes
    place: Codes


def aligned(sides: Sequence[Sample]) -> Alignment:
    """Keeps the rows that all sides have.

    Rows match by item, by the column "draw" where no row lacks it, and by their place among the rows of that item and
    draw: an experiment returns the rows of an arm in one order, whether or not they have a value. Where the sides have
    different numbers of rows of every item (a vote and the answers that it counts; two kinds of question) there are no
    such places: the item is then one pair as a whole, if no row of it lacks a value. Where only some items have
    different numbers, rows were lost, and those items do not match. A unit that has an unmatched row is left out
    whole, as in `rows.sample`.
    """
    places = _places(sides)
    n_blocks = 1 + max((int(one.block.max(initial=-1)) for one in places), default=-1)
    counts = np.stack([np.bincount(one.block, minlength=n_blocks) for one in places])
    shared, alike = (counts > 0).all(axis=0), (counts == counts[0]).all(axis=0)
    whole = shared & ~alike if shared.any() and not (shared & alike).any() else np.zeros(n_blocks, dtype=bool)
    torn = shared & ~alike & ~whole
    # Pairs are numbered block by block; a block that is one pair has one number.
    starts = np.concatenate([[0], np.cumsum(np.where(whole, 1, counts.max(axis=0, initial=0)))]).astype(np.int64)
    pairs = [starts[one.block] + np.where(whole[one.block], 0, one.place) for one in places]
    have = [np.isin(one.at, side.at) for one, side in zip(places, sides, strict=True)]
    size = int(starts[-1])
    full, some = np.ones(size, dtype=bool), np.zeros(size, dtype=bool)
    for pair, there in zip(pairs, have, strict=True):
        found = np.bincount(pair[there], minlength=size)
        full &= (found > 0) & (found == np.bincount(pair, minlength=size))
        some |= found > 0
    full[np.repeat(torn, np.diff(starts))] = False
    of_row = [pair[np.searchsorted(one.at, side.at)] for one, pair, side in zip(places, pairs, sides, strict=True)]
    full = _without_torn_units(sides, of_row, full)
    lost = [pair[np.isin(one.at, side.lost)] for one, pair, side in zip(places, pairs, sides, strict=True)]
    failed = [side.table.columns["item"][side.failed] for side in sides]
    return Alignment(
        tuple(side.where(full[pair]) for side, pair in zip(sides, of_row, strict=True)),
        int(full.sum()),
        int((some & ~full).sum()),
        len(np.unique(np.concatenate(lost))) + len(set(np.concatenate(failed).tolist())),
        "the sides have different numbers of rows of an item, each of which is one pair" if whole.any() else "",
    )


def _places(sides: Sequence[Sample]) -> list[_Rows]:
    """Blocks are items, or items and draws, under one numbering for all sides."""
    rows = [np.flatnonzero(_designed(side)) for side in sides]
    known = [
        DRAW in side.table.columns and not missing(side.table, DRAW)[at].any()
        for side, at in zip(sides, rows, strict=True)
    ]
    codes = np.zeros(sum(map(len, rows)), dtype=np.int64)
    for column in ("item", DRAW) if all(known) else ("item",):
        names, code = factorize(
            np.concatenate([s.table.columns[column][at] for s, at in zip(sides, rows, strict=True)])
        )
        codes = np.unique(codes * len(names) + code, return_inverse=True)[1]
    blocks = np.split(codes, np.cumsum([len(at) for at in rows])[:-1])
    return [_Rows(at, block, _place(block)) for at, block in zip(rows, blocks, strict=True)]


def _designed(side: Sample) -> Mask:
    """The rows that belong, or may belong, to the level of a side, whatever became of them."""
    wanted = {column: value for column, value in side.wanted.items() if column != FATE}
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
