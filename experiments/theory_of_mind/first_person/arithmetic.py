"""Sums in words about one person, by name or as "you": the same change of the pronoun with no mind to read."""

from __future__ import annotations

import random
from dataclasses import dataclass

THINGS = ("coins", "apples", "pencils", "marbles", "stickers", "cards", "shells", "buttons")
NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)

KINDS = {
    "add": "{a} had {x} {o}. Then {a} found {y} more.",
    "take": "{a} had {x} {o}. Then {a} lost {y} of them.",
    "add and take": "{a} had {x} {o} and bought {y} more. Then {a} lost {z} of them.",
    "take and add": "{a} had {x} {o} and lost {y} of them. Then {a} bought {z} more.",
}
"""The kinds of sum; {a} is who has the things."""
SIGNS = {"add": (1, 0), "take": (-1, 0), "add and take": (1, -1), "take and add": (-1, 1)}


@dataclass(frozen=True)
class Sum:
    """A sum in words, without the person that it is about.

    Attributes:
        text: with a place {a} for the name.
        thing: what is counted.
        options: three numbers in words, in the order in which they are listed.
        right: the one that is right.
    """

    kind: str
    text: str
    thing: str
    options: tuple[str, ...]
    right: str


def draw(kind: str, rng: random.Random) -> Sum:
    """A sum whose numbers lie between 1 and 20; the wrong options are the number it begins with, and one close by."""
    first, second = SIGNS[kind]
    x, y, z = rng.randint(6, 10), rng.randint(2, 5), rng.randint(1, 4)
    end = x + first * y + second * z
    if end == x:
        return draw(kind, rng)
    thing = rng.choice(THINGS)
    near = rng.choice([n for n in (end - 1, end + 1) if n != x])
    options = [NUMBERS[n] for n in (end, x, near)]
    text = KINDS[kind].format(a="{a}", x=NUMBERS[x], y=NUMBERS[y], z=NUMBERS[z], o=thing)
    return Sum(kind, text, thing, tuple(rng.sample(options, 3)), NUMBERS[end])
