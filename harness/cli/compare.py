"""`compare RUN RUN...` prints paired differences between runs, as a table, JSON, CSV or a page."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.console import log
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.runs.comparison import Comparison, Loaded, Side
    from harness.statistics.pairs import Contrast

ALPHA = 0.05

FEW = 3
"""Changed items that are named on the terminal."""

COUNTED = "  pairs  items  groups"
"""What a difference rests on: matched rows, their items, and the groups of these."""


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
    command.add_argument("--replicates", type=int, default=2000, metavar="N", help="of the bootstrap, default 2000")
    command.add_argument("--html", type=user_path, metavar="FILE", help="a page with forest plot and changed items")
    command.add_argument("--json", metavar="FILE", help="everything as JSON; - is standard output")
    command.add_argument("--csv", metavar="FILE", help="a line for each difference; - is standard output")


def compare_command(options: argparse.Namespace) -> int:
    """Compares every other side with the baseline.

    Returns:
        0, whatever the differences are.

    Raises:
        HarnessError: fewer than two sides, a named run that cannot be read (one found in a folder is left out), no
            shared item, or a file that cannot be written.
    """
    from harness.cli.report import find_runs, results
    from harness.runs.comparison import AXES, adjusted, compare, load_run, sides

    if options.replicates < 2:
        raise HarnessError(f"--replicates {options.replicates}: give 2 or more")
    runs: list[Loaded] = []
    kept, left_out = results(find_runs(options.runs))
    for reason in left_out:
        print(f"left out: {reason}", file=sys.stderr)
    for named in kept:
        try:
            runs.append(load_run(named.path))
        except HarnessError as error:
            if named.named:
                raise
            log(f"left out: {error}")
    all_sides = sides(runs, options.group_by)
    first = baseline_of(all_sides, options.baseline)
    axis = [AXES.get(options.group_by, options.group_by)] if options.group_by else []
    found = adjusted(
        [
            compare(first, side, options.metric, replicates=options.replicates, seed=0, besides=axis)
            for side in all_sides
            if side is not first
        ]
    )
    _warn_of_resolution(found, options.replicates)
    written = False
    if options.json:
        _write(options.json, _as_json(found))
        written = options.json == "-"
    if options.csv:
        _write(options.csv, _as_csv(found))
        written = written or options.csv == "-"
    if options.html:
        from harness.report.differences import render_differences

        _write(str(options.html), render_differences(found))
    if not written:
        _print(found)
        if options.html:
            print(f"page: {options.html}")
    return 0


def _warn_of_resolution(found: Sequence[Comparison], replicates: int) -> None:
    tests = sum(c.p is not None for one in found for c in one.contrasts)
    least = 2 * tests / (replicates + 1)
    if least >= ALPHA:
        print(
            f"WARNING: {replicates} replicates of {tests} tests: no p Holm can be below {min(1.0, least):.2g}; "
            f"name fewer metrics with --metric, or give --replicates {int(2 * tests / ALPHA)}",
            file=sys.stderr,
        )


def baseline_of(found: Sequence[Side], wanted: str | None) -> Side:
    """The side that is called so, or holds the run of that name or path; the first one without a name."""
    if wanted is None:
        return found[0]
    for side in found:
        paths = {str(run.record.path) for run in side.runs} | {run.record.path.name for run in side.runs}
        if wanted.rstrip("/") in {side.label, *paths}:
            return side
    raise HarnessError(f"--baseline {wanted}: no side is called that (there are: {', '.join(s.label for s in found)})")


def _print(found: Sequence[Comparison]) -> None:
    tests = sum(c.p is not None for one in found for c in one.contrasts)
    for one in found:
        print(f"\n{one.second.label} against {one.first.label}")
        for side in (one.first, one.second):
            if len(side.runs) > 1:
                print(f"  {side.label}: the mean of {len(side.runs)} seeds")
        for warning in one.warnings:
            print(f"  WARNING {warning}")
        for told in one.differ:
            print(f"  {told}")
        width = max(len(_label(c)) for c in one.contrasts)
        print(f"  {'':<{width}}    first   second  second - first, 95 %          p  p Holm  p exact  smallest{COUNTED}")
        for c in one.contrasts:
            print(f"  {_label(c):<{width}} {_row(c)}")
        _print_changes(one)
    if tests > 1:
        print(f"\np Holm: adjusted for the {tests} tests above. smallest: the difference found with 80 % power at 5 %.")


def _row(c: Contrast) -> str:
    interval = "" if c.low is None or c.high is None else f"[{c.low:+.4f}, {c.high:+.4f}]"
    numbers = f"{_number(c.first):>8} {_number(c.second):>8} {_number(c.value, '+'):>8} {interval:<20}"
    tests = f"{_p(c.p):>6} {_p(c.p_holm):>7} {_p(c.p_exact):>8} {_number(c.smallest):>9}"
    counts = f"{c.n:>6} {c.n_items:>6} {c.n_groups:>7}"
    notes = [c.doubt, c.note, "; ".join(f"spread of seeds {_number(s)}" for s in c.spread if s is not None)]
    return f"{numbers} {tests} {counts}  {'; '.join(filter(None, notes))}".rstrip()


def _print_changes(one: Comparison) -> None:
    for c in one.contrasts:
        if not c.gained and not c.lost:
            continue
        for gained, what in ((True, "gained"), (False, "lost")):
            items = [x.item for x in one.changes if (x.metric, x.level, x.gained) == (c.metric, c.level, gained)]
            more = f" and {len(items) - FEW} more" if len(items) > FEW else ""
            if items:
                print(f"  {_label(c)}: {len(items)} items {what}: {', '.join(items[:FEW])}{more}")


def _label(c: Contrast) -> str:
    level = ", ".join(c.level.values())
    return f"{c.metric} ({level})" if level else c.metric


def _number(value: float | None, sign: str = "") -> str:
    return "undef." if value is None else f"{value:{sign}.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


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
                "first": _side(one.first),
                "second": _side(one.second),
                "warnings": one.warnings,
                "differ": one.differ,
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
            "first_side": one.first.label,
            "second_side": one.second.label,
            "warnings": len(one.warnings),
            **asdict(c),
            "level": " ".join(f"{key}={value}" for key, value in c.level.items()),
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
    write_whole(user_path(where), text, "give another place")
