"""Keeps a window of protocols in flight and refills it as items finish; failures become rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.errors import BaseHarnessError, ItemError, named
from harness.experiment import Experiment
from harness.items import Item
from harness.outcomes import ItemResult, Outcome
from harness.runs.finished import Finished
from harness.runs.fitted import fit
from harness.subject.subject import Subject
from harness.tasks.base import Split


async def run_protocols(
    experiment: Experiment,
    items: Sequence[Item],
    subject: Subject,
    fitted: Any,
    *,
    window: int,
    done: Callable[[Finished], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Runs the protocol of every item, `window` of them at once, and hands each over as it ends.

    There is no barrier between the questions of a protocol: an item goes on while others are at their first.

    Args:
        done: called once per item, in the order in which they end.
        stop: when set, the items in flight are abandoned and the function returns.

    Raises:
        HarnessError: something that concerns all items (a dead engine, a full disk). An `ItemError`, or any
            exception of the protocol itself, fails its own item only.
    """
    queue = iter(items)
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


async def _work(
    experiment: Experiment, queue: Iterator[Item], subject: Subject, fitted: Any, done: Callable[[Finished], None]
) -> None:
    for item in queue:
        done(await run_item(experiment, item, subject, fitted))


async def ask_all(experiment: Experiment, items: Split, subject: Subject, window: int) -> list[Finished]:
    """Prepares on the training items and runs the protocol of every test item; nothing is written but the store.

    Raises:
        HarnessError: as `run_protocols`.
    """
    finished: list[Finished] = []
    fitted = await fit(experiment, items.train, subject)
    await run_protocols(experiment, items.test, subject, fitted, window=window, done=finished.append)
    return finished


async def run_item(experiment: Experiment, item: Item, subject: Subject, fitted: Any) -> Finished:
    """Runs the protocol of one item; raises only what concerns all items."""
    view = subject.for_item(item.id)
    try:
        rows = await experiment.protocol(item, view, fitted)
        result = ItemResult(item.id, item.cluster, (rows,) if isinstance(rows, Outcome) else tuple(rows))
    except ItemError as error:
        result = ItemResult(item.id, item.cluster, error=str(error))
    except BaseHarnessError:
        raise
    except Exception as error:
        # A protocol that trips over one item must not take the others with it; the fraction of failures is
        # judged at the end, and one beyond `max_failed` fails the run.
        result = ItemResult(item.id, item.cluster, error=named(error))
    return Finished(item, result, view.transcript)
