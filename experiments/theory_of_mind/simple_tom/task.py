"""The tasks: one item is one story, in all its tellings, with the three questions about each."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, ClassVar, Literal, get_args

from experiments.theory_of_mind.sentences import capitalised
from experiments.theory_of_mind.simple_tom.scenarios import (
    BEHAVIOR,
    JUDGMENT,
    MENTAL_STATE,
    NAMES,
    SCENARIOS,
    SEEN,
    SEVERITIES,
    TOLD,
    Thing,
)
from harness import HarnessError, Item, Task
from harness.tasks.graders import letter_choice
from harness.tasks.rows import ReadItems
from harness.tasks.tom.questions import about_story
from harness.tasks.tom.simpletom import KINDS, Kind, SimpleToM

Twin = Literal["unaware", "aware", "told other", "seen", "irrelevant"]


@dataclass(frozen=True, kw_only=True)
class AwarenessStories(Task):
    """Stories made by rule about somebody who does something ordinary with a thing that has a flaw.

    An item is a story of one severity. Its fields: "questions" (as of `about_story`, three a telling, each with
    "unaware", the index of the option that fits a person who does not know), "other" (a story of another scenario),
    "scenario" and "severity"; its gold is the right option of each question. The severities of a family are a group.

    Attributes:
        families: how many families; each gives an item a severity.
        twins: the tellings of each story. unaware: the flaw is hidden, as in the public set. aware: the person has
            been told of it. told other: the person has been told of the flaw of a thing elsewhere. seen: the person has
            perceived it. irrelevant: a thing elsewhere has the flaw. The right answers to all three questions flip
            where the person knows.
        seed: seed of the generator; another seed gives other families.

    Raises:
        HarnessError: no family or twin, or a twin that is named twice.
    """

    version: ClassVar[str] = "2"
    name: str = "awareness_stories"
    families: int = 80
    twins: tuple[Twin, ...] = get_args(Twin)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.families < 1 or not self.twins or len(set(self.twins)) < len(self.twins):
            raise HarnessError(
                f"task {self.name!r}: families={self.families}, twins={list(self.twins)}; give at least one family and "
                "one twin, and each twin once"
            )

    def load(self) -> list[Item]:
        """All families, in the order of their numbers."""
        return [item for number in range(self.families) for item in self.family(number)]

    def family(self, number: int) -> list[Item]:
        """The items of a family: a function of (seed, number) and the settings, not of how many are asked for."""
        rng = random.Random(f"{self.seed}/{number}")
        names = random.Random(f"{self.seed}/names").sample(NAMES, len(NAMES))
        scenario, other = self._scenarios(number, rng)
        cell = (number // len(SCENARIOS)) % 2
        told = Telling(SCENARIOS[scenario][cell], names[number % len(names)], rng)
        elsewhere = Telling(rng.choice(SCENARIOS[other]), names[(number + 1) % len(names)], rng)
        return [
            told.item(f"family {number}", scenario, at, self.twins, elsewhere.story("unaware", at))
            for at in range(len(SEVERITIES))
        ]

    def _scenarios(self, number: int, rng: random.Random) -> tuple[str, str]:
        scenario = list(SCENARIOS)[number % len(SCENARIOS)]
        return scenario, rng.choice([one for one in SCENARIOS if one != scenario])


class Telling:
    """The words of a family, drawn once, so that its twins and severities differ in nothing but what they must."""

    def __init__(self, thing: Thing, x: str, rng: random.Random) -> None:
        self.thing, self.x = thing, x
        self.told, self.seen = rng.choice(TOLD), rng.choice(SEEN)
        self.asked = tuple(map(rng.choice, (MENTAL_STATE, BEHAVIOR, JUDGMENT)))
        self.turned = [[rng.random() < 0.5 for _ in KINDS] for _ in SEVERITIES]

    def fact(self, twin: Twin, at: int) -> str:
        """The flaw as a clause."""
        subject = self.thing.elsewhere if twin == "irrelevant" else self.thing.subject
        return f"{subject} {self.thing.facts[at]}"

    def story(self, twin: Twin, at: int) -> str:
        """The flaw, how the person comes to know of it, if so, and the ordinary action."""
        fact = self.fact(twin, at)
        known = {
            "aware": self.told.format(x=self.x, fact=fact),
            "told other": self.told.format(x=self.x, fact=self.fact("irrelevant", at)),
            "seen": self.seen.format(x=self.x, seen=self.thing.seen),
        }
        action = f"{self.x} {self.thing.action}."
        return " ".join(filter(None, (f"{capitalised(fact)}.", known.get(twin, ""), action)))

    def item(self, group: str, scenario: str, at: int, twins: Sequence[Twin], other: str) -> Item:
        """The item of a severity; see `AwarenessStories`."""
        questions = [self.question(twin, kind, at, group) for twin in twins for kind in KINDS]
        return grouped(questions, group, {"other": other, "scenario": scenario, "severity": SEVERITIES[at]})

    def question(self, twin: Twin, kind: Kind, at: int, group: str) -> Item:
        """One question; its options stand in the same order in all twins of a story."""
        thing = self.thing
        words = {"x": self.x, "fact": capitalised(self.fact(twin, at)), "ordinary": thing.ordinary}
        # Each pair: the option of one who does not know, and of one who does.
        acts = (thing.ordinary, thing.knowing[at])
        pair = {KINDS[0]: ("No", "Yes"), KINDS[1]: acts, KINDS[2]: ("Reasonable", "Not reasonable")}
        choices = list(pair[kind])[:: -1 if self.turned[at][KINDS.index(kind)] else 1]
        knows = twin in ("aware", "seen")
        asked = self.asked[KINDS.index(kind)].format(**words, knowing=thing.knowing[at])
        one = about_story(
            f"{group}, {twin}, {kind}",
            story=self.story(twin, at),
            asked=asked,
            choices=choices,
            right=choices.index(pair[kind][knows]),
            group=group,
            ability=kind,
            condition=twin,
        )
        return with_fields(one, unaware=choices.index(pair[kind][0]))


@dataclass(frozen=True, kw_only=True)
class Stories(Task):
    """The stories of a set whose items are single questions, such as SimpleToM: each with all its questions.

    Fields and gold as of `AwarenessStories`. The public set has one telling of a story, with the condition "",
    in which nobody is aware: the right option is the unaware one. Nothing can be said over twins there.

    Attributes:
        of: the set. Its items have the fields of `about_story`, of which "unit" names the story and "ability" one of
            `KINDS`, and where it has them "scenario" and "severity".

    Raises:
        HarnessError: an item without these fields.
    """

    version: ClassVar[str] = "1"
    name: str = "simpletom_stories"
    of: Task = field(default_factory=SimpleToM)

    def load(self) -> ReadItems:
        loaded = self.of.load()
        read = loaded if isinstance(loaded, ReadItems) else ReadItems(loaded)
        stories: dict[tuple[str, str], list[Item]] = {}
        broken = [*read.broken]
        for item in read:
            if not item.fields.get("unit") or item.fields.get("ability") not in KINDS:
                raise HarnessError(
                    f"task {self.name!r}: task.of={self.of.name!r} has an item without a story (field 'unit') or "
                    f"without one of the abilities {', '.join(KINDS)}; choose a set of this form"
                )
            if len(item.fields["choices"]) != 2:
                told = f"story {item.fields['unit']}, {item.fields['ability']}"
                broken.append(f"{told}: {len(item.fields['choices'])} options; the experiment asks for 2")
                continue
            stories.setdefault((item.cluster if item.group else "", item.fields["unit"]), []).append(item)
        firsts = {name: questions[0] for name, questions in stories.items()}
        items = []
        for at, ((group, unit), questions) in enumerate(stories.items()):
            more = {name: str(questions[0].fields.get(name) or "") for name in ("scenario", "severity")}
            later = chain(islice(firsts.items(), at + 1, None), firsts.items())
            other = next((one.fields["story"] for (elsewhere, _), one in later if elsewhere != group), "")
            asked = [with_fields(one, unaware="AB".index(str(one.gold)[1])) for one in questions]
            items.append(grouped(asked, group or unit, {"other": other, **more}))
        return ReadItems(items, broken, read.revision, read.mended, read.passed)

    def source(self) -> str:
        return self.of.source()


def grouped(questions: Sequence[Item], group: str, more: Mapping[str, Any]) -> Item:
    """Several questions as one item."""
    fields = {"questions": [dict(one.fields) for one in questions], **more}
    return Item(fields, [one.gold for one in questions], letter_choice, group=group)


def with_fields(item: Item, **more: Any) -> Item:
    """The same question with more fields."""
    return replace(item, fields={**item.fields, **more})
