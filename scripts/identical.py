"""Do two versions of the harness give the same numbers? Compares the run directories of one with those of the other.

Use it around a change that must not change a result. Run the same commands before and after, into two folders and with
one store between them, and compare the folders:

    python scripts/identical.py runs/before runs/after [--renamed p_true=p ...]

A shared store makes the comparison strict: the second version finds every call under its key, or asks it again, which
is reported. Outcomes are compared row by row, estimates with both ends of their intervals, and every prompt and key
item by item. Columns, metrics and items that only one side has are listed. The exit code is 1 when a number, a prompt
or a key differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.outcomes import Table
from harness.runs.records import load_record, load_table
from harness.subject.transcript import Transcript


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what differs, run by run; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path, help="folder of run directories")
    parser.add_argument("new", type=Path, help="folder of run directories")
    parser.add_argument("--renamed", nargs="*", default=[], metavar="OLD=NEW", help="columns and metrics renamed since")
    options = parser.parse_args(arguments)
    names = dict(pair.split("=", 1) for pair in options.renamed)
    old, new = _runs(options.old), _runs(options.new)
    differing = 0
    for name in sorted(old.keys() & new.keys()):
        found = compare(old[name], new[name], names)
        differing += any(not line.startswith("only") for line in found)
        print(f"{name}: {'identical' if not found else ''}")
        for line in found:
            print(f"  {line}")
    for name in sorted(old.keys() ^ new.keys()):
        print(f"{name}: only in {options.old if name in old else options.new}")
    print(f"{len(old.keys() & new.keys())} runs compared, {differing} differ")
    return 1 if differing or not old.keys() & new.keys() else 0


def _runs(folder: Path) -> dict[str, Path]:
    """Run directories by experiment, task, model and seed: the digest in a folder's name may change."""
    runs = {}
    for file in sorted(folder.glob("**/manifest.json")):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        words = (manifest["experiment"], manifest["task"]["name"], manifest["model"]["name"], manifest["seed"])
        runs["/".join(map(str, words))] = file.parent
    return runs


def compare(old: Path, new: Path, renamed: Mapping[str, str] = {}) -> list[str]:
    """Everything that differs between two run directories, a line each; what only one side has begins with "only"."""
    first, second = load_record(old), load_record(new)
    lines = _outcomes(load_table(first, ()), load_table(second, ()), renamed)
    ours = {_key(e.metric, e.level, renamed): (e.value, e.low, e.high, e.n) for e in first.estimates}
    theirs = {_key(e.metric, e.level, {}): (e.value, e.low, e.high, e.n) for e in second.estimates}
    lines += _only("estimates", ours.keys(), theirs.keys())
    for key in sorted(ours.keys() & theirs.keys()):
        if ours[key] != theirs[key]:
            lines.append(f"estimate {key}: {ours[key]} -> {theirs[key]}")
    lines += _exchanges(_calls(old), _calls(new))
    asked = second.manifest.get("store", {}).get("asked", 0)
    return [*lines, f"asked {asked} calls that the store should have had"] if asked else lines


def _key(metric: str, level: Mapping[str, str], renamed: Mapping[str, str]) -> str:
    return f"{renamed.get(metric, metric)}{sorted(level.items())}"


def _outcomes(old: Table, new: Table, renamed: Mapping[str, str]) -> list[str]:
    """Rows are matched by their content, since their order within an item is not a result."""
    kept = {renamed.get(name, name): values for name, values in old.columns.items()}
    lines = _only("columns", kept.keys(), new.columns.keys())
    shared = sorted(kept.keys() & new.columns.keys())
    rows = [Counter(zip(*(map(_plain, table[name]) for name in shared), strict=True)) for table in (kept, new.columns)]
    for sign, extra in (("-", rows[0] - rows[1]), ("+", rows[1] - rows[0])):
        for row in list(extra)[:3]:
            shown = {name: value for name, value in zip(shared, row, strict=True) if value is not None}
            lines.append(f"{sign} row {str(shown)[:400]}")
        if len(extra) > 3:
            lines.append(f"{sign} {len(extra) - 3} more rows")
    return lines


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value


def _calls(run: Path) -> dict[str, Counter[tuple[str, ...]]]:
    """By item: how often each (prompt, role, keys) occurs."""
    found = {}
    for line in (run / "calls.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        found[item["item"]] = Counter((e.prompt, e.role, *sorted(e.keys)) for e in Transcript.read(item["exchanges"]))
    return found


def _exchanges(old: Mapping[str, Counter[tuple[str, ...]]], new: Mapping[str, Counter[tuple[str, ...]]]) -> list[str]:
    lines = _only("items", old.keys(), new.keys())
    for item in sorted(old.keys() & new.keys()):
        gone, come = old[item] - new[item], new[item] - old[item]
        if gone or come:
            first = next(iter(gone or come))
            lines.append(f"item {item}: {gone.total()} exchanges gone, {come.total()} new, e.g. {first[0][-120:]!r}")
    return lines


def _only(what: str, old: Any, new: Any) -> list[str]:
    lines = []
    for side, names in (("old", sorted(old - new)), ("new", sorted(new - old))):
        if names:
            lines.append(f"only in the {side}: {what} {', '.join(map(str, names[:12]))}{' ...' if names[12:] else ''}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
