"""`run -m` and `sweep`: what they take on the command line. What they do is in `harness.cli.sweeping`."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import HarnessError


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
        action.add_argument("folder", type=Path, metavar="DIR", help="the sweep's folder, as printed when launched")
        if name == "status":
            action.add_argument("--watch", action="store_true", help="redraw until everything is over")
            action.add_argument("--json", action="store_true", help="print all that is known as JSON")
        if name == "resume":
            action.add_argument("--detach", action="store_true", help="return at once")
    # What jobs run on compute nodes; not for people.
    worker = actions.add_parser("work")
    worker.add_argument("folder", type=Path)
    worker.add_argument("--job", required=True)
    worker.add_argument("--cells", required=True)


def is_multirun(options: argparse.Namespace) -> bool:
    """Whether `run` is to launch a grid.

    Raises:
        HarnessError: something of a grid is asked for, but no grid, or a suite too.
    """
    keys = [word.lstrip("+~").partition("=")[0] for word in options.overrides]
    if options.multirun and "suite" in keys:
        raise HarnessError("a suite is no part of a grid; write -m experiment=a,b,c instead")
    if options.multirun and options.cfg:
        raise HarnessError("--cfg prints the config of one run; leave -m out")
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
    from harness.cli.sweeping import launch_grid

    return launch_grid(options.overrides, options.config_dir, detach=options.detach)


def sweep_command(options: argparse.Namespace) -> int:
    """Runs one action on a sweep.

    Returns:
        The exit code: 0; 1 when a cell has failed; 130 after Ctrl-C.

    Raises:
        HarnessError: no such sweep, or one of another version.
    """
    from harness.cli import sweeping
    from harness.sweep.folder import read_sweep

    sweep = read_sweep(options.folder)
    if options.action == "work":
        return sweeping.work_on(sweep, options.job, [int(index) for index in options.cells.split(",")])
    if options.action == "cancel":
        return sweeping.cancel(sweep)
    if options.action == "resume":
        return sweeping.resume(sweep, detach=options.detach)
    return sweeping.show_status(sweep, watch=options.watch, as_json=options.json)
