"""The task: sums in words with a key, and for each an answer that is right and one that is wrong, by rule."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from experiments.judging.numbered import NumberedItems
from harness.items import SHORT, Item
from harness.tasks.graders import number

NAMES = (
    *("Ada", "Bruno", "Clara", "Dev", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    *("Kira", "Leo", "Maya", "Nils", "Olga", "Pablo", "Rosa", "Sami", "Tara", "Wim"),
)
THINGS = ("stamps", "marbles", "cards", "shells", "buttons", "pencils", "stickers", "coins", "beads", "pears")
KINDS = {
    "add": "{a} has {x} {o} and gets {y} more. How many {o} does {a} have now?",
    "take": "{a} has {z} {o} and gives {y} of them away. How many {o} does {a} have left?",
    "share": "{a} puts {x} {o} into each of {k} boxes. How many {o} are there in all?",
    "both": "{a} has {z} {o}, gives {y} away and then finds {k}. How many {o} does {a} have now?",
}
SIZES = (9, 40, 400)
"""The largest numbers of easy, medium and hard sums."""
STRATA = ("easy", "medium", "hard")
SAID = (
    "{a} has {n} {o}.",
    "The answer is {n} {o}.",
    "That makes {n} {o}.",
    "So there are {n} {o} in the end.",
)


@dataclass(frozen=True, kw_only=True)
class KeyedSums(NumberedItems):
    """Sums in words of three sizes, each with a right and a wrong answer in a sentence.

    Fields: "question", "right" and "wrong" (answers by rule, the same sentence with another number), "kind",
    "stratum". Gold: the number.
    """

    version: ClassVar[str] = "1"
    name: str = "keyed_sums"
    size: int = 300

    def number(self, at: int) -> Item:
        rng = random.Random(f"keyed_sums/{self.seed}/{at}")
        kind, size = rng.choice(sorted(KINDS)), at % len(SIZES)
        x, y = rng.randint(2, SIZES[size]), rng.randint(2, SIZES[size])
        k = rng.randint(2, 9)
        z = x + y
        result = {"add": x + y, "take": x, "share": x * k, "both": x + k}[kind]
        told = {"a": rng.choice(NAMES), "o": rng.choice(THINGS), "x": x, "y": y, "z": z, "k": k}
        off = rng.choice([n for n in (-10, -2, -1, 1, 2, 10) if result + n > 0])
        said = rng.choice(SAID)
        return Item(
            fields={
                "question": KINDS[kind].format(**told),
                "right": said.format(**told, n=result),
                "wrong": said.format(**told, n=result + off),
                "kind": kind,
                "stratum": STRATA[size],
            },
            gold=str(result),
            grader=number,
            form=SHORT,
        )
