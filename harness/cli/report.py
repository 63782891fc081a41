"""`report RUN...` makes the page of one run anew, or one page over several runs."""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.console import counted, log
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.runs.records import RunRecord


T = TypeVar("T")

PATIENCE = 5.0
"""Seconds to wait at most for another process that writes a run's results or its page."""

FIX = "give another place with --out FILE"


class NoRun(HarnessError):
    """Something is there, but no run."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run directory, and whether the command line named it itself or it was found in a folder or by a pattern."""

    path: Path
    named: bool


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "make the report of a run anew, or one over several runs (docs/report.md)"
    report = commands.add_parser("report", help=text, description=text)
    report.add_argument(
        "runs", nargs="+", metavar="RUN", help="run directories, patterns like 'runs/pTrue/*', folders of runs, sweeps"
    )
    report.add_argument(
        "--out", type=user_path, metavar="FILE", help="write the page there; by default report.html in the runs' folder"
    )
    report.add_argument("--title", help="heading of a page over several runs")


def report_command(options: argparse.Namespace) -> int:
    """Writes the page.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: no run, one that cannot be read, or a page that cannot be written.
    """
    found = find_runs(options.runs)
    if options.out is not None and (options.out.is_dir() or options.out.suffix not in (".html", ".htm")):
        raise HarnessError(f"--out {options.out}: give the page's file name, like report.html")
    if len(found) == 1:
        return _report_one(found[0].path, options.out)
    return _report_several(options.runs, found, options.out, options.title)


def find_runs(words: Iterable[str]) -> list[Found]:
    """The run directories that words on the command line mean, each once.

    A file, or a folder without runs, is left out with a line where other words mean runs: a shell's star names
    everything in a folder.

    Raises:
        HarnessError: a word that means nothing that is there, or no run at all.
    """
    found: dict[Path, Found] = {}
    left_out: list[str] = []
    for word in words:
        try:
            meant = _meant(word)
        except NoRun as error:
            left_out.append(str(error))
            continue
        for run in meant:
            found.setdefault(run.path.resolve(), run)
    if not found:
        raise HarnessError(left_out[0] if left_out else "name a run directory")
    for reason in left_out:
        log(f"left out: {reason}")
    return list(found.values())


def results(found: Sequence[Found]) -> tuple[list[Found], list[str]]:
    """The runs without dry runs that were found in a folder or by a pattern, and why each of these is left out.

    A dry run that the command line names stays. So do all of them where there are no others.
    """
    from harness.runs.records import without_dry_runs

    kept, left_out = without_dry_runs([run.path for run in found], [run.path for run in found if run.named])
    return [run for run in found if run.path in kept], left_out


def read_all(words: Iterable[str], load: Callable[[Path], T]) -> list[tuple[Found, T]]:
    """The runs that words mean, each with the result of `load` on its directory.

    One that was found in a folder or by a pattern and cannot be used is left out, with a line that says why.

    Raises:
        HarnessError: a run that was named and cannot be read, or none that can.
    """
    words = list(words)
    kept, left_out = results(find_runs(words))
    read: list[tuple[Found, T]] = []
    for found in kept:
        try:
            read.append((found, load(found.path)))
        except HarnessError as error:
            if found.named:
                raise
            left_out.append(str(error))
    for reason in left_out:
        log(f"left out: {reason}")
    if not read:
        raise HarnessError(f"no run of {', '.join(words)} has results that can be read")
    return read


def _meant(word: str) -> list[Found]:
    path = user_path(word)
    if path.is_dir():
        return [Found(path, True)] if _is_run(path) else _within(path)
    if path.is_file():
        raise NoRun(f"{word} is a file; give the run directory, which holds manifest.json")
    if not glob.has_magic(word):
        raise HarnessError(f"{word}: there is no such run directory")
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    folders = [match for match in matches if match.is_dir()]
    runs = [Found(match, False) for match in folders if _is_run(match)]
    if not runs:
        raise NoRun(f"{word} matches {len(matches)} files and folders, none of them a run directory")
    return runs


def _within(folder: Path) -> list[Found]:
    if (folder / "sweep.json").is_file():
        from harness.sweep.folder import read_sweep

        sweep = read_sweep(folder.resolve())
        return [Found(sweep.cwd / cell.folder, False) for cell in sweep.cells if cell.whole is None]
    runs = []
    for here, folders, files in os.walk(folder):
        folders.sort()
        if "manifest.json" in files:
            runs.append(Path(here))
            folders.clear()  # what a run keeps inside itself is no run of its own
    if not runs:
        held = "is empty" if not any(folder.iterdir()) else "is no run directory and holds none: no manifest.json in it"
        raise NoRun(f"{folder} {held}; a run writes its directory under runs/EXPERIMENT/")
    return [Found(run, False) for run in runs]


def _is_run(path: Path) -> bool:
    from harness.runs.owned import OWNER

    # A run that was killed before its manifest has the other files that a run writes first.
    return any((path / name).exists() for name in ("manifest.json", "estimates.json", OWNER))


def _report_one(run: Path, out: Path | None) -> int:
    from harness.report.page import write_page
    from harness.runs.owned import Owned

    page = out or run / "report.html"
    if out is not None or not (run / "manifest.json").is_file():
        written = write_page(run, out)
    else:
        with Owned(run, "report", patience=PATIENCE, fix=FIX) as owned:
            written = write_page(run, owned.stage / page.name)
            owned.publish()
    beside = f", and {written.beside} in {counted(written.files, 'file')} beside it" if written.beside else ""
    print(f"report: {page} ({written.size / 1e6:.1f} MB, {counted(written.inline, 'item')}{beside})")
    return 0


def _report_several(words: Sequence[str], found: Sequence[Found], out: Path | None, title: str | None) -> int:
    from jinja2 import UndefinedError

    from harness.report.several import render_several
    from harness.runs.records import load_record

    records: list[RunRecord] = []
    kept, left_out = results(found)
    for run in kept:
        try:
            record = load_record(run.path)
        except HarnessError as error:
            left_out.append(str(error))
            continue
        if not run.named and record.config.get("shard"):
            left_out.append(f"{run.path}: a shard, which is only a part of a run")
            continue
        records.append(record)
    if not records:
        raise HarnessError(f"none of {counted(len(found), 'run')} can be shown; the first: {left_out[0]}")
    page = out or _common(words, records) / "report.html"
    fix = "give another place with --out FILE"
    try:
        text = render_several(title or f"{len(records)} runs", records, page.parent, left_out)
        write_whole(page, text, fix, folder=True)
    except (UndefinedError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise HarnessError(
            f"one of the runs was written by another version or changed by hand ({error}); "
            "`python -m harness report RUN` on each tells which"
        ) from error
    print(f"report: {page} ({len(text.encode()) / 1e6:.1f} MB, {counted(len(records), 'run')})")
    for reason in left_out:
        print(f"left out: {reason}")
    return 0


def _common(words: Sequence[str], records: Sequence[RunRecord]) -> Path:
    """The folder that was given, if it is one; else the nearest that holds all runs."""
    if len(words) == 1 and Path(words[0]).is_dir():
        return Path(words[0])
    return Path(os.path.commonpath([record.path.resolve() for record in records]))
