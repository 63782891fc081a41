"""`report RUN...` makes the page of one run anew, or one page over several runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.found import Found, find_runs, usable
from harness.console import counted
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.runs.records import RunRecord


PATIENCE = 5.0
"""Seconds to wait at most for another process that writes a run's results or its page."""

FIX = "give another place with --out FILE"


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
    read, left_out = usable(found, load_record)
    for run, record in read:
        if not run.named and record.config.get("shard"):
            left_out.append(f"{run.path}: a shard, which is only a part of a run")
        else:
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
