"""Lays out the numbers of a run: metrics as rows, arms as columns, the metrics of claims before the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.metrics.labels import metric_label
from harness.metrics.meaning import meaning
from harness.statistics.estimates import Estimate

ARM = "arm"

MOST_COLUMNS = 6
"""Columns side by side: as many as a screen of 1400 pixels and a sheet of paper hold. More stand in a table below."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: the published ones beside it, the place of its note below the table (0 for none)."""

    estimate: Estimate
    published: Sequence[Mapping[str, Any]]
    note: int

    @property
    def counts(self) -> str:
        """What the number rests on."""
        return counts(self.estimate)


@dataclass(frozen=True, slots=True)
class Row:
    """A metric at a level, without the column that makes the table's head."""

    metric: str
    rest: str
    cells: Sequence[Cell | None]

    @property
    def label(self) -> str:
        """The metric's name for people."""
        return metric_label(self.metric)

    @property
    def meaning(self) -> str:
        """What the metric means, in a sentence or two."""
        return meaning(self.metric)

    @property
    def n(self) -> str:
        """The rows and groups of all cells, where these are the same; else each cell says its own."""
        return next(iter(self._counts)) if len(self._counts) == 1 else ""

    @property
    def _counts(self) -> set[str]:
        return {counts(cell.estimate) for cell in self.cells if cell is not None}


@dataclass(frozen=True, slots=True)
class Pivot:
    """A table: what its columns tell apart, and their names."""

    of: str
    columns: Sequence[str]
    rows: Sequence[Row]


@dataclass(slots=True)
class Notes:
    """Notes on numbers, each text once and numbered from 1."""

    texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> int:
        """The number of a note; 0 of none."""
        if not text:
            return 0
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def counts(e: Estimate) -> str:
    """How many rows a number rests on, in how many groups, and how many were left out for want of a value."""
    groups = f" in {e.n_groups:,} groups" if e.n_groups != e.n else ""
    return f"n = {e.n:,}{groups}" + (f", {e.n_failed:,} without a value" if e.n_failed else "")


def pivots(estimates: Iterable[Estimate], verdicts: Sequence[Mapping[str, Any]], notes: Notes) -> list[Pivot]:
    """Tables of numbers, one for each kind of column, with at most `MOST_COLUMNS` columns each."""
    by_column: dict[str, list[Estimate]] = {}
    for e in estimates:
        by_column.setdefault(_column(e), []).append(e)
    return [one for column, those in by_column.items() for one in _of_column(column, those, verdicts, notes)]


def _of_column(
    column: str, estimates: Sequence[Estimate], verdicts: Sequence[Mapping[str, Any]], notes: Notes
) -> Iterable[Pivot]:
    rows: dict[tuple[str, str], dict[str, Estimate]] = {}
    for e in estimates:
        rows.setdefault((e.metric, _rest(e, column)), {})[e.level.get(column, "")] = e
    names = list(dict.fromkeys(name for cells in rows.values() for name in cells))
    for start in range(0, len(names), MOST_COLUMNS):
        some = names[start : start + MOST_COLUMNS]
        chosen = {key: cells for key, cells in rows.items() if any(name in cells for name in some)}
        yield Pivot(
            column,
            some,
            [
                Row(
                    metric,
                    rest,
                    [
                        Cell(cells[n], published(cells[n], verdicts), notes.add(cells[n].note)) if n in cells else None
                        for n in some
                    ],
                )
                for (metric, rest), cells in chosen.items()
            ],
        )


def published(estimate: Estimate, verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The verdicts on published numbers that are comparable with an estimate: same metric, same level."""
    return [
        v
        for v in verdicts
        if v["published"] is not None
        and v["kind"] != "not comparable"
        and v["measured"] is not None
        and v["measured"]["metric"] == estimate.metric
        and v["measured"]["level"] == estimate.level
    ]


def _column(e: Estimate) -> str:
    return ARM if ARM in e.level else next(iter(e.level), "")


def _rest(e: Estimate, column: str) -> str:
    return ", ".join(f"{key} {value}" for key, value in e.level.items() if key != column)
