"""Runs cells one after another in this process, on engines and a store that stay open, and keeps their states."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from harness.config import load_job
from harness.console import log
from harness.engines.pool import EnginePool
from harness.errors import BaseHarnessError, HarnessError, named
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.execution.summary import headline
from harness.processes import signals
from harness.store.opened import OpenStore
from harness.sweep.folder import Sweep, enter
from harness.sweep.report import write_report
from harness.tracker import RunResult, RunStart, Tracker

BEAT = 5.0
"""Seconds between two signs of life."""


class Heartbeat:
    """Shows every few seconds that a cell's worker lives, and how far it is; a thread of its own."""

    def __init__(self, sweep: Sweep, index: int) -> None:
        self.status = sweep.status(index)
        self._sweep, self._index = sweep, index
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def note(self, **changes: Any) -> None:
        """Changes what the next beat writes."""
        with self._writing:
            self.status = replace(self.status, **changes)

    def write(self, **changes: Any) -> None:
        """Changes the state and writes it now.

        Raises:
            HarnessError: the folder cannot be written.
        """
        with self._writing:
            self.status = replace(self.status, beat=self.status.beat + 1, **changes)
            self._sweep.write(self._index, self.status)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self.write()
            except HarnessError as error:
                log(str(error))  # the run itself may still go well


class HeartbeatTracker:
    """A tracker that also tells the heartbeat how many items are done."""

    def __init__(self, inner: Tracker, heartbeat: Heartbeat) -> None:
        self._inner, self._heartbeat = inner, heartbeat

    def start(self, run: RunStart) -> None:
        self._heartbeat.note(total=run.items)
        self._inner.start(run)

    def progress(self, values: Mapping[str, float]) -> None:
        self._heartbeat.note(done=int(values["items"]))
        self._inner.progress(values)

    def finish(self, result: RunResult) -> None:
        self._inner.finish(result)

    def abort(self) -> None:
        self._inner.abort()


def serve(sweep: Sweep, cells: Sequence[int], job: str) -> bool:
    """Runs cells as the process of a supervised job, and writes the sweep's page after the last of them.

    Returns:
        As `work`.

    Raises:
        HarnessError: as `work`; or the page cannot be written.
    """
    _die_with_parent()
    finished = work(sweep, cells, job)
    if all(sweep.status(cell.index).settled for cell in sweep.cells):
        write_report(sweep)
    return finished


def work(sweep: Sweep, cells: Sequence[int], job: str) -> bool:
    """Runs the cells that are not settled, one after another; one that fails leaves the others going.

    The last shard of a cell to be done also runs the whole cell, from the store, on its own loaded engine.

    Args:
        job: the job that has the cells, for their states.

    Returns:
        Whether all were worked on; False after Ctrl-C or when the sweep was cancelled.

    Raises:
        HarnessError: the sweep's folder cannot be written.
    """
    enter(sweep)
    worker = _Worker(sweep, job)
    try:
        for index in cells:
            if sweep.cancelled:
                return False
            if not sweep.status(index).settled and not worker.run(index):
                return False
            whole = _whole(sweep, index, job)
            if whole is not None and not worker.run(whole):
                return False
    finally:
        worker.close()
    return True


class _Worker:
    """Engines and a store that stay open from one cell to the next."""

    def __init__(self, sweep: Sweep, job: str) -> None:
        self._sweep, self._job = sweep, job
        self._pool = EnginePool()
        self._store = OpenStore()

    def close(self) -> None:
        self._store.close()
        self._pool.close()

    def run(self, index: int) -> bool:
        """Runs one cell to its last state; False when it was interrupted."""
        cell = self._sweep.cells[index]
        log(f"sweep {self._sweep.name}: cell {index} ({cell.label})")
        with Heartbeat(self._sweep, index) as heartbeat:
            again = heartbeat.status.state == "running"  # the worker that ran it before did not come to an end
            heartbeat.write(
                state="running",
                requeued=heartbeat.status.requeued + again,
                job=self._job,
                host=socket.gethostname(),
                pid=os.getpid(),
            )
            try:
                session = self._execute(index, heartbeat)
            except BaseHarnessError as error:
                heartbeat.write(state="failed", reason=str(error))
                log(f"cell {index} failed: {error}")
            except KeyboardInterrupt:
                heartbeat.write(state="queued", reason="interrupted")
                return False
            except Exception as error:
                log(traceback.format_exc())
                heartbeat.write(state="failed", reason=named(error))
            else:
                if session.status == "interrupted":
                    heartbeat.write(state="queued", reason="interrupted")
                    return False
                heartbeat.write(**_result(session))
        return True

    def _execute(self, index: int, heartbeat: Heartbeat) -> Session:
        job = load_job(self._sweep.cells[index].overrides, self._sweep.config_dir)
        # Polled and not signalled: an interrupt while a library imports or reads settings may be swallowed.
        session = execute(
            replace(job, tracker=HeartbeatTracker(job.tracker, heartbeat)),
            self._pool,
            self._store.at(job.store),
            cancelled=lambda: self._sweep.cancelled,
        )
        # Before the cell is said to be done: another machine may make a whole cell of this one's answers.
        self._store.flush()
        print(f"cell {index}, {session.run.path}: {headline(session)}", flush=True)
        return session


def _result(session: Session) -> dict[str, Any]:
    counts = session.store or {}
    return {
        "state": "failed" if session.code else "done",
        "reason": (session.error or session.status) if session.code else "",
        "done": len(session.results),
        "total": len(session.items.test),
        "asked": counts.get("asked"),
        "shared": counts.get("shared"),
        "seconds": session.seconds,
    }


def _whole(sweep: Sweep, index: int, job: str) -> int | None:
    """The whole cell that is to be made after this shard: all its shards are done, and nobody else makes it."""
    whole = sweep.cells[index].whole
    if whole is None or sweep.status(whole).settled:
        return None
    if any(sweep.status(shard.index).state != "done" for shard in sweep.shards(whole)):
        return None
    return whole if sweep.claim(whole, job) else None


def _die_with_parent() -> None:
    """Lets the kernel kill this process when the one that started it dies: nobody would notice what became of it."""
    if sys.platform == "linux":  # PR_SET_PDEATHSIG of linux/prctl.h; Python has no name for it
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    # These signals are for the job. Not "ignore", which programs started from here would inherit.
    for number in signals.ENDING[1:]:  # all but Ctrl-C
        signal.signal(number, lambda *_: None)
