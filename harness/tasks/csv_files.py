"""Reads the rows of a file of separated values."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, one_line_name


def csv_rows(path: Path, delimiter: str, columns: Sequence[str]) -> list[dict[str, Any] | str]:
    """The rows of a file as dictionaries; a row of another length as its fault.

    Args:
        columns: their names, where the file has no header; () reads them from its first line.

    Raises:
        HarnessError: malformed, or two columns have the same name.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a long document in a cell is no flaw
    found: list[dict[str, Any] | str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            names = columns or next(reader, [])
            check_names(path, names)
            for values in filter(None, reader):
                if len(values) == len(names):
                    found.append(dict(zip(names, values, strict=True)))
                else:
                    found.append(
                        f"{len(values)} values, {len(names)} columns (line {reader.line_num}); quote values that hold "
                        "the separator"
                    )
        except csv.Error as error:
            raise HarnessError(f"{path}, line {reader.line_num}: malformed CSV ({error})") from error
    _without_point_zero([row for row in found if isinstance(row, dict)], names)
    return found


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuses names that stand twice.

    Raises:
        HarnessError: two columns have the same name.
    """
    if len(set(names)) < len(names):
        raise HarnessError(f"{path}: two columns have the same name: {', '.join(map(one_line_name, names))[:300]}")


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def _without_point_zero(rows: list[dict[str, Any]], names: Sequence[str]) -> None:
    """Writes 1912.0 as 1912 in columns that hold nothing but numbers "N.0": whole numbers that were saved as floats
    because one of them was missing."""
    for name in names:
        cells = [row[name] for row in rows if row[name].strip()]
        if cells and all(_NUMBER.fullmatch(cell) and cell.endswith(".0") for cell in cells):
            for row in rows:
                row[name] = row[name].removesuffix(".0")
