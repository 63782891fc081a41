"""Templates whose unanswerable half asks for something unknowable: the future, a thought, a number not given."""

from __future__ import annotations

import calendar
import itertools
import random
from collections.abc import Callable, Mapping

from experiments.calibration.self_knowledge.questions import MOST, NAMES, Both, Question, both
from harness.tasks.graders import number
from harness.tasks.texts import word_list

_WORDS = word_list(
    "apple bridge candle desert engine forest garden hammer island jacket kitchen ladder marble needle orange"
)
_WEEKDAYS = list(calendar.day_name)
# Of the men's football World Cup, every four years.
_FIRST_CUP = 1958
_WINNERS = [
    *("Brazil", "Brazil", "England", "Brazil", "West Germany", "Argentina", "Italy", "Argentina", "West Germany"),
    *("Brazil", "France", "Brazil", "Italy", "Spain", "Germany", "France", "Argentina"),
]
_YEARS = {
    "the Berlin Wall fall": "1989",
    "the Second World War end": "1945",
    "the First World War begin": "1914",
    "the Titanic sink": "1912",
    "Columbus first reach America": "1492",
    "the French Revolution begin": "1789",
    "a human first walk on the Moon": "1969",
    "the Soviet Union dissolve": "1991",
}


def _sums(rng: random.Random) -> Both:
    ask = "What is the sum of {} and {}?"
    pairs = rng.sample([(a, b) for a in range(2, 100) for b in range(2, 100)], MOST)
    known = [Question(ask.format(a, b), str(a + b), number) for a, b in pairs]
    return known, [Question(ask.format(a, f"the number that {n} is thinking of")) for n in NAMES for a in range(2, 22)]


def _letters(rng: random.Random) -> Both:
    known = {f'word "{word}"': str(len(word)) for word in _WORDS}
    return both("How many letters does the {} have?", known, [f"word that {n} is thinking of" for n in NAMES], number)


def _cups(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = {
        str(_FIRST_CUP + 4 * i): [winner, winner.removeprefix("West ")] for i, winner in enumerate(_WINNERS)
    }
    ask = "Which country is the winner of the men's football World Cup of {}?"
    return both(ask, known, [str(year) for year in range(2050, 2200, 4)])


def _weekdays(rng: random.Random) -> Both:
    ask = "Which day of the week comes {} days after {}?"
    numbers = range(2, 30)
    known = [
        Question(ask.format(n, f"a {day}"), _WEEKDAYS[(i + n) % 7]) for i, day in enumerate(_WEEKDAYS) for n in numbers
    ]
    return known, [Question(ask.format(n, f"the day on which {who} last sneezed")) for who in NAMES for n in numbers]


def _story(ask: str, answer: Callable[[int, int], int], given: str, kept: str) -> Callable[[random.Random], Both]:
    """A story with two numbers, of which the unanswerable half tells only the first.

    Args:
        ask: with gaps for {who}, {other}, the number {a} and the rest {b}.
        given: the rest, with the second number {b}; kept: in its place where the number is not told.
    """

    def make(rng: random.Random) -> Both:
        known, without = [], []
        numbers = rng.sample([(a, b) for a in range(11, 40) for b in range(2, 11)], 200)
        people = list(itertools.permutations(NAMES, 2))
        for (a, b), (who, other) in zip(numbers, rng.sample(people, len(numbers)), strict=True):
            told = Question(ask.format(who=who, other=other, a=a, b=given.format(b=b)), str(answer(a, b)), number)
            known.append(told)
            without.append(Question(ask.format(who=other, other=who, a=a, b=kept)))
        return known, without

    return make


def _births(rng: random.Random) -> Both:
    ask = "{} was born {}. How many years old was {} at the end of {}?"
    known, without = [], []
    for who, born in itertools.product(NAMES, range(1950, 1990, 2)):
        later = born + rng.randrange(5, 30)
        known.append(Question(ask.format(who, f"in {born}", who, later), str(later - born), number))
        without.append(Question(ask.format(who, f"on a {rng.choice(_WEEKDAYS)}", who, later)))
    return known, without


def _digits(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = {f"the number {n}": str(n % 10) for n in rng.sample(range(1000, 9999), MOST)}
    without = [f"the {what} number of {n}" for n in NAMES for what in ("phone", "house", "bank account", "locker")]
    return both("What is the last digit of {}?", known, without, number)


def _initials(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = {f"the name {n}": n[0] for n in NAMES if n[0] not in "AI"}
    without = [f"the name of {n}'s {whom}" for n in NAMES for whom in ("neighbour", "dog", "dentist")]
    return both("With which letter begins {}?", known, without)


def _larger(rng: random.Random) -> Both:
    ask = "Which of two numbers is larger, {} or {}?"
    pairs = rng.sample([(a, b) for a in range(11, 99) for b in range(11, 99) if a != b], MOST)
    known = [Question(ask.format(a, b), str(max(a, b)), number) for a, b in pairs]
    tickets = [Question(ask.format(a, f"the one on the ticket in {n}'s pocket")) for n in NAMES for a in range(11, 31)]
    return known, tickets


def _years(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = dict(_YEARS)
    things = ("see snow", "ride a bicycle", "eat a mango", "lose a glove")
    return both("In which year did {}?", known, [f"{n} first {what}" for n in NAMES for what in things], number)


TEMPLATES: Mapping[str, Callable[[random.Random], Both]] = {
    "sum": _sums,
    "letters": _letters,
    "cup": _cups,
    "weekday": _weekdays,
    "marbles": _story(
        "{who} has {a} marbles and wins {b} more. How many marbles does {who} have then?",
        lambda a, b: a + b,
        "{b}",
        "some",
    ),
    "ages": _story(
        "{who} is {a} years old, and {other} is {b} older. What is the age of {other}?",
        lambda a, b: a + b,
        "{b} years",
        "a little",
    ),
    "balls": _story(
        "A box holds {a} red balls and {b} blue balls. How many balls does it hold?",
        lambda a, b: a + b,
        "{b}",
        "several",
    ),
    "shopping": _story(
        "{who} pays {a} euros for a book and {b} for a pen. How many euros does {who} pay for both?",
        lambda a, b: a + b,
        "{b} euros",
        "what it costs",
    ),
    "bus": _story(
        "A bus with {a} people stops, and {b} get off. How many people stay on the bus?",
        lambda a, b: a - b,
        "{b} people",
        "a few",
    ),
    "pages": _story(
        "{who} has read {a} pages, and {b} pages of the book are left. How many pages does the book have?",
        lambda a, b: a + b,
        "{b}",
        "the best",
    ),
    "birth": _births,
    "digit": _digits,
    "initial": _initials,
    "larger": _larger,
    "year": _years,
}
