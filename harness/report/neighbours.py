"""Finds the sweeps that a run is a cell of, where they lie in the same folder of runs."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

MOST_SWEEPS = 50
"""Sweeps that are looked through, the latest first."""


def sweeps_of(run: Path, page: Path) -> list[tuple[str, str]]:
    """The name of each sweep that has the run as a cell, and the link from the page to the sweep's.

    Args:
        run: the run directory, runs/EXPERIMENT/NAME; or the folder in it where a run's files are made.
        page: the file that the link stands in.
    """
    home = run.parent if run.name.startswith(".") else run
    at = home if page.parent == run else page.parent
    plans = sorted(home.resolve().parent.parent.glob("sweeps/*/sweep.json"), key=_time, reverse=True)[:MOST_SWEEPS]
    cell = f'{home.parent.name}/{home.name}"'
    found = [plan.parent for plan in plans if cell in plan.read_text(encoding="utf-8", errors="replace")]
    return [(one.name, quote(Path(os.path.relpath(one, at.resolve()), "report.html").as_posix())) for one in found]


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
