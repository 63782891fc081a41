"""Defines a task, a named and versioned source of items, and splits it into test and training items."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.rows import ReadItems
from harness.tasks.texts import typed

BROKEN = 5
"""Faulty rows that are named; of more, the number is told."""


class NoTraining(HarnessError):
    """A set of which no item can be for training."""


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A source of items. Subclasses are frozen dataclasses whose fields are the task's settings.

    Attributes:
        name: the task's name in runs and references; set in the task's YAML.
        version: changes whenever the same settings would give other items or grades.
        duplicates: treatment of rows with equal content: "error" names them, "drop" keeps the first, and says so.
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

    def source(self) -> str:
        """The source of the items and their licence; "" for items that the task makes itself."""
        return ""


@dataclass(frozen=True)
class Split:
    """Test and training items, disjoint by id and by clusters.

    Attributes:
        fingerprint: 16 hex digits over the task's version and the ids of the test items.
        broken: a message for each row of the task's files that gave no item.
        fitted: what was made smaller to fit a small set, a sentence each.
        revision: the commit of a set on the hub that was read; "" for other sources.
        mended: a message for each row that is used without a faulty part of it (one of two equal options).
        passed: how many rows or questions of the task's files are none for it, a sentence for each reason.
    """

    test: tuple[Item, ...]
    train: tuple[Item, ...]
    fingerprint: str
    broken: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()
    revision: str = ""
    mended: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Notes on the split: the fit to a small set, rows passed over, how many are faulty, and the first of these."""
        return [
            *self.fitted,
            *self.passed,
            *_named("broken rows are left out", self.broken),
            *_named("rows are used without a part of them", self.mended),
        ]


def _named(what: str, messages: Sequence[str]) -> list[str]:
    """The number of faulty rows and the first of them."""
    if not messages:
        return []
    more = len(messages) - BROKEN
    shown = [f"  {message}" for message in messages[:BROKEN]] + ([f"  and {more} more"] if more > 0 else [])
    return [f"{len(messages)} {what}:", *shown]


