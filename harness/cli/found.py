"""Finds the runs that words of the command line mean: run directories, patterns, folders of runs, sweeps."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.console import log
from harness.errors import HarnessError
from harness.files import user_path

T = TypeVar("T")


class NoRun(HarnessError):
    """Something is there, but no run."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run directory, and whether the command line named it itself or it was found in a folder or by a pattern."""

    path: Path
    named: bool


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


def usable(found: Sequence[Found], load: Callable[[Path], T]) -> tuple[list[tuple[Found, T]], list[str]]:
    """The runs, each with the result of `load` on its directory, and why the others are left out: see `results`, or
    `load` refuses them."""
    kept, left_out = results(found)
    read: list[tuple[Found, T]] = []
    for run in kept:
        try:
            read.append((run, load(run.path)))
        except HarnessError as error:
            left_out.append(str(error))
    return read, left_out


def read_all(words: Iterable[str], load: Callable[[Path], T]) -> list[tuple[Found, T]]:
    """The runs that words mean, each with the result of `load` on its directory.

    One that was found in a folder or by a pattern and cannot be used is left out, with a line that says why.

    Raises:
        HarnessError: a run that was named and cannot be read, or none that can.
    """
    words = list(words)
    found = find_runs(words)
    named = {run.path: load(run.path) for run in found if run.named}
    read, left_out = usable(found, lambda path: named[path] if path in named else load(path))
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
