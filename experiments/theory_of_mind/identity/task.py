"""The task: one item is one synthetic person, with statements of this person and of another one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from experiments.theory_of_mind.identity.people import Person, about, introduction
from experiments.theory_of_mind.identity.traits import JOBS
from harness import Grade, HarnessError, Item, Task, grader
from harness.tasks.letters import read_letter

LINEUP = 4
"""Profiles, and jobs, to choose among."""


@grader
def names_profile(text: str, item: Item) -> Grade:
    """The grader of who a statement is of: right when the text names the letter of the person's profile."""
    said = read_letter(text, item.fields["lineup"])
    return Grade(said or "", None if said is None else said == "ABCD"[item.gold["profile"]])


@dataclass(frozen=True, kw_only=True)
class SyntheticPeople(Task):
    """Synthetic people with a social identity (S), a personality and values (P), and a daily life (C).

    An item's fields: "profile" and "other" (the parts "S", "P" and "C" of the person and of another one), "statements"
    (first-person texts with their "part" and "wording"; half of them are the other person's), "introduction" (five
    statements of the person), "lineup" (four people in parts, one of them the person, another one the other) and "jobs"
    (four, one of them the person's). The gold: "own" (of each statement, whether it is the person's), "profile" (index
    in the lineup) and "job".

    Attributes:
        people: how many.
        correlated: whether the parts of a person hang together: education, income and weekday with the job, the weekend
            with extraversion.
        seed: seed of the generator; another seed gives other people.
    """

    version: ClassVar[str] = "1"
    name: str = "synthetic_people"
    people: int = 200
    correlated: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.people < 1:
            raise HarnessError(f"task.people={self.people}; give 1 or more")

    def load(self) -> list[Item]:
        """All people, in the order of their numbers."""
        return [self.person(number) for number in range(self.people)]

    def person(self, number: int) -> Item:
        """The person of a number: a function of (seed, number) and the settings, not of how many are asked for."""
        rng = random.Random(f"{self.seed}/{number}")
        person, others = self._lineup(rng)
        pairs = list(about(person, others[0], rng))
        statements = [(one, at == 0) for pair in pairs for at, one in enumerate(pair)]
        rng.shuffle(statements)
        lineup = rng.sample([person, *others], LINEUP)
        job = person.social["Job"].line
        jobs = [job, *rng.sample([one.job.line for one in JOBS if one.job.line != job], LINEUP - 1)]
        fields = {
            "profile": person.parts,
            "other": others[0].parts,
            "statements": [one._asdict() for one, _ in statements],
            "introduction": introduction(person, rng),
            "lineup": [one.parts for one in lineup],
            "jobs": rng.sample(jobs, LINEUP),
        }
        gold = {"own": [own for _, own in statements], "profile": lineup.index(person), "job": job}
        return Item(fields, gold, names_profile)

    def _lineup(self, rng: random.Random) -> tuple[Person, list[Person]]:
        """A person and three others, of whom the first differs from the person in enough to say."""
        while True:
            person, *others = (Person.draw(rng, correlated=self.correlated) for _ in range(LINEUP))
            if person.tells_apart(others[0]) and person not in others:
                return person, others
