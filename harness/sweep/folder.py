"""Keeps a sweep on disk: what was planned, and the state of every cell in a file of its own.

No file is ever changed in place. Each is written aside and renamed, so that every reader sees one whole state, on
network file systems too. Times are for people: times of different machines are never compared.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Len
from typing_extensions import TypedDict

from harness.errors import HarnessError
from harness.files import json_of, named_first, refused
from harness.models.model import name_of
from harness.typed import typed

VERSION = 2
"""Of the folder's layout."""

State = Literal["queued", "running", "unknown", "done", "failed"]
"""The state of a cell; "unknown" is never written: nobody can be asked about the job that has it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep.

    Attributes:
        index: its place in the grid, from 0; the last swept override varies fastest.
        overrides: all of it, as `run` takes them.
        swept: the settings that differ between cells; people know the cell by them.
        experiment: name in conf/experiment.
        folder: the run directory, as the run itself names it (perhaps relative to the sweep's working directory).
        digest: digest of everything that can change an outcome.
        whole: index of the cell that this one is a shard of; None for a cell that is no shard.
    """

    index: int
    overrides: tuple[str, ...]
    swept: tuple[str, ...]
    experiment: str
    folder: str
    digest: str
    whole: int | None = None

    @property
    def label(self) -> str:
        """The label of a cell for people."""
        return " ".join(map(_short, self.swept)) or self.experiment


def _short(word: str) -> str:
    """A swept override with a model's name in place of the folder that it lies in."""
    key, _, place = word.partition("=")
    return f"{key}={name_of(place)}" if key in ("model", "model.source") and "/" in place else word


@dataclass(frozen=True, slots=True)
class Pack:
    """Cells that run one after another in one job, on the same loaded models.

    Attributes:
        cells: their indices, in this order.
        gpus: how many GPUs their models need.
        engine: the same number for packs with the same engine settings, which are submitted together.
    """

    cells: tuple[int, ...]
    gpus: int
    engine: int


