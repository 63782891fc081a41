"""Plain facts about places: one person puts a thing here and there, by name or as "you", and nobody has to be read.

The words, the containers and the form of the question are the same as in the stories about beliefs.
"""

from __future__ import annotations

import random
from typing import Literal, NamedTuple, get_args

from experiments.theory_of_mind.first_person.stories import Cast
from experiments.theory_of_mind.sentences import listing

Kind = Literal["first of two", "last of two", "first of three", "last of three"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOVES = (
    "First {a} put the {o} in the {c}.",
    "Then {a} moved the {o} into the {c}.",
    "After that {a} put it in the {c}.",
)


class Fact(NamedTuple):
    """A text about one person, the question and the beginning of its answer, each with a place {a} for the name."""

    kind: str
    text: str
    question: str
    stem: str
    places: tuple[str, ...]

    @property
    def right(self) -> str:
        """The container that is asked for."""
        return self.places[0 if self.kind.startswith("first") else -1]


def draw(kind: Kind, cast: Cast, rng: random.Random) -> Fact:
    """A fact about the thing and the containers of a family; where they stand is drawn anew."""
    places = tuple(rng.sample(cast.listed, 3 if kind.endswith("three") else 2))
    moves = " ".join(move.format(a="{a}", o=cast.thing, c=place) for move, place in zip(MOVES, places, strict=False))
    containers = listing([f"a {container}" for container in cast.listed])
    when = kind.split()[0]
    return Fact(
        kind,
        f"In the {cast.room} there were three containers: {containers}. {{a}} came in with the {cast.thing}. {moves}",
        f"Where did {{a}} put the {cast.thing} {when}?",
        f"{'First' if when == 'first' else 'Last of all'} {{a}} put the {cast.thing} in the",
        places,
    )
