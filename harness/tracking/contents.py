"""Turns the result of a run into objects of W&B: numbers, pictures, a table, charts and an artifact."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.console import log
from harness.tracker import RunResult
from harness.tracking.numbers import claims_of, course_of, headline_of, numbers_table, verdicts_table
from harness.tracking.series import Chart, chart

ARTIFACT = ("manifest.json", "outcomes.parquet", "estimates.json", "verdicts.json", "calls.jsonl", "report.html")
"""Files of the run directory in the artifact, with everything that the table was cut from."""


def summary_of(result: RunResult) -> dict[str, Any]:
    """The run in few numbers: the verdict on each claim, the headline numbers with their intervals, how the run went.

    W&B sorts them by name, and takes a dot for nesting.
    """
    summary: dict[str, Any] = {f"claims/{text}": kind for text, kind in claims_of(result).items()}
    for name, e in headline_of(result):
        parts = {"": e.value, "/low": e.low, "/high": e.high}
        summary |= {f"{name}{part}": value for part, value in parts.items() if value is not None}
    return {key.replace(".", "_"): value for key, value in (summary | course_of(result)).items()}


def drawings_of(result: RunResult) -> dict[str, Any]:
    """The report's figures as images."""
    import io

    import wandb
    from PIL import Image

    return {
        f"figures/{drawing.name}": wandb.Image(Image.open(io.BytesIO(drawing.png())), caption=drawing.title)
        for drawing in result.drawings
    }


def table_of(result: RunResult, rows: int) -> dict[str, Any]:
    """The outcome table, cut to its first rows."""
    import wandb

    table = result.table
    shown = table.where(np.arange(len(table)) < rows)
    if len(shown) < len(table):
        log(f"W&B's outcome table shows {len(shown)} of {len(table)} rows; the artifact holds all")
    names = list(shown.columns)
    values = zip(*(_plain(shown.columns[name], shown.kinds[name]) for name in names), strict=True)
    return {"outcomes": wandb.Table(columns=names, data=[list(row) for row in values])}


def tables_of(result: RunResult) -> dict[str, Any]:
    """All numbers and all verdicts."""
    import wandb

    tables = {"numbers": numbers_table(result), "verdicts": verdicts_table(result)}
    return {name: wandb.Table(columns=columns, data=rows) for name, (columns, rows) in tables.items() if rows}


def charts_of(result: RunResult) -> dict[str, Any]:
    """Charts that W&B draws, and with reliability diagrams a table of their points and intervals."""
    import wandb

    made: dict[str, Any] = {}
    for one in filter(None, (chart(figure, result.table, result.estimates) for figure in result.figures)):
        made[f"charts/{one.name}"] = wandb.plot.line_series(
            xs=[list(line.x) for line in one.lines],
            ys=[list(line.y) for line in one.lines],
            keys=[line.name for line in one.lines],
            title=one.title,
            xname=one.x_name,
        )
        points = _points(one)
        if points:
            columns = ["line", one.x_name, one.y_name, "low", "high", "n"]
            made[f"points/{one.name}"] = wandb.Table(columns=columns, data=points)
    return made


def artifact_of(result: RunResult) -> Any:
    """The files of the run directory."""
    import wandb

    status, run_id = result.manifest["status"], result.manifest["run_id"]
    artifact = wandb.Artifact(f"run-{run_id}", type="run", metadata={"status": status})
    for name in ARTIFACT:
        if (result.folder / name).exists():
            artifact.add_file(str(result.folder / name), name=name)
    return artifact


def _points(one: Chart) -> list[list[Any]]:
    columns = ((line, zip(line.x, line.y, line.low, line.high, line.n, strict=True)) for line in one.lines if line.n)
    return [[line.name, *values] for line, rows in columns for values in rows]


def _plain(values: np.ndarray, kind: str) -> list[Any]:
    if kind == "text":
        return list(values)
    if kind == "label":
        return [None if np.isnan(v) else bool(v) for v in values]
    return [None if np.isnan(v) else float(v) for v in values]
