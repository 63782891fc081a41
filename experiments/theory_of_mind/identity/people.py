"""Draws synthetic people and writes their profiles and statements about them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from experiments.theory_of_mind.identity.traits import (
    AGES,
    HOMES,
    HOUSEHOLDS,
    JOBS,
    MEMBERSHIPS,
    NEUTRAL,
    ORIGINS,
    PERSONALITY,
    TASTES,
    VALUES,
    WEEKENDS,
    Trait,
)

Part = Literal["S", "P", "C"]
"""Social identity, personal identity, personal life context."""
Wording = Literal["contained", "implied"]


class Statement(NamedTuple):
    """A first-person statement about an attribute of a person, in the words of the profile or in others."""

    text: str
    part: Part
    wording: Wording


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A synthetic person.

    Attributes:
        social: S, by attribute. education, income: lines of S about which there are no statements.
        levels: P, each of the five factors "high" or "low", with how strongly; values: what matters most, in order.
        weekday, weekend, loves, hates: C.
    """

    social: dict[str, Trait]
    education: str
    income: str
    levels: dict[str, tuple[str, str]]
    values: tuple[Trait, Trait, Trait]
    weekday: Trait
    weekend: Trait
    loves: tuple[Trait, ...]
    hates: tuple[Trait, ...]

    @classmethod
    def draw(cls, rng: random.Random, *, correlated: bool) -> Person:
        """Draws a person.

        Args:
            correlated: whether education, income and weekday go with the job, and the weekend with extraversion. Else
                each attribute is drawn on its own.
        """
        job = rng.choice(JOBS)
        schooled, paid, working = (job, job, job) if correlated else (rng.choice(JOBS) for _ in range(3))
        levels = {name: (rng.choice(("high", "low")), rng.choice(("", "very "))) for name in PERSONALITY}
        side = levels["extraversion"][0] if correlated else rng.choice(("high", "low"))
        first, second, third = rng.sample(VALUES, 3)
        tastes = rng.sample(TASTES, 10)
        return cls(
            social={
                "Age": rng.choice(AGES),
                "From": rng.choice(ORIGINS),
                "Home": rng.choice(HOMES),
                "Job": job.job,
                "Household": rng.choice(HOUSEHOLDS),
                "Member of": rng.choice(MEMBERSHIPS),
            },
            education=schooled.education,
            income=paid.income,
            levels=levels,
            values=(first, second, third),
            weekday=working.weekday,
            weekend=rng.choice(WEEKENDS[side]),
            loves=tuple(tastes[:5]),
            hates=tuple(tastes[5:]),
        )

    @property
    def parts(self) -> dict[Part, str]:
        """The profile in its three parts, of 8, 6 and 4 lines."""
        social = [f"{name}: {trait.line}" for name, trait in self.social.items()]
        levels = [f"{name.capitalize()}: {much}{side}" for name, (side, much) in self.levels.items()]
        context = [f"On a weekday: {self.weekday.line}", f"At the weekend: {self.weekend.line}"]
        tastes = [f"{name}: {_listed(some)}" for name, some in (("Loves", self.loves), ("Hates", self.hates))]
        return {
            "S": "\n".join([*social, f"Education: {self.education}", f"Income: {self.income}"]),
            "P": "\n".join([*levels, f"Values most: {_listed(self.values)}"]),
            "C": "\n".join([*context, *tastes]),
        }

    def tells_apart(self, other: Person) -> bool:
        """Whether the two differ on at least two attributes of every part."""
        return all(len(pairs) >= 2 for pairs in _differences(self, other).values())


def about(person: Person, other: Person, rng: random.Random) -> Iterator[tuple[Statement, Statement]]:
    """For each part one contained and one implied statement, each of the person and of the other.

    The two statements of a pair are about one attribute, on which the two people differ.

    Args:
        other: a person that `person.tells_apart`.
    """
    wordings: tuple[Wording, Wording] = ("contained", "implied")
    for part, pairs in _differences(person, other).items():
        for wording, (own, others) in zip(wordings, rng.sample(pairs, 2), strict=True):
            yield Statement(getattr(own, wording), part, wording), Statement(getattr(others, wording), part, wording)


def introduction(person: Person, rng: random.Random) -> list[str]:
    """Five statements in other words than the profile's: two of S, one of P, two of C."""
    name = rng.choice(list(PERSONALITY))
    traits = [
        *rng.sample(list(person.social.values()), 2),
        _level(name, person.levels[name][0]),
        rng.choice((person.weekday, person.weekend)),
        _taste("love", rng.choice(person.loves)),
    ]
    return [trait.implied for trait in rng.sample(traits, len(traits))]


def padded(text: str, length: int, rng: random.Random) -> str:
    """A text with neutral sentences behind it, until it has as many words as another one."""
    lines = [text]
    for sentence in itertools.cycle(rng.sample(NEUTRAL, len(NEUTRAL))):
        if len(" ".join(lines).split()) >= length:
            break
        lines.append(sentence)
    return "\n".join(lines)


def _differences(person: Person, other: Person) -> dict[Part, list[tuple[Trait, Trait]]]:
    """By part the attributes on which two people differ, as pairs of the statements about them."""
    social = [(person.social[name], other.social[name]) for name in person.social]
    levels = [(_level(name, one[0]), _level(name, other.levels[name][0])) for name, one in person.levels.items()]
    first = (
        [(person.values[0], other.values[0])]
        if person.values[0] not in other.values and other.values[0] not in person.values
        else []
    )
    tastes = [
        (_taste(verb, own), _taste(verb, others))
        for verb, ours, theirs in (("love", person.loves, other.loves), ("hate", person.hates, other.hates))
        for own, others in itertools.islice(zip(_without(ours, theirs), _without(theirs, ours), strict=False), 1)
    ]
    days = [(person.weekday, other.weekday), (person.weekend, other.weekend)]
    found: dict[Part, list[tuple[Trait, Trait]]] = {"S": social, "P": [*levels, *first], "C": [*days, *tastes]}
    return {part: [(own, others) for own, others in pairs if own != others] for part, pairs in found.items()}


def _level(name: str, side: str) -> Trait:
    return Trait(name, *PERSONALITY[name][side])


def _taste(verb: str, taste: Trait) -> Trait:
    return Trait(taste.line, f"I {verb} {taste.contained}.", f"I {verb} {taste.implied}.")


def _without(some: Sequence[Trait], others: Sequence[Trait]) -> list[Trait]:
    return [one for one in some if one not in others]


def _listed(traits: Sequence[Trait]) -> str:
    return ", ".join(trait.line for trait in traits)
