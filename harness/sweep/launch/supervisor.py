"""Looks after the worker of one pack: submitit runs this, and it outlives the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.sweep.folder import Sweep, read_sweep, unsettled

POLL = 0.1
"""Seconds between two looks at the worker."""

PATIENCE = 20.0
"""Seconds that a killed worker may take to be gone; one that hangs in a driver is left to SLURM."""


class Supervisor:
    """Looks after a pack: starts a worker, and when that is killed another one for the remaining cells.

    The worker is a process of its own for two reasons. One that is killed for its memory, or by a fault in a driver,
    takes no other cell with it. And a signal is heeded at once even while a model is being loaded. Killing a worker at
    any moment loses at most the calls in flight.

    Args:
        folder: of the sweep.
        retries: how often a cell whose worker was killed is started again.
    """

    def __init__(self, folder: str, cells: tuple[int, ...], retries: int) -> None:
        self.folder, self.cells, self.retries = folder, cells, retries
        self._worker: subprocess.Popen[bytes] | None = None
        self._stopped: list[int] = []

    def __call__(self) -> None:
        """Ends when every cell is settled or the sweep was cancelled; called by submitit on the compute node."""
        from submitit.core.utils import UncompletedJobError

        sweep = read_sweep(Path(self.folder))
        try:
            self._look_after(sweep)
        except UncompletedJobError as error:
            # Raised by submitit inside its signal handler: there is no time left, and no requeue.
            for index in unsettled(sweep, self.cells):
                status = sweep.status(index)
                begun = index in self._stopped
                reason = f"out of time: {error}; give more with hydra.launcher.timeout_min or max_num_timeout"
                sweep.change(index, state="failed", reason=reason, requeued=status.requeued - begun)
        finally:
            self._end_worker()

    def checkpoint(self) -> Any:
        """Ends the worker and gives submitit what is to be queued again; called at a time-out or a preemption."""
        from submitit.helpers import DelayedSubmission

        self._end_worker()
        sweep = read_sweep(Path(self.folder))
        self._stopped = self._running(sweep)
        for index in self._stopped:
            reason = "stopped by SLURM (time-out or preemption) and queued again"
            sweep.change(index, state="queued", reason=reason, requeued=sweep.status(index).requeued + 1)
        return DelayedSubmission(Supervisor(self.folder, self.cells, self.retries))

    def _look_after(self, sweep: Sweep) -> None:
        kills: dict[int, int] = {}
        job = job_name()
        while (left := self._left(sweep)) and not sweep.cancelled:
            words = ["sweep", "work", self.folder, "--job", job, "--cells", ",".join(map(str, left))]
            self._worker = subprocess.Popen([sys.executable, "-m", "harness", *words])
            code = self._code()
            still_open = unsettled(sweep, (*left, *self._wholes(sweep)))
            if code >= 0 and self._left(sweep) == left:
                # It ended by itself and did nothing: another one would not do better.
                for index in still_open:
                    sweep.change(index, state="failed", reason=f"its worker ended with exit code {code}; see its log")
            elif code < 0:
                # Killed before it came to a cell: the first one is charged with it, or it would go on for ever.
                self._note_kill(sweep, signal.Signals(-code).name, self._running(sweep) or still_open[:1], kills)

    def _left(self, sweep: Sweep) -> list[int]:
        """Cells that are not settled, or after which a whole cell that this job has begun is still to be made."""
        wholes = {cell.index: cell.whole for cell in sweep.cells}
        begun = {index for index in self._wholes(sweep) if not sweep.status(index).settled}
        return [index for index in self.cells if not sweep.status(index).settled or wholes[index] in begun]

    def _running(self, sweep: Sweep) -> list[int]:
        return [i for i in (*self.cells, *self._wholes(sweep)) if sweep.status(i).state == "running"]

    def _wholes(self, sweep: Sweep) -> list[int]:
        """Whole cells that this job makes of their shards."""
        wholes = {cell.whole for cell in sweep.cells if cell.index in self.cells and cell.whole is not None}
        return sorted(index for index in wholes if sweep.claimant(index) == job_name())

    def _note_kill(self, sweep: Sweep, by: str, charged: Sequence[int], kills: dict[int, int]) -> None:
        for index in charged:
            kills[index] = kills.get(index, 0) + 1
            reason = f"its worker was killed by {by} (not enough memory? see hydra.launcher.mem_gb)"
            if kills[index] > self.retries:
                sweep.change(index, state="failed", reason=reason)
            else:
                sweep.change(index, state="queued", reason=reason, requeued=sweep.status(index).requeued + 1)

    def _code(self) -> int:
        """Waits for the worker. Not by `Popen.wait`: a signal handler that waits too would wait for ever."""
        assert self._worker is not None
        while (code := self._worker.poll()) is None:
            time.sleep(POLL)
        return code

    def _end_worker(self) -> None:
        if self._worker is None:
            return
        deadline = time.monotonic() + PATIENCE
        while self._worker.poll() is None and time.monotonic() < deadline:
            self._worker.kill()
            time.sleep(POLL)


def job_name() -> str:
    """The job that this process is part of: SLURM's id, with the index in its array, or the process itself."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID") or f"process {os.getpid()}"
