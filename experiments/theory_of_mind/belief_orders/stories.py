"""Stories in which a thing is moved while people leave one by one, so that chains of beliefs end at different places.

Six people are in a room. One leaves before the thing is moved for the first time, one between the moves, and four see
all of it. A chain of people (A thinks that B thinks ...) believes in the place where the thing was when the first of
them left, because later moves were not seen by all of them. In some stories somebody then tells one who left, in
private, where the thing is: the truth or not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.theory_of_mind.sentences import capitalised, listing
from experiments.theory_of_mind.world import Event, Exit, Move, Noise, Tell, World

Condition = Literal["no tell", "true tell", "false tell"]

NAMES = (
    *("Addison", "Ariel", "Bailey", "Billie", "Cameron", "Charlie", "Dakota", "Dana", "Eden", "Ellis", "Frankie"),
    *("Gray", "Hayden", "Indigo", "Jesse", "Kai", "Lane", "Marley", "Noel", "Oakley", "Peyton", "Remy", "Robin"),
    *("Sasha", "Shay", "Skyler", "Terry", "Toby"),
)
"""Names that tell no gender; stories repeat them and use no pronouns."""
CONTAINERS = (
    *("box", "basket", "bag", "jar", "drawer", "bucket", "chest", "barrel", "trunk", "bowl", "cabinet", "crate"),
    *("locker", "pot", "tin", "vase"),
)
THINGS = (
    *("key", "coin", "letter", "ticket", "photo", "ball", "phone", "pen", "candle", "book", "ring", "watch", "map"),
    *("stamp", "medal", "whistle"),
)
OTHERS = ("spoon", "scarf", "glove", "hat", "towel", "brush", "ruler", "cup")
ROOMS = ("kitchen", "office", "studio", "workshop", "library", "classroom", "hall", "basement", "attic", "lounge")

RULES = (
    "The containers were closed, and nobody could see what was inside. Everybody in the {room} noticed all that "
    "happened there and who else was there. Those who left did not come back. Unless they were told otherwise, they "
    "thought that nothing was moved after they had left, and everybody knew that."
)
"""Conventions that make each answer a fact of the text. Public sets leave them to the reader."""
PUTS = (
    "{a} put the {o} in the {c}.",
    "At the start {a} placed the {o} in the {c}.",
    "First of all, {a} laid the {o} in the {c}.",
)
MOVES = (
    "{a} moved the {o} to the {c}.",
    "{a} took the {o} and put it in the {c}.",
    "{a} picked up the {o} and placed it in the {c}.",
)
EXITS = ("{a} left the {room}.", "{a} went out of the {room}.", "Then {a} walked out.")
TELLS = (
    'Later {a} met {b} alone and said, "The {o} is in the {c}." {b} believed {a}, and {a} knew that.',
    'That evening {a} called {b} and said, "The {o} is in the {c}." {b} trusted {a}, and {a} knew that.',
    'Afterwards {a} wrote to {b}: "The {o} is in the {c}." {b} took it for true, and {a} knew that.',
)
PRIVATELY = " Nobody else ever learned of this."
NOISES = (
    "{a} yawned.",
    "{a} looked out of the window.",
    "{a} sneezed.",
    "{a} hummed a tune.",
    "{a} sat down on the floor.",
    "{a} checked the time.",
    "{a} stretched.",
    "{a} wound up an old clock.",
)


@dataclass(frozen=True)
class Story:
    """A text and the world that it describes.

    Attributes:
        thing: the thing that is asked about; containers: all that the story names, in its order.
        leavers: who left at the first place of the thing, and who left at a later one that is not the last.
        middle: the place of the thing when the second of them left.
        told: speaker and hearer of the private words; () where nothing was.
    """

    text: str
    world: World
    condition: Condition
    thing: str
    containers: tuple[str, ...]
    leavers: tuple[str, str]
    middle: str
    told: tuple[str, str] | tuple[()]


def tell_story(rng: random.Random, condition: Condition) -> Story:
    """A story of a condition, drawn at random."""
    people, room = rng.sample(NAMES, 6), rng.choice(ROOMS)
    thing, other = rng.choice(THINGS), rng.choice(OTHERS)
    containers = tuple(rng.sample(CONTAINERS, 5))
    # Two moves or three. The second to leave does so after one of them that is not the last.
    places = rng.sample(containers, rng.choice((3, 4)))
    middle = rng.randrange(1, len(places) - 1)
    early, second = people[:2]
    leaves, stay = {early: 0, second: middle}, people[2:]
    world = World(tuple(rng.sample(people, 6)))
    events: list[Event] = []
    for stage, place in enumerate(places):
        inside = [person for person in people if leaves.get(person, stage) >= stage]
        events.append(Move(rng.choice(inside if stage == 0 else stay), thing, place))
        aside = [event.place for event in events if isinstance(event, Move) and event.thing == other]
        events += _beside(rng, stay, "".join(aside[-1:]), other, containers)
        events += [Exit(person) for person in rng.sample(people, 6) if leaves.get(person) == stage]
    events += [Exit(person) for person in rng.sample(stay, rng.randrange(3))]
    told: tuple[str, str] | tuple[()] = ()
    if condition != "no tell":
        told = (rng.choice(stay), rng.choice((early, second)))
        unused = [container for container in containers if container not in places]
        events.append(Tell(*told, thing, places[-1] if condition == "true tell" else rng.choice(unused)))
    for event in events:
        world.happen(event)
    listed = [f"a {container}" for container in containers]
    opening = f"{listing(world.agents)} were in the {room} with {listing(listed)}. {RULES.format(room=room)}"
    text = f"{opening}\n{narrate(events, room, rng)}"
    return Story(text, world, condition, thing, containers, (early, second), places[middle], told)


def _beside(rng: random.Random, stay: Sequence[str], last: str, other: str, containers: Sequence[str]) -> list[Event]:
    """An event with no bearing on where the thing is, or none: another thing is moved, somebody yawns.

    Args:
        last: the container of the other thing; "" where it lies in none.
    """
    drawn = rng.random()
    if drawn < 0.4:
        mover, place = rng.choice(stay), rng.choice(containers)
        if place == last:
            place = containers[containers.index(place) - 1]
        return [Move(mover, other, place)]
    return [Noise(rng.choice(stay))] if drawn < 0.7 else []


def narrate(events: Sequence[Event], room: str, rng: random.Random) -> str:
    """The events in sentences, each in one of several wordings.

    Raises:
        ValueError: an event that does not occur in these stories.
    """
    sentences, met = [], set[str]()
    for event in events:
        match event:
            case Move(agent, thing, place):
                form = rng.choice(MOVES if thing in met else PUTS[:1] if met else PUTS)
                sentence = form.format(a=agent, o=thing, c=place)
                met.add(thing)
            case Tell(speaker, hearer, thing, place):
                sentence = rng.choice(TELLS).format(a=speaker, b=hearer, o=thing, c=place) + PRIVATELY
            case Exit(agent):
                sentence = rng.choice(EXITS).format(a=agent, room=room)
            case Noise(agent):
                sentence = rng.choice(NOISES).format(a=agent)
            case _:
                raise ValueError(f"these stories have no words for {event}")
        sentences.append(capitalised(sentence))
    return " ".join(sentences)
