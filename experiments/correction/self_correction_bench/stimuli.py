"""Questions with one short answer by rule, and answers near the right one."""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.tasks.numbers import write_number

SUM, PROBLEM = "sum", "problem"
"""The kinds of the worked sums, with slips that `worked_sums` plants, and of the problems of GSM8K."""
SLIPS, SUM_SLIPS = (1, -1, 2, -2), (1, -1, 10, -10)
"""How far a wrong answer is from the right one. No rule that knows only the wrong one finds the right one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question: the neighbour of something in a sequence.

    Attributes:
        wordings: how it is asked, with {x} for the thing.
        step: 1 asks for the next one, -1 for the one before.
        sequence: goes round; () are the whole numbers.
        asked: the things that may be asked about.
    """

    wordings: tuple[str, ...]
    step: int
    sequence: tuple[str, ...]
    asked: tuple[str, ...]

    def shifted(self, value: str, by: int) -> str:
        """The value so many places on."""
        if not self.sequence:
            return str(int(value) + by)
        return self.sequence[(self.sequence.index(value) + by) % len(self.sequence)]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its right answer and a wrong one."""

    kind: str
    asked: str
    text: str
    right: str
    wrong: str


_NUMBERS = tuple(map(str, range(4, 64)))
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LETTERS = tuple(string.ascii_uppercase)
_MIDDLE = ("E", *"MNOPQRSTUVW")
"""Letters whose answers, right and wrong, lie within the alphabet and are neither A nor I, which are words, too."""

KINDS: Mapping[str, Kind] = {
    "plus one": Kind(
        ("What is {x} + 1?", "What is one more than {x}?", "What is the sum of {x} and 1?"), 1, (), _NUMBERS
    ),
    "minus one": Kind(
        ("What is {x} - 1?", "What is one less than {x}?", "What is left of {x} when 1 is taken away?"),
        -1,
        (),
        _NUMBERS,
    ),
    "next letter": Kind(
        (
            "Which letter comes after {x}?",
            "What is the next letter after {x}?",
            "Which letter follows {x} in the alphabet?",
        ),
        1,
        _LETTERS,
        _MIDDLE,
    ),
    "previous letter": Kind(
        (
            "Which letter comes before {x}?",
            "What is the letter just before {x}?",
            "Which letter precedes {x} in the alphabet?",
        ),
        -1,
        _LETTERS,
        _MIDDLE,
    ),
    "next day": Kind(
        ("Which day comes after {x}?", "What day is the day after {x}?", "Which day of the week follows {x}?"),
        1,
        _DAYS,
        _DAYS,
    ),
    "previous day": Kind(
        ("Which day comes before {x}?", "What day is the day before {x}?", "Which day of the week precedes {x}?"),
        -1,
        _DAYS,
        _DAYS,
    ),
    "next month": Kind(
        ("Which month comes after {x}?", "What is the month after {x}?", "Which month of the year follows {x}?"),
        1,
        _MONTHS,
        _MONTHS,
    ),
    "previous month": Kind(
        ("Which month comes before {x}?", "What is the month before {x}?", "Which month of the year precedes {x}?"),
        -1,
        _MONTHS,
        _MONTHS,
    ),
}


def questions(kind: str, seed: int) -> Iterator[Question]:
    """All questions of a kind, each with each wrong answer, in an order that the seed decides.

    A wrong answer is never the thing that is asked about: nobody takes that for an answer.
    """
    made = KINDS[kind]
    every = list(itertools.product(made.asked, made.wordings, SLIPS))
    random.Random(f"planted errors/{seed}/{kind}").shuffle(every)
    for asked, wording, slip in every:
        right = made.shifted(asked, made.step)
        wrong = made.shifted(right, slip)
        if wrong != asked:
            yield Question(kind, asked, wording.format(x=asked), right, wrong)


def vocabulary(kind: str) -> Sequence[str]:
    """The words that an answer of a kind may be; () where it is a number. A and I are words of other texts."""
    return [word for word in KINDS[kind].sequence if word not in ("A", "I")] if kind in KINDS else ()


def near(kind: str, answer: str) -> list[str]:
    """The answers that differ from one by a slip."""
    if kind in (SUM, PROBLEM):
        return [write_number(Fraction(answer) + slip) for slip in SUM_SLIPS]
    return [KINDS[kind].shifted(answer, slip) for slip in SLIPS]
