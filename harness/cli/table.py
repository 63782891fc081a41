"""`table RUNS` writes a table of finished runs for a paper: LaTeX, Markdown or CSV, with seeds pooled and a caption."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from harness.console import log, visible
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.report.tables import Format
    from harness.runs.loaded import Loaded


def add_table(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "a table of finished runs for a paper, with seeds pooled (docs/paper.md)"
    command = commands.add_parser("table", help=text, description=text)
    command.add_argument("runs", nargs="+", metavar="RUN", help="run directories, patterns, or folders of runs")
    axis = "model, experiment, task, metric, seed, arm, another key of the levels, or a dotted key of the config"
    command.add_argument("--rows", metavar="AXIS", help=axis)
    command.add_argument("--columns", metavar="AXIS", help="the same; by default what the runs differ in")
    command.add_argument("--metric", action="append", default=[], metavar="NAME", help="may be repeated")
    level = "only numbers at this level, as arm=few-shot; may be repeated"
    command.add_argument("--level", action="append", default=[], metavar="KEY=VALUE", help=level)
    command.add_argument("--format", choices=("latex", "markdown", "csv"), help="default markdown, or by --output")
    command.add_argument(
        "--labels", type=user_path, metavar="FILE", help="YAML of names and what to write in their place"
    )
    command.add_argument("--replicates", type=int, default=1000, metavar="N", help="of the bootstrap, default 1000")
    command.add_argument("--output", type=user_path, metavar="FILE", help="write the table there, not to the screen")


def table_command(options: argparse.Namespace) -> int:
    """Writes the table.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: a run that was named and cannot be read, an unknown axis, metric, level or label, or a cell that
            would hold several numbers.
    """
    from harness.cli.labels import names_of, read_labels
    from harness.report.tables import write_table
    from harness.runs.tables import make_grid

    if options.replicates < 2:
        raise HarnessError(f"--replicates {options.replicates}: give 2 or more")
    levels = dict(_pair(word) for word in options.level)
    form: Format = options.format or _form_of(options.output)
    runs = load_runs(options.runs, [axis for axis in (options.rows, options.columns) if axis])
    grid = make_grid(runs, options.rows, options.columns, options.metric, levels, replicates=options.replicates)
    for doubt in grid.doubts:
        log(f"not compared: {doubt}")
    names = [*grid.row_names, *grid.column_names, *(name for run in runs for name in names_of(run))]
    text = write_table(grid, form, read_labels(options.labels, names if options.labels else ()))
    if options.output is None:
        sys.stdout.write(visible(text))
        return 0
    write_whole(options.output, text, "give another place with --output FILE", folder=True)
    print(f"table: {options.output}")
    return 0


def load_runs(words: list[str], axes: Collection[str] = ()) -> list[Loaded]:
    """The runs that words of the command line mean.

    A run of a folder or a pattern is compared with the newest one of the same model, experiment and task. If more than
    the seed differs (arms, limit), it is left out, with a line that names the difference.

    Args:
        axes: the axes of a table, along which runs may differ.

    Raises:
        HarnessError: a run that was named and cannot be read, or none that can.
    """
    from harness.cli.found import read_all
    from harness.runs.loaded import load_run
    from harness.runs.records import differing
    from harness.runs.sides import AXES, named_models

    read = read_all(words, load_run)
    models = named_models([run for _, run in read])
    newest: dict[tuple[str, ...], Loaded] = {}
    kept: dict[int, Loaded] = {}
    besides = {"seed", *(AXES.get(axis, axis) for axis in axes)}
    for found, run in sorted(read, key=lambda one: (one[0].named, one[1].record.manifest["started"]), reverse=True):
        kind = (models[id(run)], str(run.record.manifest["experiment"]), str(run.settings.get("task.name")))
        first = newest.setdefault(kind, run)
        others = [] if found.named else differing([first.settings, run.settings], besides)
        if others:
            log(
                f"left out: {found.path} differs from {first.record.path} in {', '.join(others)}; name the runs that "
                "belong together"
            )
        else:
            kept[id(run)] = run
    return [kept[id(run)] for _, run in read if id(run) in kept]


def _pair(word: str) -> tuple[str, str]:
    key, sign, value = word.partition("=")
    if not sign or not key:
        raise HarnessError(f"--level {word}: write KEY=VALUE, as --level arm=few-shot")
    return key, value


def _form_of(output: Path | None) -> Format:
    forms: dict[str, Format] = {".tex": "latex", ".csv": "csv", ".md": "markdown"}
    if output is None:
        return "markdown"
    if output.suffix.lower() not in forms:
        raise HarnessError(f"--output {output}: give a name that ends in .tex, .csv or .md, or say --format")
    return forms[output.suffix.lower()]
