"""`wandb sync RUN...` sends finished runs to W&B from their own directories; `wandb workspace` compares a group."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.console import counted, log
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.figures import Figure
    from harness.outcomes import Table
    from harness.runs.records import RunRecord
    from harness.tracker import RunResult
    from harness.tracking.wandb import Wandb


def add_wandb(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    text = "send finished runs to W&B, or make a page there that compares them (docs/wandb.md)"
    actions = commands.add_parser("wandb", help=text, description=text).add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    text = "send finished runs from their own directories, whether or not they were tracked"
    sync = actions.add_parser("sync", help=text, description=text)
    sync.add_argument("runs", nargs="+", metavar="RUN", help="run directories, patterns, folders of runs, sweeps")
    text = "save a workspace that compares the runs of a group"
    workspace = actions.add_parser("workspace", help=text, description=text)
    workspace.add_argument("--metric", nargs="+", metavar="NAME", help="auroc, or auroc/few-shot; by default all")
    workspace.add_argument("--url", help="the workspace to change; by default a new one is made, each time")
    for command in (sync, workspace):
        needed = command is workspace
        text = "of the runs" if needed else "by default the one that each run was set to"
        command.add_argument("--project", metavar="NAME", required=needed, help=text)
        command.add_argument("--entity", metavar="NAME", help="user or team")
        command.add_argument("--group", metavar="NAME", required=needed, help="of these runs")


def wandb_command(options: argparse.Namespace) -> int:
    """Sends runs, or saves a workspace.

    Returns:
        0, or 1 when a run could not be sent; each with its reason on stderr.

    Raises:
        HarnessError: no such run, no key, W&B switched off, or a workspace that cannot be saved.
    """
    if options.action == "workspace":
        from harness.tracking.workspace import save

        print(save(options.project, options.entity, options.group, options.url, metrics=options.metric))
        return 0
    from harness.cli.found import find_runs

    runs = [found.path for found in find_runs(options.runs)]
    _check_access()
    failed = 0
    for run in runs:
        try:
            print(f"{run}: sent to {send(run, options)}")
        except HarnessError as error:
            failed += 1
            log(f"{run} was not sent: {error}")
    print(f"{len(runs) - failed} of {counted(len(runs), 'run')} sent")
    return 1 if failed else 0


def settings_of(tracker: object, options: argparse.Namespace) -> Wandb:
    """The W&B settings of a run, changed by the flags; the usual ones when it had another tracker."""
    from harness.tracking.wandb import Wandb

    base = tracker if isinstance(tracker, Wandb) else Wandb()
    given = {name: getattr(options, name) for name in ("project", "entity", "group") if getattr(options, name)}
    return replace(base, mode="online", fallback=False, **given)


def send(run: Path, options: argparse.Namespace) -> str:
    """Logs a finished run again, under its own id.

    Returns:
        Where it is to be seen.

    Raises:
        HarnessError: the run cannot be read, or W&B did not take all of it.
    """
    from harness.config import make_job
    from harness.outcomes import Table
    from harness.runs.records import load_record
    from harness.tracker import RunStart
    from harness.tracking.wandb import has_ended

    record = load_record(run)
    manifest = record.manifest
    if "run_id" not in manifest:
        raise HarnessError(f"{run / 'manifest.json'} holds no run_id: written by another version; run it again")
    try:
        job = make_job(record.config, str(manifest["experiment"]), {})
    except HarnessError as error:
        raise HarnessError(f"{run / 'manifest.json'}: {error}; it is of another version: run it again") from error
    table = Table.load(run / "outcomes.parquet")
    tracker = settings_of(job.tracker, options)
    tracker.start(
        RunStart(
            folder=run,
            run_id=str(manifest["run_id"]),
            name=f"{manifest['experiment']}-{run.resolve().name}",
            config=manifest["config"],
            experiment=str(manifest["experiment"]),
            model=str(manifest["model"]["name"]),
            task=str(manifest["task"]["name"]),
            items=int(manifest["task"]["items"]),
        )
    )
    where, path = tracker.url, tracker.path
    tracker.finish(_result(run, record, table, job.experiment.figures))
    if tracker.problems:
        raise HarnessError("; ".join(tracker.problems))
    if not has_ended(path):
        raise HarnessError("W&B refused a part of it: the server still has the run as running; see wandb/ in the run")
    return where


def _result(run: Path, record: RunRecord, table: Table, figures: Sequence[Figure]) -> RunResult:
    from harness.report.figures import draw
    from harness.tracker import RunResult

    return RunResult(
        folder=run,
        manifest=record.manifest,
        table=table,
        estimates=record.estimates,
        verdicts=record.verdicts,
        drawings=[draw(figure, table, record.estimates) for figure in figures],
        figures=figures,
    )


def _check_access() -> None:
    from harness.tracking.wandb import forced_mode, has_key

    if forced_mode() in ("offline", "disabled"):
        name = "WANDB_DISABLED" if os.environ.get("WANDB_DISABLED") else "WANDB_MODE"
        raise HarnessError(f"{name}={os.environ[name]} keeps W&B from sending anything; unset it")
    if not has_key():
        raise HarnessError("there is no key for W&B: set WANDB_API_KEY, and WANDB_BASE_URL for a server of your own")
