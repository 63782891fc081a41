"""Reads a study as it is written down: conf/study/NAME.yaml, with named runs, claims between them, and tables."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.build import build, construct
from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError, nearest
from harness.metrics.metric import refuse_twins
from harness.places.folders import config_files
from harness.study.order import check_references, references
from harness.study.tables import Cell, Column, Row, Scatter, Table
from harness.study.verdicts import RunClaim, Side

KEYS = ("runs", "claims", "tables")
SHAPE = (
    "a study has the keys `runs`, lines like `answers: experiment=pTrue limit=50` by name, `claims`, a list, and "
    "`tables`, a list"
)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Named runs, claims between them, and tables of their numbers.

    Attributes:
        runs: the overrides of every run by its name.
        needs: the runs that a run names as ${run:NAME}.
    """

    name: str
    runs: Mapping[str, Sequence[str]]
    claims: tuple[RunClaim, ...]
    tables: tuple[Table, ...] = ()

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """For every run the runs that have to be finished before it."""
        return {name: references(words) for name, words in self.runs.items()}


def read_study(name: str, config_dir: Path | None) -> Study:
    """Reads `study/NAME.yaml` of the further config folder or of conf.

    Raises:
        HarnessError: no such study, a file of another shape, or runs that name one that there is not or each other in
            a circle.
    """
    file = _find(name, config_dir)
    content = _content(file)
    try:
        runs = {run: _words(run, line) for run, line in content["runs"].items()}
        claims = tuple(_claim(node, f"claims[{i}]") for i, node in enumerate(content.get("claims") or ()))
        tables = tuple(_table(node, f"tables[{i}]") for i, node in enumerate(content.get("tables") or ()))
        refuse_twins("tables", (table.title for table in tables), "give one of them another title")
        study = Study(name=name, runs=runs, claims=claims, tables=tables)
        check_references(study.needs)
    except HarnessError as error:
        raise HarnessError(f"{file}: {error}") from error
    return study


def _find(name: str, config_dir: Path | None) -> Path:
    known = config_files("study", config_dir)
    if name not in known:
        raise HarnessError(f"there is no study {name!r}{nearest(name, known)}")
    return known[name]


def _content(file: Path) -> dict[str, Any]:
    content = read_yaml(file)
    if not isinstance(content.get("runs"), dict) or not content["runs"]:
        raise HarnessError(f"{file}: {SHAPE}")
    for key in content:
        if key not in KEYS:
            raise HarnessError(f"{file}: there is no key {key!r}{nearest(str(key), KEYS)}; {SHAPE}")
    for key in ("claims", "tables"):
        if not isinstance(content.get(key) or [], list):
            raise HarnessError(f"{file}: `{key}` is no list; {SHAPE}")
    return content


def _words(run: object, line: object) -> list[str]:
    """The overrides of one run, quoted as in a shell where one has a space in it."""
    if not isinstance(run, str) or not isinstance(line, str):
        raise HarnessError(f"run {run!r} is {line!r}; {SHAPE}")
    try:
        return shlex.split(line)
    except ValueError as error:
        raise HarnessError(f"run {run!r}: {line!r}: {str(error).lower()}; close the quotes") from error


def _claim(node: Any, path: str) -> RunClaim:
    if not isinstance(node, dict):
        raise HarnessError(f"{path} is {node!r}; a claim has the keys text, metric, first, second and relation")
    parts = {key: _target(value, Side) if key in ("first", "second") else value for key, value in node.items()}
    return build(_target(parts, RunClaim), path, RunClaim)


def _table(node: Any, path: str) -> Table:
    if not isinstance(node, dict):
        raise HarnessError(f"{path} is {node!r}; a table has the keys title, columns and rows")
    columns = [_column(one, f"{path}.columns[{i}]") for i, one in enumerate(_list(node, "columns", path))]
    rows = [_row(one, f"{path}.rows[{i}]") for i, one in enumerate(_list(node, "rows", path))]
    axes = node.get("scatter")
    if axes is not None and not isinstance(axes, dict):
        raise HarnessError(f"{path}.scatter is {axes!r}; give the columns of both axes: {{x: tokens, y: accuracy}}")
    scatter = None if axes is None else construct(Scatter, axes, f"{path}.scatter")
    return build(_target({**node, "columns": columns, "rows": rows, "scatter": scatter}, Table), path, Table)


def _list(node: dict[str, Any], key: str, path: str) -> list[Any]:
    found = node.get(key) or []
    if not isinstance(found, list):
        raise HarnessError(f"{path}.{key} is {found!r}; give a list")
    return found


def _column(node: Any, path: str) -> Any:
    """A column; the keys besides its text describe its cell."""
    if not isinstance(node, dict):
        raise HarnessError(f"{path} is {node!r}; a column has the key text, and those of its cell: metric, level, ...")
    cell = {key: value for key, value in node.items() if key != "text"}
    text = {"text": node["text"]} if "text" in node else {}
    return _target({**text, "cell": _cell(cell, path) if cell else None}, Column)


def _row(node: Any, path: str) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("cells") or {}, dict):
        raise HarnessError(f"{path} is {node!r}; a row has the keys text, run, level and cells, a cell by column")
    cells = {name: _cell(cell, f"{path}.cells.{name}") for name, cell in (node.get("cells") or {}).items()}
    return _target({**node, "cells": cells}, Row)


def _cell(node: Any, path: str) -> Cell | None:
    if node is None:
        return None
    if not isinstance(node, dict):
        raise HarnessError(f"{path} is {node!r}; a cell has the keys metric, level and best_of, or value and source")
    try:
        return construct(Cell, node, path)
    except HarnessError as error:
        if path in str(error):
            raise
        raise HarnessError(f"{path}: {error}") from error


def _target(node: Any, cls: type) -> Any:
    return {"_target_": f"{cls.__module__}.{cls.__qualname__}", **node} if isinstance(node, dict) else node
