"""GSM8K with a whole wrong solution beside the right one, by rule."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from experiments.correction.self_correction_bench.reading import stated_value
from experiments.correction.self_correction_bench.stimuli import PROBLEM
from experiments.shared.solution_errors import numbers_in, solution_errors
from harness import Item
from harness.tasks.gsm8k import Gsm8k, solution_lines
from harness.tasks.hub import HubTask
from harness.tasks.numbers import write_number
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Gsm8kErrors(HubTask):
    """GSM8K problems with the reference solution, and with one whose wrong calculation is carried on to its result.

    Fields as in task planted_errors; each problem makes an item whose solution states its result at the end, and
    one whose solution stops before. Rows are passed over where no error can be planted (`solution_errors`), or where
    the wrong solution or the problem shows the right result. Neither result begins with the other, as 24 does with 2:
    their probabilities would overlap.
    """

    version: ClassVar[str] = "1"
    name: str = "gsm8k_errors"
    hub: str = "openai/gsm8k"
    config: str | None = "main"

    def item(self, row: Row) -> list[Item] | None:
        plain = Gsm8k().item(row)
        question, gold = plain.fields["question"], Fraction(plain.gold)
        for error in solution_errors(question, solution_lines(row), gold):
            wrong = write_number(error.carried)
            begins = wrong.startswith(plain.gold) or plain.gold.startswith(wrong)  # no probabilities of their own
            if begins or gold in numbers_in("\n".join([question, *error.wrong])):
                continue
            told = {"question": question, "kind": PROBLEM, "asked": "", "wrong": wrong}
            steps = {"right_steps": error.right, "wrong_steps": error.wrong}
            return [
                Item({**told, **steps, "committed": committed}, plain.gold, stated_value, group=question)
                for committed in ("after", "before")
            ]
        return None
