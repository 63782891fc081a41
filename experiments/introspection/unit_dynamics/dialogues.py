"""The task: dialogues of a model with itself, made by rule. An item says which unit is pushed and what is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from experiments.introspection.unit_dynamics.units import QUESTIONS, TOPICS, UNITS
from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer


@dataclass(frozen=True, kw_only=True)
class SelfDialogues(Task):
    """Dialogues in which a model answers the same questions about itself again and again.

    An item's fields are "unit" (pushed in the arms that push a unit), "topic" (pushed as its control), "questions" (of
    all dimensions, in random order) and "draw" (the number of its random numbers, another one for every item). All
    units come equally often. There is no gold.

    Attributes:
        size: number of dialogues, at least 1; a larger size contains the smaller one.
        a_dimension: questions of each dimension, 1 to 3.
        seed: seed of the generator.
    """

    version: ClassVar[str] = "1"
    name: str = "self_dialogues"
    size: int = 240
    a_dimension: int = 1
    seed: int = 0

    def load(self) -> list[Item]:
        most = min(map(len, QUESTIONS.values()))
        if self.size < 1 or not 1 <= self.a_dimension <= most:
            raise HarnessError(
                f"task {self.name!r}: size={self.size}, a_dimension={self.a_dimension}; give at least 1 dialogue and "
                f"1 to {most} questions a dimension"
            )
        rng = random.Random(f"self dialogues/{self.seed}")
        return [self._item(i, rng) for i in range(self.size)]

    def _item(self, i: int, rng: random.Random) -> Item:
        asked = [question for some in QUESTIONS.values() for question in rng.sample(some, 3)[: self.a_dimension]]
        fields = {
            "unit": [*UNITS][i % len(UNITS)],
            "topic": [*TOPICS][i // len(UNITS) % len(TOPICS)],
            "questions": rng.sample(asked, len(asked)),
            "draw": i,
        }
        return Item(fields, "", short_answer)
