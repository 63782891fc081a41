"""Levels: the values of text, label and number columns by which rows are chosen (`where`) and told apart (`by`).

A value is written natively (True, 1, "zero-shot") or as text ("true", "1"). Estimates hold text: `level_text` is the
only place that makes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, nearest
from harness.outcomes import Kind, Table

LevelValue = str | bool | int | float
Where = Mapping[str, LevelValue]
"""Rows by the values of their columns, as in {"picked": True}."""

Mask = NDArray[np.bool_]

LEVEL_KINDS: tuple[Kind, ...] = ("text", "label", "number")

_WRITTEN: Mapping[Kind, str] = {"text": "a text", "label": "true or false", "number": "a number"}


def level_text(value: LevelValue) -> str:
    """A value as estimates show it: "true" or "false", a number by %g (by all its digits where %g drops some), a text
    as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = float(value) + 0.0  # no minus zero
    short = f"{number:g}"
    if float(short) == number or not math.isfinite(number):
        return short
    return str(int(number)) if number.is_integer() else repr(number)


def level_texts(level: Mapping[str, LevelValue]) -> dict[str, str]:
    """A level with its values as text."""
    return {column: level_text(value) for column, value in level.items()}


def level_words(level: Mapping[str, Any]) -> str:
    """A level for people: the arm by its name, other columns by theirs and their value."""
    return ", ".join(str(value) if column == "arm" else f"{column} {value}" for column, value in level.items())


def stored(value: LevelValue, kind: Kind) -> str | float | None:
    """A value as it stands in a column of a kind: text, or a number (labels are 1.0 and 0.0); None if it cannot."""
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "label":
        return {"true": 1.0, "false": 0.0}.get(level_text(value)) if isinstance(value, (str, bool)) else None
    if kind != "number" or isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def shown(value: Any, kind: Kind) -> str:
    """The text of a value that stands in a column of a kind."""
    return level_text(bool(value) if kind == "label" else value)


def occurring(table: Table, column: str, rows: Mask) -> list[Any]:
    """The different values of a column among some rows [n], without missing ones, in their order."""
    return sorted(set(table.columns[column][rows & ~missing(table, column)].tolist()))


def missing(table: Table, column: str) -> Mask:
    """[n] where a column has no value."""
    values = table.columns[column]
    if values.dtype == object:
        return np.asarray(values == None, dtype=bool)  # noqa: E711 - row by row
    found: Mask = np.isnan(values)
    return found


def equal(table: Table, column: str, value: LevelValue) -> Mask:
    """[n] where a column has a value."""
    wanted = stored(value, table.kinds[column])
    if wanted is None:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(table.columns[column] == wanted, dtype=bool)


def chosen(table: Table, where: Mapping[str, LevelValue]) -> tuple[Mask, Mask]:
    """The rows that have all the values of `where`, and the rows that may have them, because some are missing: two
    [n]."""
    surely = np.ones(len(table), dtype=bool)
    maybe = surely.copy()
    for column, value in where.items():
        here = equal(table, column, value)
        surely &= here
        maybe &= here | missing(table, column)
    return surely, maybe


def check_by(what: str, by: Iterable[str], kinds: Mapping[str, Kind]) -> None:
    """Raises HarnessError, beginning with `what`, for a column that does not exist or whose values are no levels."""
    for column in by:
        if column not in kinds:
            raise HarnessError(f"{what}: no column {column!r}{nearest(column, kinds)}")
        if kinds[column] not in LEVEL_KINDS:
            raise HarnessError(
                f"{what}: column {column!r} is a {kinds[column]}, but 'by' and 'where' take {', '.join(LEVEL_KINDS)}"
            )


def check_where(what: str, where: Mapping[str, LevelValue], kinds: Mapping[str, Kind]) -> None:
    """As `check_by`, and for a value that a column of its kind cannot have."""
    check_by(what, where, kinds)
    for column, value in where.items():
        kind = kinds[column]
        if stored(value, kind) is None:
            raise HarnessError(
                f"{what}: 'where' has {column}={value!r}, but the column is a {kind}; give it {_WRITTEN[kind]}"
            )
