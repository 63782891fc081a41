"""Rules that answer questions about stories without any idea of minds: baselines, each an arm on the same rows.

They read the fields of items in the form of `harness.tasks.tom.questions.about_story`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.tasks.texts import words

Fields = Mapping[str, Any]
Rule = Callable[[Fields, random.Random], str | None]
"""Takes an item's fields and random numbers; gives an option, or None where it does not apply: a rule of places where
the item has none of them."""


def longest_option(fields: Fields, rng: random.Random) -> str:
    """The option of most characters; the first of equals."""
    return str(max(fields["choices"], key=len))


def shortest_option(fields: Fields, rng: random.Random) -> str:
    """The option of fewest characters; the first of equals."""
    return str(min(fields["choices"], key=len))


def first_option(fields: Fields, rng: random.Random) -> str:
    """The option that is listed first."""
    return str(fields["choices"][0])


def most_in_story(fields: Fields, rng: random.Random) -> str:
    """The option with the largest share of words that the story has; the first of equals."""
    return max(map(str, fields["choices"]), key=lambda choice: shared(choice, fields["story"]))


def least_in_story(fields: Fields, rng: random.Random) -> str:
    """The option with the smallest share of words that the story has; the first of equals."""
    return min(map(str, fields["choices"]), key=lambda choice: shared(choice, fields["story"]))


def shared(text: str, story: str) -> float:
    """The share of a text's words that stand in a story, in [0, 1]; 0 of a text without words."""
    said, told = words(text), set(words(story))
    return sum(word in told for word in said) / len(said) if said else 0.0


def first_place(fields: Fields, rng: random.Random) -> str | None:
    """The first place of the thing."""
    return _at(fields, 0)


def last_place(fields: Fields, rng: random.Random) -> str | None:
    """The present place of the thing."""
    return _at(fields, -1)


def place_before(fields: Fields, rng: random.Random) -> str | None:
    """The place of the thing before its last move; its only place where it was never moved."""
    return _at(fields, max(-2, -len(fields["places"])))


def has_been_there(fields: Fields, rng: random.Random) -> str | None:
    """One of the places of the thing, drawn at random."""
    return rng.choice(list(dict.fromkeys(_known(fields)))) if _known(fields) else None


def near_people(fields: Fields, rng: random.Random) -> str | None:
    """The place that the story has last given to the thing when it speaks of a person of the question for the last
    time; of several people the earliest of these places. The present place where the question names nobody.

    People are the capitalised words of the question that the story has, too; the thing is the first word after "the".
    """
    known, story, asked = _known(fields), fields["story"], str(fields["asked"])
    thing = re.search(r"\bthe (\w+)", asked)
    if not known or thing is None:
        return _at(fields, -1)
    put = re.compile(rf"\b{re.escape(thing[1])}\b[^.]*?\b({'|'.join(map(re.escape, known))})\b", re.IGNORECASE)
    found = []
    for person in set(re.findall(r"(?<=\s)[A-Z]\w+", asked)):
        *_, last = [None, *re.finditer(rf"\b{person}\b", story)]
        before = put.findall(story[: last.start()]) if last else []
        found += [known.index(before[-1])] if before and before[-1] in known else []
    return _at(fields, min(found, default=-1))


def paper_rule(fields: Fields, rng: random.Random) -> str | None:
    """The last place for questions of orders 0 and 1, the first place for questions of higher orders.

    On the 600 questions of Hi-ToM's rows of type CoTP it is right on 59.8 %: a check of models trained on that set (Lu
    et al. 2025, arXiv 2504.01698).
    """
    order = fields["order"]
    return None if order is None else _at(fields, -1 if order <= 1 else 0)


def _at(fields: Fields, place: int) -> str | None:
    known = _known(fields)
    return known[place] if known and known[place] in fields["choices"] else None


def _known(fields: Fields) -> Sequence[str]:
    return [str(place) for place in fields["places"]]


ANY: Mapping[str, Rule] = {
    "longest option": longest_option,
    "shortest option": shortest_option,
    "first option": first_option,
    "most in story": most_in_story,
    "least in story": least_in_story,
}
"""Rules for any question with options."""

OF_PLACES: Mapping[str, Rule] = {
    "first place": first_place,
    "last place": last_place,
    "place before": place_before,
    "has been there": has_been_there,
    "near people": near_people,
    "paper": paper_rule,
}
"""Rules for questions about where a thing is, was, or is thought to be."""

RULES: Mapping[str, Rule] = {**ANY, **OF_PLACES}
