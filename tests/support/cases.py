"""Texts with what a careful reader finds in them, one JSON object a line: kind, text, gold (what is given), right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Rows = Sequence[Mapping[str, Any]]


def kinds(folder: str, name: str) -> list[Any]:
    """The rows of `tests/unit/<folder>/cases/<name>.jsonl` as parameters, one a kind: a test reads all of its rows."""
    lines = (Path("tests/unit") / folder / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for row in map(json.loads, lines):
        by_kind.setdefault(row["kind"], []).append(row)
    return [pytest.param(rows, id=kind) for kind, rows in by_kind.items()]


def misread(rows: Rows, read: Callable[[str, Any], Any]) -> list[str]:
    """A line for each row of which `read(text, gold)` finds something else than the reader; probabilities to 1e-6."""
    found = [(row, read(row["text"], row.get("gold"))) for row in rows]
    return [f"{row['text']!r}: {row['right']!r}, not {got!r}" for row, got in found if not _same(got, row["right"])]


def _same(got: Any, right: Any) -> bool:
    if isinstance(right, list):
        return len(got) == len(right) and all(map(_same, got, right))
    if isinstance(right, float):
        return got is not None and got == pytest.approx(right, abs=1e-6)
    return bool(got == right)
