"""Word problems, each with a right solution and a wrong one, for tests of critics whose labels are balanced exactly."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.shared.worked_sums import WorkedSum, worked_sum
from harness.errors import HarnessError
from harness.items import AnswerForm, Item
from harness.tasks.base import Task
from harness.tasks.graders import number

_ROOM = AnswerForm(160, ("\nQuestion:",))
_PLACES = ("ones", "tens")


@dataclass(frozen=True, kw_only=True)
class TwinSolutions(Task):
    """Generated word problems about sums, each with two solutions: a right one, and one with a planted slip.

    The two solutions of a problem stand in one item, so that half of all solutions are wrong at any limit. They
    have as many steps and end in the same words: nothing but the arithmetic tells them apart. Neither result stands in
    the question or in the other solution, so that none can be copied.

    Fields: "question"; "responses", a list of {"text", "right", "first_error"}, where first_error is the number of the
    first wrong step from 1 on, None in a right solution; "kind", the decimal place of the slip (ones, tens);
    "difficulty", the number of steps; "source". Gold: the right number.

    Attributes:
        size: number of problems.
        steps: numbers of steps, each at least 2; problems take them in turn.
        seed: seed of the generator.
    """

    version: ClassVar[str] = "1"
    name: str = "twin_solutions"
    size: int = 300
    steps: Sequence[int] = (2, 3, 4)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or not self.steps or min(self.steps) < 2:
            raise HarnessError(
                f"task {self.name!r}: size={self.size}, steps={list(self.steps)}; give at least one problem, and 2 "
                "steps or more, so that a slip can stand before the last one"
            )

    def load(self) -> list[Item]:
        """The first problems in the order of their numbers, without those in which a result stands elsewhere."""
        found: list[Item] = []
        numbers = itertools.count()
        while len(found) < self.size:
            sums = worked_sum(self.seed, next(numbers), self.steps[len(found) % len(self.steps)])
            if not _repeated(sums):
                found.append(_item(sums))
        return found


def _repeated(sums: WorkedSum) -> bool:
    """Whether either result stands in the question, or in the other solution: it could be copied from there."""
    gold, wrong = str(sums.gold), str(sums.wrong)
    asked, right, flawed = (
        set(re.findall("[0-9]+", text))
        for text in (sums.question, "\n".join(sums.right_lines()), "\n".join(sums.flawed_lines()))
    )
    return bool({gold, wrong} & asked) or gold in flawed or wrong in right


def _item(sums: WorkedSum) -> Item:
    return Item(
        fields={
            "question": sums.question,
            "responses": [_response(sums, right=right) for right in (True, False)],
            "kind": _PLACES[sums.flaw[0]],
            "difficulty": float(len(sums.steps)),
            "source": "worked sums",
        },
        gold=str(sums.gold),
        grader=number,
        form=_ROOM,
    )


def _response(sums: WorkedSum, *, right: bool) -> dict[str, object]:
    """A solution as a critic sees it, with its label."""
    lines = sums.right_lines() if right else sums.flawed_lines()
    ending = f"The answer is {sums.gold if right else sums.wrong}."
    return {"text": "\n".join([*lines, ending]), "right": right, "first_error": None if right else sums.at + 1}
