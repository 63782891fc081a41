"""Finished runs as a table: any two of model, experiment, task, metric, arm, seed or a setting, with seeds pooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_text
from harness.metrics.metric import Metric
from harness.runs.comparison import reasons
from harness.runs.loaded import Loaded
from harness.runs.sides import AXES, check_seeds, named_models
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline
from harness.statistics.pairs import contrast
from harness.statistics.pooled import pooled
from harness.statistics.rows import levels_with_points

NOT_ALIKE = ("metric", "experiment", "task")
"""Axes along which numbers are about other things, so that none of them is the best."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of one run.

    Attributes:
        at: where it may stand: its model, experiment, task, seed and metric, the keys of its level, and settings.
    """

    run: Loaded
    metric: Metric
    level: Mapping[str, str]
    at: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        runs: one, or several that differ in the seed.
        best: whether it is better than every other number that it can be compared with, by more than chance: the
            95 % interval of each paired difference lies on one side of 0.
    """

    runs: tuple[Loaded, ...]
    metric: Metric
    level: Mapping[str, str]
    estimate: Estimate
    best: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        rows, columns: what its axes are.
        cells: by the values of both, in the order of the table.
        doubts: why numbers that stand side by side cannot be compared.
    """

    rows: str
    columns: str
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    doubts: tuple[str, ...] = ()


def make_grid(
    runs: Sequence[Loaded],
    rows: str | None = None,
    columns: str | None = None,
    metrics: Sequence[str] = (),
    level: Mapping[str, LevelValue] | None = None,
    *,
    replicates: int = 1000,
) -> Grid:
    """The table of some runs; axes that are not given are chosen by the runs' differences.

    Without `metrics` these are the accuracy and the metrics of claims, or the first claim's where the metric is no
    axis. A key of a level that is no axis and has several values takes the value in the first claim about the metric.

    Args:
        level: values of keys of the levels, as {"arm": "few-shot"}.

    Raises:
        HarnessError: an unknown axis, metric or value; a cell that would hold several numbers, which says what would
            tell them apart.
    """
    rows, columns = axes(runs, rows, columns)
    fixed = {key: level_text(value) for key, value in (level or {}).items()}
    _check_names(runs, metrics, fixed)
    models = named_models(runs)
    found = [one for run in runs for one in _numbers(run, models[id(run)], (rows, columns), metrics, fixed)]
    places: dict[tuple[str, str], list[Number]] = {}
    for number in found:
        for axis in (rows, columns):
            if axis not in number.at:
                keys = dict.fromkeys([*AXES, "metric", *(key for one in found for key in one.at)])
                raise HarnessError(f"--rows/--columns {axis}: no number has it{nearest(axis, keys)}")
        places.setdefault((number.at[rows], number.at[columns]), []).append(number)
    if not places:
        raise HarnessError("no number is left for the table: name other runs, metrics or levels")
    cells = {place: _cell(place, numbers, replicates) for place, numbers in places.items()}
    row_names, column_names = (tuple(dict.fromkeys(place[i] for place in places)) for i in (0, 1))
    return _with_best(Grid(rows, columns, row_names, column_names, cells), replicates)


def axes(runs: Sequence[Loaded], rows: str | None, columns: str | None) -> tuple[str, str]:
    """The axes of a table: the ones that were asked for, else the differences of the runs.

    Raises:
        HarnessError: both are the same.
    """
    several = {
        "model": len(set(named_models(runs).values())) > 1,
        "experiment": len({run.record.manifest["experiment"] for run in runs}) > 1,
        "task": len({run.settings.get("task.name") for run in runs}) > 1,
    }
    if rows is None:
        rows = "model" if several["model"] or several["experiment"] else "task" if several["task"] else "arm"
        rows = ("arm" if several["model"] else "metric") if rows == columns else rows
    if columns is None:
        columns = next((axis for axis in ("experiment", "task") if several[axis] and axis != rows), "metric")
        columns = ("model" if several["model"] else "arm") if columns == rows else columns
    if rows == columns:
        raise HarnessError(f"--rows {rows} --columns {columns}: give two different axes")
    return rows, columns


def _numbers(
    run: Loaded, model: str, axis: Sequence[str], wanted: Sequence[str], fixed: Mapping[str, str]
) -> Iterator[Number]:
    """The numbers of a run that a table shows."""
    known = {metric.name: metric for metric in run.job.all_metrics}
    names = [name for name in wanted if name in known]
    if not wanted:
        claimed = [claim.metric for claim in run.job.claims if claim.metric in known]
        first = [e.metric for e in headline(run.record.estimates, claimed) if e.metric in known]
        names = list(dict.fromkeys(first)) if "metric" in axis else (claimed or first)[:1]
    m = run.record.manifest
    base = {"model": model, "experiment": str(m["experiment"]), "task": str(m["task"]["name"])}
    base["seed"] = str(m["seed"])
    settings = {one: str(run.settings[key]) for one in axis if (key := AXES.get(one, one)) in run.settings}
    for name in names:
        metric = known[name]
        there = levels_with_points(metric, run.table)
        there = [level for level in there if all(level.get(key, value) == value for key, value in fixed.items())]
        for level in _chosen(run, metric, there, {*axis, *fixed}, any_will_do=not wanted and not fixed):
            yield Number(run, metric, level, {**settings, **base, **level, "metric": name})


def _chosen(
    run: Loaded, metric: Metric, levels: list[dict[str, str]], told: set[str], *, any_will_do: bool
) -> list[dict[str, str]]:
    """The levels of a metric that a table shows: for keys that nothing tells apart, the values in the first claim that
    the run can answer. Where there is none, the first of all levels, if the table was left to us."""
    claims = sorted(run.job.claims, key=lambda claim: claim.metric != metric.name)
    for key in metric.keys:
        if key in told or len({level[key] for level in levels}) < 2:
            continue
        there = dict.fromkeys(level[key] for level in levels)
        claimed = (level_text(claim.level[key]) for claim in claims if key in claim.level)
        value = next((value for value in claimed if value in there), next(iter(there)) if any_will_do else None)
        levels = [level for level in levels if value in (None, level[key])]
    return levels


def _check_names(runs: Sequence[Loaded], metrics: Sequence[str], fixed: Mapping[str, str]) -> None:
    known = {metric.name: metric for run in runs for metric in run.job.all_metrics}
    for name in metrics:
        if name not in known:
            raise HarnessError(f"--metric {name}: no run has it{nearest(name, known)}")
    for key, value in fixed.items():
        values = {
            level[key]: None
            for run in runs
            for metric in run.job.all_metrics
            if key in metric.keys
            for level in levels_with_points(metric, run.table)
        }
        if not values:
            keys = dict.fromkeys(key for metric in known.values() for key in metric.keys)
            raise HarnessError(f"--level {key}={value}: no number has such a key{nearest(key, keys)}")
        if value not in values:
            raise HarnessError(f"--level {key}={value}: there is no such value{nearest(value, values)}")


def _cell(place: tuple[str, str], numbers: Sequence[Number], replicates: int) -> Cell:
    keys = dict.fromkeys(key for number in numbers for key in number.at if key != "seed")
    for key in keys:
        values = list(dict.fromkeys(number.at.get(key, "none") for number in numbers))
        if len(values) > 1:
            how = f"name runs of one {key}" if key in AXES else f"add --{key} NAME" if key == "metric" else ""
            how = how or f"add --level {key}={values[0]}"
            raise HarnessError(
                f"{' and '.join(place)} would be one cell of {len(numbers)} numbers that differ in {key} "
                f"({', '.join(values[:6])}{', ...' if len(values) > 6 else ''}): {how}, or give --columns {key}"
            )
    runs, metric, level = tuple(number.run for number in numbers), numbers[0].metric, numbers[0].level
    if len(runs) == 1:
        own = (e for e in runs[0].record.estimates if e.metric == metric.name and dict(e.level) == dict(level))
        estimate = next(own, None) or pooled(metric, level, [runs[0].table], replicates=replicates)
        return Cell(runs, metric, level, estimate)
    check_seeds(f"{' and '.join(place)}: the {len(runs)} runs", runs)
    return Cell(runs, metric, level, pooled(metric, level, [run.table for run in runs], replicates=replicates))


def _with_best(grid: Grid, replicates: int) -> Grid:
    """The table with the best number of each column marked, or of each row where the rows are not alike."""
    by_column = grid.rows not in NOT_ALIKE
    if not by_column and grid.columns in NOT_ALIKE:
        return grid
    names = grid.column_names if by_column else grid.row_names
    axis = grid.rows if by_column else grid.columns
    cells, doubts = dict(grid.cells), dict[str, None]()
    for name in names:
        line = {place: cell for place, cell in grid.cells.items() if place[1 if by_column else 0] == name}
        best, doubt = _best(line, axis, replicates)
        doubts |= dict.fromkeys(f"{name}: {text}" for text in doubt)
        if best is not None:
            cells[best] = replace(cells[best], best=True)
    return replace(grid, cells=cells, doubts=tuple(doubts))


Place = tuple[str, str]


def _best(line: Mapping[Place, Cell], axis: str, replicates: int) -> tuple[Place | None, list[str]]:
    """The number that is better than all others by more than chance, and why some cannot be compared."""
    better = {cell.metric.measure.better for cell in line.values()}
    known = {place: cell for place, cell in line.items() if cell.estimate.value is not None}
    tested = all(cell.metric.measure.interval for cell in known.values())
    if len(known) < 2 or len(better) > 1 or better == {"neither"} or not tested:
        return None, []
    sign = 1 if better == {"higher"} else -1
    top = max(known, key=lambda place: sign * (known[place].estimate.value or 0.0))
    one, alone = known[top], True
    for place, other in known.items():
        if place == top:
            continue
        if other.metric != one.metric:
            return None, [f"{other.metric.name} is not the same measure in all runs"]
        warnings = [] if other.runs == one.runs else reasons(other.runs[0], one.runs[0], [AXES.get(axis, axis)])[0]
        if warnings:
            return None, warnings
        tables = [run.table for run in other.runs], [run.table for run in one.runs]
        found = contrast(one.metric, other.level, *tables, other=one.level, replicates=replicates)
        ends = [sign * end for end in (found.low, found.high) if end is not None]
        alone &= bool(ends) and min(ends) > 0 and not found.doubt
    return (top if alone else None), []
