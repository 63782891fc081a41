"""Templates whose unanswerable half has a false premise: an eleventh planet, a month number 14."""

from __future__ import annotations

import calendar
import random
from collections.abc import Callable, Mapping

from experiments.calibration.self_knowledge.questions import MOST, Both, Question, both
from harness.tasks.facts import Facts
from harness.tasks.graders import number
from harness.tasks.texts import word_list

_PLANETS = word_list("Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune")
_MONTHS = list(calendar.month_name)[1:]
_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
_SOLIDS = {4: ["tetrahedron"], 6: ["cube", "hexahedron"], 8: ["octahedron"], 12: ["dodecahedron"], 20: ["icosahedron"]}
_PIECES = word_list("rook knight bishop queen king bishop knight rook")
_ROMAN = {"C": 100, "XC": 90, "L": 50, "XL": 40, "X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1}
_NOT_ROMAN = word_list("VV LL IC IL VX LC IIII XXXX VL IIX IIV VIIII")
_WORDS = word_list("apple bridge candle desert engine forest garden hammer island jacket kitchen ladder marble needle")


def _roman(value: int) -> str:
    text = ""
    for numeral, worth in _ROMAN.items():
        text += numeral * (value // worth)
        value %= worth
    return text


def _elements(rng: random.Random) -> Both:
    ask = "Which chemical element has the atomic number {}?"
    names = {item.fields["difficulty"]: item.gold for item in Facts(name="facts", kinds=["element"]).load()}
    known = {str(int(z)): gold for z, gold in names.items()}
    return both(ask, known, [str(z) for z in range(len(known) + 11, 600)])


def _days(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = {}
    without = []
    for month, length in enumerate(_LENGTHS):
        for day in range(1, length + 1):
            known[f"{day} {_MONTHS[month]}"] = str(sum(_LENGTHS[:month]) + day)
        without += [f"{day} {_MONTHS[month]}" for day in range(length + 1, 36)]
    return both("Which day of the year, counted from 1, is {} in a year of 365 days?", known, without, number)


def _planets(rng: random.Random) -> Both:
    ask = "Which planet of the solar system is number {} counted from the Sun?"
    known = {str(n): planet for n, planet in enumerate(_PLANETS, 1)}
    return both(ask, known, [str(n) for n in range(11, 60)])


def _months(rng: random.Random) -> Both:
    known = {str(n): month for n, month in enumerate(_MONTHS, 1)}
    return both("What is the name of month number {} of the calendar year?", known, [str(n) for n in range(13, 60)])


def _roots(rng: random.Random) -> Both:
    squares = {str(n * n): str(n) for n in range(2, 60)}
    without = [str(n) for n in range(5, 900) if str(n) not in squares]
    return both("Which whole number has the square {}?", squares, without, number)


def _alphabet(rng: random.Random) -> Both:
    known = {str(n): chr(96 + n) for n in range(2, 27) if n != 9}  # "a" and "I" are words, too
    return both("Which letter of the English alphabet is number {}?", known, [str(n) for n in range(28, 99)])


def _solids(rng: random.Random) -> Both:
    known = {str(faces): names for faces, names in _SOLIDS.items()}
    without = [str(n) for n in range(5, 60) if n not in _SOLIDS]
    return both("What is the name of the Platonic solid with {} faces?", known, without)


def _products(rng: random.Random) -> Both:
    ask = "Which whole number gives {} when it is multiplied by {}?"
    pairs = rng.sample([(a, b) for a in range(3, 40) for b in range(3, 20)], MOST)
    known = [Question(ask.format(a * b, b), str(a), number) for a, b in pairs]
    return known, [Question(ask.format(a * b + 1 + a % (b - 1), b)) for a, b in pairs]


def _primes(rng: random.Random) -> Both:
    ask = "Which prime number is larger than {} and smaller than {}?"
    primes = [n for n in range(2, 1000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    known, without = [], []
    for before, prime, after in zip(primes[3:], primes[4:], primes[5:], strict=False):
        known.append(Question(ask.format(before, after), str(prime), number))
        if after - prime > 2:
            without.append(Question(ask.format(prime, after)))
    return known, without


def _clock(rng: random.Random) -> Both:
    times = [(hour, minute) for hour in range(1, 24) for minute in range(1, 60, 4)]
    known: dict[str, str | list[str]] = {f"{hour}:{minute:02}": str(60 * hour + minute) for hour, minute in times}
    without = [f"{hour + 24}:{minute:02}" for hour, minute in times]
    return both("How many minutes after midnight does a 24-hour clock show {}?", known, without, number)


def _dice(rng: random.Random) -> Both:
    known = {str(n): str(7 - n) for n in range(1, 7)}
    without = [str(n) for n in range(7, 40)]
    return both("Which number lies opposite the {} on a usual die of six sides?", known, without, number)


def _numerals(rng: random.Random) -> Both:
    known: dict[str, str | list[str]] = {_roman(n): str(n) for n in range(4, 120)}
    without = [f"{hundred}{bad}" for hundred in ("", "C", "CC") for bad in _NOT_ROMAN]
    return both("How much is the correct Roman numeral {} in digits?", known, without, number)


def _chess(rng: random.Random) -> Both:
    known = {f"{'abcdefgh'[n]}{row}": piece for n, piece in enumerate(_PIECES) for row in (1, 8)}
    without = [f"{column}{row}" for column in "jklmnopqrstu" for row in (1, 8)]
    return both("Which piece stands on the square {} when a game of chess begins?", known, without)


def _places(rng: random.Random) -> Both:
    ask = 'Which letter is number {} of the word "{}"?'
    known = [
        Question(ask.format(n, word), letter)
        for word in _WORDS
        for n, letter in enumerate(word, 1)
        if letter not in "ai"  # which are words, too
    ]
    return known, [Question(ask.format(n, word)) for word in _WORDS for n in range(len(word) + 2, 16)]


def _leap_years(rng: random.Random) -> Both:
    years = range(1880, 2120)
    known: dict[str, str | list[str]] = {str(y): ["1 March", "March 1"] for y in years if calendar.isleap(y)}
    return both("Which date follows 29 February {}?", known, [str(y) for y in years if not calendar.isleap(y)])


TEMPLATES: Mapping[str, Callable[[random.Random], Both]] = {
    "element": _elements,
    "day": _days,
    "planet": _planets,
    "month": _months,
    "root": _roots,
    "alphabet": _alphabet,
    "solid": _solids,
    "product": _products,
    "prime": _primes,
    "clock": _clock,
    "die": _dice,
    "numeral": _numerals,
    "chess": _chess,
    "place": _places,
    "leap year": _leap_years,
}
