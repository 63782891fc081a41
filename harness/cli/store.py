"""`store` lists the content of the call store, verifies it, and makes it smaller."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console import aligned
from harness.errors import HarnessError
from harness.files import user_path

if TYPE_CHECKING:
    from harness.store.maintenance import Holding, Survey

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def add_store(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its four actions to the parser."""
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--folder",
        type=user_path,
        default=argparse.SUPPRESS,
        help="a folder or an address; default: `store` of conf/config.yaml",
    )
    text = "what the store of answered calls holds; verify, prune and merge it"
    store = commands.add_parser("store", help=text, description=text, parents=[folder])
    store.add_argument("--json", action="store_true", help="print the summary as JSON")
    actions = store.add_subparsers(dest="action", metavar="ACTION")
    text = "check every record against its checksum; exit 1 when one is damaged"
    actions.add_parser("verify", help=text, description=text, parents=[folder])
    text = "remove the calls of a model or experiment, also those that others share"
    prune = actions.add_parser("prune", help=text, description=text, parents=[folder])
    prune.add_argument("--model", help="only calls of this model")
    prune.add_argument("--experiment", help="only calls that this experiment was the first to ask")
    prune.add_argument("--older-than", metavar="AGE", help="only segments not written to for this long: 12h, 30d, 8w")
    prune.add_argument("--dry-run", action="store_true", help="say what would be removed, remove nothing")
    text = "make one file of many for each model and experiment; drop duplicates and damaged records"
    merge = actions.add_parser("merge", help=text, description=text, parents=[folder])
    merge.add_argument(
        "--all", action="store_true", help="also files that a process on another machine left open less than a day ago"
    )


def store_command(options: argparse.Namespace) -> int:
    """Runs one action.

    Returns:
        The exit code: 0; 1 when `verify` found damage or `merge` could not do its work.

    Raises:
        HarnessError: no such folder, or a filter that cannot be.
    """
    from harness.store.remote import Remote, address_of

    folder = options.folder if "folder" in options else _default_folder()
    if address := address_of(folder):
        with Remote(address).whole() as copies:
            return _act(copies, options)
    if not folder.is_dir():
        raise HarnessError(f"there is no call store {folder}; name one with --folder FOLDER")
    return _act(folder, options)


def _act(folder: Path, options: argparse.Namespace) -> int:
    if options.action == "verify":
        return _verify(folder)
    if options.action == "prune":
        return _prune(folder, options)
    if options.action == "merge":
        return _merge(folder, options.all)
    from harness.store.maintenance import survey

    found = survey(folder)
    if options.json:
        print(json.dumps(_summary(found), indent=2, ensure_ascii=False))
    else:
        _print_summary(found)
    return 0


def _default_folder() -> Path:
    from harness.config import compose

    return Path(compose([])[0]["store"])


def _summary(found: Survey) -> dict[str, Any]:
    groups: dict[Any, list[Holding]] = {}
    for holding in found.holdings:
        groups.setdefault(holding.origin, []).append(holding)
    return {
        "folder": str(found.folder),
        **_totals(found.holdings),
        "distinct_calls": found.distinct,
        "other_files": found.foreign,
        "origins": [
            {
                "model": origin.model,
                "experiment": origin.experiment,
                "identity": origin.identity,
                "engine": origin.engine,
                **_totals(holdings),
            }
            for origin, holdings in sorted(groups.items(), key=lambda g: (g[0].model, g[0].experiment, g[0].identity))
        ],
    }


def _totals(holdings: Sequence[Holding]) -> dict[str, Any]:
    written = max((h.segment.touched for h in holdings), default=None)
    return {
        "segments": len(holdings),
        "segments_in_use": sum(h.live for h in holdings),
        "calls": sum(h.calls for h in holdings),
        "bytes": sum(h.segment.bytes for h in holdings),
        "damaged": sum(h.damaged for h in holdings),
        "cut_off": sum(h.torn for h in holdings),
        "last_written": written and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(written)),
    }