@dataclass(frozen=True)
class Status:
    """The state of a cell.

    Attributes:
        reason: why it failed, or the last interruption.
        requeued: how often it was started anew after an interruption.
        job: the SLURM job or worker that last had it.
        host, pid: machine and process of its last run.
        beat: counts up while its worker lives; two readings tell more than any clock.
        done, total: items. asked: calls that the engine answered, shared: calls that the store answered.
        seconds: that the run took, by phase.
    """

    state: State = "queued"
    reason: str = ""
    requeued: int = 0
    job: str = ""
    host: str = ""
    pid: int = 0
    beat: int = 0
    done: int = 0
    total: int = 0
    asked: int | None = None
    shared: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to the cell by itself."""
        return self.state in ("done", "failed")


@dataclass(frozen=True)
class Sweep:
    """A sweep as planned; read from its folder.

    Attributes:
        folder: absolute.
        name: its name, for people and as W&B's group.
        cwd: where relative paths of the cells start. config_dir: a further folder of config groups.
        launcher: settings of the launcher, as the config names them.
    """

    folder: Path
    name: str
    cwd: Path
    config_dir: Path | None
    launcher: Mapping[str, Any]
    cells: tuple[Cell, ...]
    packs: tuple[Pack, ...]

    def create(self) -> None:
        """Makes the folder, unless it holds this very sweep already.

        Raises:
            HarnessError: it cannot be written, or holds another sweep.
        """
        plan = {
            "version": VERSION,
            "name": self.name,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "cwd": str(self.cwd),
            "config_dir": str(self.config_dir) if self.config_dir else None,
            "launcher": dict(self.launcher),
            "cells": [asdict(cell) for cell in self.cells],
            "packs": [[pack.cells, pack.gpus, pack.engine] for pack in self.packs],
        }
        file = self.folder / "sweep.json"
        try:
            for name in ("cells", "jobs", "merging"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            draft = self.folder / f".sweep-{secrets.token_hex(4)}"
            draft.write_text(json.dumps(plan, indent=1), encoding="utf-8")
            if named_first(draft, file):
                draft.unlink()
            else:
                known = read_sweep(self.folder)
                if [c.digest for c in known.cells] != [c.digest for c in self.cells]:
                    raise HarnessError(
                        f"{self.folder} holds another sweep, {known.name!r} of {len(known.cells)} cells; "
                        "set hydra.sweep.dir=FOLDER to another"
                    ) from None
                draft.replace(file)  # the same cells: launcher and folders may be new
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def status(self, index: int) -> Status:
        """The state of a cell as last written; a cell nobody wrote about is queued.

        Raises:
            HarnessError: the file is damaged, or the folder cannot be read.
        """
        file = self.folder / "cells" / f"{index:04}.json"
        try:
            values = json_of(file.read_bytes())
            typed(values, Status, "state")
            return Status(**values)
        except FileNotFoundError:
            return Status()
        except (ValueError, TypeError, HarnessError) as error:
            raise HarnessError(f"{file} is damaged or of another version: {error}; remove it and resume") from error
        except OSError as error:
            raise HarnessError(f"{file} cannot be read: {error.strerror}") from error

    def write(self, index: int, status: Status) -> None:
        """Replaces the state of a cell.

        Raises:
            HarnessError: the folder cannot be written.
        """
        self.write_text(f"cells/{index:04}.json", json.dumps(asdict(status)))

    def change(self, index: int, **changes: Any) -> Status:
        """Writes the last state of a cell with some changes; for who is its only writer."""
        status = replace(self.status(index), **changes)
        self.write(index, status)
        return status

    def add_jobs(self, cells: Mapping[str, tuple[int, ...]]) -> None:
        """Remembers the cells of the jobs of one submission to SLURM, by job id ("12_0" in an array)."""
        first = next(iter(cells)).partition("_")[0]
        self.write_text(f"jobs/{first}.json", json.dumps({"tasks": cells}))

    def jobs(self) -> dict[str, tuple[int, ...]]:
        """The cells of every job submitted so far, the latest job last."""
        tasks: dict[str, tuple[int, ...]] = {}
        try:
            for file in sorted((self.folder / "jobs").glob("*.json"), key=lambda file: int(file.stem)):
                tasks |= {job: tuple(cells) for job, cells in json_of(file.read_bytes())["tasks"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise HarnessError(f"{self.folder / 'jobs'} cannot be read: {error}") from error
        return tasks

    def shards(self, index: int) -> list[Cell]:
        """The shards of a cell; none for one that was not cut."""
        return [cell for cell in self.cells if cell.whole == index]

    def has_results(self, index: int) -> bool:
        """Whether the run directory of a cell holds the results of its run; shards are no results."""
        cell = self.cells[index]
        return cell.whole is not None or (self.cwd / cell.folder / "estimates.json").is_file()

    def claim(self, whole: int, job: str) -> bool:
        """Whether this job is to make a whole cell of its shards: it is the first to ask, or was so before.

        Raises:
            HarnessError: the folder cannot be written.
        """
        note = self.folder / "merging" / f"{whole:04}"
        try:
            note.parent.mkdir(exist_ok=True)
            with note.open("x") as file:
                file.write(job)
        except FileExistsError:
            return self.claimant(whole) == job
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return True

    def claimant(self, whole: int) -> str:
        """The job that makes a whole cell of its shards; "" before there is one."""
        try:
            return (self.folder / "merging" / f"{whole:04}").read_text()
        except OSError:
            return ""

    @property
    def cancelled(self) -> bool:
        """Whether somebody has stopped the sweep; a disk that does not answer says nothing of it."""
        return os.path.exists(self.folder / "cancelled")

    def cancel(self) -> None:
        """Tells every worker, on any machine, to stop."""
        self.write_text("cancelled", "")

    def renew(self, cells: Sequence[int]) -> None:
        """Makes cells queued again, and forgets that the sweep was cancelled."""
        for index in cells:
            self.write(index, Status(requeued=self.status(index).requeued))
            (self.folder / "merging" / f"{index:04}").unlink(missing_ok=True)
        (self.folder / "cancelled").unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Writes a file of the folder whole or not at all.

        Raises:
            HarnessError: it cannot be written.
        """
        file = self.folder / name
        draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
        try:
            file.parent.mkdir(exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(file)
        except OSError as error:
            raise unwritable(self.folder, error) from error


def read_sweep(folder: Path) -> Sweep:
    """Opens a sweep's folder.

    Raises:
        HarnessError: there is none, or it was written by another version.
    """
    file = folder / "sweep.json"
    try:
        plan = json_of(file.read_bytes())
    except FileNotFoundError as error:
        raise HarnessError(f"{folder} is no sweep: it has no sweep.json") from error
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise HarnessError(f"{file} is damaged: {error}; launch the sweep again into another folder") from error
    version = plan.get("version") if isinstance(plan, dict) else None
    if version != VERSION:
        raise HarnessError(
            f"{folder} was written by another version of the harness (layout {version}, this one knows {VERSION}); "
            "launch the sweep again into another folder: what was answered is in the store"
        )
    try:
        known: _Plan = typed(plan, _Plan, "plan")
        sweep = Sweep(
            folder.resolve(),
            known["name"],
            Path(known["cwd"]),
            Path(known["config_dir"]) if known["config_dir"] else None,
            known["launcher"],
            tuple(known["cells"]),
            tuple(Pack(cells, gpus, engine) for cells, gpus, engine in known["packs"]),
        )
        _check_places(sweep)
    except HarnessError as error:
        raise HarnessError(f"{file} is damaged or changed by hand: {error}") from error
    return sweep


class _Plan(TypedDict):
    """The kinds of the values in sweep.json."""

    name: str
    cwd: str
    config_dir: str | None
    launcher: dict[str, Any]
    cells: Annotated[list[Cell], Len(1)]
    packs: list[tuple[tuple[int, ...], int, int]]


def _check_places(sweep: Sweep) -> None:
    """Raises HarnessError: a number of a cell that stands elsewhere, or nowhere."""
    known = range(len(sweep.cells))
    for place, cell in enumerate(sweep.cells):
        if cell.index != place:
            raise HarnessError(f"cell {place} has the index {cell.index}")
        if cell.whole is not None and (cell.whole not in known or cell.whole == place):
            raise HarnessError(f"cell {place} is a shard of {cell.whole}")
    for index in (index for pack in sweep.packs for index in pack.cells):
        if index not in known:
            raise HarnessError(f"a pack has the cell {index}")


def enter(sweep: Sweep) -> None:
    """Makes the sweep's working directory this process's own: relative paths of the cells start there.

    Raises:
        HarnessError: it is gone.
    """
    try:
        os.chdir(sweep.cwd)
    except OSError as error:
        raise HarnessError(
            f"the sweep was launched in {sweep.cwd}, where relative paths of its cells start: {error.strerror}; make "
            "that folder again, or launch the same sweep anew: what was answered is in the store"
        ) from error


def unsettled(sweep: Sweep, cells: Sequence[int]) -> list[int]:
    """The cells whose state may still change."""
    return [index for index in cells if not sweep.status(index).settled]


def unwritable(folder: Path, error: OSError) -> HarnessError:
    fix = "set hydra.sweep.dir=FOLDER to one that this machine and the compute nodes can write"
    return refused(f"the sweep's folder {folder}", error, fix)
