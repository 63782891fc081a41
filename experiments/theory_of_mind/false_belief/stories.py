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
    FB_YOU       as FB, A is "you"                                           old
    TB_YOU       as TB, A is "you"                                           new
    LABEL        a container bears a label, A leaves, B opens it: it holds
                 something else (unexpected contents)                        what the label says
    LABEL_SEEN   as LABEL, A stays and sees the contents                     what is in it

Half of the families are *long*: the thing begins in the spare place and goes to old in everybody's sight. There old
is neither the first nor the last place of the thing, so that "first place" fails wherever "last place" fails.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from experiments.theory_of_mind.false_belief.cast import Cast
from experiments.theory_of_mind.sentences import capitalised, listing
from experiments.theory_of_mind.world import (
    Distract,
    Enter,
    Event,
    Exit,
    Label,
    Move,
    Noise,
    Open,
    Peek,
    Stay,
    Tell,
    World,
)

Condition = Literal[
    "FB",
    "TB",
    "NM",
    "DIST",
    "BACK_CLOSED",
    "BACK_OPEN",
    "TRANS",
    "LIED",
    "TOLD",
    "DOUBLE",
    "SELF",
    "PEEK",
    "FB_YOU",
    "TB_YOU",
    "LABEL",
    "LABEL_SEEN",
]
TWINS: dict[Condition, Condition] = {"FB": "TB", "FB_YOU": "TB_YOU", "LABEL": "LABEL_SEEN"}
"""Stories of a false belief, each with the story of a true one from which it differs in one sentence."""
LABELLED: frozenset[Condition] = frozenset({"LABEL", "LABEL_SEEN"})

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
    Open: (
        "{a} opened the {o}, showed everybody in the room that there was a {c} in it, and closed it again.",
        "{a} looked into the {o}, found a {c} there, let everybody in the room see it, and closed the {o} again.",
        "{a} opened the {o}, held up the {c} from inside for everybody in the room to see, and put it back.",
    ),
    Noise: ("{a} hummed a tune.", "{a} looked at the clock.", "{a} stretched and yawned.", "{a} thought about lunch."),
}
"""Wordings of every event. A family uses the same wording of an event in all its stories."""
PUTS = ("{a} put the {o} in the {c}.", "{a} placed the {o} in the {c}.", "At first {a} laid the {o} in the {c}.")


@dataclass(frozen=True)
class Story:
    """A text and the world that it describes.

    Attributes:
        cast: who and what the text is about, as this condition has them.
        moved: the last thing that was moved, and the place that it was moved into.
    """

    condition: Condition
    text: str
    world: World
    cast: Cast
    moved: Move | Open

    @property
    def about_contents(self) -> bool:
        """Whether it is about what is in a container, and not about where a thing is."""
        return self.condition in LABELLED

    def places(self, thing: str) -> list[str]:
        """Where a thing has been, in order; of a container with a label, what the label says and what is in it."""
        label = [self.cast.old] if self.about_contents else []
        return [*label, *self.world.places(thing)]


def tell_story(cast: Cast, condition: Condition) -> Story:
    """Lets the events of a condition happen to a cast and tells them."""
    cast = cast.in_first_person() if condition in ("FB_YOU", "TB_YOU") else cast
    cast = cast.labelled() if condition in LABELLED else cast
    contents = {"BACK_OPEN": "open", "TRANS": "glass"}.get(condition, "closed")
    world = World(cast.introduced, visible=contents != "closed")
    if condition in LABELLED:
        world.happen(Label(cast.thing, cast.old))
    events = script(cast, condition)
    for event in events:
        world.happen(event)
    opening = _labelled_opening(cast) if condition in LABELLED else _opening(cast, contents)
    *_, moved = (event for event in events if isinstance(event, (Move, Open)))
    return Story(condition, f"{opening}\n{narrate(events, cast)}", world, cast, moved)


def script(cast: Cast, condition: Condition) -> list[Event]:
    """The events of a condition, in order."""
    a, b, thing = cast.asked, cast.mover, cast.thing
    leaves, moves, opens = Exit(a), Move(b, thing, cast.new), Open(b, thing, cast.new)
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
        "FB_YOU": [leaves, moves],
        "TB_YOU": [Stay(a), moves],
        "LABEL": [leaves, opens],
        "LABEL_SEEN": [Stay(a), opens],
    }
    events = [*_beginning(cast, condition), *([Exit(cast.bystander)] if cast.early else [])]
    noise: list[Event] = [Noise(b)]
    return [*events, *noise, *critical[condition]] if cast.idle else [*events, *critical[condition], *noise]


def _beginning(cast: Cast, condition: Condition) -> list[Event]:
    """How the thing came to its old place; nobody knows that of the contents of a container with a label."""
    if condition in LABELLED:
        return []
    first, second = cast.hands
    if cast.long:
        return [Move(first, cast.thing, cast.spare), Move(second, cast.thing, cast.old)]
    return [Move(first, cast.thing, cast.old)]


def narrate(events: list[Event], cast: Cast) -> str:
    """The events in sentences."""
    told: Counter[type] = Counter()
    sentences = []
    for i, event in enumerate(events):
        puts = i == 0 and isinstance(event, Move)
        phrases = PUTS if puts else PHRASES[type(event)]
        sentence = phrases[(cast.wording + told[type(event)]) % len(phrases)]
        told[type(event)] += not puts
        match event:
            case Tell(speaker, hearer, thing, place):
                sentence = sentence.format(a=speaker, b=hearer, o=thing, c=place)
            case Move(agent, thing, place) | Open(agent, thing, place):
                sentence = sentence.format(a=agent, o=thing, c=place)
            case Label():
                raise ValueError("the opening of a story tells of its label")
            case _:
                sentence = sentence.format(a=event.agent)
        sentences.append(capitalised(sentence))
    return " ".join(sentences)


def _opening(cast: Cast, contents: str) -> str:
    containers = listing([f"a {container}" for container in cast.listed])
    return (
        f"{capitalised(listing(cast.introduced))} were in the {cast.room}, "
        f"where there were three containers: {containers}. {VISIBILITY[contents]} {RULE} "
        f"A {cast.other} lay next to the {cast.beside}."
    )


def _labelled_opening(cast: Cast) -> str:
    things = listing([f"a {thing}" for thing in cast.listed], "or")
    return (
        f"{capitalised(listing(cast.introduced))} were in the {cast.room}, "
        f"where there was a {cast.thing} with one thing in it: {things}. "
        f"The {cast.thing} was closed and opaque, so nobody could tell by looking what was inside. "
        f'The label on the {cast.thing} said "{cast.old}", and everybody in the room read and believed it. {RULE} '
        f"A {cast.other} lay next to the {cast.thing}."
    )
