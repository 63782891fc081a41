"""Defines a task, a named and versioned source of items, and splits it into test and training items."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.rows import broken_rows
from harness.tasks.texts import typed

BROKEN = 5
"""Broken rows that are named; of more, the number is told."""


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A source of items. Subclasses are frozen dataclasses whose fields are the task's settings.

    Attributes:
        name: what runs and references call it; set in the task's YAML.
        version: changes whenever the same settings would give other items or grades.
        known_size: whether the settings say how many items there are. Where they do not, `limit` is the most that is
            taken; else fewer items are an error.
        duplicates: what to do with rows of equal content: "error" names them, "drop" keeps the first.
    """

    version: ClassVar[str]
    known_size: ClassVar[bool] = True
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
        broken: a message for each row of the task's files that gave no item.
    """

    test: tuple[Item, ...]
    train: tuple[Item, ...]
    fingerprint: str
    broken: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What to tell of broken rows: how many there are, and the first."""
        if not self.broken:
            return []
        more = len(self.broken) - BROKEN
        shown = [f"  {message}" for message in self.broken[:BROKEN]] + ([f"  and {more} more"] if more > 0 else [])
        return [f"{len(self.broken)} broken rows are left out:", *shown]


def split(task: Task, limit: int | None, n_train: int, *, at_most: bool = False) -> Split:
    """Takes the first `limit` items in an order fixed by their ids, and `n_train` others for `prepare`.

    The order depends on nothing but the items, so that every model and seed meets the same ones, and a run of
    40 contains the run of 20. Training items come from the task's own training split when it has one, else from
    the far end of the same order. None of them shares an id, a cluster or its fields (a question with another
    answer) with a test item; fields are equal that differ only in capitals, spaces, kinds of quotation marks and final
    punctuation.

    Args:
        limit: number of test items. None takes all; when the training items come from the pool, all that share
            nothing with the last `n_train` of it.
        at_most: take fewer than `limit` items where there are no more.

    Raises:
        HarnessError: no items, duplicate items, or fewer than limit + n_train (n_train + 1 with `at_most`, and where
            the task cannot know beforehand how many it has). A broken row counts towards the limit: a file of `limit`
            rows is not refused for one that is left out.
    """
    if n_train < 0 or (limit is not None and limit < 1):
        raise HarnessError(f"task {task.name!r}: limit={limit} and {n_train} training items; give 1 and 0 or more")
    loaded = task.load()
    broken = broken_rows(loaded)
    pool = _ordered(_unique(loaded, task))
    if not pool:
        raise HarnessError(f"task {task.name!r} has no items; check its path, split and filters")
    own = task.load_train() if n_train else None
    others = pool[::-1] if own is None else _ordered(_unique(own, task))
    if limit is None:
        taken = _marks(pool[-n_train:]) if n_train and own is None else set()
        test = [item for item in pool if taken.isdisjoint(_marks([item]))]
    else:
        test = pool[:limit]
    met = _marks(test)
    train = list(islice((item for item in others if met.isdisjoint(_marks([item]))), n_train))
    wanted = (limit or 0) - len(broken) if task.known_size and not at_most else 1
    if not test or len(test) < wanted or len(train) < n_train:
        source = "its training split" if own is not None else "the items left"
        raise HarnessError(
            f"task {task.name!r} has {len(pool)} items, too few for limit={limit} test items and {n_train} training "
            f"items: {len(train)} of {source} share nothing with the test items; set a smaller limit"
        )
    digest = hashlib.sha256("\n".join([task.name, task.version, *(item.id for item in test)]).encode())
    return Split(tuple(test), tuple(train), digest.hexdigest()[:16], (*broken, *broken_rows(own or [])))


def _marks(items: Sequence[Item]) -> set[str]:
    """All that test and training items must not share: ids, clusters and fields, of which the wording counts."""
    fields = (json.dumps(_wording(dict(item.fields)), sort_keys=True, ensure_ascii=False) for item in items)
    return {mark for item, text in zip(items, fields, strict=True) for mark in (item.id, item.cluster, text)}


def _wording(value: Any) -> Any:
    """A value whose texts are without what two copies of a question often differ in.

    Signs inside a text stay: 2 + 2 and 2 - 2 are different questions.
    """
    if isinstance(value, str):
        words = unicodedata.normalize("NFKC", typed(value)).casefold().split()
        return " ".join(words).strip(" .?!:;,\"'")
    if isinstance(value, Mapping):
        return {key: _wording(part) for key, part in value.items()}
    return [_wording(part) for part in value] if isinstance(value, (list, tuple)) else value


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
