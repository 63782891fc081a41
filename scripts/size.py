"""Measures how much code there is to read: each experiment's protocol file, and the largest files and functions.

    python scripts/size.py             prints two tables
    python scripts/size.py --strict    exits with 1 when something is longer than its limit

A line of code is a line with at least one token that is no comment, docstring or part of an import.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parents[1]
SIMPLE, RICH = 60, 100
"""Lines of code of an experiment's file."""
FILE, FUNCTION = 400, 50
"""Lines of a file and of a function of the harness, all of them counted."""
SHOWN = 8
"""Largest files and functions that are printed."""

_SPACE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENDMARKER, tokenize.ENCODING),
}


@dataclass(frozen=True)
class Size:
    """How long something is: `name` for people, and its lines."""

    name: str
    lines: int


def lines_of_code(source: str) -> int:
    """Lines with a token that is no comment, docstring or part of an import."""
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_docstring(node):
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SPACE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - left_out)


def _is_docstring(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def experiments(root: Path = ROOT) -> list[Size]:
    """The protocol file of every experiment in conf/experiment, the longest first."""
    sizes = []
    for config in sorted((root / "conf/experiment").glob("*.yaml")):
        found = re.search(r"^ *_target_: (experiments[\w.]*)\.\w+ *$", config.read_text(encoding="utf-8"), re.MULTILINE)
        if found is None:
            raise SystemExit(f"{config} names no class of experiments in its _target_")
        file = root / f"{found.group(1).replace('.', '/')}.py"
        sizes.append(Size(config.stem, lines_of_code(file.read_text(encoding="utf-8"))))
    return sorted(sizes, key=lambda size: -size.lines)


def files(root: Path = ROOT) -> list[Size]:
    """All lines of every file of the harness, the longest first."""
    sizes = [Size(str(path.relative_to(root)), len(path.read_text("utf-8").splitlines())) for path in _sources(root)]
    return sorted(sizes, key=lambda size: -size.lines)


def functions(root: Path = ROOT) -> list[Size]:
    """All lines of every function of the harness, without its docstring, the longest first."""
    sizes = []
    for path in _sources(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                first = node.body[0]
                if ast.get_docstring(node) is not None:
                    lines -= (first.end_lineno or first.lineno) - first.lineno + 1
                sizes.append(Size(f"{path.relative_to(root)}:{node.name}", lines))
    return sorted(sizes, key=lambda size: -size.lines)


def _sources(root: Path) -> Iterator[Path]:
    yield from sorted((root / "harness").rglob("*.py"))


def _print(title: str, sizes: Sequence[Size], limit: int) -> None:
    print(f"{title:<64} {'lines':>5}  limit {limit}")
    for size in sizes:
        print(f"{size.name:<64} {size.lines:>5}{'  beyond' if size.lines > limit else ''}")
    print()


def main() -> int:
    """Prints the tables.

    Returns:
        The exit code: 1 with --strict when something is beyond its limit.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strict", action="store_true", help="exit with 1 when something is beyond its limit")
    options = parser.parse_args()
    print(f"{'experiment':<64} {'code':>5}  limit {SIMPLE} simple, {RICH} rich")
    for size in experiments():
        kind = "simple" if size.lines <= SIMPLE else "rich" if size.lines <= RICH else "beyond"
        print(f"{size.name:<64} {size.lines:>5}  {kind}")
    print()
    _print("largest files", files()[:SHOWN], FILE)
    _print("largest functions", functions()[:SHOWN], FUNCTION)
    largest = ((experiments(), RICH), (files(), FILE), (functions(), FUNCTION))
    beyond = any(sizes and sizes[0].lines > limit for sizes, limit in largest)
    return int(options.strict and beyond)


if __name__ == "__main__":
    sys.exit(main())
