"""The epistemic world model (who saw what), which gives every story its ground truth.

All containers stand in one room; an agent is in it or outside. A physical event is kept with two sets of witnesses:
`actual`, who did see it, and `apparent`, who seems to have seen it. They differ for an agent who watches in secret
(actual only) and for one who is in the room but notices nothing (apparent only).

A story may also be about one container and its contents. Then the container is the thing, and its contents are the
place: "the bag is at the key" stands for "the key is in the bag".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Move:
    """The agent, who is in the room and attentive, puts or moves the thing into the place."""

    agent: str
    thing: str
    place: str


@dataclass(frozen=True, slots=True)
class Exit:
    """The agent leaves the room; absent-mindedness ends with it."""

    agent: str


@dataclass(frozen=True, slots=True)
class Enter:
    """The agent comes back; when contents are visible, everybody in the room sees where things are."""

    agent: str


@dataclass(frozen=True, slots=True)
class Stay:
    """The agent stays in the room: told, but changes nothing."""

    agent: str


@dataclass(frozen=True, slots=True)
class Peek:
    """The agent, outside, watches the room from now until entering it; nobody knows."""

    agent: str


@dataclass(frozen=True, slots=True)
class Distract:
    """The agent, inside, notices nothing from now until leaving; the others think that the agent does."""

    agent: str


@dataclass(frozen=True, slots=True)
class Tell:
    """The speaker says in private where the thing is, true or not; the hearer trusts the speaker, and both know it."""

    speaker: str
    hearer: str
    thing: str
    place: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label on the thing, a container, says what is in it. Everybody in the room reads and believes it."""

    thing: str
    place: str


@dataclass(frozen=True, slots=True)
class Open:
    """The agent, who is in the room and attentive, opens the thing, and everybody there sees what is in it."""

    agent: str
    thing: str
    place: str


@dataclass(frozen=True, slots=True)
class Noise:
    """Something that has no bearing on anybody's knowledge."""

    agent: str


Event = Move | Exit | Enter | Stay | Peek | Distract | Tell | Label | Open | Noise


@dataclass(frozen=True, slots=True)
class Sight:
    """A thing seen in a place. Reaches (a1, ..., an) when a1 saw it and a2 ... an seem to have seen it."""

    place: str
    actual: frozenset[str]
    apparent: frozenset[str]

    def reaches(self, path: Sequence[str]) -> bool:
        return path[0] in self.actual and self.apparent.issuperset(path[1:])


@dataclass(frozen=True, slots=True)
class Claim:
    """A thing said to be in a place. Reaches what hearer and speaker think, but for the speaker's own belief."""

    place: str
    speaker: str
    hearer: str

    def reaches(self, path: Sequence[str]) -> bool:
        return {self.speaker, self.hearer}.issuperset(path) and tuple(path) != (self.speaker,)


@dataclass
class World:
    """The state of the room and what has been witnessed in it.

    Attributes:
        agents: everybody; all are in the room at the start.
        visible: whether containers show their contents (open or transparent) to everybody who is or comes in.
    """

    agents: tuple[str, ...]
    visible: bool = False
    inside: set[str] = field(init=False)
    peeking: set[str] = field(init=False, default_factory=set)
    distracted: set[str] = field(init=False, default_factory=set)
    _places: dict[str, list[str]] = field(init=False, default_factory=dict)
    _known: dict[str, list[Sight | Claim]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.inside = set(self.agents)

    def happen(self, event: Event) -> None:
        """Lets an event happen.

        Raises:
            ValueError: it cannot happen (an absent or distracted agent moves a thing, one inside enters, ...).
        """
        match event:
            case Move(agent, thing, place) | Open(agent, thing, place):
                self._require(agent in self.inside - self.distracted, event)
                self._places.setdefault(thing, []).append(place)
                self._see(thing, self._onlookers(), self.inside)
            case Exit(agent):
                self._require(agent in self.inside, event)
                self.inside.remove(agent)
                self.distracted.discard(agent)
            case Enter(agent):
                self._require(agent in self.agents and agent not in self.inside, event)
                self.inside.add(agent)
                self.peeking.discard(agent)
                if self.visible:
                    self._see_all(self._onlookers())
            case Peek(agent):
                self._require(agent in self.agents and agent not in self.inside, event)
                self.peeking.add(agent)
                if self.visible:
                    self._see_all({agent})
            case Distract(agent):
                self._require(agent in self.inside, event)
                self.distracted.add(agent)
            case Tell(speaker, hearer, thing, place):
                self._require(speaker != hearer and {speaker, hearer} <= set(self.agents), event)
                self._known.setdefault(thing, []).append(Claim(place, speaker, hearer))
            case Label(thing, place):
                readers = frozenset(self.inside)
                self._known.setdefault(thing, []).append(Sight(place, readers, readers))
            case Stay(agent):
                self._require(agent in self.inside, event)
            case Noise(agent):
                self._require(agent in self.agents, event)

    def places(self, thing: str) -> tuple[str, ...]:
        """Every place that the thing was put into, in order: the first is where it began, the last where it is."""
        return tuple(self._places.get(thing, ()))

    def belief(self, path: Sequence[str], thing: str) -> str | None:
        """The place where a1 thinks that a2 thinks that ... the thing is; None if the path has met no sign of it.

        Args:
            path: (a1, ..., an), neighbours different; () asks for the real place.

        Raises:
            ValueError: an agent is followed by itself ("A thinks that A thinks" is A's belief: ask for that).
        """
        if any(a == b for a, b in itertools.pairwise(path)):
            raise ValueError(f"path {tuple(path)}: an agent is followed by itself")
        if not path:
            return self.places(thing)[-1] if self.places(thing) else None
        seen = [known.place for known in self._known.get(thing, ()) if known.reaches(path)]
        return seen[-1] if seen else None

    def knows(self, agent: str, thing: str) -> bool:
        """Whether the agent has a belief of where the thing is, and a true one."""
        place = self.belief((agent,), thing)
        return place is not None and place == self.belief((), thing)

    def _onlookers(self) -> set[str]:
        return (self.inside - self.distracted) | self.peeking

    def _see(self, thing: str, actual: set[str], apparent: set[str]) -> None:
        sight = Sight(self._places[thing][-1], frozenset(actual), frozenset(apparent))
        self._known.setdefault(thing, []).append(sight)

    def _see_all(self, actual: set[str]) -> None:
        for thing in self._places:
            self._see(thing, actual, self.inside)

    @staticmethod
    def _require(possible: bool, event: Event) -> None:
        if not possible:
            raise ValueError(f"this cannot happen now: {event}")
