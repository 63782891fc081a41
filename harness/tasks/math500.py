"""MATH-500: problems of competitions (Hendrycks et al. 2021, arXiv 2103.03874), as split by Lightman et al. 2023."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from harness.items import SOLUTION, Item
from harness.tasks.graders import grader_named
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row

_WHOLE = r"(?:[0-9]{1,3}(?:,(?:\\!)?[0-9]{3})+|[0-9]+)"
_FRACTION = r"\\[dt]?frac\s?(?:\{[0-9]+\}|[0-9])\s?(?:\{[0-9]+\}|[0-9])"
_UNIT = r"(?:\s?\^\s?(?:\\circ|\{\\circ\})|\s?\\?%|\s?\\(?:text|mbox|mathrm)\{\s?[A-Za-z][A-Za-z ]*\})?"
_NUMBER = re.compile(rf"-?\s?(?:\\\$)?(?:{_WHOLE}?(?:\.[0-9]+)?|(?:{_WHOLE}\s?)?{_FRACTION}|[0-9]+/[0-9]+){_UNIT}")
"""One number as the set writes it. A point, an interval, a base or an unknown is none: "(-2,1)", "52_8", "2k"."""

_STRATA = {1: "easy", 2: "easy", 3: "medium", 4: "hard", 5: "hard"}

NO_NUMBER = "the answer is no single number, which the grader cannot judge"


@dataclass(frozen=True, kw_only=True)
class Math500(HubTask):
    """The rows whose answer is a single number, 397 of 500; the others are passed over and counted.

    A number is a whole number, a decimal, a fraction or a mixed number, with or without a unit. It is compared exactly,
    as in GSM8K, so that 0.5 is \\frac{1}{2}. The grader cannot judge the other 103: roots and multiples of pi,
    expressions with unknowns, points, intervals, matrices, complex numbers, other bases, sets of answers, words. An
    accuracy on these items is therefore not one on MATH-500.

    Fields: "question"; "kind" (subject); "difficulty" (level 1 to 5); "stratum" (easy up to level 2, hard from 4).

    Attributes:
        grader: number, or number_released or number_last, which read as public releases do (`tasks.released`).
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "https://github.com/openai/prm800k"
    licence: ClassVar[str] = "MIT"
    files: ClassVar = ("test.jsonl", "*.jsonl")
    name: str = "math500"
    hub: str = "HuggingFaceH4/MATH-500"
    grader: str = "number"

    def item(self, row: Row) -> Item | None:
        question, answer = row.text("problem"), row.text("answer")
        level = row.text("level").removeprefix("Level ")
        if level not in map(str, _STRATA):
            raise row.broken(f"'level' is {level!r}; it is a number from 1 to 5")
        gold = exact(answer) if _NUMBER.fullmatch(answer) else None
        if gold is None:
            row.pass_over(NO_NUMBER)
            return None
        fields = {
            "question": question,
            "kind": row.text("subject"),
            "difficulty": float(level),
            "stratum": _STRATA[int(level)],
        }
        return Item(fields=fields, gold=write_number(gold), grader=grader_named(self.grader), form=SOLUTION)
