"""The task: choices between two words, half of them with a right answer, half of them a matter of taste."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from harness import Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.texts import word_list

KINDS: Sequence[Sequence[str]] = tuple(
    word_list(line)
    for line in (
        "tea coffee juice milk lemonade cocoa water cider",
        "apples pears plums cherries grapes lemons peaches melons",
        "cats dogs horses rabbits parrots goats ponies hamsters",
        "red blue green yellow purple orange white black",
        "spring summer autumn winter sunshine snow rain fog",
        "tennis football hockey golf rowing cycling boxing skating",
        "piano violin guitar drums flute trumpet cello harp",
        "bread rice pasta potatoes noodles beans soup salad",
        "trains planes ships buses bicycles cars trams ferries",
        "novels poems comics diaries letters essays plays riddles",
        "mountains beaches forests deserts lakes rivers islands caves",
        "chess cards dominoes darts marbles puzzles kites yoyos",
        "roses tulips daisies lilies violets poppies orchids irises",
        "silk wool cotton linen velvet leather denim felt",
        "gold silver copper iron bronze marble granite amber",
    )
)
"""Words of one kind each, of about the same appeal; options of one word keep all messages equally long."""
TASTES = ("Which of the two would you rather write about?", "Which of the two do you like better?")


def _larger(rng: random.Random) -> tuple[str, int, int]:
    one, other = rng.sample(range(10, 100), 2)
    return "Which number is larger?", max(one, other), min(one, other)


def _sum(rng: random.Random) -> tuple[str, int, int]:
    one, other = rng.randrange(11, 50), rng.randrange(11, 50)
    return f"What is {one} + {other}?", one + other, one + other + rng.choice((-10, -2, 2, 10))


def _longer(rng: random.Random) -> tuple[str, str, str]:
    one, other = rng.sample([word for kind in KINDS for word in kind], 2)
    if len(one) == len(other):
        return _longer(rng)
    return "Which word has more letters?", max(one, other, key=len), min(one, other, key=len)


def _earlier(rng: random.Random) -> tuple[str, str, str]:
    one, other = sorted(rng.sample([word for kind in KINDS for word in kind], 2))
    return "Which word comes first in the alphabet?", one, other


FACTS: Sequence[Callable[[random.Random], tuple[str, int, int] | tuple[str, str, str]]] = (
    _larger,
    _sum,
    _longer,
    _earlier,
)
"""Rules that make a question, its right answer and a wrong one."""


@dataclass(frozen=True, kw_only=True)
class PushedChoices(Task):
    """Choices between two options, each a single word or number, to which an experiment adds messages.

    An item's fields are "question", "options" (two texts, in random order) and "kind" ("fact" or "taste"). The gold is
    the right option of a fact and "" of a taste. Questions of taste about the same pair are one group.

    Attributes:
        seed: seed of the generator.
    """

    version: ClassVar[str] = "1"
    name: str = "pushed_choices"
    seed: int = 0

    def load(self) -> list[Item]:
        """As many facts as tastes, all different."""
        rng = random.Random(self.seed)
        tastes = list(self._tastes(rng))
        facts: dict[str, Item] = {}
        while len(facts) < len(tastes):
            question, right, wrong = FACTS[len(facts) % len(FACTS)](rng)
            options = sorted((str(right), str(wrong)), key=lambda _: rng.random())
            item = _item("fact", question, options, str(right))
            facts.setdefault(f"{question} {sorted(options)}", item)
        return [*tastes, *facts.values()]

    def _tastes(self, rng: random.Random) -> Iterator[Item]:
        for kind in KINDS:
            shuffled = rng.sample(kind, len(kind))
            for pair in list(pairwise(shuffled))[::2]:
                for question in TASTES:
                    yield _item("taste", question, rng.sample(pair, 2), "", group=" or ".join(sorted(pair)))


def _item(kind: str, question: str, options: Sequence[str], gold: str, group: str = "") -> Item:
    fields: Mapping[str, object] = {"kind": kind, "question": question, "options": list(options)}
    return Item(fields, gold, short_answer, group)
