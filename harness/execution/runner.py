"""Keeps a window of protocols in flight and refills it as items finish; failures become rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.console import log
from harness.errors import BaseHarnessError, HarnessError, ItemError
from harness.experiment import Experiment
from harness.faults import fault_of
from harness.items import Item
from harness.outcomes import Failed, ItemResult, rows_of
from harness.runs.finished import Finished
from harness.runs.fitted import fit
from harness.subject.subject import Subject
from harness.tasks.base import Split

PATIENCE = 20
"""Items after which a protocol that has tripped over every one of them, at the same place, is not asked on."""


async def run_protocols(
    experiment: Experiment,
    items: Sequence[Item],
    subject: Subject,
    fitted: Any,
    *,
    window: int,
    done: Callable[[Finished], None],
    stop: asyncio.Event | None = None,
    patience: int = PATIENCE,
) -> None:
    """Runs the protocol of every item, `window` of them at once, and hands each over as it ends.

    There is no barrier between the questions of a protocol: an item goes on while others are at their first.

    Args:
        done: called once per item, in the order in which they end.
        stop: when set, the items in flight are abandoned and the function returns.
        patience: so many items that trip at the same place before any other has ended stop the run.

    Raises:
        HarnessError: something that concerns all items (a dead engine, a full disk, a slip in the protocol). An
            `ItemError`, or an exception that only some items meet, fails its own item only.
    """
    queue = iter(items)
    done = _Watch(done, patience).see
    workers = [
        asyncio.create_task(_work(experiment, queue, subject, fitted, done)) for _ in range(min(window, len(items)))
    ]
    stopped = asyncio.create_task(stop.wait()) if stop is not None else None
    try:
        pending: set[asyncio.Task[Any]] = set(workers)
        while pending:
            waited = pending | ({stopped} if stopped else set())
            finished, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if stopped in finished:
                return
            for task in finished:
                task.result()
            pending -= finished
    finally:
        others = [*workers, *([stopped] if stopped else [])]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Watch:
    """Hands over what has ended, tells of the first slip in the protocol, and stops where every item trips over it."""

    def __init__(self, done: Callable[[Finished], None], patience: int) -> None:
        self._done = done
        self._patience = patience
        self._places: set[str] = set()
        self._tripped = 0
        self._fine = False

    def see(self, finished: Finished) -> None:
        """Raises HarnessError: as many items as it has patience for tripped at one place, and none went further."""
        result = finished.result
        self._done(finished)
        if result.faults and not self._places and self._patience > 1:
            log(f"the protocol trips over item {result.item}: {result.errors[0]}")
        self._places |= set(result.faults)
        self._fine |= not result.faults or any(not isinstance(row, Failed) for row in result.rows)
        self._tripped += 1
        if not self._fine and len(self._places) == 1 and self._tripped >= self._patience:
            count = f"the first {self._patience} items" if self._patience > 1 else "the first item"
            raise HarnessError(f"the protocol fails on {count}: {result.errors[0]}")


async def _work(
    experiment: Experiment, queue: Iterator[Item], subject: Subject, fitted: Any, done: Callable[[Finished], None]
) -> None:
    for item in queue:
        done(await run_item(experiment, item, subject, fitted))


async def ask_all(
    experiment: Experiment, items: Split, subject: Subject, window: int, patience: int = PATIENCE
) -> list[Finished]:
    """Prepares on the training items and runs the protocol of every test item; nothing is written but the store.

    Raises:
        HarnessError: as `run_protocols`.
    """
    finished: list[Finished] = []
    fitted = await fit(experiment, items.train, subject)
    await run_protocols(experiment, items.test, subject, fitted, window=window, done=finished.append, patience=patience)
    return finished


async def run_item(experiment: Experiment, item: Item, subject: Subject, fitted: Any) -> Finished:
    """Runs the protocol of one item; raises only errors that concern all items."""
    view = subject.for_item(item.id)
    try:
        returned = await experiment.protocol(item, view, fitted)
        result = ItemResult(item.id, item.cluster, tuple(rows_of(returned, experiment.outcome)))
    except ItemError as error:
        result = ItemResult(item.id, item.cluster, error=str(error))
    except BaseHarnessError:
        raise
    except Exception as error:
        # A protocol that trips over one item must not take the others with it; the fraction of failures is
        # judged at the end, and one beyond `max_failed` fails the run.
        fault = fault_of(error)
        result = ItemResult(item.id, item.cluster, error=fault.text, fault=fault.place)
    return Finished(item, result, view.transcript)
