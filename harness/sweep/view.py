"""What became of every cell: its own last word, corrected by what has become of its job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.sweep.driver import driver_of
from harness.sweep.folder import Status, Sweep
from harness.sweep.grid import Cell
from harness.sweep.slurm import ends, in_queue

STATES = ("done", "running", "queued", "failed")


@dataclass(frozen=True)
class Seen:
    """A cell and its state as far as it can be known.

    Attributes:
        alive: whether the job or process that has it, or had it, is still there.
    """

    cell: Cell
    status: Status
    alive: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = {"cell": self.cell.index, "label": self.cell.label, "run": self.cell.folder, "whole": self.cell.whole}
        return {**names, **asdict(self.status), "alive": self.alive}


@dataclass(frozen=True)
class View:
    """All cells at one moment.

    Attributes:
        note: what could not be found out; "" when everything could.
    """

    cells: tuple[Seen, ...]
    note: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Cells in each state."""
        counted: Counter[str] = Counter(seen.status.state for seen in self.cells)
        return {state: counted[state] for state in STATES}

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return all(seen.status.settled for seen in self.cells)

    def __str__(self) -> str:
        words = ", ".join(f"{n} {state}" for state, n in self.counts.items() if n)
        return f"{words}{f'; {self.note}' if self.note else ''}"


def look(sweep: Sweep) -> View:
    """The state of every cell. Writes nothing.

    SLURM is asked first and the files are read afterwards: a job that has left the queue has written its last word.

    Raises:
        HarnessError: the folder is damaged.
    """
    on_slurm = sweep.launcher["_target_"].endswith("Slurm")
    view = _on_slurm(sweep) if on_slurm else _on_machine(sweep)
    return View(tuple(_after_shards(sweep, seen, view.cells) for seen in view.cells), view.note)


def _on_slurm(sweep: Sweep) -> View:
    queue = in_queue()
    jobs = sweep.jobs()
    job_of = {cell: job for job, cells in jobs.items() for cell in cells}
    statuses = [sweep.status(cell.index) for cell in sweep.cells]
    # A whole cell is in no pack: whoever had its last shard makes it.
    names = [job_of.get(cell.index, status.job) for cell, status in zip(sweep.cells, statuses, strict=True)]
    if queue is None:
        seen = [Seen(cell, status, not status.settled) for cell, status in zip(sweep.cells, statuses, strict=True)]
        return View(tuple(seen), "SLURM does not answer: states are as last written")
    gone = {name for name, s in zip(names, statuses, strict=True) if name and not s.settled and name not in queue}
    how = ends(gone) if gone else {}
    seen = []
    for cell, status, name in zip(sweep.cells, statuses, names, strict=True):
        if name in queue:
            waits = any(not statuses[i].settled for i in jobs.get(name, ()) if i < cell.index)
            state = "behind other cells of its job" if waits else queue[name]
            seen.append(Seen(cell, _in_job(status, name, state), True))
        elif status.settled or sweep.shards(cell.index):
            seen.append(Seen(cell, status, False))
        else:
            reason = _lost(sweep, status, name, how.get(name)) if name else "no job was submitted for it"
            seen.append(Seen(cell, replace(status, state="failed", job=name, reason=reason), False))
    return View(tuple(seen))


def _in_job(status: Status, job: str, state: str) -> Status:
    if status.state != "queued":
        return status
    return replace(status, job=job, reason=status.reason or ("starting" if state == "running" else state))


def _lost(sweep: Sweep, status: Status, job: str, how: str | None) -> str:
    if sweep.cancelled:
        return "cancelled"
    ended = f"job {job} is over ({how})" if how else f"job {job} is gone from SLURM's queue"
    did = "did not come to this cell" if status.state == "queued" and not status.host else "left it unfinished"
    log = sweep.folder / "submitit" / f"{job}_0_log.err"
    hint = f"see {log}" if log.exists() else f"no log: do the compute nodes see {sweep.folder}?"
    return f"{ended} and {did}; {hint}"


def _on_machine(sweep: Sweep) -> View:
    driver = driver_of(sweep)
    lives = driver.writer_lives() if driver is not None else False
    seen = []
    for cell in sweep.cells:
        status = sweep.status(cell.index)
        alive = lives is not False
        if not status.settled and not alive and not sweep.shards(cell.index):
            left = "cancelled" if sweep.cancelled else "the process that ran the sweep is gone"
            status = replace(status, state="failed", reason=f"{left}{f' ({status.reason})' if status.reason else ''}")
        seen.append(Seen(cell, status, alive))
    note = f"driven on {driver.host}, which cannot be seen from here" if driver is not None and lives is None else ""
    return View(tuple(seen), note)


def _after_shards(sweep: Sweep, whole: Seen, all_seen: Sequence[Seen]) -> Seen:
    """A whole cell waits for its shards, and fails with them."""
    shards = [all_seen[cell.index] for cell in sweep.shards(whole.cell.index)]
    if not shards or whole.status.state != "queued":
        return whole
    failed = [seen.cell.swept[-1] for seen in shards if seen.status.state == "failed"]
    if any(seen.alive for seen in shards):
        return replace(whole, alive=True, status=replace(whole.status, reason="waits for its shards"))
    reason = f"{', '.join(failed)} failed" if failed else "its shards are done, but nobody put them together"
    return replace(whole, status=replace(whole.status, state="failed", reason=reason))


def differences(before: View | None, now: View) -> Mapping[int, Seen]:
    """Cells whose state or reason has changed."""
    if before is None:
        return {seen.cell.index: seen for seen in now.cells}
    pairs = zip(before.cells, now.cells, strict=True)
    return {
        new.cell.index: new
        for old, new in pairs
        if (old.status.state, old.status.reason) != (new.status.state, new.status.reason)
    }
