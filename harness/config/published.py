"""Published numbers as a table: `published.csv` beside an experiment, one number a row."""

from __future__ import annotations

import csv
import dataclasses
import io
import typing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import user_path
from harness.statistics.conditions import read_conditions
from harness.statistics.references import Reference
from harness.typed import typed

NAME = "published.csv"


def read_references(place: str) -> tuple[Reference, ...]:
    """The published numbers of a table.

    The columns are the fields of `Reference`, where `metric`, `value`, `model`, `task`, `source` and `certainty` are
    needed, and `n`, `tolerance` and `requires` may be empty. `requires` has conditions on the settings of the run:
    "experiment.temperature=0; experiment.max_tokens>=1024; wording=math". Every further column is a part of the level
    by its name (`arm`, `context`), where it is not empty.

    Args:
        place: a CSV file, or a Python package that has its numbers in published.csv (`experiments.calibration.p_ik`).

    Raises:
        HarnessError: there is no such table, a column is missing, or a value is; the message names file and row.
    """
    file = user_path(place) if place.endswith(".csv") else _beside(place)
    try:
        lines = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        rows = [(lines.line_num, row) for row in lines]
    except OSError as error:
        raise HarnessError(f"references={place}: {file} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HarnessError(f"references={place}: {file} is no CSV file in UTF-8: {error}") from error
    header = list(lines.fieldnames or ())
    needed = [f.name for f in dataclasses.fields(Reference) if _needed(f) and f.name != "level"]
    if lacking := [name for name in needed if name not in header]:
        raise HarnessError(f"{file}: no column {lacking[0]!r} in its first row ({', '.join(header) or 'empty'})")
    return tuple(_reference(row, f"{file}, row {number}") for number, row in rows)


def _reference(row: dict[Any, Any], where: str) -> Reference:
    if None in row or None in row.values():
        raise HarnessError(f"{where}: it has {'more' if None in row else 'fewer'} values than there are columns")
    hints = typing.get_type_hints(Reference)
    fields = {f.name: f for f in dataclasses.fields(Reference) if f.name != "level"}
    values: dict[str, Any] = {"level": {name: text for name, text in row.items() if name not in fields and text}}
    for name, f in fields.items():
        text = row.get(name, "")
        if text and name != "requires":
            values[name] = typed(text, hints[name], f"{where}, {name}")
        elif _needed(f):
            raise HarnessError(f"{where}: no {name}")
    try:
        values["requires"] = read_conditions(row.get("requires", ""))
        return Reference(**values)
    except HarnessError as error:
        raise HarnessError(f"{where}: {error}") from error


def _needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _beside(package: str) -> Path:
    """The table of a package."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(f"references={package}: neither a .csv file nor a Python package that has a {NAME}")
    return Path(next(iter(spec.submodule_search_locations))) / NAME
