"""Questions with and without an answer, from the same templates: the wording gives little away."""

from __future__ import annotations

import calendar
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from experiments.calibration.self_familiarity.invented import invent
from harness import Grader, HarnessError, Item, Task
from harness.tasks.facts import Facts
from harness.tasks.graders import number, short_answer
from harness.tasks.refusals import admits_unknown
from harness.tasks.texts import word_list

ANSWERABLE = "answerable"
KINDS = ("fictional", "false premise", "unknowable")
"""Why a question has no answer: it asks about what is made up; it takes for true what is false; nobody can tell."""

_MOST = 400
"""Questions of one template and kind that are made, at most."""

_NAMES = word_list(
    "Ada Boris Chloe Dmitri Elena Felix Greta Hugo Ines Jonas Kira Leo Mara Nils Olga Pavel Rosa Sven Tara Yuri"
)
_WORDS = word_list(
    "apple bridge candle desert engine forest garden hammer island jacket kitchen ladder marble needle orange"
)
_PLANETS = word_list("Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune")
# Of the men's football World Cup, every four years.
_FIRST_CUP = 1958
_WINNERS = [
    *("Brazil", "Brazil", "England", "Brazil", "West Germany", "Argentina", "Italy", "Argentina", "West Germany"),
    *("Brazil", "France", "Brazil", "Italy", "Spain", "Germany", "France", "Argentina"),
]
_MONTHS = list(calendar.month_name)[1:]
_WEEKDAYS = list(calendar.day_name)
_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


class _Question(NamedTuple):
    """A question; gold is an empty list when there is no answer, and then `grader` is not asked."""

    text: str
    gold: str | list[str] = []  # noqa: RUF012
    grader: Grader = short_answer


@dataclass(frozen=True, kw_only=True)
class Unanswerable(Task):
    """Half of the questions have an answer; of the others a third each is fictional, of a false premise and unknowable.

    Every template asks questions of both halves in the same words: "What is the capital of Chad?" and "What is the
    capital of Breldonia?"; "What is the sum of 12 and 30?" and "What is the sum of 12 and the number that Ada is
    thinking of?". A bag of words fitted on the other templates tells 59 % right. Group: the template. Fields:
    "question", "kind" ("answerable" or one of `KINDS`), "template". Gold: an empty list where there is no answer; a
    text that says so is then right.

    Attributes:
        size: number of items, at least 6; a larger size contains the smaller one.
        seed: of names and numbers.

    Raises:
        HarnessError: by `load`: a size that cannot be had.
    """

    version: ClassVar[str] = "2"
    name: str = "unanswerable"
    size: int = 240
    seed: int = 0

    def load(self) -> list[Item]:
        if self.size < 6:
            raise HarnessError(f"task {self.name!r}: size={self.size}; give at least 6")
        cells = self._cells()
        turns = itertools.cycle([ANSWERABLE, KINDS[0], ANSWERABLE, KINDS[1], ANSWERABLE, KINDS[2]])
        items = []
        for kind in itertools.islice(turns, self.size):
            item = next(cells[kind], None)
            if item is None:
                raise HarnessError(f"task {self.name!r}: size={self.size} is too large, {kind} questions run out")
            items.append(item)
        return items

    def _cells(self) -> dict[str, Iterator[Item]]:
        """The items of every kind, its templates in turn."""
        queues: dict[str, list[list[Item]]] = {}
        for name, (kind, make) in _TEMPLATES.items():
            answerable, without = make(random.Random(f"unanswerable/{self.seed}/{name}"))
            for of, questions in ((ANSWERABLE, answerable), (kind, without)):
                queues.setdefault(of, []).append([_item(q, of, name) for q in questions[:_MOST]])
        return {kind: _in_turn(lists) for kind, lists in queues.items()}


def _item(question: _Question, kind: str, template: str) -> Item:
    fields = {"question": question.text, "kind": kind, "template": template}
    grader = question.grader if kind == ANSWERABLE else admits_unknown
    return Item(fields=fields, gold=question.gold, grader=grader, group=f"template:{template}")


def _in_turn(lists: Sequence[Sequence[Item]]) -> Iterator[Item]:
    for row in itertools.zip_longest(*lists):
        yield from (item for item in row if item is not None)


_Both = tuple[list[_Question], list[_Question]]


def _mixed(rng: random.Random, *questions: Sequence[_Question]) -> _Both:
    answerable, without = (rng.sample(list(q), len(q)) for q in questions)
    return answerable, without


def _facts(rng: random.Random, kind: str, ask: str, endings: Sequence[str], *, capital: bool) -> _Both:
    """Questions of the facts task, and the same about names that are made up."""
    items = Facts(name="facts", kinds=[kind]).load()
    known = [_Question(str(item.fields["question"]), item.gold, item.grader) for item in items]
    # Names of the package itself, so that no real one is taken for a made-up one.
    taken = {word for q in known for word in q.text.strip("?").split()} | {g for q in known for g in q.gold}
    names = invent(rng, _MOST, endings, taken=taken, capital=capital)
    return _mixed(rng, known, [_Question(ask.format(name)) for name in names])


