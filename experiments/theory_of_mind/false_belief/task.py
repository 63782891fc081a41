"""The task: one item is one family of stories with all its questions."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar, get_args

from experiments.theory_of_mind.false_belief.questions import Question, grade_probe, probe, right_place
from experiments.theory_of_mind.false_belief.stories import Cast, Condition, tell_story
from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class FalseBeliefStories(Task):
    """Generated false-belief stories.

    An item's fields are {"probes": [probe, ...]} (see `questions.probe`), its gold the right container of each probe,
    in the same order. Chance is 1/3 for every probe.

    Every family tells all conditions, so that any two of them are compared within families. Chance is no yardstick for
    first-order questions, because rules without any idea of minds are right on up to three quarters of them
    (`shortcuts.near_agent`): they answer in arms of the experiment, and its claim is against the best of them.

    Attributes:
        families: how many items.
        conditions: told in every family, see `stories`. FB needs TB: a false-belief score alone cannot tell a
            reader of minds from a model that never noticed the move.
        questions: asked about every story: first-order belief and action, second-order belief, reality, memory.
        first_person: the agent asked about is "you".
        seed: seed of the generator; another seed gives other families.
    """

    version: ClassVar[str] = "2"
    name: str = "false_belief"
    families: int = 200
    conditions: tuple[Condition, ...] = get_args(Condition)
    questions: tuple[Question, ...] = ("belief", "action", "second", "reality", "memory")
    first_person: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.families < 1 or not self.conditions or not self.questions:
            raise HarnessError(f"task {self.name!r}: families, conditions and questions must not be empty")
        if any(len(set(named)) < len(named) for named in (self.conditions, self.questions)):
            told = f"{self.conditions}, {self.questions}"
            raise HarnessError(f"task {self.name!r}: a condition or question is named twice: {told}")
        if "FB" in self.conditions and "TB" not in self.conditions:
            raise HarnessError(f"task {self.name!r}: FB is not told without TB; add TB to task.conditions")

    def load(self) -> list[Item]:
        """All families, in the order of their numbers."""
        return [self.family(number) for number in range(self.families)]

    def family(self, number: int) -> Item:
        """The family of a number: a function of (seed, number) and the settings, not of how many are asked for."""
        rng = random.Random(f"{self.seed}/{number}")
        cast = Cast.draw(rng, long=number % 2 == 1, first_person=self.first_person)
        stories = [tell_story(cast, condition) for condition in self.conditions]
        asked = [(question, story) for story in stories for question in self.questions]
        return Item(
            fields={"probes": [probe(question, story, cast, rng) for question, story in asked]},
            gold=[right_place(question, story, cast) for question, story in asked],
            grader=grade_probe,
        )
