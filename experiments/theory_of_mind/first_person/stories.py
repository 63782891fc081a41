"""One story of who saw what, told in the third person, to "you" as the agent asked about, or to "you" as a bystander.

The tellings differ in nothing but the pronoun. The conditions, with the right answers about A, whom the questions are
about (first order), and about what B, who moves the thing, thinks of A (second order):

            first order   second order
    FB      old           old            A leaves, B moves the thing from old to new
    TB      new           new            A stays and sees the move
    DIST    old           new            A stays but, unknown to the others, notices nothing
    PEEK    new           old            A leaves but, unknown to the others, watches

So each order is answered with old in two conditions and with new in two, and an answer to the one says nothing about
the other. Half of the families are long: the thing begins in a third place, so that "first place" is never right there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from experiments.theory_of_mind.sentences import capitalised, listing
from experiments.theory_of_mind.world import Distract, Exit, Move, Noise, Peek, Stay, World

Condition = Literal["FB", "TB", "DIST", "PEEK"]
Person = Literal["third", "first", "bystander", "converted"]
"""Who is "you": nobody, the agent asked about, somebody who is not asked about, or the outer mind of a second-order
question, as in the paper's conversion."""
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

NAMES = (
    *("Ariel", "Bailey", "Cameron", "Dakota", "Eden", "Frankie", "Hayden", "Jesse", "Kai", "Lane", "Marley", "Noel"),
    *("Oakley", "Peyton", "Robin", "Sidney", "Tatum", "Wren"),
)
"""Names that tell no gender; stories repeat them and use no other pronoun than "you"."""
CONTAINERS = ("box", "basket", "bag", "jar", "drawer", "bucket", "chest", "barrel", "trunk", "bowl")
THINGS = ("ring", "stamp", "map", "watch", "note", "brush", "whistle", "ribbon", "shell", "torch")
ROOMS = ("attic", "cellar", "garage", "parlour", "shed", "cabin", "barn", "gym")

PUT = ("{a} put the {o} in the {c}.", "{a} laid the {o} in the {c}.", "{a} placed the {o} in the {c}.")
MOVED = (
    "{a} moved the {o} into the {c}.",
    "{a} took the {o} and put it in the {c}.",
    "{a} shifted the {o} to the {c}.",
)
LEFT = ("{a} left the room.", "{a} went out of the room.", "{a} walked out and closed the door.")
STAYED = ("{a} stayed in the room.", "{a} remained in the room.", "{a} sat down and stayed in the room.")
MISSED = (
    "{a} stayed in the room but, unknown to the others, noticed nothing from then on.",
    "{a} stayed in the room but, unknown to the others, fell asleep sitting upright and saw nothing more.",
    "{a} remained in the room but, unknown to the others, paid no attention from then on.",
)
WATCHED = (
    "Unknown to the others, {a} watched the room through the keyhole from then on.",
    "Unknown to the others, {a} kept looking into the room through a gap in the door.",
    "Unknown to the others, {a} saw everything that happened next through the window.",
)
IDLE = ("{a} hummed a tune.", "{a} looked at the clock.", "{a} yawned.", "{a} opened a window.")
RULE = (
    "Unless the story says otherwise, people in the room noticed everything that happened there, "
    "and people outside the room noticed none of it."
)


@dataclass(frozen=True)
class Cast:
    """The parts that all stories of one family share.

    Attributes:
        asked, mover, bystander: the three agents; one of them may be "you".
        introduced: which of them is named first, second and third: 0 is asked, 1 mover, 2 bystander.
        listed: the containers in the order in which the story names them.
        old, new, spare: the place before the critical move, after it, and the third one.
        long: whether the thing begins in `spare` and is brought to `old` in everybody's sight.
        wording: which of its wordings each kind of event takes.
    """

    asked: str
    mover: str
    bystander: str
    introduced: tuple[int, ...]
    room: str
    thing: str
    listed: tuple[str, ...]
    old: str
    new: str
    spare: str
    long: bool
    wording: int

    @classmethod
    def draw(cls, rng: random.Random, *, long: bool) -> Cast:
        """Draws a family, all of them with names."""
        asked, mover, bystander = rng.sample(NAMES, 3)
        containers = rng.sample(CONTAINERS, 3)
        return cls(
            asked=asked,
            mover=mover,
            bystander=bystander,
            introduced=tuple(rng.sample(range(3), 3)),
            room=rng.choice(ROOMS),
            thing=rng.choice(THINGS),
            listed=tuple(rng.sample(containers, 3)),
            old=containers[0],
            new=containers[1],
            spare=containers[2],
            long=long,
            wording=rng.randrange(12),
        )

    def told_to(self, person: Person) -> Cast:
        """The same family with "you" in the place of one name."""
        match person:
            case "third":
                return self
            case "first":
                return replace(self, asked="you")
            case "bystander":
                return replace(self, bystander="you")
            case "converted":
                return replace(self, mover="you")


@dataclass(frozen=True)
class Story:
    """A text and the world that it describes."""

    text: str
    world: World


def tell_story(cast: Cast, condition: Condition) -> Story:
    """Lets the events of a condition happen to a cast and tells them."""
    agents = (cast.asked, cast.mover, cast.bystander)
    world = World(agents)
    sentences = []
    for event, phrases in script(cast, condition):
        world.happen(event)
        place = event.place if isinstance(event, Move) else ""
        phrase = phrases[cast.wording % len(phrases)]
        sentences.append(capitalised(phrase.format(a=event.agent, o=cast.thing, c=place)))
    people = listing([agents[at] for at in cast.introduced])
    opening = (
        f"{capitalised(people)} were in the {cast.room}, where there were three closed containers: "
        f"{listing([f'a {container}' for container in cast.listed])}. {RULE}"
    )
    return Story(f"{opening} {' '.join(sentences)}", world)


Told = Move | Exit | Stay | Distract | Peek | Noise


def script(cast: Cast, condition: Condition) -> list[tuple[Told, Sequence[str]]]:
    """The events of a condition in order, each with its wordings."""
    a, b, thing = cast.asked, cast.mover, cast.thing
    before: dict[Condition, list[tuple[Told, Sequence[str]]]] = {
        "FB": [(Exit(a), LEFT)],
        "TB": [(Stay(a), STAYED)],
        "DIST": [(Distract(a), MISSED)],
        "PEEK": [(Exit(a), LEFT), (Peek(a), WATCHED)],
    }
    begin: list[tuple[Told, Sequence[str]]] = [(Move(b, thing, cast.spare if cast.long else cast.old), PUT)]
    if cast.long:
        begin.append((Move(cast.bystander, thing, cast.old), MOVED))
    return [*begin, (Noise(cast.bystander), IDLE), *before[condition], (Move(b, thing, cast.new), MOVED)]
