"""`import FILE|FOLDER` makes run directories of logs of lm-eval and Inspect, for compare, report and rescore."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.console import log, visible
from harness.errors import HarnessError
from harness.files import user_path

if TYPE_CHECKING:
    from harness.interop.answers import Source


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "make runs of lm-eval samples or Inspect logs, for compare, report, table and rescore (docs/interop.md)"
    command = commands.add_parser("import", help=text, description=text)
    what = "samples_*.jsonl of lm-eval, a .eval or .json log of Inspect, or a folder of such files"
    command.add_argument("path", type=user_path, metavar="FILE|FOLDER", help=what)
    like = "pair the questions with the items of this run of ours, so that compare sets the two against each other"
    command.add_argument("--like", type=user_path, metavar="RUN", help=like)
    arm = "call a scorer as an arm of ours is called, as exact_match=zero-shot; may be repeated"
    command.add_argument("--arm", action="append", default=[], metavar="THEIRS=OURS", help=arm)
    command.add_argument("--task", metavar="NAME", help="name of the task; default theirs, or that of --like")
    command.add_argument("--model", metavar="NAME", help="name of the model; default theirs")
    output = "the run directory; default runs/imported/TASK-MODEL-DIGEST"
    command.add_argument("--output", type=user_path, metavar="DIR", help=output)


def import_command(options: argparse.Namespace) -> int:
    """Makes the runs.

    Files of a folder that cannot be read are left out with a line.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: nothing that can be read, a run that cannot be paired, or a directory that cannot be written.
    """
    arms = dict(_renamed(word) for word in options.arm)
    files = _files(options.path)
    if options.output is not None and len(files) > 1:
        raise HarnessError(f"--output {options.output}: {options.path} holds {len(files)} logs; import one FILE")
    left_out: list[str] = []
    for file in files:
        try:
            source = _read(file)
        except HarnessError as error:
            if file == options.path:
                raise
            left_out.append(str(error))
            continue
        _import(source, arms, options)
    for reason in left_out:
        log(f"left out: {reason}")
    if len(left_out) == len(files):
        raise HarnessError(f"{options.path}: no log in it could be read")
    return 0


def _files(path: Path) -> Sequence[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise HarnessError(f"{path}: no such file or folder")
    names = ("samples_*.jsonl", "*.eval", "*.json")
    found = sorted({file for name in names for file in path.rglob(name) if file.is_file()})
    files = [file for file in found if not file.name.startswith("results_")]
    if not files:
        raise HarnessError(f"{path}: neither samples_*.jsonl of lm-eval (written by --log_samples) nor logs of Inspect")
    return files


def _read(file: Path) -> Source:
    from harness.interop.inspect_logs import read_log
    from harness.interop.lm_eval_samples import read_samples

    if file.suffix == ".jsonl":
        return read_samples(file)
    if file.suffix in (".eval", ".json"):
        return read_log(file)
    raise HarnessError(f"{file}: neither samples_*.jsonl of lm-eval nor a .eval or .json log of Inspect")


def _import(source: Source, arms: dict[str, str], options: argparse.Namespace) -> None:
    from harness.interop.importing import default_folder, with_arms, write_run
    from harness.interop.pairing import pair

    told = ""
    if options.like is not None:
        paired = pair(source.answers, options.like)
        source = replace(source, answers=paired.answers, task=paired.task)
        told = paired.told(options.like)
    source = with_arms(source, arms)
    source = replace(source, task=options.task or source.task, model=options.model or source.model)
    folder = options.output or default_folder(source)
    checks = write_run(source, folder, like=options.like)
    items = len({answer.item.id for answer in source.answers})
    print(visible(f"{source.file}: {source.format} {source.version}, {source.task}, {source.model}, {items} items"))
    if told:
        print(visible(told))
    for check in checks:
        error = "" if check.error is None else f" (stderr {check.error:.4f})"
        if check.ours is None or check.ours.value is None:
            log(f"{check.arm}: the log has {check.theirs:.4f}{error}, and no scores of samples behind it")
            continue
        ours = check.ours
        shown = f"{ours.value:.4f}" + (f" [{ours.low:.4f}, {ours.high:.4f}]" if ours.low is not None else "")
        print(visible(f"  {check.arm}: {shown} (n={ours.n}); the log has {check.theirs:.4f}{error}"))
        if not check.agrees:
            log(f"{check.arm}: this is not the log's number; see docs/interop.md for reasons")
    print(f"run: {folder}; report: {folder / 'report.html'}")


def _renamed(word: str) -> tuple[str, str]:
    theirs, sign, ours = word.partition("=")
    if not sign or not theirs or not ours:
        raise HarnessError(f"--arm {word}: write THEIRS=OURS, as exact_match=zero-shot")
    return theirs, ours
