"""A worker: runs cells one after another in this process, on engines that stay loaded, and keeps their states."""

from __future__ import annotations

import json
import os
import socket
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.config import load_job
from harness.console import log
from harness.engines.pool import EnginePool
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.execution.summary import print_summary
from harness.figures import Drawing, Figure
from harness.outcomes import Table
from harness.statistics.estimates import Estimate
from harness.sweep.folder import Sweep
from harness.tracker import Tracker

BEAT = 5.0
"""Seconds between two signs of life."""


class Pulse:
    """A thread that shows that a cell's worker lives and how far it is."""

    def __init__(self, sweep: Sweep, index: int) -> None:
        self.status = sweep.status(index)
        self._sweep, self._index = sweep, index
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

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


class Watched:
    """A tracker that also tells the pulse how many items are done."""

    def __init__(self, inner: Tracker, pulse: Pulse) -> None:
        self._inner, self._pulse = inner, pulse

    def start(
        self, *, run_dir: Path, run_id: str, name: str, config: Mapping[str, Any], job_type: str, tags: Sequence[str]
    ) -> None:
        self._pulse.note(total=json.loads((run_dir / "manifest.json").read_bytes())["task"]["items"])
        self._inner.start(run_dir=run_dir, run_id=run_id, name=name, config=config, job_type=job_type, tags=tags)

    def progress(self, values: Mapping[str, float]) -> None:
        self._pulse.note(done=int(values["items"]))
        self._inner.progress(values)

    def finish(
        self,
        run_dir: Path,
        manifest: Mapping[str, Any],
        table: Table,
        estimates: Sequence[Estimate],
        drawings: Sequence[Drawing],
        *,
        figures: Sequence[Figure] = (),
    ) -> None:
        self._inner.finish(run_dir, manifest, table, estimates, drawings, figures=figures)

    def abort(self) -> None:
        self._inner.abort()


def work(sweep: Sweep, cells: Sequence[int], job: str) -> bool:
    """Runs the cells that are not settled, one after another; one that fails leaves the others going.

    The last shard of a cell to be done also runs the whole cell, from the store, on its own loaded engine.

    Args:
        job: what had the cells, for their states.

    Returns:
        Whether all were worked on; False after Ctrl-C or when the sweep was cancelled.

    Raises:
        HarnessError: the sweep's folder cannot be written.
    """
    os.chdir(sweep.cwd)
    pool = EnginePool()
    try:
        for index in cells:
            if sweep.cancelled:
                return False
            if not sweep.status(index).settled and not _run(sweep, index, pool, job):
                return False
            whole = _whole(sweep, index, job)
            if whole is not None and not _run(sweep, whole, pool, job):
                return False
    finally:
        pool.close()
    return True


def _run(sweep: Sweep, index: int, pool: EnginePool, job: str) -> bool:
    cell = sweep.cells[index]
    log(f"sweep {sweep.name}: cell {index} ({cell.label})")
    with Pulse(sweep, index) as pulse:
        again = pulse.status.state == "running"  # whoever ran it before did not come to an end
        pulse.write(
            state="running",
            requeued=pulse.status.requeued + again,
            job=job,
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        try:
            session = _execute(sweep, index, pool, pulse)
        except HarnessError as error:
            pulse.write(state="failed", reason=str(error))
            log(f"cell {index} failed: {error}")
        except KeyboardInterrupt:
            pulse.write(state="queued", reason="interrupted")
            return False
        except Exception as error:
            traceback.print_exc()
            pulse.write(state="failed", reason=f"{type(error).__name__}: {error}")
        else:
            if session.status == "interrupted":
                pulse.write(state="queued", reason="interrupted")
                return False
            pulse.write(**_result(session))
    return True


def _execute(sweep: Sweep, index: int, pool: EnginePool, pulse: Pulse) -> Session:
    run = load_job(sweep.cells[index].overrides, sweep.config_dir)
    pool.keep_only([(run.engine, run.model), *((p.engine or run.engine, p.model) for p in run.roles.values())])
    # Asked for and not signalled: an interrupt that strikes while a library imports or reads settings may be swallowed.
    session = execute(replace(run, tracker=Watched(run.tracker, pulse)), pool, cancelled=lambda: sweep.cancelled)
    print_summary(session)
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
