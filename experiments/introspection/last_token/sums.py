"""Sums and differences of two numbers, by rule, each with solved examples to stand before it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness import HarnessError, Item, Task
from harness.tasks.graders import number

COMPUTE: Mapping[str, Callable[[int, int], int]] = {"+": int.__add__, "-": int.__sub__}


@dataclass(frozen=True, kw_only=True)
class MentalSums(Task):
    """Sums and differences whose operands and answers are small enough to be one token each.

    An item's fields are "question" ("3+4"), "first", "second", "operator", "examples" (pairs of operands of the same
    operator that are never items), "operands" (the lowest and the highest) and "answers" (alike). Operators alternate,
    all items are distinct, and a larger size contains the smaller one.

    Attributes:
        low, high: range of the operands, from 0 on.
        most: the largest answer; the smallest is 0.
        operators: "+", "-" or both.
        examples: solved examples before each item; 0 is none, as in the paper.
        size: items; None is all that there are.
        seed: seed of the order, and of the examples.
    """

    version: ClassVar[str] = "1"
    name: str = "mental_sums"
    low: int = 0
    high: int = 9
    most: int = 9
    operators: Sequence[str] = ("+", "-")
    examples: int = 4
    size: int | None = None
    seed: int = 0

    def load(self) -> list[Item]:
        if not self.operators or len(set(self.operators)) < len(self.operators) or set(self.operators) - set(COMPUTE):
            raise HarnessError(f"task {self.name!r}: operators={list(self.operators)}; give + and -, each once")
        if self.low < 0 or self.examples < 0:
            raise HarnessError(f"task {self.name!r}: low={self.low} and examples={self.examples} must be 0 or more")
        made = [self._items(operator) for operator in self.operators]
        items = [item for turn in itertools.zip_longest(*made) for item in turn if item is not None]
        if self.size is not None and not 1 <= self.size <= len(items):
            raise HarnessError(f"task {self.name!r}: size={self.size}; these operands and answers give {len(items)}")
        return items[: self.size]

    def _items(self, operator: str) -> list[Item]:
        """All sums with an operator, in random order, but for the first ones, which are their examples."""
        operands = range(self.low, self.high + 1)
        pairs = [(a, b) for a in operands for b in operands if 0 <= COMPUTE[operator](a, b) <= self.most]
        if len(pairs) <= self.examples:
            raise HarnessError(
                f"task {self.name!r}: {len(pairs)} sums with {operator} have operands from {self.low} to {self.high} "
                f"and answers to {self.most}, too few beside {self.examples} examples; widen the ranges"
            )
        random.Random(f"mental sums/{self.seed}/{operator}").shuffle(pairs)
        return [self._item(operator, pair, pairs[: self.examples]) for pair in pairs[self.examples :]]

    def _item(self, operator: str, pair: tuple[int, int], examples: Sequence[tuple[int, int]]) -> Item:
        fields = {
            "question": f"{pair[0]}{operator}{pair[1]}",
            "first": pair[0],
            "second": pair[1],
            "operator": operator,
            "examples": [list(example) for example in examples],
            "operands": [self.low, self.high],
            "answers": [0, self.most],
        }
        return Item(fields, str(COMPUTE[operator](*pair)), number)
