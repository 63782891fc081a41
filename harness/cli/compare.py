"""`compare RUN RUN...` prints paired differences between runs, as a table, JSON, CSV or a page."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.cli.compare_table import fitted, named, table_lines, terminal_width
from harness.console import log
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.runs.comparison import Comparison
    from harness.runs.loaded import Loaded
    from harness.runs.sides import Side

ALPHA = 0.05

CHANGED = "gained/lost: items with a label (such as right) in the second alone, or the first; --html FILE shows them"


def add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    text = "paired differences between runs, on the items that they share"
    command = commands.add_parser("compare", help=text, description=text)
    command.add_argument("runs", nargs="+", metavar="RUN", help="run directories, patterns, or folders of runs")
    command.add_argument(
        "--group-by",
        metavar="KEY",
        help="a side for each model, task, seed, engine, dotted key, arm, or factor of the arms",
    )
    command.add_argument("--baseline", metavar="SIDE", help="the side that the others are compared with: run or value")
    command.add_argument("--metric", action="append", default=[], metavar="NAME", help="may be repeated; `all` for all")
    command.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="TEXT",
        help="a difference that is not accepted, 'accuracy[arm=greedy] < -0.02'; may be repeated; exit "
        "0 when the 95 %% interval excludes it, 3 when it lies beyond it, 4 when it contains it",
    )
    command.add_argument("--replicates", type=int, default=2000, metavar="N", help="of the bootstrap, default 2000")
    command.add_argument("--html", type=user_path, metavar="FILE", help="a page with forest plot and changed items")
    command.add_argument("--json", metavar="FILE", help="everything as JSON; - is standard output")
    command.add_argument("--csv", metavar="FILE", help="a line for each difference; - is standard output")


def compare_command(options: argparse.Namespace) -> int:
    """Compares every other side with the baseline.

    Returns:
        0 for any differences; with --fail-if 0 when all pass, 3 when one fails, 4 when none fails but one is
        inconclusive.

    Raises:
        HarnessError: nothing to compare, an unknown metric or level, or a file that cannot be written.
    """
    from harness.cli.gate import decide
    from harness.runs.comparison import compare_all
    from harness.runs.sides import pairs
    from harness.statistics.margins import read_margin

    if options.replicates < 2:
        raise HarnessError(f"--replicates {options.replicates}: give 2 or more")
    margins = [read_margin(text) for text in options.fail_if]
    runs, unusable = _usable(options.runs)
    if not runs:
        raise HarnessError(f"nothing to compare: none of {len(unusable)} runs can be used")
    wanted, alone = pairs(runs, options.group_by, options.baseline)
    metrics = options.metric or list(dict.fromkeys(margin.metric for margin in margins))
    metrics += [margin.metric for margin in margins if margin.metric not in metrics and "all" not in metrics]
    found, failed = compare_all(wanted, metrics, replicates=options.replicates)
    for reason in (*alone, *failed):
        log(f"left out: {reason}")
    _warn_of_resolution(found, options.replicates)
    ends = decide(margins, found, (*unusable, *failed))
    _show(found, options)
    if ends.lines:
        print("\n".join(ends.lines), file=sys.stderr if "-" in (options.json, options.csv) else sys.stdout)
    return ends.code


def _usable(words: Sequence[str]) -> tuple[list[Loaded], list[str]]:
    """The finished runs that words mean, without dry runs where there are others, and why the rest cannot be used.

    Dry runs are said and not given back: nobody waits for a result of theirs.
    """
    from harness.cli.found import find_runs, results
    from harness.runs.loaded import load_finished

    runs: list[Loaded] = []
    unusable: list[str] = []
    kept, dry = results(find_runs(words))
    for one in kept:
        try:
            runs.append(load_finished(one.path))
        except HarnessError as error:
            unusable.append(str(error))
    for reason in (*dry, *unusable):
        log(f"left out: {reason}")
    return runs, unusable


def _show(found: Sequence[Comparison], options: argparse.Namespace) -> None:
    """Writes what was asked for, and prints the differences unless one of these goes to standard output."""
    for where, text in ((options.json, _as_json), (options.csv, _as_csv)):
        if where:
            _write(where, text(found))
    if options.html:
        from harness.report.differences import render_differences

        _write(str(options.html), render_differences(found))
    if "-" not in (options.json, options.csv):
        _print(found)
        if options.html:
            print(f"page: {options.html}")


def _warn_of_resolution(found: Sequence[Comparison], replicates: int) -> None:
    tests = sum(c.p is not None for one in found for c in one.contrasts)
    least = 2 * tests / (replicates + 1)
    if least >= ALPHA:
        print(
            f"WARNING: {replicates} replicates of {tests} tests: no p Holm can be below {min(1.0, least):.2g}; "
            f"name fewer metrics with --metric, or give --replicates {int(2 * tests / ALPHA)}",
            file=sys.stderr,
        )


def _print(found: Sequence[Comparison]) -> None:
    width = terminal_width()
    tests = sum(c.p is not None for one in found for c in one.contrasts)
    for one in found:
        about = f"{one.about}: " if len({other.about for other in found}) > 1 else ""
        print()
        print(fitted(f"{about}{one.second.label} against {one.first.label}", width))
        print("\n".join(_lines(one, width)))
    if tests > 1:
        told = f"p Holm: adjusted for the {tests} tests above. smallest: the difference found with 80 % power at 5 %."
        print(f"\n{fitted(told, width)}")


def _lines(one: Comparison, width: int) -> Iterator[str]:
    """One side against another: how they differ, the table, the items that changed, and what is to be made of it."""
    seeds = [f"{side.label}: the mean of {len(side.runs)} seeds" for side in (one.first, one.second)]
    told = [text for text, side in zip(seeds, (one.first, one.second), strict=True) if len(side.runs) > 1]
    for text in (*told, *(f"WARNING {warning}" for warning in one.warnings), *one.differ):
        yield fitted(text, width, "  ")
    yield from table_lines([c for c in one.contrasts if c.value is not None], width)
    for why in dict.fromkeys(c.note for c in one.contrasts if c.value is None):
        rows = [c for c in one.contrasts if c.value is None and c.note == why]
        yield fitted(f"undefined ({why}): {named(rows, one.contrasts)}", width, "  ")
    if one.changes:
        yield fitted(CHANGED, width, "  ")
    yield fitted(one.sentence, width, "  ")


def _side(side: Side) -> dict[str, Any]:
    return {"label": side.label, "runs": [_run(run) for run in side.runs]}


def _run(run: Loaded) -> dict[str, Any]:
    manifest = run.record.manifest
    return {"path": str(run.record.path), **{key: manifest[key] for key in ("experiment", "task", "model", "seed")}}


def _as_json(found: Sequence[Comparison]) -> str:
    from harness.runs.directory import as_json

    return as_json(
        [
            {
                "about": one.about,
                "first": _side(one.first),
                "second": _side(one.second),
                "warnings": one.warnings,
                "differ": one.differ,
                "sentence": one.sentence,
                "contrasts": [asdict(c) for c in one.contrasts],
                "changes": [asdict(c) for c in one.changes],
            }
            for one in found
        ]
    )


def _as_csv(found: Sequence[Comparison]) -> str:
    out = io.StringIO()
    rows = [
        {
            "about": one.about,
            "first_side": one.first.label,
            "second_side": one.second.label,
            "warnings": len(one.warnings),
            **asdict(c),
            "level": " ".join(f"{key}={value}" for key, value in c.level.items()),
            "ends": "" if c.ends is None else f"{c.ends[0]:g} {c.ends[1]:g}",
            "spread": " ".join("" if s is None else f"{s:.6g}" for s in c.spread),
        }
        for one in found
        for c in one.contrasts
    ]
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _write(where: str, text: str) -> None:
    if where == "-":
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return
    write_whole(user_path(where), text, "give another place", folder=True)
