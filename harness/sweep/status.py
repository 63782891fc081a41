"""Says how every cell of a sweep stands: its status file, overridden when the job that has the cell is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.sweep.folder import Cell, Status, Sweep
from harness.sweep.lock import holder_of

STATES = ("done", "running", "queued", "unknown", "failed")


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
        note: questions that stayed open; "" without any.
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


def by_process(sweep: Sweep) -> View:
    """The state of every cell of a sweep whose workers live no longer than the process that hands them out."""
    holder = holder_of(sweep)
    alive = holder is not None and holder.lives
    seen = []
    for cell in sweep.cells:
        status = sweep.status(cell.index)
        if not status.settled and not alive and not sweep.shards(cell.index):
            left = "cancelled" if sweep.cancelled else "the process that ran the sweep is gone"
            status = replace(status, state="failed", reason=f"{left}{f' ({status.reason})' if status.reason else ''}")
        seen.append(Seen(cell, status, alive))
    return View(tuple(seen))


def with_wholes(sweep: Sweep, view: View) -> View:
    """Corrects the whole cells of a view by the states of their shards: a whole waits for them, and fails with them."""
    return View(tuple(_after_shards(sweep, seen, view.cells) for seen in view.cells), view.note)


def _after_shards(sweep: Sweep, whole: Seen, all_seen: Sequence[Seen]) -> Seen:
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
