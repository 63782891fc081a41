"""Reads rows of a local file or of a set on the Hugging Face hub, column by column."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class Rows:
    """A table of n rows, whose columns are taken one by one (a set of 100,000 rows never becomes row dictionaries).

    Attributes:
        origin: the file, or the set with its config and split, for messages.
        names: the columns.
        numbers: the number of each row as its file counts: lines of JSONL (from 1), else rows of data (from 1).
        table: a `pyarrow.Table`, or the rows of a small file.
    """

    origin: str
    names: tuple[str, ...]
    numbers: Sequence[int]
    table: Any

    def __len__(self) -> int:
        return len(self.numbers)

    def where(self, at: int) -> str:
        """The place of row `at` (from 0), for messages."""
        return f"{self.origin}, {'line' if self.origin.endswith('.jsonl') else 'row'} {self.numbers[at]}"

    def column(self, name: str) -> list[Any]:
        """The n values of a column; "answer.aliases" takes "aliases" out of each value of "answer".

        Raises:
            HarnessError: no such column; the message names the nearest one.
        """
        head, _, inner = (name, "", "") if name in self.names else name.partition(".")
        if head not in self.names:
            raise HarnessError(f"{self.origin}: no column {head!r}{nearest(head, self.names)}")
        if isinstance(self.table, list):
            values = [row.get(head) for row in self.table]
        else:
            values = self.table.column(head).to_pylist()
        if not inner:
            return values
        return [value.get(inner) if isinstance(value, dict) else None for value in values]

    def texts(self, name: str) -> list[str]:
        """A column of texts or numbers as stripped texts.

        Raises:
            HarnessError: a value is missing or empty; the message names the row.
        """
        return [self.text(value, name, at) for at, value in enumerate(self.column(name))]

    def text(self, value: Any, name: str, at: int) -> str:
        """One value of row `at` as a stripped text.

        Raises:
            HarnessError: it is missing, empty, or neither text nor number.
        """
        if missing(value) or not isinstance(value, (str, int, float)) or not str(value).strip():
            raise HarnessError(f"{self.where(at)}: {name!r} is {value!r}; give it a text or remove the row")
        return str(value).strip()


def missing(value: Any) -> bool:
    """Whether a value is None, NaN or an empty text or list."""
    return value is None or value in ("", []) or (isinstance(value, float) and math.isnan(value))


def read_file(path: str | Path) -> Rows:
    """Reads JSONL, JSON (a list of objects, or an object with one such list), CSV, TSV (with header) or Parquet; UTF-8.

    Raises:
        HarnessError: no such file, unknown suffix, malformed (with the line), or empty.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise HarnessError(
            f"{path}: {'is a folder; name a file in it' if path.is_dir() else 'no such file'} (task.path)"
        )
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise HarnessError(f"{path}: unknown suffix {path.suffix!r}; a task file ends in {', '.join(SUFFIXES)}")
    try:
        rows = _read_parquet(path) if suffix == ".parquet" else _read_text(path, suffix)
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    if not len(rows):
        raise HarnessError(f"{path}: no rows; the file is empty")
    return rows


def read_hub(hub: str, config: str | None, split: str, revision: str | None) -> Rows:
    """Reads one split of a set on the Hugging Face hub, or of the local cache of it.

    Raises:
        HarnessError: the set cannot be had.
    """
    import datasets

    try:
        data = datasets.load_dataset(hub, config, split=split, revision=revision)
    except Exception as error:  # connection, missing set, config, split or revision, broken cache: each its own type
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise HarnessError(
            f"data set {hub!r} (config {config!r}, split {split!r}, revision {revision!r}) cannot be had: {reason}; "
            "without a connection, task.path=FILE takes a local file"
        ) from error
    table = data.with_format("arrow")[:]
    origin = f"{hub} ({', '.join(part for part in (config, split) if part)})"
    return Rows(origin, tuple(table.column_names), range(1, table.num_rows + 1), table)


def _read_parquet(path: Path) -> Rows:
    import pyarrow
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pyarrow.ArrowException as error:
        raise HarnessError(f"{path}: no Parquet file ({error})") from error
    return Rows(str(path), tuple(table.column_names), range(1, table.num_rows + 1), table)


def _read_text(path: Path, suffix: str) -> Rows:
    if suffix == ".jsonl":
        found = list(_json_lines(path))
    elif suffix == ".json":
        found = list(enumerate(_json_rows(path), 1))
    else:
        found = list(enumerate(_csv_rows(path, "\t" if suffix == ".tsv" else ","), 1))
    names = tuple(dict.fromkeys(name for _, row in found for name in row))
    return Rows(str(path), names, [number for number, _ in found], [row for _, row in found])


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise HarnessError(f"{path}, line {number}: malformed JSON ({error.msg})") from error
            if not isinstance(row, dict):
                raise HarnessError(f"{path}, line {number}: a JSON object is wanted, not {type(row).__name__}")
            yield number, row


def _json_rows(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig") or "[]")
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path}, line {error.lineno}: malformed JSON ({error.msg})") from error
    if isinstance(content, dict):
        found = (value for value in content.values() if isinstance(value, list))
        lists = [value for value in found if any(isinstance(row, dict) for row in value)]
        content = lists[0] if len(lists) == 1 else None
    if not isinstance(content, list):
        raise HarnessError(f"{path}: a list of objects is wanted, or an object with exactly one such list")
    for number, row in enumerate(content, 1):
        if not isinstance(row, dict):
            raise HarnessError(f"{path}, row {number}: a JSON object is wanted, not {type(row).__name__}")
    return content


def _csv_rows(path: Path, delimiter: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            names = next(reader, [])
            if len(set(names)) < len(names):
                raise HarnessError(f"{path}: two columns have the same name: {', '.join(names)}")
            for number, values in enumerate((row for row in reader if row), 1):
                if len(values) != len(names):
                    raise HarnessError(
                        f"{path}, row {number} (line {reader.line_num}): {len(values)} values, {len(names)} columns; "
                        "quote values that hold the separator"
                    )
                yield dict(zip(names, values, strict=True))
        except csv.Error as error:
            raise HarnessError(f"{path}, line {reader.line_num}: malformed CSV ({error})") from error
