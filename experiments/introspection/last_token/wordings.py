"""Words sums in six styles, and says where the operands lie in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness import HarnessError, fill

Style = Literal["original", "verbal", "question", "instruction", "word_problem", "python"]
STYLES: tuple[Style, ...] = ("original", "verbal", "question", "instruction", "word_problem", "python")
OPERATORS: Mapping[str, str] = {"+": "plus", "-": "minus"}
"""Operators, with their names in `TEXTS`."""

TEXTS: Mapping[str, str] = {
    "original_plus": "$a+$b=",
    "original_minus": "$a-$b=",
    "verbal_plus": "$a plus $b equals ",
    "verbal_minus": "$a minus $b equals ",
    "question_plus": "Question: How much is $a plus $b? Answer: ",
    "question_minus": "Question: How much is $a minus $b? Answer: ",
    "instruction_plus": "Start with $a and add $b to it. The result is ",
    "instruction_minus": "Take $b away from $a. The result is ",
    "word_problem_plus": "Mia has $a pencils. Her brother has $b pencils. In all, they have ",
    "word_problem_minus": "Mia had $a pencils. She lost $b pencils. The number that is left is ",
    "python_plus": "x = $a; y = $b; print(x + y) # prints ",
    "python_minus": "x = $a; y = $b; print(x - y) # prints ",
}
"""The twelve templates; the answer follows without a blank. Kinds as in the paper's release, wordings our own."""

_MARKS = {"a": "\x00", "b": "\x01"}


@dataclass(frozen=True, slots=True)
class Template:
    """A wording of sums.

    Attributes:
        before, between, behind: the text around the operands.
        swapped: whether the second operand of the sum stands first in the text.
        lead: stands between the text and the answer: a blank, or nothing.
    """

    before: str
    between: str
    behind: str
    swapped: bool
    lead: str = ""

    @classmethod
    def of(cls, name: str, text: str) -> Template:
        """From a text with $a and $b.

        Raises:
            HarnessError: it does not hold each of them once, or nothing stands between or behind them.
        """
        parts = re.split("([\x00\x01])", fill(text, _MARKS))
        if sorted(parts[1::2]) != [*_MARKS.values()] or not parts[2] or not parts[4]:
            raise HarnessError(
                f"experiment.wording.{name}={text!r}: $a and $b stand in it once each, with text between and behind"
            )
        return cls(parts[0], parts[2], parts[4], parts[1] == _MARKS["b"])

    def joined(self) -> Template:
        """The same wording whose last blank belongs to the answer, for tokenizers that join the two."""
        return replace(self, behind=self.behind.removesuffix(" "), lead=" ")

    def tails(self, one: int, two: int) -> tuple[str, ...]:
        """The text of a sum from the beginning, the first operand, the text between, the second, and the text behind.

        Args:
            one, two: the operands in the order of the text.
        """
        parts = (self.before, str(one), self.between, str(two), self.behind)
        return tuple("".join(parts[i:]) for i in range(len(parts)))
