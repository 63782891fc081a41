"""Writes a table of runs: LaTeX or Markdown with a caption for a paper, or CSV for a program."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from harness.metrics.labels import column_label, metric_label
from harness.report import latex
from harness.report.facts import harness_version, model_facts, sentence
from harness.report.text import in_brackets, number
from harness.runs.tables import NOT_ALIKE, Cell, Grid
from harness.statistics.estimates import Estimate

Format = Literal["latex", "markdown", "csv"]

NONE = "\N{EN DASH}"


def write_table(grid: Grid, form: Format, labels: Mapping[str, str]) -> str:
    """The table as text.

    Args:
        labels: what to write in place of the name of a metric, a model, an arm and the like.
    """
    if form == "csv":
        return _as_csv(grid)
    names = _Names(grid, labels)
    text = caption(grid, labels)
    columns = grid.column_names
    if form == "latex":
        body = [
            [latex.escaped(names.row(row)), *(_latex(grid.cells.get((row, column))) for column in columns)]
            for row in grid.row_names
        ]
        head = ["", *(latex.escaped(names.column(column)) for column in columns)]
        return latex.table(head, body, text, re.sub(r"[^a-z0-9]+", "-", f"{grid.rows}-{grid.columns}".lower()))
    body = [
        [_markdown(names.row(row)), *(_shown(grid.cells.get((row, column)), "**{}**".format) for column in columns)]
        for row in grid.row_names
    ]
    lines = [["", *(_markdown(names.column(column)) for column in columns)], ["---"] * (len(columns) + 1), *body]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", _markdown(text), ""])


class _Names:
    """What rows and columns of a table are called."""

    def __init__(self, grid: Grid, labels: Mapping[str, str]) -> None:
        self.grid, self.labels = grid, labels
        kinds = {_subject(cell, labels) for cell in grid.cells.values()}
        # Where the numbers of experiments side by side are different ones, each has to say which it is.
        self.told = len(kinds) > 1 and "metric" not in (grid.rows, grid.columns)

    def row(self, name: str) -> str:
        return self._name(self.grid.rows, name, 0)

    def column(self, name: str) -> str:
        return self._name(self.grid.columns, name, 1)

    def _name(self, axis: str, name: str, side: int) -> str:
        shown = _value(axis, name, self.labels)
        kinds = {_subject(cell, self.labels) for place, cell in self.grid.cells.items() if place[side] == name}
        return f"{shown}: {kinds.pop()}" if self.told and axis in NOT_ALIKE and len(kinds) == 1 else shown


def _value(axis: str, name: str, labels: Mapping[str, str]) -> str:
    return labels.get(name) or (metric_label(name) if axis == "metric" else name)


def _subject(cell: Cell, labels: Mapping[str, str]) -> str:
    """What a number is, when its place in the table does not say it."""
    return labels.get(cell.metric.name) or metric_label(cell.metric.name)


def caption(grid: Grid, labels: Mapping[str, str]) -> str:
    """A caption: what the numbers are, of how many items and seeds, and their intervals."""
    cells = list(grid.cells.values())
    runs = list({id(run): run for cell in cells for run in cell.runs}.values())
    return " ".join(
        filter(
            None,
            [
                _what(grid, cells, labels),
                _levels(grid, cells, labels),
                *_counts(cells),
                _intervals(cells),
                _bold(grid),
                *(f"Not compared: {doubt}." for doubt in grid.doubts[:3]),
                *model_facts(runs),
                harness_version(runs),
            ],
        )
    )


def _what(grid: Grid, cells: Sequence[Cell], labels: Mapping[str, str]) -> str:
    axes = f"by {column_label(grid.rows)} and {column_label(grid.columns)}"
    subjects = list(dict.fromkeys(_subject(cell, labels) for cell in cells))
    named = subjects[0] if len(subjects) == 1 else "Results"
    return f"{named[:1].upper()}{named[1:]} {axes}."


def _levels(grid: Grid, cells: Sequence[Cell], labels: Mapping[str, str]) -> str:
    """The keys of levels that no axis tells, by experiment where they differ."""
    told: dict[str, list[str]] = {}
    for cell in cells:
        level = {k: v for k, v in cell.level.items() if k not in (grid.rows, grid.columns)}
        words = ", ".join(f"{column_label(key)} {labels.get(value, value)}" for key, value in level.items())
        if words:
            name = str(cell.runs[0].record.manifest["experiment"])
            told.setdefault(words, []).append(labels.get(name, name))
    if not told:
        return ""
    if len(told) == 1 and len(next(iter(told.values()))) == len(cells):
        return f"All at {next(iter(told))}."
    return f"{'; '.join(f'{sentence(dict.fromkeys(names))} at {words}' for words, names in told.items())}."


def _counts(cells: Sequence[Cell]) -> list[str]:
    estimates = [cell.estimate for cell in cells]
    told = f"n = {_span(e.n for e in estimates)} rows in {_span(e.n_groups for e in estimates)} groups"
    failed = [e.n_failed for e in estimates if e.n_failed]
    seeds = [len(cell.runs) for cell in cells]
    lines = [f"{told}{f'; {_span(failed)} more could not be used' if failed else ''}."]
    if max(seeds) > 1:
        which = sentence(dict.fromkeys(str(run.record.manifest["seed"]) for cell in cells for run in cell.runs))
        lines.append(f"Each number is the mean of {_span(seeds)} seeds ({which}).")
    return lines


def _intervals(cells: Sequence[Cell]) -> str:
    shown = [cell for cell in cells if cell.estimate.low is not None]
    if not shown:
        return ""
    methods = dict.fromkeys(_method(cell.estimate) for cell in shown)
    drawn = ", over items and seeds" if any(len(cell.runs) > 1 for cell in shown) else ""
    return f"Brackets: 95 % intervals{drawn} ({'; '.join(methods)})."


def _method(estimate: Estimate) -> str:
    """How an interval was made, without the number of groups, in which cells differ."""
    return re.sub(
        r"all \d+ groups agree", "where all groups agree", re.sub(r"t\(\d+\)", "Student's t", estimate.method)
    )


def _bold(grid: Grid) -> str:
    if not any(cell.best for cell in grid.cells.values()):
        return ""
    line = "column" if grid.rows not in NOT_ALIKE else "row"
    return (
        f"Bold: the best of its {line}, where the 95 % interval of the paired difference from every other "
        "number there excludes 0."
    )


def _span(values: Iterable[int]) -> str:
    found = list(values)
    return str(found[0]) if min(found) == max(found) else f"{min(found)} to {max(found)}"


def _shown(cell: Cell | None, bold: Callable[[str], str]) -> str:
    if cell is None:
        return NONE
    e = cell.estimate
    value = bold(number(e.value)) if cell.best else number(e.value)
    return f"{value}{in_brackets(e.low, e.high)}"


def _latex(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    e = cell.estimate
    value = latex.escaped(number(e.value))
    value = rf"\textbf{{{value}}}" if cell.best else value
    if e.low is None or e.high is None:
        return value
    # In braces: a bracket after a line break would be read as its length.
    return rf"{value} {{\scriptsize [{latex.escaped(number(e.low))}, {latex.escaped(number(e.high))}]}}"


def _markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    shown = re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text.replace("&", "&amp;"))
    return " ".join(shown.split())


def _as_csv(grid: Grid) -> str:
    out = io.StringIO()
    rows: list[dict[str, Any]] = [
        {
            "row": row,
            "column": column,
            "metric": cell.metric.name,
            "level": " ".join(f"{key}={value}" for key, value in cell.level.items()),
            "value": cell.estimate.value,
            "low": cell.estimate.low,
            "high": cell.estimate.high,
            "n": cell.estimate.n,
            "n_groups": cell.estimate.n_groups,
            "n_failed": cell.estimate.n_failed,
            "seeds": " ".join(str(run.record.manifest["seed"]) for run in cell.runs),
            "spread": getattr(cell.estimate, "spread", None),
            "best": cell.best,
            "method": cell.estimate.method,
            "note": cell.estimate.note,
            "runs": " ".join(str(run.record.path) for run in cell.runs),
        }
        for (row, column), cell in grid.cells.items()
    ]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
