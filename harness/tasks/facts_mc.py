"""Asks the facts as lettered multiple choice; needs no download and no files."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.choices import LETTERS, multiple_choice
from harness.tasks.facts import Facts
from harness.tasks.graders import gold_text


@dataclass(frozen=True, kw_only=True)
class FactsMc(Facts):
    """The questions of `Facts`, each with the right answers of others as wrong options. Group: country or element.

    Wrong options are drawn evenly from the other right answers to questions of the same kind and stratum, so that the
    right one stands out neither by kind nor by size: among atomic numbers it is the middle one no more often than any
    other. Fields: as in `Facts`, and "stem" and "choices" of a multiple-choice item.

    Attributes:
        options: how many, the right one among them.
        seed: seed of the wrong options and the order.

    Raises:
        HarnessError: more options than the smallest kind and stratum has answers.
    """

    version: ClassVar[str] = "2"
    name: str = "facts_mc"
    options: int = 4
    seed: int = 0

    def load(self) -> list[Item]:
        items = super().load()
        answers: dict[tuple[str, str], list[str]] = {}
        for item in items:
            answers.setdefault(_alike(item), []).append(gold_text(item))
        fewest = min(len(among) for among in answers.values())
        if not 2 <= self.options <= min(fewest, len(LETTERS)):
            raise HarnessError(f"task {self.name!r}: options={self.options}; give 2 to {min(fewest, len(LETTERS))}")
        return [self._with_options(item, answers[_alike(item)]) for item in items]

    def _with_options(self, item: Item, among: list[str]) -> Item:
        rng = random.Random(f"{self.seed}/{item.id}")
        right = gold_text(item)
        choices = [right, *rng.sample([answer for answer in among if answer != right], self.options - 1)]
        rng.shuffle(choices)
        more = {name: item.fields[name] for name in ("kind", "difficulty", "stratum")}
        stem = str(item.fields["question"])
        return multiple_choice(stem, choices, choices.index(right), stem, group=item.group, more=more)


def _alike(item: Item) -> tuple[str, str]:
    return item.fields["kind"], item.fields["stratum"]