def _capitals(rng: random.Random) -> _Both:
    return _facts(rng, "capital", "What is the capital of {}?", ("ia", "land", "istan", "a"), capital=True)


def _countries(rng: random.Random) -> _Both:
    return _facts(rng, "country", "Which country has the capital {}?", ("o", "burg", "a", "ton"), capital=True)


def _symbols(rng: random.Random) -> _Both:
    return _facts(rng, "symbol", "What is the chemical symbol of {}?", ("ium", "on", "ium"), capital=False)


def _elements(rng: random.Random) -> _Both:
    ask = "Which chemical element has the atomic number {}?"
    names = {item.fields["difficulty"]: item.gold for item in Facts(name="facts", kinds=["element"]).load()}
    known = [_Question(ask.format(int(z)), gold) for z, gold in names.items()]
    return _mixed(rng, known, [_Question(ask.format(z)) for z in range(len(known) + 11, 600)])


def _days(rng: random.Random) -> _Both:
    ask = "Which day of the year, counted from 1, is {} {} in a year of 365 days?"
    known, without = [], []
    for month, length in enumerate(_LENGTHS):
        for day in range(1, length + 1):
            known.append(_Question(ask.format(day, _MONTHS[month]), str(sum(_LENGTHS[:month]) + day), number))
        without += [_Question(ask.format(day, _MONTHS[month])) for day in range(length + 1, 36)]
    return _mixed(rng, known, without)


def _planets(rng: random.Random) -> _Both:
    ask = "Which planet of the solar system is number {} counted from the Sun?"
    known = [_Question(ask.format(n), planet) for n, planet in enumerate(_PLANETS, 1)]
    return _mixed(rng, known, [_Question(ask.format(n)) for n in range(11, 60)])


def _months(rng: random.Random) -> _Both:
    ask = "What is the name of month number {} of the calendar year?"
    known = [_Question(ask.format(n), month) for n, month in enumerate(_MONTHS, 1)]
    return _mixed(rng, known, [_Question(ask.format(n)) for n in range(13, 60)])


def _roots(rng: random.Random) -> _Both:
    ask = "Which whole number has the square {}?"
    squares = {n * n: n for n in range(2, 60)}
    known = [_Question(ask.format(square), str(root), number) for square, root in squares.items()]
    return _mixed(rng, known, [_Question(ask.format(n)) for n in range(5, 900) if n not in squares])


def _sums(rng: random.Random) -> _Both:
    ask = "What is the sum of {} and {}?"
    pairs = rng.sample([(a, b) for a in range(2, 100) for b in range(2, 100)], _MOST)
    known = [_Question(ask.format(a, b), str(a + b), number) for a, b in pairs]
    without = [_Question(ask.format(a, f"the number that {n} is thinking of")) for n in _NAMES for a in range(2, 22)]
    return _mixed(rng, known, without)


def _letters(rng: random.Random) -> _Both:
    ask = "How many letters does the {} have?"
    known = [_Question(ask.format(f'word "{word}"'), str(len(word)), number) for word in _WORDS]
    return _mixed(rng, known, [_Question(ask.format(f"word that {name} is thinking of")) for name in _NAMES])


def _cups(rng: random.Random) -> _Both:
    ask = "Which country is the winner of the men's football World Cup of {}?"
    known = [
        _Question(ask.format(_FIRST_CUP + 4 * i), [winner, winner.removeprefix("West ")])
        for i, winner in enumerate(_WINNERS)
    ]
    return _mixed(rng, known, [_Question(ask.format(year)) for year in range(2050, 2200, 4)])


def _weekdays(rng: random.Random) -> _Both:
    ask = "Which day of the week comes {} days after {}?"
    numbers = range(2, 30)
    known = [
        _Question(ask.format(n, f"a {d}"), _WEEKDAYS[(i + n) % 7]) for i, d in enumerate(_WEEKDAYS) for n in numbers
    ]
    without = [_Question(ask.format(n, f"the day on which {name} last sneezed")) for name in _NAMES for n in numbers]
    return _mixed(rng, known, without)


_TEMPLATES: dict[str, tuple[str, Callable[[random.Random], _Both]]] = {
    "capital": ("fictional", _capitals),
    "country": ("fictional", _countries),
    "symbol": ("fictional", _symbols),
    "element": ("false premise", _elements),
    "day": ("false premise", _days),
    "planet": ("false premise", _planets),
    "month": ("false premise", _months),
    "root": ("false premise", _roots),
    "sum": ("unknowable", _sums),
    "letters": ("unknowable", _letters),
    "cup": ("unknowable", _cups),
    "weekday": ("unknowable", _weekdays),
}
