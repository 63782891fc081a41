"""Makes the sweep's page: every finished cell side by side."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError
from harness.runs.records import RunRecord, load_record
from harness.sweep.folder import Sweep


def write_report(sweep: Sweep) -> Path | None:
    """Writes report.html over all cells that are done, and names the others; shards are no results.

    Returns:
        The page; None when no cell is done.

    Raises:
        HarnessError: the page cannot be written.
    """
    from harness.report.several import render_several

    records: list[RunRecord] = []
    left_out: list[str] = []
    for cell in sweep.cells:
        status = sweep.status(cell.index)
        if cell.whole is not None:
            continue
        if status.state != "done":
            left_out.append(f"cell {cell.index} ({cell.label}) is {status.state}: {status.reason or 'no reason given'}")
            continue
        try:
            records.append(load_record(sweep.cwd / cell.folder))
        except HarnessError as error:  # a damaged one must not take the page from the others
            left_out.append(f"cell {cell.index} ({cell.label}): {error}")
    if not records:
        return None
    sweep.write_text("report.html", render_several(f"Sweep {sweep.name}", records, sweep.folder, left_out))
    return sweep.folder / "report.html"
