"""Reads rows of a local file, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import HarnessError, nearest, one_line
from harness.files import user_path
from harness.items import Item
from harness.tasks.cells import unfolded, written
from harness.tasks.csv_files import check_names, csv_rows
from harness.tasks.json_files import json_lines, json_rows

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")


class BrokenRow(HarnessError):
    """A row that gives no item. The message names its place and its fault."""


@dataclass(frozen=True)
class Rows:
    """A table of n rows, whose columns are taken one by one (a set of 100,000 rows never becomes row dictionaries).

    Attributes:
        origin: the file, or the set with its config and split, for messages.
        names: the columns.
        numbers: the number of each row as its file counts: lines of JSONL and text, else rows of data (both from 1).
        table: a `pyarrow.Table`, or the rows of a small file.
        flaws: faults of the rows that could not be read at all, by row (from 0).
        revision: the commit of a set on the hub that was read; "" for a file, and where it is not known.
        mended: messages about rows that are used without a faulty part (`Row.mended`).
        passed: how many rows are no questions for the task, by the reason (`Row.pass_over`).
    """

    origin: str
    names: tuple[str, ...]
    numbers: Sequence[int]
    table: Any
    flaws: Mapping[int, str] = field(default_factory=dict)
    revision: str = ""
    mended: list[str] = field(default_factory=list, compare=False)
    passed: Counter[str] = field(default_factory=Counter, compare=False)
    _columns: dict[str, list[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, at) for at in range(len(self)))

    def column(self, name: str) -> list[Any]:
        """The n values of a column; "answer.aliases" takes "aliases" out of each value of "answer".

        Raises:
            HarnessError: no such column; the message names the nearest one.
        """
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def _column(self, name: str) -> list[Any]:
        head, _, inner = (name, "", "") if name in self.names else name.partition(".")
        if head not in self.names:
            if len(self.flaws) == len(self):
                raise HarnessError(f"{self.origin}: no row can be read; the first: {self.flaws[0]}")
            raise HarnessError(f"{self.origin}: no column {head!r}{nearest(head, self.names)}")
        values = [row.get(head) for row in self.table] if isinstance(self.table, list) else self._values(head)
        if not inner:
            return values
        return [value.get(inner) if isinstance(value, dict) else None for value in values]

    def _values(self, name: str) -> list[Any]:
        """The values of a column of a `pyarrow.Table`.

        Raises:
            HarnessError: one of them is none in Python: a text that is not UTF-8, a date after the year 9999.
        """
        column = self.table.column(name)
        try:
            return list(column.to_pylist())
        except Exception:  # of many types; which value it is, is found out below
            for at, value in enumerate(column):
                try:
                    value.as_py()
                except Exception as error:
                    raise HarnessError(
                        f"{self.origin}, row {self.numbers[at]}: column {name!r} cannot be read: {one_line(error)}"
                    ) from error
            raise


@dataclass(frozen=True, slots=True)
class Row:
    """Row `at` (from 0) of a table."""

    rows: Rows
    at: int

    def value(self, name: str) -> Any:
        """The value of a column, None where the row has none.

        Raises:
            HarnessError: no such column.
        """
        return self.rows.column(name)[self.at]

    def text(self, name: str) -> str:
        """A text or number as a stripped text (see `cells.written`).

        Raises:
            HarnessError: no such column.
            BrokenRow: it is missing, blank, or neither text nor number.
        """
        return self.as_text(self.value(name), name)

    def as_text(self, value: Any, name: str) -> str:
        """One value of column `name`, or one of the values in it, as `text`.

        Raises:
            BrokenRow: as `text`.
        """
        try:
            text = written(value)
        except ValueError as error:
            raise self.broken(f"{name!r} is {_shown(value)}: {error}") from error
        if not text:
            raise self.broken(f"{name!r} is {_shown(value)}; give it a text or remove the row")
        return text

    def unfolded(self, name: str) -> Any:
        """The value of a column; a list or an object that is written in a text as that list or object.

        Raises:
            HarnessError: no such column.
            BrokenRow: it could be a list as well as a text.
        """
        value = self.value(name)
        try:
            return unfolded(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.broken(f"{name!r} is {_shown(value)}: {error}") from error

    @property
    def where(self) -> str:
        """Its place, for messages."""
        kind = "line" if self.rows.origin.endswith((".jsonl", ".txt")) else "row"
        return f"{self.rows.origin}, {kind} {self.rows.numbers[self.at]}"

    def mended(self, how: str) -> None:
        """Notes that this row gives an item without a faulty part of it."""
        self.rows.mended.append(f"{self.where}: {how}")

    def pass_over(self, why: str) -> None:
        """Counts this row, or one of its questions, as none for this task; it is no fault of the row."""
        self.rows.passed[why] += 1

    def broken(self, why: str) -> BrokenRow:
        """The error that says that this row gives no item."""
        return BrokenRow(f"{self.where}: {why}")


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except RecursionError:
        shown = f"a deeply nested {type(value).__name__}"
    return shown if len(shown) <= 200 else f"{shown[:200]}..."


class ReadItems(list[Item]):
    """The items of a set, the rows that gave none, and the rows that gave one without a part of them.

    Attributes:
        broken: a message for each row that gave none, with its place and its fault.
        revision: as of the rows.
        mended: a message for each row of which a faulty part was left out.
        passed: how many rows or questions are none for the task, by the reason.
    """

    def __init__(
        self,
        items: Iterable[Item] = (),
        broken: Iterable[str] = (),
        revision: str = "",
        mended: Iterable[str] = (),
        passed: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(items)
        self.broken = tuple(broken)
        self.revision = revision
        self.mended = tuple(mended)
        self.passed = Counter(passed)

    @classmethod
    def of(cls, items: Sequence[Item]) -> ReadItems:
        """Items of any task; those that were not read from rows have nothing to tell of rows."""
        return items if isinstance(items, ReadItems) else cls(items)

    @classmethod
    def joined(cls, parts: Sequence[ReadItems]) -> ReadItems:
        """The items of several files of one set, in their order."""
        return cls(
            (item for part in parts for item in part),
            (message for part in parts for message in part.broken),
            next((part.revision for part in parts if part.revision), ""),
            (message for part in parts for message in part.mended),
            sum((part.passed for part in parts), Counter()),
        )


Made = Item | Sequence[Item] | None
"""The item of a row, the items of a row that holds several questions, or None for a row that is passed over."""


def make_items(rows: Rows, make: Callable[[Row], Made], max_broken: float) -> ReadItems:
    """The items of each row, in their order; broken rows are left out.

    A set of thousands of rows is not lost for one of them. Nor is a mistake about the whole set (a column that holds
    something else) taken for a few flaws. So one broken row is always let pass where `max_broken` is not 0, and more
    than that share of the rows never.

    Args:
        make: what a row gives; BrokenRow says that it is broken.
        max_broken: share of the rows in [0, 1].

    Raises:
        HarnessError: too many broken rows, nothing but broken rows, or `make` raised it (a column is missing).
    """
    if not 0 <= max_broken <= 1:
        raise HarnessError(f"task.max_broken={max_broken}: give a share of the rows from 0 to 1")
    items: list[Item] = []
    broken: list[str] = []
    for row in rows:
        before = Counter(rows.passed)
        try:
            if row.at in rows.flaws:
                raise row.broken(rows.flaws[row.at])
            made = make(row)
        except BrokenRow as error:
            broken.append(str(error))
            rows.passed.clear()  # what it counted before it was found to be broken
            rows.passed.update(before)
        else:
            items += [made] if isinstance(made, Item) else made or ()
    allowed = max(1, int(max_broken * len(rows))) if max_broken else 0
    if len(broken) > allowed or (broken and not items):
        more = (
            f" (the first of {len(broken)} broken rows of {len(rows)}; task.max_broken={max_broken} allows {allowed})"
        )
        raise HarnessError(f"{broken[0]}{more if len(rows) > 1 else ''}")
    return ReadItems(items, broken, rows.revision, rows.mended, rows.passed)


def files_in(path: str | Path, patterns: Sequence[str]) -> list[Path]:
    """The file itself, or the files of a folder that match the first pattern that any file matches, sorted by name.

    Args:
        patterns: as "*.jsonl" or "data/*.jsonl"; with none of them, a folder is refused when it is read.

    Raises:
        HarnessError: no file of the folder matches.
    """
    place = user_path(path)
    if not patterns or not place.is_dir():
        return [place]
    found = ([file for file in sorted(place.glob(pattern)) if file.is_file()] for pattern in patterns)
    files = next(filter(None, found), [])
    if not files:
        raise HarnessError(f"{place}: no {' or '.join(patterns)} in this folder (task.path)")
    return files


def read_file(path: str | Path, *, columns: Sequence[str] = (), separator: str = "") -> Rows:
    """Reads JSONL, JSON (a list of objects, or an object with one such list), CSV, TSV (with header) or Parquet; UTF-8.

    Args:
        columns: the names of the columns of a CSV or TSV without a header.
        separator: between the values of a CSV or TSV, where it is neither comma nor tab.

    Raises:
        HarnessError: no such file, unknown suffix, malformed (with the line), or empty.
    """
    path = user_path(path)
    suffix = path.suffix.lower()
    try:
        _check_file(path)
        rows = _read_parquet(path) if suffix == ".parquet" else _read_text(path, suffix, columns, separator)
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}, line {_not_utf8(path)}: not UTF-8; convert the file to UTF-8") from error
    except OSError as error:
        raise HarnessError(f"{str(path)[:300]}: cannot be read: {error.strerror} (task.path)") from error
    if not len(rows):
        raise HarnessError(f"{path}: no rows; the file is empty")
    return rows


def _check_file(path: Path) -> None:
    if not path.is_file():
        kind = "is a folder; name a file in it" if path.is_dir() else "is no file but a device or a pipe"
        raise HarnessError(f"{path}: {kind if path.exists() else 'no such file'} (task.path)")
    if (suffix := path.suffix.lower()) not in SUFFIXES:
        packed = "unpack it first; " if suffix in PACKED else ""
        raise HarnessError(f"{path}: unknown suffix {path.suffix!r}; {packed}a task file ends in {', '.join(SUFFIXES)}")


def _not_utf8(path: Path) -> int:
    """The number of the first line that is not UTF-8."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _read_parquet(path: Path) -> Rows:
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:  # of the path itself, the names of its folders would make columns
            table = pq.ParquetFile(file).read()
    except Exception as error:  # flipped bytes raise OSError, ArrowException, MemoryError and more
        raise HarnessError(f"{path}: no Parquet file, or a damaged one ({one_line(error)})") from error
    check_names(path, table.column_names)
    return Rows(str(path), tuple(table.column_names), range(1, table.num_rows + 1), table)


def _read_text(path: Path, suffix: str, columns: Sequence[str], separator: str) -> Rows:
    if suffix == ".jsonl":
        found = list(json_lines(path))
    elif suffix == ".json":
        found = list(enumerate(json_rows(path), 1))
    else:
        found = list(enumerate(csv_rows(path, separator or ("\t" if suffix == ".tsv" else ","), columns), 1))
    table = [{} if isinstance(row, str) else row for _, row in found]
    names = tuple(dict.fromkeys(name for row in table for name in row))
    flaws = {at: row for at, (_, row) in enumerate(found) if isinstance(row, str)}
    return Rows(str(path), names, [number for number, _ in found], table, flaws)
