"""Questions about a story, the probes that go into an item, and the grading of a free answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.theory_of_mind.false_belief.cast import Cast
from experiments.theory_of_mind.false_belief.named import last_named
from experiments.theory_of_mind.false_belief.stories import Story
from experiments.theory_of_mind.false_belief.yes_no import said_yes_or_no
from experiments.theory_of_mind.sentences import capitalised
from harness.items import Grade, Item, grader

Question = Literal["belief", "action", "second", "third", "fourth", "reality", "memory", "awareness", "knows"]
ORDERS: Mapping[Question, int] = {"belief": 1, "second": 2, "third": 3, "fourth": 4}
"""The questions of what somebody believes (that somebody believes ...), by the number of minds."""
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Wording:
    """The one wording of every question about a subject; {o} is the thing, {c} where it was put, or what is in it.

    Attributes:
        asks, clause: the first word of a question about a belief, and the clause that ends it.
        ends: the clause that ends the beginning of its answer, which the option completes.
        reality, memory: a question, and the beginning of its answer.
        event, state: objects of "know": of awareness (of the move, or of what was found), and of knowing the answer.
    """

    asks: str
    clause: str
    ends: str
    reality: tuple[str, str]
    memory: tuple[str, str]
    event: str
    state: str


WHERE = Wording(
    asks="Where",
    clause="the {o} is",
    ends="the {o} is in the",
    reality=("Where is the {o} really?", "The {o} is really in the"),
    memory=("Where was the {o} in the beginning?", "In the beginning the {o} was in the"),
    event="that the {o} was moved into the {c}",
    state="where the {o} is",
)
WHAT = Wording(
    asks="What",
    clause="is in the {o}",
    ends="the thing in the {o} is the",
    reality=("What is really in the {o}?", "The thing that is really in the {o} is the"),
    memory=("What does the label on the {o} say?", "According to the label, the thing in the {o} is the"),
    event="that there is a {c} in the {o}",
    state="what is in the {o}",
)


@dataclass(frozen=True)
class Asked:
    """One question about one story.

    Attributes:
        path: whose mind it is about, from the outermost on; () for questions about facts.
    """

    question: Question
    path: tuple[str, ...]
    story: Story

    @property
    def kind(self) -> str:
        """The question's subject: "belief" at any order, else the name of the question."""
        return "belief" if self.question in ORDERS else self.question

    @property
    def thing(self) -> str:
        """The thing asked about."""
        return self.story.moved.thing if self.question == "awareness" else self.story.cast.thing

    @property
    def right(self) -> str:
        """The right answer in the world of the story.

        Raises:
            ValueError: nobody can know (a story that must not be asked about).
        """
        world = self.story.world
        if self.kind in ("awareness", "knows"):
            return YES_NO[not world.knows(self.path[0], self.thing)]
        places = self.story.places(self.thing)
        answer = places[0] if self.question == "memory" else world.belief(self.path, self.thing)
        if answer is None:
            raise ValueError(f"{self.question} has no answer in: {self.story.text}")
        return answer

    @property
    def words(self) -> tuple[str, str]:
        """The question, and the beginning of its answer, which an option completes; "" for yes or no."""
        form = WHAT if self.story.about_contents else WHERE
        path = self.path or ("",)
        first = path[0]
        match self.question:
            case "reality" | "memory":
                asked, stem = form.reality if self.question == "reality" else form.memory
            case "awareness" | "knows":
                asked, stem = f"{_does(first)} know {form.event if self.kind == 'awareness' else form.state}?", ""
            case "action":
                asked = f"Where will {first} look for the {{o}} first?"
                stem = f"{first} will first look for the {{o}} in the"
            case _:
                minds = [f"{name} {_thinks(name)}" for name in path]
                between = "".join(f"that {mind} " for mind in minds[1:])
                asked = f"{form.asks} {_does(first)} think {between}{form.clause}?"
                stem = " that ".join([*minds, form.ends])
        asked, stem = (text.format(o=self.thing, c=self.story.moved.place) for text in (asked, stem))
        return capitalised(asked), capitalised(stem) if stem else ""


def about(question: Question, story: Story) -> list[Asked]:
    """The question about a story: once, or once about every person; never where it makes no sense (no search for the
    contents of a container)."""
    cast: Cast = story.cast
    if question == "action" and story.about_contents:
        return []
    if question == "knows":
        return [Asked(question, (name,), story) for name in cast.people]
    path = cast.chain[-ORDERS[question] :] if question in ORDERS else (cast.asked,)
    return [Asked(question, () if question in ("reality", "memory") else path, story)]


def probe(asked: Asked, readings: Sequence[str], other_story: str, seed: str) -> dict[str, Any]:
    """One question about one story, as JSON values.

    Keys: condition; story; other_story (one about other people and things, "" where no reading needs it); question;
    kind; order; stem; options (of the answer, in an order that `seed` and the question determine); containers (all of
    the story; in one about contents, all the things); agent (who is asked about, in a belief about a belief the
    innermost; or "you"); part (that agent's in the family: "asked", "mover" or "bystander"); thing; places (where the
    thing has been, in order; what a label says comes first); old_place (where who missed the critical move believes it
    to be); claimed (of a question for yes or no, the place that who says yes has in mind; else ""); readings (in which
    it is asked).
    """
    story, cast = asked.story, asked.story.cast
    text, stem = asked.words
    agent = asked.path[-1] if asked.path else cast.asked
    places = story.places(asked.thing)
    options = cast.listed if stem else YES_NO
    # Alike in all conditions, so that the question without a story is one call for all of them.
    rng = random.Random(f"{seed}/{asked.question}")
    return {
        "condition": story.condition,
        "story": story.text,
        "other_story": other_story if "shuffled story" in readings else "",
        "question": text,
        "kind": asked.kind,
        "order": len(asked.path),
        "stem": stem,
        "options": rng.sample(options, len(options)),
        "containers": list(cast.listed),
        "agent": agent,
        "part": ("asked", "mover", "bystander")[cast.people.index(agent)],
        "thing": asked.thing,
        "places": places,
        "old_place": cast.old,
        "claimed": "" if stem else places[-1],
        "readings": list(readings),
    }


@grader
def grade_probe(text: str, item: Item) -> Grade:
    """Judges a free answer by the container that it gives (`named.last_named`), or by its yes or no
    (`yes_no.said_yes_or_no`); one that gives none is not parsed.

    Args:
        item: one probe: its fields hold "options", its gold is one of them. A whole family has no single answer:
            judge its probes one by one, as `Item(probe, gold, item.grader).grade(text)`.

    Raises:
        TypeError: the item is a whole family.
    """
    fields: Mapping[str, Any] = item.fields
    if "options" not in fields:
        raise TypeError("a family holds many questions; grade Item(probe, gold, item.grader)")
    if sorted(fields["options"]) == sorted(YES_NO):
        given = said_yes_or_no(text)
    else:
        given = last_named(text, fields["options"], fields.get("kind", "belief"))
    return Grade("", None) if given is None else Grade(given, given == item.gold)


def _does(name: str) -> str:
    return "do you" if name == "you" else f"does {name}"


def _thinks(name: str) -> str:
    return "think" if name == "you" else "thinks"
