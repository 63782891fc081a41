"""Tasks: named, versioned items, and the split into test and training items."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Item


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A source of items. Subclasses are frozen dataclasses whose fields are the task's settings.

    Attributes:
        name: what runs and references call it; set in the task's YAML.
        version: changes whenever the same settings would give other items or grades.
        duplicates: what to do with rows of equal content: "error" names them, "drop" keeps the first.
    """

    version: ClassVar[str]
    name: str
    duplicates: Literal["error", "drop"] = "error"

    @abstractmethod
    def load(self) -> list[Item]:
        """All items that may be tested.

        Raises:
            HarnessError: a file, column or row is missing or malformed; the message names it.
        """

    def load_train(self) -> list[Item] | None:
        """Items of a separate training split, or None when training items are to be taken from the pool."""
        return None


@dataclass(frozen=True)
class Split:
    """Test and training items, disjoint by id and by cluster.

    Attributes:
        fingerprint: 16 hex digits over the task's version and the ids of the test items.
    """

    test: tuple[Item, ...]
    train: tuple[Item, ...]
    fingerprint: str


def split(task: Task, limit: int | None, n_train: int) -> Split:
    """Takes the first `limit` items in an order fixed by their ids, and `n_train` others for `prepare`.

    The order depends on nothing but the items, so that every model and seed meets the same ones, and a run of
    40 contains the run of 20. Training items come from the task's own training split when it has one, else from
    the far end of the same order.

    Raises:
        HarnessError: no items, duplicate items, or fewer than limit + n_train.
    """
    pool = _ordered(_unique(task.load(), task))
    if not pool:
        raise HarnessError(f"task {task.name!r} has no items; check its path, split and filters")
    own = task.load_train() if n_train else None
    if own is None:
        if limit is None:
            limit = len(pool) - n_train
        if limit < 1 or n_train > len(pool) - limit:
            raise HarnessError(
                f"task {task.name!r} has {len(pool)} items, too few for limit={limit} test items and {n_train} training items; "
                f"set limit={max(1, len(pool) - n_train)} or smaller"
            )
    test = pool[:limit]
    clusters = {item.cluster for item in test} | {item.id for item in test}
    others = reversed(pool) if own is None else _ordered(own)
    train = [item for item in others if item.id not in clusters and item.cluster not in clusters][:n_train]
    if len(train) < n_train:
        raise HarnessError(
            f"task {task.name!r}: {n_train} training items wanted, {len(train)} are disjoint from the test items"
        )
    digest = hashlib.sha256("\n".join([task.name, task.version, *(item.id for item in test)]).encode())
    return Split(tuple(test), tuple(train), digest.hexdigest()[:16])


def _ordered(items: Sequence[Item]) -> list[Item]:
    # Ids are digests, so their order is a random but fixed permutation.
    return sorted(items, key=lambda item: item.id)


def _unique(items: Sequence[Item], task: Task) -> list[Item]:
    seen: dict[str, Item] = {}
    for item in items:
        if item.id in seen:
            if task.duplicates == "error":
                shown = str(item.fields)[:120]
                raise HarnessError(
                    f"task {task.name!r}: item {item.id} occurs twice ({shown}); remove it or set task.duplicates=drop"
                )
            continue
        seen[item.id] = item
    return list(seen.values())
