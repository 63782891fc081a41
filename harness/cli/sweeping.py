"""Launches sweeps, follows them, goes on with them and stops them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.console import log
from harness.errors import HarnessError
from harness.sweep.driver import driver_of
from harness.sweep.folder import Sweep, read_sweep
from harness.sweep.jobs import depend_on_parent
from harness.sweep.launchers import Launcher, Slurm
from harness.sweep.launching import load_launcher, plan_sweep, start
from harness.sweep.report import write_report
from harness.sweep.slurm import cancel_jobs, in_queue
from harness.sweep.view import Seen, View, differences, look
from harness.sweep.work import work

REDRAWN_EVERY = 2.0
"""Seconds between two looks of `status --watch`."""


def launch_grid(overrides: Sequence[str], config_dir: Path | None, *, detach: bool) -> int:
    """Checks a whole grid, then launches it; see `harness.cli.sweep.multirun`."""
    begin = time.perf_counter()
    sweep, launcher = plan_sweep(overrides, config_dir)
    log(f"sweep {sweep.name}: {len(sweep.cells)} cells checked in {time.perf_counter() - begin:.1f} s")
    _refuse_another_launcher(sweep)
    sweep.create()
    return _launch(sweep, launcher, detach=detach)


def _refuse_another_launcher(sweep: Sweep) -> None:
    """The same grid may move from SLURM to this machine, but not while its jobs are at work: nobody would see them."""
    if not (sweep.folder / "sweep.json").exists():
        return
    known = read_sweep(sweep.folder)
    if known.launcher["_target_"] != sweep.launcher["_target_"] and any(
        seen.alive and not seen.status.settled for seen in look(known).cells
    ):
        raise HarnessError(
            f"{sweep.folder} is at work with another launcher; stop it with `python -m harness sweep cancel "
            f"{sweep.folder}`, or set hydra.sweep.dir=FOLDER to another"
        )


def resume(sweep: Sweep, *, detach: bool) -> int:
    """Runs what is missing or has failed."""
    os.chdir(sweep.cwd)
    launcher = load_launcher(dict(sweep.launcher))
    launcher.check([])
    return _launch(sweep, launcher, detach=detach)


def _launch(sweep: Sweep, launcher: Launcher, *, detach: bool) -> int:
    log(f"sweep folder {sweep.folder}")
    if detach and launcher.waits:
        return _in_background(sweep)
    n = start(sweep, launcher)
    if not n and look(sweep).over:
        log("every cell is done")
    if isinstance(launcher, Slurm) and not detach:
        _wait(sweep, launcher.poll_s)
    if detach:
        log(f"going on without this terminal; see: python -m harness sweep status {sweep.folder}")
        return 0
    return _finish(sweep)


def _in_background(sweep: Sweep) -> int:
    if (driver := driver_of(sweep)) is not None and driver.writer_lives() is not False:
        raise HarnessError(f"{sweep.folder} is driven by process {driver.pid} on {driver.host} already")
    with (sweep.folder / "log.txt").open("ab") as out:
        words = [sys.executable, "-m", "harness", "sweep", "resume", str(sweep.folder)]
        # A session of its own, so that closing the terminal does not reach it.
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    log(f"process {process.pid} goes on without this terminal, log {sweep.folder / 'log.txt'}")
    log(f"see: python -m harness sweep status {sweep.folder}")
    return 0


def _wait(sweep: Sweep, seconds: float) -> None:
    """Follows jobs that others run, a line for whatever changes."""
    before: View | None = None
    try:
        while True:
            view = look(sweep)
            for seen in differences(before, view).values():
                log(_line(seen))
            if before is None or str(before) != str(view):
                log(str(view))
            if view.over:
                return
            before = view
            time.sleep(seconds)
    except KeyboardInterrupt:
        log(f"the jobs go on; see: python -m harness sweep status {sweep.folder} (or sweep cancel)")
        raise


def _finish(sweep: Sweep) -> int:
    view = look(sweep)
    page = write_report(sweep)
    print(_table(sweep, view))
    if page is not None:
        print(f"report: {page}")
    return int(view.counts["done"] < len(view.cells))


def show_status(sweep: Sweep, *, watch: bool, as_json: bool) -> int:
    """Prints the state of every cell; 1 when one has failed."""
    while True:
        view = look(sweep)
        if as_json:
            cells = [seen.to_json() for seen in view.cells]
            text = json.dumps({"sweep": sweep.name, "counts": view.counts, "note": view.note, "cells": cells}, indent=1)
        else:
            text = _table(sweep, view)
        # Home and clear: the table is redrawn in place.
        print(f"\033[H\033[2J{text}" if watch and not as_json and sys.stdout.isatty() else text, flush=True)
        if not watch or view.over:
            return int(view.counts["failed"] > 0)
        time.sleep(REDRAWN_EVERY)


def _table(sweep: Sweep, view: View) -> str:
    lines = [f"sweep {sweep.name}: {view}", ""]
    width = max(len(seen.cell.label) for seen in view.cells)
    lines.append(f"{'cell':>5} {'what':<{width}} {'state':<8} {'again':>5} {'items':>11} {'job':<12} remark")
    for seen in view.cells:
        s = seen.status
        items = f"{s.done}/{s.total}" if s.total else f"{s.done}" if s.done else ""
        job = s.job if len(s.job) < 13 else s.job.rpartition(" ")[2]
        text = (
            f"{seen.cell.index:>5} {seen.cell.label:<{width}} {s.state:<8} {s.requeued or '':>5} {items:>11} {job:<12}"
        )
        lines.append(f"{text} {_printable(s.reason)}".rstrip())
    return "\n".join(lines)


def _line(seen: Seen) -> str:
    reason = f" ({_printable(seen.status.reason)})" if seen.status.reason else ""
    return f"cell {seen.cell.index} ({seen.cell.label}): {seen.status.state}{reason}"


def _printable(text: str) -> str:
    """One line without control characters: reasons may quote what a server or a model wrote."""
    return "".join(c if c.isprintable() else " " for c in text)


def cancel(sweep: Sweep) -> int:
    """Stops whatever is waiting or at work.

    Raises:
        HarnessError: SLURM refuses or does not answer.
    """
    sweep.cancel()
    if sweep.launcher["_target_"].endswith("Slurm"):
        queue = in_queue()
        if queue is None:
            raise HarnessError("SLURM does not answer; running cells stop by themselves, waiting ones when they start")
        if jobs := [job for job in sweep.jobs() if job in queue]:
            cancel_jobs(jobs)
    left = sum(not sweep.status(cell.index).settled for cell in sweep.cells)
    log(f"{left} cells cancelled; python -m harness sweep resume {sweep.folder} goes on with them")
    return 0


def work_on(sweep: Sweep, job: str, cells: Sequence[int]) -> int:
    """Runs cells as the worker of a job; 130 when it was interrupted."""
    depend_on_parent()
    finished = work(sweep, cells, job)
    if all(sweep.status(cell.index).settled for cell in sweep.cells):
        write_report(sweep)
    return 0 if finished else 130
