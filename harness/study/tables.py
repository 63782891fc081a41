"""Tables of a study: numbers of its runs, the best of several rules, and constants with their source."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.arms import ArmedExperiment
from harness.config import Job
from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, check_where, level_texts, level_words
from harness.metrics.metric import Metric, refuse_twins
from harness.runs.records import RunRecord
from harness.statistics.claims import absent, check_level, find
from harness.statistics.estimates import Estimate
from harness.statistics.gates import held_back


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The number of a cell: a metric of the row's run, or a constant.

    Attributes:
        metric: its name in the run; or
        value: a constant, as it is known from elsewhere.
        level: the values of the metric's `by` columns.
        best_of: levels of which the best one is shown, each added to `level`: the arms of several rules. In an arm, `*`
            stands for any letters: "rule: *" are all arms of the run that begin so.
        source: paper and place of a constant, or how it follows from the items.

    Raises:
        HarnessError: not exactly one of metric and value, a constant without a source or with a level, or a number that
            is not finite.
    """

    metric: str | None = None
    level: Mapping[str, LevelValue] = field(default_factory=dict)
    best_of: tuple[Mapping[str, LevelValue], ...] = ()
    value: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if (self.metric is None) == (self.value is None):
            raise HarnessError("give exactly one of 'metric' (a number of the run) and 'value' (a constant)")
        if self.value is not None and (self.level or self.best_of):
            raise HarnessError("'value' is a constant; leave 'level' and 'best_of' out")
        if self.value is not None and not math.isfinite(self.value):
            raise HarnessError(f"'value' is {self.value}; give a finite number")
        if (self.value is None) == bool(self.source):
            raise HarnessError("a constant ('value') needs its 'source', and a number of a run has none")

    def levels(self, row: Mapping[str, LevelValue], arms: Sequence[str]) -> list[dict[str, str]]:
        """The levels to look up, as text, each with the row's: one, or several, of which the best is shown.

        Args:
            arms: the run's, among which a `*` is looked up; one that fits none stays as it is.
        """
        levels = [level_texts({**row, **self.level, **one}) for one in self.best_of or ({},)]
        return [found for level in levels for found in _each_arm(level, arms)] if self.best_of else levels


def _each_arm(level: dict[str, str], arms: Sequence[str]) -> list[dict[str, str]]:
    """A level at each arm that its pattern fits; itself where its arm is no pattern, or fits none."""
    pattern = level.get("arm", "")
    fitting = [arm for arm in arms if fnmatchcase(arm, pattern)] if "*" in pattern else []
    return [{**level, "arm": arm} for arm in fitting] or [level]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; its cell holds in every row that has none of its own for it."""

    text: str
    cell: Cell | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row.

    Attributes:
        run: the run of its numbers; None for a row of constants.
        level: added to the level of every cell of a column.
        cells: cells of its own by the text of their column, with their whole level; None leaves a cell empty.
    """

    text: str
    run: str | None = None
    level: Mapping[str, LevelValue] = field(default_factory=dict)
    cells: Mapping[str, Cell | None] = field(default_factory=dict)

    def cell(self, column: Column) -> tuple[Cell | None, Mapping[str, LevelValue]]:
        """The cell in a column, and the level that the row adds to its own."""
        if column.text in self.cells:
            return self.cells[column.text], {}
        return column.cell, self.level


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """A picture of a table: a point for each row, at the numbers of two columns.

    Attributes:
        x, y: texts of the columns along both axes.
    """

    x: str
    y: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a study.

    Attributes:
        scatter: also draws the rows as points; None draws nothing.

    Raises:
        HarnessError: no rows or columns, two of one text, or a cell of a row, or an axis, for a column that there is
            not.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    scatter: Scatter | None = None

    def __post_init__(self) -> None:
        if not self.columns or not self.rows:
            raise HarnessError(f"table {self.title!r}: columns and rows must not be empty")
        texts = [column.text for column in self.columns]
        refuse_twins(f"columns of table {self.title!r}", texts, "give one of them another text")
        refuse_twins(f"rows of table {self.title!r}", (row.text for row in self.rows), "give one of them another text")
        for row in self.rows:
            for name in row.cells:
                if name not in texts:
                    raise HarnessError(f"{_place(self, row, name)}: there is no such column{nearest(name, texts)}")
        for axis in () if self.scatter is None else (self.scatter.x, self.scatter.y):
            if axis not in texts:
                raise HarnessError(f"table {self.title!r}, scatter: there is no column {axis!r}{nearest(axis, texts)}")


@dataclass(frozen=True)
class Filled:
    """A cell with its number.

    Attributes:
        estimate: the number of a run; None for a constant, and where there is none.
        value: the constant.
        best: the level that was the best one of several, those parts in which they differ.
        note: why there is no number, why it may decide nothing, or the source of a constant.
    """

    estimate: Estimate | None = None
    value: float | None = None
    best: str = ""
    note: str = ""


def check_table(table: Table, jobs: Mapping[str, Job]) -> None:
    """Checks, before anything runs, what does not need the results. Which levels occur only they tell, but for arms.

    Raises:
        HarnessError: a run, metric, level column or arm that does not exist, naming the table, row and column.
    """
    for row in table.rows:
        for column in table.columns:
            cell, added = row.cell(column)
            if cell is None or cell.metric is None:
                continue
            try:
                _check_cell(cell, row, added, jobs)
            except HarnessError as error:
                raise HarnessError(f"{_place(table, row, column.text)}: {error}") from error
        if row.run is not None and row.run not in jobs:
            raise HarnessError(
                f"table {table.title!r}, row {row.text!r}: there is no run {row.run!r}{nearest(row.run, jobs)}"
            )


