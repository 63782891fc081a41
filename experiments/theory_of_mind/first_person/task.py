"""The task: one item is one family of stories in all persons, with its facts and sums."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar, get_args

from experiments.theory_of_mind.first_person import arithmetic, facts
from experiments.theory_of_mind.first_person.questions import Probe, about_beliefs, about_numbers, about_places
from experiments.theory_of_mind.first_person.stories import CONDITIONS, Cast, Person, tell_story
from harness.errors import HarnessError
from harness.items import Grade, Item, grader
from harness.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class FirstPersonStories(Task):
    """Generated false-belief stories, each told in four persons; facts and sums, told by name and as "you".

    An item's fields are {"probes": [probe, ...], "other_story": a story of another family}, see `questions.Probe`; its
    gold holds the right option of each probe, in the same order. Chance is 1/3 for every probe.

    Attributes:
        families: how many items.
        seed: seed of the generator; another seed gives other families.
    """

    version: ClassVar[str] = "1"
    name: str = "first_person"
    families: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if self.families < 1:
            raise HarnessError(f"task {self.name!r}: families={self.families}; give at least 1")

    def load(self) -> list[Item]:
        """All families, in the order of their numbers."""
        return [self.family(number) for number in range(self.families)]

    def family(self, number: int) -> Item:
        """The family of a number: a function of (seed, number) alone."""
        rng = random.Random(f"first_person/{self.seed}/{number}")
        cast = self._cast(number, rng)
        options = rng.sample(cast.listed, 3)
        probes: list[Probe] = []
        for person in get_args(Person):
            for condition in CONDITIONS:
                probes += about_beliefs(cast, person, condition, options)
        for place in facts.KINDS:
            fact = facts.draw(place, cast, rng)
            probes += [about_places(fact, cast.asked, person, options) for person in ("third", "first")]
        for kind in arithmetic.KINDS:
            told = arithmetic.draw(kind, rng)
            probes += [about_numbers(told, cast.asked, person) for person in ("third", "first")]
        return Item(
            fields={"probes": [dict(probe.fields) for probe in probes], "other_story": self._other_story(number)},
            gold=[probe.right for probe in probes],
            grader=no_single_answer,
        )

    def _cast(self, number: int, rng: random.Random) -> Cast:
        return Cast.draw(rng, long=number % 2 == 1)

    def _other_story(self, number: int) -> str:
        """A story of the family after this one, in the third person."""
        cast = self._cast(number + 1, random.Random(f"first_person/{self.seed}/{number + 1}"))
        return tell_story(cast, "FB").text


@grader
def no_single_answer(text: str, item: Item) -> Grade:
    """Refuses: a family holds many questions, whose options are read one by one by experiment firstPerson.

    Raises:
        TypeError: always.
    """
    raise TypeError("a family holds many questions and has no single answer; run experiment=firstPerson on this task")
