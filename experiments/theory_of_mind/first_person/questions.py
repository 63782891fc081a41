"""Questions about a story or a sum, as the probes that go into an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.theory_of_mind.first_person.arithmetic import Sum
from experiments.theory_of_mind.first_person.facts import Fact
from experiments.theory_of_mind.first_person.stories import Cast, Condition, Person, tell_story
from experiments.theory_of_mind.sentences import capitalised


class Probe(NamedTuple):
    """One question: `fields` as JSON values, and the right option.

    Fields: domain ("belief", "facts" or "arithmetic"), person (who is "you"), condition, order (minds deep, as asked),
    from_order (of the question in the third person that it was made of), story, question, stem (the beginning of the
    answer, which an option completes), options, agent (who is asked about, or "you"), places (of the thing, in order;
    none for a sum).
    """

    fields: Mapping[str, Any]
    right: str


def about_beliefs(cast: Cast, person: Person, condition: Condition, options: Sequence[str]) -> list[Probe]:
    """The questions about one story in one telling: first and second order, or the paper's conversion of the second.

    At equal order the right answer follows from the same world, and "you" may be anybody. The conversion takes "Where
    does B think A will look?" and makes B "you": "Where do you think A will look?".
    """
    told = cast.told_to(person)
    story, a, b, thing = tell_story(told, condition), told.asked, told.mover, told.thing
    looks = f"{a} will look for the {thing}"
    asked: list[tuple[int, int, tuple[str, ...], str, str]]
    if person == "converted":
        asked = [(1, 2, (b, a), f"Where do you think {looks}?", f"You think that {looks} in the")]
    else:
        asked = [
            (1, 1, (a,), f"Where will {a} look for the {thing}?", f"{looks} in the"),
            (2, 2, (b, a), f"Where does {b} think {looks}?", f"{b} thinks that {looks} in the"),
        ]
    common: dict[str, Any] = {"domain": "belief", "person": person, "condition": condition, "story": story.text}
    common |= {"options": list(options), "agent": a, "places": list(story.world.places(thing))}
    probes = []
    for order, from_order, path, question, stem in asked:
        right = story.world.belief(path, thing)
        if right is None:
            raise ValueError(f"{question} has no answer in: {story.text}")
        fields = {**common, "order": order, "from_order": from_order, "question": question, "stem": capitalised(stem)}
        probes.append(Probe(fields, right))
    return probes


def about_numbers(sum_: Sum, name: str, person: Person) -> Probe:
    """The question of a sum about somebody by name (third person) or about "you" (first person)."""
    you = person == "first"
    a = "you" if you else name
    fields = {
        "domain": "arithmetic",
        "person": person,
        "condition": sum_.kind,
        "order": 0,
        "from_order": 0,
        "story": capitalised(sum_.text.format(a=a)),
        "question": f"How many {sum_.thing} {'do you' if you else f'does {a}'} have now?",
        "stem": f"The number of {sum_.thing} that {a} now {'have' if you else 'has'} is",
        "options": list(sum_.options),
        "agent": a,
        "places": [],
    }
    return Probe(fields, sum_.right)


def about_places(fact: Fact, name: str, person: Person, options: Sequence[str]) -> Probe:
    """The question of a fact about somebody by name (third person) or about "you" (first person)."""
    a = "you" if person == "first" else name
    first, *others = fact.text.format(a=a).split(". ", 1)
    fields = {
        "domain": "facts",
        "person": person,
        "condition": fact.kind,
        "order": 0,
        "from_order": 0,
        "story": ". ".join([first, *(capitalised(other) for other in others)]),
        "question": fact.question.format(a=a),
        "stem": capitalised(fact.stem.format(a=a)),
        "options": list(options),
        "agent": a,
        "places": list(fact.places),
    }
    return Probe(fields, fact.right)
