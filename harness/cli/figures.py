"""`figures RUN` draws the figures of a run for a paper: at a width, with names of one's own, as PDF, PNG or SVG."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, nearest
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.report.figures import Printed

_UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
"""Inches of each unit; points are TeX's, as \\columnwidth is given in."""

NARROWEST, WIDEST = 1.5, 40.0
"""Inches."""


def add_figures(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "draw the figures of a run for a paper (docs/paper.md)"
    command = commands.add_parser("figures", help=text, description=text)
    command.add_argument("run", type=user_path, metavar="RUN", help="a run directory")
    command.add_argument(
        "--figure",
        action="append",
        default=[],
        metavar="NAME",
        help="or how its name begins, as reliability; default all",
    )
    command.add_argument("--format", choices=("pdf", "png", "svg"), default="pdf", help="default pdf")
    command.add_argument("--width", default="3.3in", help="as 3.3in, 84mm or 240pt; default 3.3in, a column")
    command.add_argument("--height", help="the same; default as high as the figure needs")
    command.add_argument(
        "--labels", type=user_path, metavar="FILE", help="YAML of names and what to write in their place"
    )
    panels = "a file for each panel, as reliability of one arm"
    command.add_argument("--panels", choices=("together", "separate"), default="together", help=panels)
    command.add_argument("--output", type=user_path, metavar="DIR", help="default figures/paper in the run directory")


def figures_command(options: argparse.Namespace) -> int:
    """Draws the figures, and writes beside them what their captions have to say.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: the run cannot be read, has no such figure, a length or label is wrong, or a file cannot be
            written.
    """
    from harness.cli.labels import names_of, read_labels
    from harness.figures import figure_name
    from harness.report.figures import draw_file, panels
    from harness.report.look import paper
    from harness.runs.loaded import load_run

    width = inches("--width", options.width)
    height = inches("--height", options.height) if options.height else None
    run = load_run(options.run)
    declared = {figure_name(figure): figure for figure in run.job.experiment.figures}
    chosen = _chosen(declared, options.figure)
    look = paper(width, height, read_labels(options.labels, names_of(run)))
    folder = options.output or options.run / "figures" / "paper"
    drawn: dict[str, Printed] = {}
    for name in chosen:
        several = panels(declared[name], run.table) if options.panels == "separate" else [declared[name]]
        for figure in several:
            printed = draw_file(figure, run.table, run.record.estimates, look, options.format)
            drawn[f"{printed.name}.{options.format}"] = printed
    if not drawn:
        raise HarnessError(f"{options.run}: this experiment draws no figures")
    _write(folder, drawn)
    return 0


def _chosen(declared: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """The figures of these names, or of names that begin with these words; all without any."""
    names = list(declared)
    for word in wanted:
        if not any(f"{name}-".startswith(f"{word}-") for name in names):
            raise HarnessError(f"--figure {word}: the run has no such figure{nearest(word, names)}")
    return [name for name in names if not wanted or any(f"{name}-".startswith(f"{word}-") for word in wanted)]


def _write(folder: Path, drawn: dict[str, Printed]) -> None:
    fix = "give another place with --output DIR"
    for name, printed in drawn.items():
        write_whole(folder / name, printed.data, fix, folder=True)
    captions = [f"{name}: {'. '.join([one.title, *one.remarks])}.\n" for name, one in drawn.items()]
    write_whole(folder / "captions.txt", "\n".join(captions), fix)
    for name in drawn:
        print(f"figure: {folder / name}")
    print(f"captions: {folder / 'captions.txt'}")


def inches(flag: str, text: str) -> float:
    """A length with its unit, in inches.

    Raises:
        HarnessError: no length, or one that no page has.
    """
    match = re.fullmatch(r"\s*(\d{1,5}(?:\.\d{1,5})?)\s*(in|cm|mm|pt)?\s*", text)
    if match is None:
        raise HarnessError(f"{flag} {text}: write a number and its unit, as 3.3in, 84mm or 240pt")
    length = float(match[1]) * _UNITS[match[2] or "in"]
    if not NARROWEST <= length <= WIDEST:
        raise HarnessError(f"{flag} {text}: give {NARROWEST:g} to {WIDEST:g} inches")
    return length
