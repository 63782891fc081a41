"""Families of stories: the same agents, thing and containers under conditions that differ in one event or sentence.

The conditions (first-order answer; A is the agent asked about, B moves the thing from old to new):

    FB           A leaves, B moves it                                        old
    TB           A stays and sees the move                                   new
    NM           A leaves, B moves another thing                             old
    DIST         A stays but, unknown to the others, notices nothing         old (B about A: new)
    BACK_CLOSED  as FB, A returns, containers closed                         old
    BACK_OPEN    as FB, A returns, containers open                           new
    TRANS        as FB, A returns, containers of clear glass                 new
    LIED         as FB, B, whom A trusts, names the spare place              spare
    TOLD         as FB, B, whom A trusts, names the new place                new
    DOUBLE       A sees the move to new, leaves, B moves it once more        new
    SELF         A moves it, then leaves                                     new
    PEEK         as FB, A watches in secret                                  new (B about A: old)

Half of the families are *long*: the thing begins in the spare place and goes to old in everybody's sight. There old
is neither the first nor the last place of the thing, so that "first place" fails wherever "last place" fails.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.theory_of_mind.world import (
    Distract,
    Enter,
    Event,
    Exit,
    Move,
    Noise,
    Peek,
    Stay,
    Tell,
    World,
)

Condition = Literal[
    "FB", "TB", "NM", "DIST", "BACK_CLOSED", "BACK_OPEN", "TRANS", "LIED", "TOLD", "DOUBLE", "SELF", "PEEK"
]

NAMES = (
    *("Alex", "Avery", "Blair", "Casey", "Devon", "Emery", "Finley", "Harper", "Jamie", "Jordan", "Kendall"),
    *("Logan", "Morgan", "Parker", "Quinn", "Reese", "Riley", "Rowan", "Sage", "Taylor"),
)
"""Names that tell no gender; stories repeat them and use no pronouns."""
CONTAINERS = ("box", "basket", "bag", "jar", "drawer", "bucket", "chest", "barrel", "trunk")
"""Of one token, after a space, in common vocabularies: no length bias, and one call a question."""
THINGS = ("key", "coin", "letter", "ticket", "photo", "ball", "phone", "pen", "candle", "book")
OTHERS = ("spoon", "scarf", "glove", "hat", "towel", "brush")
ROOMS = ("kitchen", "office", "studio", "workshop", "library", "classroom")

VISIBILITY = {
    "closed": "The containers were closed and opaque, so nobody could tell by looking what was inside.",
    "open": "The containers were open, so anybody who came into the room saw at once what was inside.",
    "glass": "The containers were made of clear glass, so anybody who came into the room saw at once what was inside.",
}
RULE = (
    "Unless the story says otherwise, people in the room noticed everything that happened there, "
    "and people outside the room noticed none of it."
)
PHRASES: dict[type, tuple[str, ...]] = {
    Exit: ("{a} left the room.", "{a} went out of the room.", "{a} walked out and closed the door."),
    Stay: ("{a} stayed in the room.", "{a} remained in the room.", "{a} sat down in the room and stayed."),
    Move: (
        "{a} moved the {o} into the {c}.",
        "{a} took the {o} and put it in the {c}.",
        "{a} picked up the {o} and left it in the {c}.",
    ),
    Enter: (
        "{a} came back into the room and looked around.",
        "{a} returned to the room and had a look around.",
        "{a} entered the room again and looked about.",
    ),
    Peek: (
        "From outside, {a} watched the room through a small window, and nobody knew.",
        "Through a hidden gap in the wall {a} secretly watched all that happened in the room.",
        "Standing outside at the window, {a} saw everything in the room without anybody knowing.",
    ),
    Distract: (
        "{a} stayed in the room, but wore headphones, stared at the wall and noticed nothing any more, "
        "while everybody else believed that {a} followed everything.",
        "{a} stayed in the room, but began to daydream and noticed nothing any more, "
        "while everybody else believed that {a} followed everything.",
        "{a} stayed in the room, but fell asleep behind dark glasses and noticed nothing any more, "
        "while everybody else believed that {a} followed everything.",
    ),
    Tell: (
        'In private, {a} told {b}, "The {o} is in the {c} now", and {b} believed everything {a} said, as {a} knew.',
        '{a} sent {b} a private message, "The {o} is in the {c} now", and {b} trusted {a} fully, as {a} knew.',
        '{a} called {b} in private and said, "The {o} is in the {c} now", and {b} took it for true, as {a} knew.',
    ),
    Noise: ("{a} hummed a tune.", "{a} looked at the clock.", "{a} stretched and yawned.", "{a} thought about lunch."),
}
"""Wordings of every event. A family uses the same wording of an event in all its stories."""
PUTS = ("{a} put the {o} in the {c}.", "{a} placed the {o} in the {c}.", "At first {a} laid the {o} in the {c}.")


@dataclass(frozen=True)
class Cast:
    """The parts that all stories of one family share.

    Attributes:
        asked, mover, bystander: the three agents; `asked` is "you" in the first person.
        introduced: the agents in the order in which the story names them.
        thing, other: the object of the story, and the object that is moved instead in NM.
        listed: the three containers in the order in which the story names them.
        beside: the container next to which `other` lies. Naming a random one once more keeps "the container named
            most often" from being right.
        old, new, spare: the container before the critical move, after it, and the third one.
        long: whether the thing begins in `spare` and comes to `old` in everybody's sight.
        hands: who puts the thing into its first place, and (long) who brings it to `old`.
        early: whether the bystander leaves before the critical events.
        idle: whether a sentence without bearing stands before the critical events, else after them.
        wording: which of its wordings the first event of every kind takes; later ones take the next.
    """

    asked: str
    mover: str
    bystander: str
    introduced: tuple[str, ...]
    room: str
    thing: str
    other: str
    listed: tuple[str, ...]
    beside: str
    old: str
    new: str
    spare: str
    long: bool
    hands: tuple[str, str]
    early: bool
    idle: bool
    wording: int

    @classmethod
    def draw(cls, rng: random.Random, *, long: bool, first_person: bool) -> Cast:
        """Draws a family; in the first person the agent asked about is "you"."""
        names = rng.sample(NAMES, 3)
        if first_person:
            names[0] = "you"
        containers = rng.sample(CONTAINERS, 3)
        return cls(
            asked=names[0],
            mover=names[1],
            bystander=names[2],
            introduced=tuple(rng.sample(names, 3)),
            room=rng.choice(ROOMS),
            thing=rng.choice(THINGS),
            other=rng.choice(OTHERS),
            listed=tuple(rng.sample(containers, 3)),
            beside=rng.choice(containers),
            old=containers[0],
            new=containers[1],
            spare=containers[2],
            long=long,
            hands=(rng.choice(names), rng.choice(names)),
            early=rng.random() < 0.5,
            idle=rng.random() < 0.5,
            wording=rng.randrange(12),
        )


@dataclass(frozen=True)
class Story:
    """A text and the world that it describes."""

    condition: Condition
    text: str
    world: World


def tell_story(cast: Cast, condition: Condition) -> Story:
    """Lets the events of a condition happen to a cast and tells them."""
    contents = {"BACK_OPEN": "open", "TRANS": "glass"}.get(condition, "closed")
    world = World(cast.introduced, visible=contents != "closed")
    events = script(cast, condition)
    for event in events:
        world.happen(event)
    return Story(condition, f"{_opening(cast, contents)}\n{narrate(events, cast)}", world)


def script(cast: Cast, condition: Condition) -> list[Event]:
    """The events of a condition, in order."""
    a, b, thing = cast.asked, cast.mover, cast.thing
    leaves, moves = Exit(a), Move(b, thing, cast.new)
    critical: dict[Condition, list[Event]] = {
        "FB": [leaves, moves],
        "TB": [Stay(a), moves],
        "NM": [leaves, Move(b, cast.other, cast.new)],
        "DIST": [Distract(a), moves],
        "BACK_CLOSED": [leaves, moves, Enter(a)],
        "BACK_OPEN": [leaves, moves, Enter(a)],
        "TRANS": [leaves, moves, Enter(a)],
        "LIED": [leaves, moves, Tell(b, a, thing, cast.spare)],
        "TOLD": [leaves, moves, Tell(b, a, thing, cast.new)],
        "DOUBLE": [moves, leaves, Move(b, thing, cast.spare)],
        "SELF": [Move(a, thing, cast.new), leaves],
        "PEEK": [leaves, Peek(a), moves],
    }
    first, second = cast.hands
    begin: list[Event] = [Move(first, thing, cast.spare if cast.long else cast.old)]
    if cast.long:
        begin.append(Move(second, thing, cast.old))
    if cast.early:
        begin.append(Exit(cast.bystander))
    noise: list[Event] = [Noise(b)]
    return [*begin, *noise, *critical[condition]] if cast.idle else [*begin, *critical[condition], *noise]


def narrate(events: list[Event], cast: Cast) -> str:
    """The events in sentences."""
    told: Counter[type] = Counter()
    sentences = []
    for i, event in enumerate(events):
        phrases = PUTS if i == 0 else PHRASES[type(event)]
        sentence = phrases[(cast.wording + told[type(event)]) % len(phrases)]
        told[type(event)] += i > 0
        match event:
            case Tell(speaker, hearer, thing, place):
                sentence = sentence.format(a=speaker, b=hearer, o=thing, c=place)
            case Move(agent, thing, place):
                sentence = sentence.format(a=agent, o=thing, c=place)
            case _:
                sentence = sentence.format(a=event.agent)
        sentences.append(capitalised(sentence))
    return " ".join(sentences)


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[0].upper() + sentence[1:]


def listing(words: Sequence[str], last: str = "and") -> str:
    """Words as in "a box, a bag and a jar"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _opening(cast: Cast, contents: str) -> str:
    containers = listing([f"a {container}" for container in cast.listed])
    return (
        f"{capitalised(listing(cast.introduced))} were in the {cast.room}, "
        f"where there were three containers: {containers}. {VISIBILITY[contents]} {RULE} "
        f"A {cast.other} lay next to the {cast.beside}."
    )