def split(task: Task, limit: int | None, n_train: int) -> Split:
    """Takes the first `limit` items in an order fixed by their ids, and `n_train` others for `prepare`.

    The order depends on nothing but the items, so that every model and seed meets the same ones. Training items come
    from the task's own training split when it has one, else from the far end of the same order. None of them shares an
    id, a cluster or its fields (a question with another answer) with a test item. Fields count as equal if they differ
    only in capitals, spaces, kinds of quotation marks and final punctuation.

    Those from the far end are taken first, and test items that share something with them are passed over. So a run of
    40 contains the run of 20, and has the same training items and thus the same few-shot prompts: a run that is
    extended asks about its new items only.

    Questions that must be right together (a field "unit" beside the group) stand together in this order. A limit
    between two of them leaves their unit out, so that every joint score is of whole units.

    A small set is used whole: a limit above its size takes all items. Where it has no room for `limit` test items and
    `n_train` training items, at most a quarter of it is for training. `Split.fitted` tells.

    Args:
        limit: number of test items. None takes all; when the training items come from the pool, all that share
            nothing with them.

    Raises:
        HarnessError: no items, or duplicate items.
        NoTraining: no training item although some are wanted, or no test item beside them.
    """
    if n_train < 0 or (limit is not None and limit < 1):
        raise HarnessError(f"task {task.name!r}: limit={limit} and {n_train} training items; give 1 and 0 or more")
    loaded = ReadItems.of(task.load())
    pool = _ordered(_unique(loaded, task))
    passed = loaded.passed + Counter({"equal to an item before it": len(loaded) - len(pool)})
    if not pool:
        raise HarnessError(f"task {task.name!r} has no items; check its path, split and filters")
    separate = task.load_train() if n_train else None
    own = ReadItems.of(separate or [])
    if separate is None:
        small = limit is None or limit + n_train > len(pool)
        most = min(n_train, max(1, len(pool) // 4)) if small else n_train
        train = _far_end(pool, most)
        taken = _marks(train)
        others = [item for item in pool if taken.isdisjoint(_marks([item]))]
        test = _first(others, limit)
    else:
        others, test = pool, _first(pool, limit)
        met = _marks(test)
        train = [item for item in _ordered(_unique(own, task)) if met.isdisjoint(_marks([item]))][:n_train]
    if not test or (n_train and not train):
        source = "its training split" if separate is not None else "the items"
        raise NoTraining(
            f"task {task.name!r} has {len(pool)} items: none of {source} can be for training without sharing its "
            "question or group with a test item"
        )
    digest = hashlib.sha256("\n".join([task.name, task.version, *(item.id for item in test)]).encode())
    return Split(
        tuple(test),
        tuple(train),
        digest.hexdigest()[:16],
        (*loaded.broken, *own.broken),
        tuple(_fitted(task.name, (len(pool), len(others)), limit, n_train, (len(test), len(train)))),
        loaded.revision,
        (*loaded.mended, *own.mended),
        tuple(f"{n} passed over: {why}" for why, n in (passed + own.passed).items()),
    )


def _fitted(
    name: str, sizes: tuple[int, int], limit: int | None, n_train: int, taken: tuple[int, int]
) -> Iterator[str]:
    """A note for the user about a set with fewer items than wanted.

    Args:
        sizes: of the set, and of the rest that may be tested beside the training items.
        taken: the items for test and for training.
    """
    (size, others), (n_test, trained) = sizes, taken
    if limit is not None and n_test < limit <= others:
        yield f"limit={limit}: {n_test} items of task {name!r} are tested, so that no unit of questions is cut"
    elif limit is not None and n_test < limit:
        yield f"limit={limit}, but task {name!r} has {size} items: {n_test} are tested"
    if trained < n_train:
        yield f"{n_train} training items are wanted; the set has room for {trained} beside {n_test} test items"


def _far_end(pool: Sequence[Item], most: int) -> list[Item]:
    """Up to `most` items from the end of the pool, of a bounded number of clusters.

    The bound is a quarter of the clusters, or as many as hold `most` items on average. Without it a few large clusters
    would all be for training.
    """
    n = len({cluster for item in pool for cluster in item.clusters})
    room = max(n // 4, math.ceil(most * n / len(pool)))
    clusters: set[str] = set()
    taken: list[Item] = []
    for item in reversed(pool):
        with_it = clusters.union(item.clusters)
        if len(taken) < most and (with_it == clusters or len(with_it) <= room):
            clusters = with_it
            taken.append(item)
    return taken


def _marks(items: Sequence[Item]) -> set[str]:
    """All that test and training items must not share: ids, clusters and fields, of which the wording counts."""
    fields = (json.dumps(_wording(dict(item.fields)), sort_keys=True, ensure_ascii=False) for item in items)
    return {mark for item, text in zip(items, fields, strict=True) for mark in (item.id, *item.clusters, text)}


def _wording(value: Any) -> Any:
    """A value whose texts are without what two copies of a question often differ in."""
    if isinstance(value, str):
        return _compared(value)
    if isinstance(value, (list, tuple)):
        return [_wording(part) for part in value]
    return {key: _wording(part) for key, part in value.items()} if isinstance(value, Mapping) else value


@functools.lru_cache(maxsize=4096)  # a story stands in each of its questions
def _compared(text: str) -> str:
    """Signs inside a text stay: 2 + 2 and 2 - 2 are different questions."""
    words = unicodedata.normalize("NFKC", typed(text)).casefold().split()
    return " ".join(words).strip(" .?!:;,\"'")


def _ordered(items: Sequence[Item]) -> list[Item]:
    # Ids are digests, so their order is a random but fixed permutation; so is the order of units.
    return sorted(items, key=lambda item: (_unit(item) or item.id, item.id))


def _unit(item: Item) -> str:
    """16 hex digits of the unit whose questions must be right together; "" of an item without one."""
    if not item.fields.get("unit"):
        return ""
    return hashlib.sha256(json.dumps([item.cluster, item.fields["unit"]], sort_keys=True).encode()).hexdigest()[:16]


def _first(items: Sequence[Item], limit: int | None) -> list[Item]:
    """The first items up to a limit. A unit that the limit cuts is left out, unless there is no other."""
    first = list(items[:limit])
    cut = _unit(items[limit]) if limit is not None and limit < len(items) else ""
    return ([item for item in first if _unit(item) != cut] if cut else []) or first


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