def _print_summary(found: Survey) -> None:
    totals = _totals(found.holdings)
    if not found.holdings:
        print(f"{found.folder}: no calls are stored here")
    else:
        used = f", {totals['segments_in_use']} in use" if totals["segments_in_use"] else ""
        twice = totals["calls"] - found.distinct
        print(
            f"{found.folder}: {totals['calls']:,} calls{f' ({twice:,} of them duplicates)' if twice else ''}, "
            f"{_size(totals['bytes'])} in {totals['segments']} segment{'s' * (totals['segments'] != 1)}{used}"
        )
        _print_table(found.holdings)
    if totals["damaged"] or totals["cut_off"]:
        print(
            f"{totals['damaged']} damaged records, {totals['cut_off']} cut off; they are asked again when needed "
            "(store verify names them, store merge drops them)"
        )
    if found.foreign:
        print(f"files that are no part of it, left alone: {', '.join(found.foreign[:5])}"
              f"{f' and {len(found.foreign) - 5} more' if len(found.foreign) > 5 else ''}")  # fmt: skip


def _print_table(holdings: Sequence[Holding]) -> None:
    groups: dict[tuple[str, str], list[Holding]] = {}
    for holding in holdings:
        groups.setdefault((holding.origin.model or "-", holding.origin.experiment or "-"), []).append(holding)
    rows = [("model", "experiment", "segments", "calls", "size", "last written")]
    for (model, experiment), group in sorted(groups.items()):
        size, newest = sum(h.segment.bytes for h in group), max(h.segment.touched for h in group)
        calls = sum(h.calls for h in group)
        rows.append((model, experiment, str(len(group)), f"{calls:,}", _size(size), _ago(time.time() - newest)))
    for line in aligned(rows, right=range(2, 6)):
        print(f"  {line}")


def _verify(folder: Path) -> int:
    from harness.store.maintenance import verify

    damaged = torn = 0
    for flaw in verify(folder):
        torn += flaw.torn
        damaged += not flaw.torn
        print(f"{flaw.path} at byte {flaw.offset}: {flaw.what}")
    print(f"{folder}: {damaged} damaged records{f', {torn} cut off by a killed writer' if torn else ''}")
    return 1 if damaged else 0


def _prune(folder: Path, options: argparse.Namespace) -> int:
    from harness.store.maintenance import choose, prune, survey

    older_than = None if options.older_than is None else _seconds(options.older_than)
    if options.model is None and options.experiment is None and older_than is None:
        raise HarnessError("prune what? give --model, --experiment or --older-than, e.g. --older-than 30d")
    found = survey(folder)
    chosen = choose(found, model=options.model, experiment=options.experiment, older_than=older_than)
    unused = [h for h in chosen if not h.live]
    if unused:
        _print_table(unused)
    if not options.dry_run:
        prune(unused)
    calls, size = sum(h.calls for h in unused), sum(h.segment.bytes for h in unused)
    verb = "would remove" if options.dry_run else "removed"
    print(f"{verb} {calls:,} calls, {_size(size)} in {len(unused)} of {len(found.holdings)} segments")
    if len(unused) < len(chosen):
        print(f"left alone because in use: {len(chosen) - len(unused)}")
    return 0


def _merge(folder: Path, everything: bool) -> int:
    from harness.store.maintenance import merge
    from harness.store.segments import SILENCE

    merges = merge(folder, 0.0 if everything else SILENCE)
    for done in merges:
        name = f"{done.origin.model or '-'}, {done.origin.experiment or '-'}"
        if done.problem:
            print(f"{name}: {done.before} segments stay as they are: {done.problem}")
        else:
            print(
                f"{name}: {done.before} segments made {done.after}, {done.calls:,} calls; left out {done.duplicates:,} "
                f"duplicates and {done.damaged:,} damaged records; {_size(max(0, done.freed))} freed"
            )
    if not merges:
        print(f"{folder}: nothing to merge")
    return 1 if any(done.problem for done in merges) else 0


def _seconds(age: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", age)
    if match is None:
        raise HarnessError(f"--older-than {age}: write a number and m, h, d or w, e.g. 30d")
    return float(match[1]) * SECONDS[match[2]]


def _ago(seconds: float) -> str:
    for unit, length in (("weeks", 7 * 86400.0), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
