"""Runs packs on the GPUs of this machine, a supervised worker on each."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from harness.console import counted, log
from harness.errors import HarnessError
from harness.sweep.folder import Pack, Sweep
from harness.sweep.launch.base import Launcher
from harness.sweep.launch.supervisor import Supervisor

FOR_EVER = 60 * 24 * 365
"""Minutes; submitit wants a limit where there is none."""


@dataclass(frozen=True, kw_only=True)
class Gpus(Launcher):
    """Settings of `hydra/launcher=gpus`: a worker on each GPU of this machine, packs queued to them.

    A pack is cut in two as long as a GPU would have nothing to do.

    Attributes:
        devices: the GPUs to use; None is CUDA_VISIBLE_DEVICES where it is set, or all.
        gpus_per_job: GPUs of a job; None is as many as the largest model of the sweep needs, at least one.
        retries: how often a cell whose worker was killed is started again.
    """

    devices: tuple[int, ...] | None = None
    gpus_per_job: int | None = None
    retries: int = 1

    def check(self, packs: Sequence[Pack]) -> None:
        self._slots(packs)

    def start(self, sweep: Sweep, packs: Sequence[Pack]) -> None:
        slots = self._slots(packs)
        free: SimpleQueue[tuple[int, ...]] = SimpleQueue()
        for slot in slots:
            free.put(slot)

        def run(pack: Pack) -> None:
            slot = free.get()
            try:
                if not sweep.cancelled:
                    self._run(sweep, pack, slot)
            finally:
                free.put(slot)

        packs = spread(packs, len(slots))
        jobs, workers = counted(len(packs), "job"), counted(len(slots), "worker")
        log(f"{jobs} on {workers} of {counted(len(slots[0]), 'GPU')}")
        with ThreadPoolExecutor(len(slots)) as threads:
            list(threads.map(run, packs))

    def _run(self, sweep: Sweep, pack: Pack, slot: tuple[int, ...]) -> None:
        from submitit import LocalExecutor

        executor = LocalExecutor(sweep.folder / "submitit")
        executor.update_parameters(gpus_per_node=len(slot), visible_gpus=slot, timeout_min=FOR_EVER)
        job: Any = executor.submit(Supervisor(str(sweep.folder), pack.cells, self.retries))
        log(f"cells {', '.join(map(str, pack.cells))} on GPU {', '.join(map(str, slot))}; log: {job.paths.stderr}")
        while not job.done():
            time.sleep(0.1)

    def _slots(self, packs: Sequence[Pack]) -> list[tuple[int, ...]]:
        devices = self.devices if self.devices is not None else _visible_gpus()
        size = self.gpus_per_job or max(1, *(pack.gpus for pack in packs), 1)
        if len(set(devices)) != len(devices) or len(devices) < size:
            raise HarnessError(
                f"hydra/launcher=gpus: a job needs {counted(size, 'GPU')}, and there are {len(devices)} "
                f"({', '.join(map(str, devices)) or 'nvidia-smi shows none'}); set hydra.launcher.devices=[0,1,...]"
            )
        return [tuple(devices[i : i + size]) for i in range(0, len(devices) - size + 1, size)]


def spread(packs: Sequence[Pack], workers: int) -> list[Pack]:
    """Halves the largest packs until every worker has one, or every pack one cell."""
    packs = list(packs)
    while len(packs) < workers:
        largest = max(packs, key=lambda pack: len(pack.cells), default=None)
        if largest is None or len(largest.cells) < 2:
            break
        at, half = packs.index(largest), (len(largest.cells) + 1) // 2
        packs[at : at + 1] = [replace(largest, cells=part) for part in (largest.cells[:half], largest.cells[half:])]
    return packs


def _visible_gpus() -> tuple[int, ...]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible:
        try:
            return tuple(int(number) for number in visible.split(","))
        except ValueError as error:
            raise HarnessError(
                f"CUDA_VISIBLE_DEVICES={visible} names no GPUs by number; set hydra.launcher.devices=[0,1,...]"
            ) from error
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(range(sum(line.startswith("GPU ") for line in done.stdout.splitlines())))
