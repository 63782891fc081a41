"""The task: one item is one telling of the game, played against all opponents."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import Grade, Item, grader
from harness.tasks.base import Task

NAMES = (
    *("Ada", "Bruno", "Chloe", "Dmitri", "Elena", "Felix", "Grace", "Hugo", "Irene", "Jonas", "Kira", "Leo", "Maya"),
    *("Nils", "Olga", "Paul", "Rosa", "Simon", "Tara", "Victor"),
)
NAMING = (
    "In each round both players name a whole number from 1 to 100 at the same time.",
    "Each round, the two of you choose a whole number between 1 and 100, without seeing the other's choice.",
    "Every round works like this: you and {name} each write down a whole number from 1 to 100.",
)
TARGET = (
    "The target is 0.8 times the mean of the two numbers, and whoever is closer to it wins the round.",
    "The round goes to the player whose number is nearer to 0.8 times the average of both numbers.",
    "The winner is whoever comes closest to the target: the mean of the two numbers, multiplied by 0.8.",
)
SEEN = (
    "After each round you see both numbers.",
    "Both numbers are shown when the round is over.",
    "Once both have chosen, the numbers are revealed.",
)


@dataclass(frozen=True, kw_only=True)
class GuessingGames(Task):
    """Tellings of the number guessing game: the opponent's name and the wording of the rules differ.

    The opponents follow fixed rules, and a model without chance plays the same game again where the words are the same.
    So the words are what varies from game to game. Games whose rules have the same words, and only the opponent another
    name, are one group: there are 27 groups. Fields: "opponent", "rules".

    Attributes:
        games: how many items, at most 540.
        seed: seed of their order; another seed gives another choice.
    """

    version: ClassVar[str] = "1"
    name: str = "number_guessing"
    games: int = 200
    seed: int = 0

    def load(self) -> list[Item]:
        """Different tellings; more games contain the fewer."""
        tellings = list(itertools.product(NAMES, NAMING, TARGET, SEEN))
        if not 1 <= self.games <= len(tellings):
            raise HarnessError(f"task {self.name!r}: games={self.games}; give 1 to {len(tellings)}")
        random.Random(f"number_guessing/{self.seed}").shuffle(tellings)
        return [
            Item({"opponent": name, "rules": " ".join(parts).format(name=name)}, "", no_answer, group=" ".join(parts))
            for name, *parts in tellings[: self.games]
        ]


@grader
def no_answer(text: str, item: Item) -> Grade:
    """Refuses: a game has no right answer; experiment numberGuessing judges each round.

    Raises:
        TypeError: always.
    """
    raise TypeError("a game has no single answer; run experiment=numberGuessing on this task")
