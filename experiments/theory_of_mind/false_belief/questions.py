"""Questions about a story, the probes that go into an item, and the grading of a free answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.theory_of_mind.false_belief.named import last_named
from experiments.theory_of_mind.false_belief.stories import Cast, Story, capitalised
from harness.items import Grade, Item, grader

Question = Literal["belief", "action", "second", "reality", "memory"]


@dataclass(frozen=True)
class Form:
    """The one wording of a kind of question.

    Attributes:
        kind: the question's subject: "belief", "action", "reality" or "memory".
        order: how many minds deep it goes, 0 to 2.
        text: the question; {a} is the agent asked about, {b} the mover, {o} the thing.
        stem: the beginning of its answer, which the container's name completes.
    """

    kind: str
    order: int
    text: str
    stem: str


FORMS: dict[Question, Form] = {
    "belief": Form("belief", 1, "Where {does_a} think the {o} is?", "{a} {thinks_a} that the {o} is in the"),
    "action": Form("action", 1, "Where will {a} look for the {o} first?", "{a} will first look for the {o} in the"),
    "second": Form(
        "belief",
        2,
        "Where does {b} think that {a} {thinks_a} the {o} is?",
        "{b} thinks that {a} {thinks_a} that the {o} is in the",
    ),
    "reality": Form("reality", 0, "Where is the {o} really?", "The {o} is really in the"),
    "memory": Form("memory", 0, "Where was the {o} in the beginning?", "In the beginning the {o} was in the"),
}


def right_place(question: Question, story: Story, cast: Cast) -> str:
    """The container that answers the question in the world of the story.

    Raises:
        ValueError: nobody can know (a story that must not be asked about).
    """
    if question == "memory":
        return story.world.places(cast.thing)[0]
    path = {"belief": (cast.asked,), "action": (cast.asked,), "second": (cast.mover, cast.asked), "reality": ()}
    place = story.world.belief(path[question], cast.thing)
    if place is None:
        raise ValueError(f"{question} has no answer in: {story.text}")
    return place


def probe(question: Question, story: Story, cast: Cast, rng: random.Random) -> dict[str, Any]:
    """One question about one story, as JSON values; `rng` shuffles the options.

    Keys: condition, story, question, kind, order, stem, options (all containers), agent (who is asked about, or "you"),
    thing, places (where the thing has been, in order), old_place (where who missed the critical move believes it to
    be).
    """
    form = FORMS[question]
    you = cast.asked == "you"
    words = {
        "a": cast.asked,
        "b": cast.mover,
        "o": cast.thing,
        "does_a": "do you" if you else f"does {cast.asked}",
        "thinks_a": "think" if you else "thinks",
    }
    return {
        "condition": story.condition,
        "story": story.text,
        "question": form.text.format(**words),
        "kind": form.kind,
        "order": form.order,
        "stem": capitalised(form.stem.format(**words)),
        "options": rng.sample(cast.listed, len(cast.listed)),
        "agent": cast.asked,
        "thing": cast.thing,
        "places": list(story.world.places(cast.thing)),
        "old_place": cast.old,
    }


@grader
def grade_probe(text: str, item: Item) -> Grade:
    """Judges a free answer by the container that it gives (`named.last_named`); one that gives none is not parsed.

    Args:
        item: one probe: its fields hold "options", its gold is a container. A whole family has no single answer:
            judge its probes one by one, as `Item(probe, gold, item.grader).grade(text)`.

    Raises:
        TypeError: the item is a whole family.
    """
    fields: Mapping[str, Any] = item.fields
    if "options" not in fields:
        raise TypeError("a family holds many questions; grade Item(probe, gold, item.grader)")
    named = last_named(text, fields["options"], fields.get("kind", "belief"))
    return Grade("", None) if named is None else Grade(named, named == item.gold)
