"""The task: one item is a question of one order about a story; a story has one of each order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.theory_of_mind.belief_orders.stories import Condition, Story, tell_story
from harness import HarnessError, Item, Task
from harness.tasks.tom.questions import about_story

ORDERS = (0, 1, 2, 3, 4)
CONDITIONS: tuple[Condition, ...] = ("no tell", "true tell", "no tell", "false tell")
"""The condition of each story, in turn."""


@dataclass(frozen=True, kw_only=True)
class BeliefOrders(Task):
    """Questions of orders 0 to 4 about stories made by rule, in the form of `harness.tasks.tom.questions.about_story`.

    Item: "Where does Robin think that Kai thinks the key is?" with the five containers of the story as options. After
    He et al. 2023 (Hi-ToM), in words of our own: people leave one by one, the thing is moved two or three times, and in
    half of the stories one who left is told where it is, truly or not. Group and unit are the story, with a question of
    each order.

    At orders 0, 3 and 4 the answer is the first place of the thing, a middle one, and its present one in a third of the
    items each. At orders 1 and 2 each of these is right in 7/24, and a container in which it never was in 1/8, because
    somebody said so. So the rules "first place", "last place" and "paper" (see `rules.py`) get 1/3 or 7/24. "Place
    before" gets 1/4 or 7/32, because half of the stories have two middle places. "Has been there" draws one of the
    places, and gets 7/24 or a little less. Chance is 1/5. "Near people" goes by the last sentence about each person of
    the question, and gets .58, .82, .62, .54 and .42 at the orders 0 to 4: this is the mark for a reader of minds. A
    reader who keeps track of what everybody saw, but answers for one person of the chain alone, is right where nothing
    was told in about 2/3, 5/9 and 1/2 of the items of orders 2, 3 and 4: so much of a score is no nesting of minds.

    Order 0 asks where the thing is, was at first, or was when somebody left. Chains of beliefs have no person twice.

    Attributes:
        families: how many stories.
        orders: the orders asked, 0 to 4.
        seed: seed of the generator; another seed gives other stories.
    """

    version: ClassVar[str] = "1"
    name: str = "belief_orders"
    families: int = 240
    orders: Sequence[int] = ORDERS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.families < 1 or not self.orders:
            raise HarnessError(f"task {self.name!r}: families and orders must not be empty")
        if unknown := [order for order in self.orders if order not in ORDERS]:
            raise HarnessError(f"task {self.name!r}: orders={list(self.orders)}: {unknown[0]} is none of 0 to 4")
        if len(set(self.orders)) < len(self.orders):
            raise HarnessError(f"task {self.name!r}: orders={list(self.orders)}: an order is named twice")

    def load(self) -> list[Item]:
        """All questions, in the order of their stories."""
        return [item for number in range(self.families) for item in self.family(number)]

    def family(self, number: int) -> list[Item]:
        """The questions about the story of a number: a function of (seed, number) alone, for each order."""
        story = tell_story(random.Random(f"{self.seed}/{number}"), CONDITIONS[number % len(CONDITIONS)])
        name = f"story {self.seed}/{number}"
        return [
            question(story, order, random.Random(f"{self.seed}/{number}/{order}"), name)
            for order in sorted(self.orders)
        ]


def question(story: Story, order: int, rng: random.Random, name: str) -> Item:
    """The question of an order about a story."""
    places = story.world.places(story.thing)
    if order == 0:
        asked, gold, ability = _about_facts(story, rng)
    else:
        path = _chain(story, order, rng)
        nested = "".join(f" that {person} thinks" for person in path[1:])
        asked, ability = f"Where does {path[0]} think{nested} the {story.thing} is?", "belief"
        gold = str(story.world.belief(path, story.thing))
    choices = rng.sample(story.containers, len(story.containers))
    return about_story(
        name,
        story=story.text,
        asked=asked,
        choices=choices,
        right=choices.index(gold),
        group=name,
        ability=ability,
        condition=story.condition,
        order=order,
        unit=name,
        places=places,
    )


def _about_facts(story: Story, rng: random.Random) -> tuple[str, str, str]:
    """A question about no mind, its answer, and the ability that it tests."""
    places, leaver = story.world.places(story.thing), story.leavers[1]
    return rng.choice(
        (
            (f"Where is the {story.thing} really?", places[-1], "reality"),
            (f"Where was the {story.thing} at the very beginning?", places[0], "memory"),
            (f"Where was the {story.thing} when {leaver} left?", story.middle, "memory"),
        )
    )


def _chain(story: Story, order: int, rng: random.Random) -> tuple[str, ...]:
    """The people of a question: A thinks that B thinks ..., all different.

    What is told changes beliefs of orders 1 and 2 about speaker and hearer. Half of these questions are about them.
    Other chains name the hearer last or not at all: a person who is told that a thing was moved may guess who saw that.
    """
    places, told = story.world.places(story.thing), story.told
    paths = list(itertools.permutations(story.world.agents, order))
    rng.shuffle(paths)
    ends = [rng.choice([places[0], story.middle, places[-1]])]
    if told:
        if order <= 2 and rng.random() < 0.5:
            return told[1:] if order == 1 else rng.choice((told, told[::-1]))
        paths = [path for path in paths if told[1] not in path[:-1] and not set(path) <= set(told)]
        ends = rng.sample([places[0], story.middle], 2) if order <= 2 else ends
    return next(path for end in ends for path in paths if story.world.belief(path, story.thing) == end)