def _place(table: Table, row: Row, column: str) -> str:
    return f"table {table.title!r}, row {row.text!r}, column {column!r}"


def _check_cell(cell: Cell, row: Row, added: Mapping[str, LevelValue], jobs: Mapping[str, Job]) -> None:
    if row.run is None:
        raise HarnessError(f"the row names no run for metric {cell.metric!r}; give it 'run', or a constant 'value'")
    if row.run not in jobs:
        raise HarnessError(f"there is no run {row.run!r}{nearest(row.run, jobs)}")
    experiment = jobs[row.run].experiment
    metric = _metric(cell, jobs[row.run])
    seen: list[dict[str, str]] = []
    for level in cell.levels(added, _arms(jobs[row.run])):
        check_level(f"run {row.run!r}", level, metric)
        check_where(f"run {row.run!r}", {name: level[name] for name in metric.by}, experiment.columns())
        if level in seen:
            raise HarnessError(f"best_of names the level {level} twice")
        seen.append(level)
        if (arms := _arms(jobs[row.run])) and "arm" in level and level["arm"] not in arms:
            raise HarnessError(f"run {row.run!r} has no arm {level['arm']!r}{nearest(level['arm'], arms)}")
    if len(seen) > 1 and metric.measure.better == "neither":
        raise HarnessError(f"best_of: neither high nor low values of {metric.name!r} are better")


def _arms(job: Job) -> Sequence[str]:
    """The arms that a run will have; () of an experiment that does not say."""
    return job.experiment.arms if isinstance(job.experiment, ArmedExperiment) else ()


def _metric(cell: Cell, job: Job) -> Metric:
    metrics = {metric.name: metric for metric in job.all_metrics}
    if cell.metric not in metrics:
        raise HarnessError(f"there is no metric {cell.metric!r}{nearest(str(cell.metric), metrics)}")
    return metrics[cell.metric]


def fill(
    table: Table, jobs: Mapping[str, Job], records: Mapping[str, RunRecord], missing: Mapping[str, str]
) -> list[list[Filled]]:
    """The numbers of a table by row and column.

    Args:
        records: the runs that left results, by name.
        missing: why a run is not finished, by name; what it left is shown with that as a note.
    """
    return [[_filled(*row.cell(column), row, jobs, records, missing) for column in table.columns] for row in table.rows]


def _filled(  # noqa: PLR0917
    cell: Cell | None,
    added: Mapping[str, LevelValue],
    row: Row,
    jobs: Mapping[str, Job],
    records: Mapping[str, RunRecord],
    missing: Mapping[str, str],
) -> Filled:
    if cell is None:
        return Filled()
    if cell.metric is None or row.run is None:
        return Filled(value=cell.value, note=cell.source)
    unfinished = f"run {row.run!r} {missing[row.run]}" if row.run in missing else ""
    if row.run not in records:
        return Filled(note=unfinished)
    metric, estimates = _metric(cell, jobs[row.run]), records[row.run].estimates
    levels = cell.levels(added, _arms(jobs[row.run]))
    found = [one for level in levels if (one := find(estimates, cell.metric, level)) is not None]
    # A rule that a pattern finds need not have every level, as one that is named must.
    wanted = [level for level in cell.levels(added, ()) if not found or "*" not in level.get("arm", "")]
    lost = [absent(estimates, cell.metric, level) for level in wanted if find(estimates, cell.metric, level) is None]
    known = [one for one in found if one.value is not None]
    if not known:
        undefined = [f"undefined: {one.note}" for one in found]
        return Filled(note="; ".join(filter(None, dict.fromkeys([unfinished, *lost, *undefined]))))
    best = (min if metric.measure.better == "lower" else max)(known, key=lambda one: one.value or 0.0)
    held = held_back(jobs[row.run].experiment.gates, metric, best.level, estimates)
    told = [unfinished, *lost, f"no verdict may rest on it: {held}" if held else "", best.note]
    return Filled(best, None, _apart(best, levels), "; ".join(filter(None, told)))


def _apart(best: Estimate, levels: Sequence[Mapping[str, str]]) -> str:
    """The parts of the best level in which the levels differ; "" of a single one."""
    return level_words({key: best.level[key] for key in best.level if len({level[key] for level in levels}) > 1})


def as_csv(tables: Sequence[Table], filled: Sequence[Sequence[Sequence[Filled]]]) -> str:
    """All tables, a line for each cell: as spreadsheets and data frames take them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("table", "row", "column", "value", "low", "high", "n", "n_groups", "run", "metric", "level", "best", "note")
    writer.writerow(head)
    for table, cells in zip(tables, filled, strict=True):
        for row, line in zip(table.rows, cells, strict=True):
            for column, cell in zip(table.columns, line, strict=True):
                e = cell.estimate
                level = "" if e is None else ", ".join(f"{key}={value}" for key, value in e.level.items())
                numbers = ("", "", "", "") if e is None else (e.low, e.high, e.n, e.n_groups)
                value = cell.value if e is None else e.value
                told = ("", "", "") if e is None else (row.run, e.metric, level)
                writer.writerow([table.title, row.text, column.text, value, *numbers, *told, cell.best, cell.note])
    return text.getvalue()
