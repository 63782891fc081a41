"""Mixes several tasks into one, for experiments that fit on one task and test on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task
from harness.tasks.rows import ReadItems


@dataclass(frozen=True, kw_only=True)
class Mixture(Task):
    """The items of several tasks, each with the field "task": the name of the part that it comes from.

    Other fields come from the part's own items, with its own answers and grader. Training items come from the
    parts' training splits when all of them have one, else from the pool.

    Attributes:
        parts: the tasks, by name.
        each: at most so many items of every part, the first in the order of their ids; None takes all.
    """

    version: ClassVar[str] = "1"
    name: str = "mixture"
    parts: Mapping[str, Task]
    each: int | None = None

    def load(self) -> ReadItems:
        if not self.parts or (self.each is not None and self.each < 1):
            raise HarnessError(f"task {self.name!r}: it needs at least one of task.parts, and task.each at least 1")
        return self._mixed({name: part.load() for name, part in self.parts.items()})

    def load_train(self) -> ReadItems | None:
        own = {name: part.load_train() for name, part in self.parts.items()}
        loaded = {name: items for name, items in own.items() if items is not None}
        return self._mixed(loaded) if len(loaded) == len(own) else None

    def _mixed(self, loaded: Mapping[str, Sequence[Item]]) -> ReadItems:
        read = {name: ReadItems.of(part) for name, part in loaded.items()}
        return ReadItems.joined(
            [ReadItems(self._taken(name, p), p.broken, "", p.mended, p.passed) for name, p in read.items()]
        )

    def _taken(self, name: str, items: Sequence[Item]) -> list[Item]:
        # Groups of different parts are different even where they have the same name.
        return [
            replace(
                item,
                fields={**item.fields, "task": name},
                group=tuple(f"{name}:{group}" for group in item.groups) or "",
            )
            for item in sorted(items, key=lambda item: item.id)[: self.each]
        ]
