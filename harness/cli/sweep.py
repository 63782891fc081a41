"""`run -m` launches a sweep; `sweep` shows its state, resumes it or cancels it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from harness.console import aligned, counted, log, redraw
from harness.errors import HarnessError
from harness.files import user_path
from harness.processes import signals
from harness.processes.streams import gone

if TYPE_CHECKING:
    from harness.sweep.folder import Sweep
    from harness.sweep.launch.base import Launcher
    from harness.sweep.status import Seen, View

REDRAWN_EVERY = 2.0
"""Seconds between two looks of `status --watch`."""


def add_multirun(run: argparse.ArgumentParser) -> None:
    """Adds the flags of a grid to `run`."""
    text = "a run for each combination of values: seed=0,1,2 model=a,b (docs/slurm.md)"
    run.add_argument("-m", "--multirun", action="store_true", help=text)
    run.add_argument("--detach", action="store_true", help="with -m: return at once, the runs go on")


def add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its actions to the parser."""
    text = "a sweep launched by `run -m`: how far it is, go on with what is missing, stop it"
    sweep = commands.add_parser("sweep", help=text, description=text)
    actions = sweep.add_subparsers(dest="action", required=True, metavar="ACTION")
    helps = {
        "status": "the state of every cell; exit 1 when one has failed",
        "resume": "run what is missing or has failed; cells that are done stay",
        "cancel": "stop every cell that is waiting or at work; `resume` goes on later",
    }
    for name, text in helps.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("folder", type=user_path, metavar="DIR", help="the sweep's folder, printed at its launch")
        if name == "status":
            action.add_argument("--watch", action="store_true", help="redraw until everything is over")
            action.add_argument("--json", action="store_true", help="print all that is known as JSON")
        if name == "resume":
            action.add_argument("--detach", action="store_true", help="return at once")
    # The command of jobs on compute nodes; not for people.
    worker = actions.add_parser("work")
    worker.add_argument("folder", type=user_path)
    worker.add_argument("--job", required=True)
    worker.add_argument("--cells", required=True)


def is_multirun(options: argparse.Namespace) -> bool:
    """Whether `run` is to launch a grid.

    Raises:
        HarnessError: something of a grid is asked for, but no grid, or a study too.
    """
    keys = [word.lstrip("+~").partition("=")[0] for word in options.overrides]
    if options.multirun and "study" in keys:
        raise HarnessError("a study is no part of a grid; write -m experiment=a,b,c instead")
    launching = [key for key in keys if key.startswith(("hydra/launcher", "hydra.launcher.", "hydra.sweep."))]
    if not options.multirun and (options.detach or launching):
        word = launching[0] if launching else "--detach"
        raise HarnessError(f"{word} is for sweeps; add -m, which takes a grid of one cell, too")
    return bool(options.multirun)


def multirun(options: argparse.Namespace) -> int:
    """Checks a whole grid, then launches it.

    Returns:
        The exit code: 0; 1 when a cell has failed; 130 after Ctrl-C.

    Raises:
        HarnessError: a cell or the launcher could not work; nothing was started then.
    """
    from harness.sweep.launch.base import refuse_another_launcher
    from harness.sweep.plan import plan_sweep

    begin = time.perf_counter()
    sweep, launcher = plan_sweep(options.overrides, options.config_dir)
    log(f"sweep {sweep.name}: {counted(len(sweep.cells), 'cell')} checked in {time.perf_counter() - begin:.1f} s")
    refuse_another_launcher(sweep)
    sweep.create()
    return _launch(sweep, launcher, detach=options.detach)


def sweep_command(options: argparse.Namespace) -> int:
    """Runs one action on a sweep.

    Returns:
        The exit code: 0; 1 when a cell has failed; 130 after Ctrl-C.

    Raises:
        HarnessError: no such sweep, or one of another version.
    """
    from harness.sweep.folder import enter, read_sweep
    from harness.sweep.hidden import check_present
    from harness.sweep.launch.base import cancel, load_launcher
    from harness.sweep.worker import serve

    sweep = read_sweep(options.folder)
    if options.action == "work":
        cells = [int(index) for index in options.cells.split(",")]
        return 0 if serve(sweep, cells, options.job) else signals.exit_code()
    if options.action == "cancel":
        left = cancel(sweep)
        log(f"{counted(left, 'cell')} cancelled; python -m harness sweep resume {sweep.folder} goes on with them")
        return 0
    if options.action == "resume":
        check_present(sweep)
        enter(sweep)
        launcher = load_launcher(sweep.launcher)
        launcher.check([])
        return _launch(sweep, launcher, detach=options.detach)
    return _show_status(sweep, watch=options.watch, as_json=options.json)


