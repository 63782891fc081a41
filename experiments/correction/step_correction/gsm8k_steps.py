"""GSM8K with an error in one step of the reference solution, by rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from experiments.correction.step_correction.task import PLACES
from experiments.shared.solution_errors import numbers_in, solution_errors
from harness import Item
from harness.tasks.gsm8k import Gsm8k, solution_lines
from harness.tasks.hub import HubTask
from harness.tasks.numbers import write_number
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Gsm8kSteps(HubTask):
    """GSM8K problems with the first lines of the reference solution, whose last is right or wrong.

    Fields as in task planted_steps. The wrong line has a result that is off by one in a digit; later lines take
    it up, so that the solution that is carried on from it ends in a wrong result ("carried"). Rows are passed over
    where no such error can be planted (`solution_errors`), or where the right result is among the numbers that are
    shown.
    """

    version: ClassVar[str] = "2"
    name: str = "gsm8k_steps"
    hub: str = "openai/gsm8k"
    config: str | None = "main"

    def item(self, row: Row) -> Item | None:
        plain = Gsm8k().item(row)
        question, gold = plain.fields["question"], Fraction(plain.gold)
        for error in solution_errors(question, solution_lines(row), gold):
            right, wrong = error.right[: error.line + 1], error.wrong[: error.line + 1]
            if gold in numbers_in("\n".join([question, *right, *wrong])):
                continue
            steps = {"right_steps": right, "wrong_steps": wrong, "step": error.line + 1}
            told = {"question": question, "flaw": PLACES[error.place], "carried": write_number(error.carried)}
            return replace(plain, fields={**told, **steps})
        return None
