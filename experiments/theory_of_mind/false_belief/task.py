"""The task: one item is one family of stories with all its questions."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar, get_args

from experiments.theory_of_mind.false_belief.cast import Cast
from experiments.theory_of_mind.false_belief.plan import readings
from experiments.theory_of_mind.false_belief.questions import Question, about, grade_probe, probe
from experiments.theory_of_mind.false_belief.stories import TWINS, Condition, tell_story
from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class FalseBeliefStories(Task):
    """Generated false-belief stories.

    An item's fields are {"probes": [probe, ...]} (see `questions.probe`), its gold the right answer to each probe, in
    the same order. Chance is 1/3 for places and contents, and 1/2 for yes or no.

    Every family tells all conditions, so that any two of them are compared within families. Chance is no yardstick for
    first-order questions, because rules without any idea of minds are right on up to three quarters of them
    (`shortcuts.near_agent`): they answer in arms of the experiment, and its claim is against the best of them.

    First-order beliefs are asked about every story. The other questions are asked about as few stories as their claims
    need (`plan.SPARING`), unless `whole`.

    Attributes:
        families: how many items.
        conditions: told in every family, see `stories`. A story of a false belief needs its twin of a true one (FB
            needs TB): a false-belief score alone cannot tell a reader of minds from a model that never noticed the
            move.
        questions: belief and action (first order); second, third and fourth (beliefs about beliefs); reality and
            memory; awareness ("Does Kendall know that the letter was moved into the trunk?", information access in
            FANToM); knows ("Does Kendall know where the letter is?" about each person, answerability in FANToM).
        whole: ask all questions about all stories, in all readings of an answer; seven times as many calls.
        seed: seed of the generator; another seed gives other families.
    """

    version: ClassVar[str] = "3"
    name: str = "false_belief"
    families: int = 200
    conditions: tuple[Condition, ...] = get_args(Condition)
    questions: tuple[Question, ...] = get_args(Question)
    whole: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.families < 1 or not self.conditions or not self.questions:
            raise HarnessError(f"task {self.name!r}: families, conditions and questions must not be empty")
        if any(len(set(named)) < len(named) for named in (self.conditions, self.questions)):
            told = f"{self.conditions}, {self.questions}"
            raise HarnessError(f"task {self.name!r}: a condition or question is named twice: {told}")
        for false, true in TWINS.items():
            if false in self.conditions and true not in self.conditions:
                raise HarnessError(
                    f"task {self.name!r}: {false} is not told without {true}; add {true} to task.conditions"
                )
        if not self.family(0).gold:
            raise HarnessError(
                f"task {self.name!r}: no question of {self.questions} is asked about {self.conditions}; "
                "set task.whole=true to ask all of them about all"
            )

    def load(self) -> list[Item]:
        """All families, in the order of their numbers."""
        return [self.family(number) for number in range(self.families)]

    def family(self, number: int) -> Item:
        """The family of a number: a function of (seed, number) and the settings, not of how many are asked for."""
        seed = f"{self.seed}/{number}"
        rng = random.Random(seed)
        cast = Cast.draw(rng, long=number % 2 == 1)
        other = Cast.draw(rng, long=number % 2 == 1, apart_from=cast)
        probes, gold = [], []
        for condition in self.conditions:
            story, foreign = tell_story(cast, condition), tell_story(other, condition).text
            for question in self.questions:
                read = readings(question, condition, whole=self.whole)
                for asked in about(question, story) if read else []:
                    probes.append(probe(asked, read, foreign, seed))
                    gold.append(asked.right)
        return Item(fields={"probes": probes}, gold=gold, grader=grade_probe)
