"""Hands the packs of a sweep to any launcher, looks how its cells stand, and stops them."""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from harness.config import build
from harness.console import counted, log
from harness.errors import HarnessError
from harness.sweep.folder import Pack, Sweep, read_sweep
from harness.sweep.lock import driving, holder_of
from harness.sweep.status import View, by_process, with_wholes


@dataclass(frozen=True, kw_only=True)
class Launcher(ABC):
    """Settings of `hydra/launcher`: how packs are made and where they run.

    Attributes:
        pack_by: "engine" packs cells that load the same models with the same settings, "none" leaves each alone, and a
            key of the config ("model.name", "seed") packs cells of the same value.
        pack_size: cells in a pack at most; None is no limit.
        shards: engines that share the items of every cell; 1 is no sharing.
        detached: whether `start` returns at once and its jobs outlive this process.
    """

    detached: ClassVar[bool] = False

    pack_by: str = "engine"
    pack_size: int | None = None
    shards: int = 1

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise HarnessError(f"hydra.launcher.shards={self.shards}: at least one engine is needed")

    @property
    def look_every(self) -> float:
        """Seconds between two looks while a process follows the cells."""
        return 2.0

    @abstractmethod
    def check(self, packs: Sequence[Pack]) -> None:
        """Refuses what cannot work, before anything is written.

        Raises:
            HarnessError: it names the missing thing.
        """

    @abstractmethod
    def start(self, sweep: Sweep, packs: Sequence[Pack]) -> None:
        """Runs the packs, or hands them over.

        Raises:
            HarnessError: nothing, or not everything, could be started.
        """

    def states(self, sweep: Sweep) -> View:
        """The state of every cell, as far as its own job or process tells.

        Raises:
            HarnessError: the folder is damaged.
        """
        return by_process(sweep)

    def stop(self, sweep: Sweep) -> None:  # noqa: B027 (most have nothing to end)
        """Ends jobs that do not notice by themselves that the sweep was cancelled.

        Raises:
            HarnessError: they could not be ended.
        """


def load_launcher(settings: Mapping[str, Any]) -> Launcher:
    """Builds the launcher.

    Raises:
        HarnessError: an unknown setting, or a value of the wrong type.
    """
    return build(settings, "hydra.launcher", cast(type, Launcher))


def look(sweep: Sweep) -> View:
    """The state of every cell. Writes nothing.

    Raises:
        HarnessError: the folder is damaged.
    """
    return with_wholes(sweep, load_launcher(sweep.launcher).states(sweep))


def start(sweep: Sweep, launcher: Launcher) -> int:
    """Hands out every cell that is neither done nor at work, and those whose results were removed.

    Returns:
        How many cells that are.

    Raises:
        HarnessError: another process is doing the same, nobody knows what is at work already, or the launcher could not
            start everything.
    """
    with driving(sweep):
        before = look(sweep)
        if before.counts["unknown"]:
            raise HarnessError(f"{before.note}; it would not be known which cells are at work already: try again later")
        whole = {i for i, seen in enumerate(before.cells) if seen.status.state == "done" and sweep.has_results(i)}
        # Workers die with the process that handed them out, now this one; detached jobs live on.
        at_work = {i for i, seen in enumerate(before.cells) if launcher.detached and seen.alive}
        todo = [index for index in range(len(sweep.cells)) if index not in whole | at_work]
        if todo:
            sweep.renew(todo)
            packs = _remaining(sweep, todo)
            log(f"{len(todo)} of {len(sweep.cells)} cells to run, in {counted(len(packs), 'pack')}")
            launcher.start(sweep, packs)
    return len(todo)


def start_in_background(sweep: Sweep) -> int:
    """Starts the sweep in a process of its own, which goes on when the terminal is closed.

    Returns:
        The number of the process.

    Raises:
        HarnessError: the sweep is at work already.
    """
    if (holder := holder_of(sweep)) is not None and holder.lives:
        raise HarnessError(f"the sweep {sweep.folder} is held by {holder} already")
    with (sweep.folder / "log.txt").open("ab") as output:
        words = [sys.executable, "-m", "harness", "sweep", "resume", str(sweep.folder)]
        # A session of its own, so that the terminal's hang-up signal does not reach it.
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        ).pid


def cancel(sweep: Sweep) -> int:
    """Stops everything that is waiting or at work.

    Returns:
        How many cells are left to be run.

    Raises:
        HarnessError: the launcher could not stop its jobs.
    """
    sweep.cancel()
    load_launcher(sweep.launcher).stop(sweep)
    return sum(not sweep.status(cell.index).settled for cell in sweep.cells)


def refuse_another_launcher(sweep: Sweep) -> None:
    """Refuses to move a grid to another launcher while its jobs are at work: nobody would see them any more.

    Raises:
        HarnessError: the sweep's folder holds one that another launcher is working on.
    """
    if not (sweep.folder / "sweep.json").exists():
        return
    known = read_sweep(sweep.folder)
    if known.launcher["_target_"] != sweep.launcher["_target_"] and any(
        seen.alive and not seen.status.settled for seen in look(known).cells
    ):
        raise HarnessError(
            f"{sweep.folder} is at work with another launcher; stop it with `python -m harness sweep cancel "
            f"{sweep.folder}`, or set hydra.sweep.dir=FOLDER to another"
        )


def _remaining(sweep: Sweep, todo: Sequence[int]) -> list[Pack]:
    """The packs, only with cells to be run; a whole cell is a pack of its own when its shards are done."""
    wanted = set(todo)
    packs = [Pack(tuple(i for i in pack.cells if i in wanted), pack.gpus, pack.engine) for pack in sweep.packs]
    packed = {index: pack for pack in sweep.packs for index in pack.cells}
    for index in todo:
        shards = [cell.index for cell in sweep.shards(index)]
        if index not in packed and shards and wanted.isdisjoint(shards):
            first = packed[shards[0]]
            packs.append(Pack((index,), first.gpus, first.engine))
    return [pack for pack in packs if pack.cells]
