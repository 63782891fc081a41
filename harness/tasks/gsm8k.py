"""GSM8K: grade-school word problems (Cobbe et al. 2021, arXiv 2110.14168)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.items import SOLUTION, Item
from harness.tasks.graders import grader_named
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Gsm8k(HubTask):
    """The answer is the number after "####" of the reference solution; the solution itself is not part of the item.

    Fields: "question"; "difficulty" (steps of the reference solution: its lines before "####"); "stratum" (easy up to
    2 steps, medium 3 or 4, hard from 5).

    Attributes:
        grader: number, or number_released or number_last, which read as public releases do (`tasks.released`).
    """

    version: ClassVar[str] = "2"
    name: str = "gsm8k"
    hub: str = "openai/gsm8k"
    config: str | None = "main"
    train_split: str | None = "train"
    grader: str = "number"

    def item(self, row: Row) -> Item:
        question, solution = row.text("question"), row.text("answer")
        reasoning, _, final = solution.rpartition("####")
        gold = exact(final) if reasoning else None
        if gold is None:
            raise row.broken(f"'answer' has no number after \"####\": ...{solution[-60:]!r}")
        steps = len(solution_lines(row))
        stratum = "easy" if steps <= 2 else "medium" if steps <= 4 else "hard"
        fields = {"question": question, "difficulty": float(steps), "stratum": stratum}
        return Item(fields=fields, gold=write_number(gold), grader=grader_named(self.grader), form=SOLUTION)


def solution_lines(row: Row) -> list[str]:
    """The lines of the reference solution that are not empty, with its marks of calculations, without the result."""
    return [line for line in row.text("answer").rpartition("####")[0].splitlines() if line.strip()]