def _launch(sweep: Sweep, launcher: Launcher, *, detach: bool) -> int:
    from harness.sweep.launch.base import look, start, start_in_background

    log(f"sweep folder {sweep.folder}")
    if detach and not launcher.detached:
        process = start_in_background(sweep)
        log(f"process {process} goes on without this terminal, log {sweep.folder / 'log.txt'}")
        log(f"see: python -m harness sweep status {sweep.folder}")
        return 0
    started = start(sweep, launcher)
    if not started and look(sweep).over:
        log("every cell is done")
    if detach:
        log(f"going on without this terminal; see: python -m harness sweep status {sweep.folder}")
        return 0
    if launcher.detached:
        follow(sweep, launcher.look_every)
    return _finish(sweep)


def follow(sweep: Sweep, seconds: float) -> None:
    """Prints a line for every change until every cell is settled."""
    from harness.sweep.launch.base import look
    from harness.sweep.status import differences

    before: View | None = None
    note = ""
    try:
        while True:
            view = look(sweep)
            if view.note:  # one line for all cells, not one for each as long as nobody knows how they stand
                if view.note != note:
                    log(str(view))
                note = view.note
                time.sleep(seconds)
                continue
            for seen in differences(before, view).values():
                log(_line(seen))
            if before is None or note or str(before) != str(view):
                log(str(view))
            note = ""
            if view.over:
                return
            before = view
            time.sleep(seconds)
    except KeyboardInterrupt:
        log(f"the jobs go on; see: python -m harness sweep status {sweep.folder} (or sweep cancel)")
        raise


def _finish(sweep: Sweep) -> int:
    from harness.sweep.launch.base import look
    from harness.sweep.report import write_report

    view = look(sweep)
    page = write_report(sweep)
    print(_table(sweep, view))
    if page is not None:
        print(f"report: {page}")
    return int(view.counts["done"] < len(view.cells))


def _show_status(sweep: Sweep, *, watch: bool, as_json: bool) -> int:
    """Prints the state of every cell; 1 when one has failed."""
    from harness.sweep.launch.base import look

    while True:
        view = look(sweep)
        if as_json:
            cells = [seen.to_json() for seen in view.cells]
            text = json.dumps({"sweep": sweep.name, "counts": view.counts, "note": view.note, "cells": cells}, indent=1)
        else:
            text = _table(sweep, view)
        if watch and not as_json and sys.stdout.isatty():
            redraw(text)
        else:
            print(text, flush=True)
        if not watch or view.over or gone():
            return int(view.counts["failed"] > 0)
        time.sleep(REDRAWN_EVERY)


def _table(sweep: Sweep, view: View) -> str:
    rows = [["cell", "what", "state", "again", "items", "job"]]
    reasons: dict[str, list[str]] = {}
    for seen in view.cells:
        s = seen.status
        items = f"{s.done}/{s.total}" if s.total else f"{s.done}" if s.done else ""
        again, job = str(s.requeued or ""), s.job.rpartition(" ")[2]  # "process 4349" is told as its number
        rows.append([str(seen.cell.index), seen.cell.label, s.state, again, items, job])
        if s.reason:
            reasons.setdefault(_printable(s.reason), []).append(str(seen.cell.index))
    # Below the table, because a reason may take several lines; one that many cells share is told once.
    filled = [column for column in zip(*rows, strict=True) if any(column[1:])]
    right = [i for i, column in enumerate(filled) if column[0] in ("cell", "again", "items")]
    lines = [f"sweep {sweep.name}: {view}", "", *aligned(list(zip(*filled, strict=True)), right)]
    told = [f"cell{'s' if len(cells) > 1 else ''} {', '.join(cells)}: {reason}" for reason, cells in reasons.items()]
    return "\n".join([*lines, *([""] if told else []), *told])


def _line(seen: Seen) -> str:
    reason = f" ({_printable(seen.status.reason)})" if seen.status.reason else ""
    return f"cell {seen.cell.index} ({seen.cell.label}): {seen.status.state}{reason}"


def _printable(text: str) -> str:
    """One line without control characters: reasons may quote what a server or a model wrote."""
    return "".join(c if c.isprintable() else " " for c in text)
