"""The task: questions that one digit answers, by rule."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.shared.distinct import check_size, distinct
from harness import Item, Task
from harness.tasks.graders import number
from harness.tasks.texts import word_list

WORDS: Sequence[str] = word_list(
    "cup sun hat owl map spoon river table candle garden window bottle pepper kitchen blanket lantern harvest "
    "mountain elephant umbrella sandwich notebook raspberry chocolate butterfly adventure tree lamp bird coffee "
    "letter carrot banana cheese school summer rabbit pencil button ladder mirror orange puzzle balloon cabbage "
    "feather giraffe hammock journey penguin sparrow thunder whisper bookcase calendar dinosaur fountain hospital "
    "keyboard magazine necklace pavement sunlight"
)
KINDS: Mapping[str, Sequence[str]] = {
    "animals": word_list("cat dog horse cow goat sheep lion tiger wolf bear mouse fox zebra camel"),
    "tools": word_list("hammer saw drill spade rake axe chisel pliers"),
    "fruits": word_list("apple pear plum cherry grape lemon peach melon"),
}
FACTS: Sequence[tuple[str, int]] = (
    ("How many legs does a spider have?", 8),
    ("How many legs does an ant have?", 6),
    ("How many days are there in a week?", 7),
    ("How many sides does a hexagon have?", 6),
    ("How many sides does a triangle have?", 3),
    ("How many strings does a violin have?", 4),
    ("How many seasons does a year have?", 4),
    ("How many wheels does a tricycle have?", 3),
    ("How many planets orbit the Sun?", 8),
    ("How many rings are there in the Olympic flag?", 5),
    ("How many faces does a cube have?", 6),
    ("How many arms does an octopus have?", 8),
    ("How many players of one team are on the court in basketball?", 5),
    ("How many colours does the flag of France have?", 3),
    ("How many zeros does the number one thousand have?", 3),
    ("How many humps does a dromedary have?", 1),
    ("How many moons does the Earth have?", 1),
    ("How many moons does Venus have?", 0),
    ("How many wings does a bee have?", 4),
    ("How many innings does a game of baseball have?", 9),
)


def _sum(rng: random.Random) -> tuple[str, int]:
    right = rng.randrange(10)
    first = rng.randint(0, right)
    return f"What is {first} + {right - first}?", right


def _difference(rng: random.Random) -> tuple[str, int]:
    right, second = rng.randrange(10), rng.randrange(10, 90)
    return f"What is {second + right} - {second}?", right


def _last_digit(rng: random.Random) -> tuple[str, int]:
    first, second = rng.randrange(3, 20), rng.randrange(3, 20)
    return f"What is the last digit of {first} x {second}?", first * second % 10


def _length(rng: random.Random) -> tuple[str, int]:
    word = rng.choice(WORDS)
    return f'How many letters are in the word "{word}"?', len(word)


def _letter(rng: random.Random) -> tuple[str, int]:
    word = rng.choice(WORDS)
    letter = rng.choice(word if rng.random() < 0.7 else "aeinorst")
    return f'How many times does the letter "{letter}" occur in the word "{word}"?', word.count(letter)


def _members(rng: random.Random) -> tuple[str, int]:
    kind = rng.choice([*KINDS])
    right = rng.randrange(min(7, len(KINDS[kind])))
    others = [word for other, words in KINDS.items() if other != kind for word in words]
    listed = rng.sample(KINDS[kind], right) + rng.sample(others, rng.randint(1, 3))
    rng.shuffle(listed)
    if len(listed) < 2:
        return _members(rng)
    return f"How many of these are {kind}: {', '.join(listed)}?", right


RULES: Mapping[str, Callable[[random.Random], tuple[str, int]]] = {
    "sum": _sum,
    "difference": _difference,
    "last digit": _last_digit,
    "length": _length,
    "letter": _letter,
    "members": _members,
}


@dataclass(frozen=True, kw_only=True)
class OneDigit(Task):
    """Questions that one digit answers: sums, differences, last digits, letters, members of a kind, and a few facts.

    An item's fields are "question" and "kind", its gold the digit. Every rule gives as many questions, and all are
    distinct; a larger size contains the smaller one.

    Attributes:
        size: questions made by rule, from 1 to 300; the facts come on top.
        seed: seed of the generator.
    """

    version: ClassVar[str] = "1"
    name: str = "one_digit"
    size: int = 240
    seed: int = 0

    def load(self) -> list[Item]:
        streams = {kind: random.Random(f"one digit/{self.seed}/{kind}") for kind in RULES}

        def draw(n: int) -> Item:
            kind = [*RULES][n % len(RULES)]
            return _item(*RULES[kind](streams[kind]), kind)

        made = distinct(check_size(self, "size", 300), draw, lambda item: str(item.fields["question"]))
        return [*made, *(_item(question, right, "fact") for question, right in FACTS)]


def _item(question: str, right: int, kind: str) -> Item:
    return Item({"question": question, "kind": kind}, str(right), number)
