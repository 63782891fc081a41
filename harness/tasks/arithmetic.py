"""Generated arithmetic: addition, subtraction and multiplication of whole numbers (Kadavath et al. 2022, section 3)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task
from harness.tasks.graders import number

_COMPUTE: dict[str, Callable[[int, int], int]] = {"+": int.__add__, "-": int.__sub__, "x": int.__mul__}


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Task):
    """ "What is 47 + 12?", drawn from a seed.

    Every pair of digits and operator gets the same number of items (up to one); both operands have that many digits
    and are drawn uniformly, so that differences may be negative. All items are distinct, and a larger size contains
    the smaller one. Fields: "question", "kind" (the operator), "difficulty" (digits), "stratum" (easy for 1 digit,
    medium for 2 or 3, hard from 4).

    Attributes:
        size: number of items.
        digits: numbers of digits of the operands, each at least 1.
        operators: any of "+", "-" and "x".
        seed: seed of the operands.
    """

    version: ClassVar[str] = "2"
    name: str = "arithmetic"
    size: int = 600
    digits: Sequence[int] = (1, 2, 3, 4, 5)
    operators: Sequence[str] = ("+", "-", "x")
    seed: int = 0

    def load(self) -> list[Item]:
        self._check()
        cells = list(itertools.product(self.digits, self.operators))
        draws = {cell: random.Random(f"arithmetic/{self.seed}/{cell[0]}/{cell[1]}") for cell in cells}
        seen: set[tuple[int, str, int]] = set()
        items = []
        for digits, operator in itertools.islice(itertools.cycle(cells), self.size):
            low, high = 10 ** (digits - 1), 10**digits - 1
            draw = draws[digits, operator]
            while True:
                left, right = draw.randint(low, high), draw.randint(low, high)
                if (left, operator, right) not in seen:
                    break
            seen.add((left, operator, right))
            items.append(_item(left, operator, right, digits))
        return items

    def _check(self) -> None:
        if not self.digits or min(self.digits) < 1 or len(set(self.digits)) < len(self.digits):
            raise HarnessError(f"task {self.name!r}: digits={list(self.digits)}; give distinct numbers from 1")
        if not self.operators or set(self.operators) - set(_COMPUTE) or len(set(self.operators)) < len(self.operators):
            raise HarnessError(f"task {self.name!r}: operators={list(self.operators)}; give distinct ones of + - x")
        cells = len(self.digits) * len(self.operators)
        fewest = min(self.digits)
        most = (9 * 10 ** (fewest - 1)) ** 2 * cells
        if not 1 <= self.size <= most:
            raise HarnessError(
                f"task {self.name!r}: size={self.size}, but with {fewest}-digit operands there are at most {most} "
                "distinct balanced items; set task.size smaller or task.digits larger"
            )


def _item(left: int, operator: str, right: int, digits: int) -> Item:
    stratum = "easy" if digits == 1 else "medium" if digits <= 3 else "hard"
    fields = {
        "question": f"What is {left} {operator} {right}?",
        "kind": operator,
        "difficulty": float(digits),
        "stratum": stratum,
    }
    return Item(fields=fields, gold=str(_COMPUTE[operator](left, right)), grader=number)
