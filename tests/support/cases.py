"""Texts with what a careful reader finds in them, one JSON object a line: kind, text, gold (what is given), right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def cases(folder: str, name: str) -> list[Any]:
    """The rows of `tests/unit/<folder>/cases/<name>.jsonl` as parameters (text, gold, right)."""
    lines = (Path("tests/unit") / folder / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(r["text"], r.get("gold"), r["right"], id=f"{r['kind']}-{n}") for n, r in enumerate(rows, 1)]
