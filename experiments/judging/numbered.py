"""A task whose items are made by rule, each from its number."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from harness import HarnessError, Item, Task


@dataclass(frozen=True, kw_only=True)
class NumberedItems(Task):
    """As many items as wanted, made by rule.

    Attributes:
        size: how many items.
        seed: seed of the generator; another seed gives other items.
    """

    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise HarnessError(f"task {self.name!r}: size={self.size}; give at least 1")

    def load(self) -> list[Item]:
        """All items, in the order of their numbers."""
        return [self.number(at) for at in range(self.size)]

    @abstractmethod
    def number(self, at: int) -> Item:
        """The item of a number: a function of (seed, number) alone."""
