"""The task: the first steps of worked sums, right, and with an error in the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import ClassVar

from experiments.shared.worked_sums import WorkedSum, worked_sum
from harness import HarnessError, Item, Task
from harness.tasks.graders import number

PLACES = ("ones", "tens")


@dataclass(frozen=True, kw_only=True)
class PlantedSteps(Task):
    """Word problems of several sums with the beginning of a solution, whose last step is right or wrong.

    Fields: "question"; "right_steps" and "wrong_steps", a line a step, which differ in the last; "step", the number of
    that step, from 1 on; "flaw", the digit that is off by one ("ones" or "tens"); "carried", the result where the error
    is carried on. It is never the right one, and the right one is never among the numbers that are shown.

    Attributes:
        size: number of items.
        steps: of a whole solution, by turns; at least 2.
        seed: seed of the generator; another seed gives other items.
    """

    version: ClassVar[str] = "1"
    name: str = "planted_steps"
    size: int = 300
    steps: Sequence[int] = (3, 4, 5)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or not self.steps or not all(2 <= steps <= 8 for steps in self.steps):
            raise HarnessError(f"task {self.name!r}: size={self.size}, steps={list(self.steps)}; give 1, and 2 to 8")

    def load(self) -> list[Item]:
        """The problems in the order of their numbers."""
        return list(islice(self._items(), self.size))

    def _items(self) -> Iterator[Item]:
        for at in count():
            sums = worked_sum(self.seed, at, self.steps[at % len(self.steps)])
            right, wrong = sums.right_lines()[: sums.at + 1], sums.flawed_lines()[: sums.at + 1]
            if str(sums.gold) not in " ".join([sums.question, *right, *wrong]).replace(".", " ").split():
                yield _item(sums, right, wrong)


def _item(sums: WorkedSum, right: Sequence[str], wrong: Sequence[str]) -> Item:
    return Item(
        {
            "question": sums.question,
            "right_steps": right,
            "wrong_steps": wrong,
            "step": sums.at + 1,
            "flaw": PLACES[sums.flaw[0]],
            "carried": str(sums.wrong),
        },
        str(sums.gold),
        number,
    )
