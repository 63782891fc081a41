"""The parts that all stories of one family share: its people, its room, its things, its containers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

NAMES = (
    *("Alex", "Avery", "Blair", "Casey", "Devon", "Emery", "Finley", "Harper", "Jamie", "Jordan", "Kendall"),
    *("Logan", "Morgan", "Parker", "Quinn", "Reese", "Riley", "Rowan", "Sage", "Taylor"),
)
"""Names that tell no gender; stories repeat them and use no pronouns."""
CONTAINERS = ("box", "basket", "bag", "jar", "drawer", "bucket", "chest", "barrel", "trunk")
"""Of one token, after a space, in common vocabularies: no length bias, and one call a question."""
THINGS = ("key", "coin", "letter", "ticket", "photo", "ball", "phone", "pen", "candle", "book")
"""As short as the containers."""
OTHERS = ("spoon", "scarf", "glove", "hat", "towel", "brush")
ROOMS = ("kitchen", "office", "studio", "workshop", "library", "classroom")


@dataclass(frozen=True)
class Cast:
    """The parts that all stories of one family share.

    In stories about a label, one container is the thing, and things take the parts of the containers: see `labelled`.

    Attributes:
        asked, mover, bystander: the three agents; `asked` is "you" in the first person.
        introduced: the agents in the order in which the story names them.
        chain: of a belief about a belief of the fourth order, whose mind is asked about, from the outermost on; the
            last two are the mover and `asked`, neighbours differ. Lower orders take its end.
        thing, other: the object of the story, and the object that is moved instead in NM.
        listed: the three containers in the order in which the story names them.
        beside: the container next to which `other` lies. Naming a random one once more keeps "the container named
            most often" from being right.
        old, new, spare: the container before the critical move, after it, and the third one.
        things: in stories about a label, the thing it names, the thing that is there, and a third one.
        things_listed: these in the order in which the story names them.
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
    chain: tuple[str, ...]
    room: str
    thing: str
    other: str
    listed: tuple[str, ...]
    beside: str
    old: str
    new: str
    spare: str
    things: tuple[str, ...]
    things_listed: tuple[str, ...]
    long: bool
    hands: tuple[str, str]
    early: bool
    idle: bool
    wording: int

    @classmethod
    def draw(cls, rng: random.Random, *, long: bool, apart_from: Cast | None = None) -> Cast:
        """Draws a family.

        Args:
            apart_from: a cast that shares nobody, no container and no thing with this one.
        """
        taken = (*apart_from.introduced, *apart_from.listed, apart_from.thing, *apart_from.things) if apart_from else ()
        names = rng.sample(without(NAMES, taken), 3)
        containers = rng.sample(without(CONTAINERS, taken), 3)
        thing, *things = rng.sample(without(THINGS, taken), 4)
        third = rng.choice((names[0], names[2]))
        return cls(
            asked=names[0],
            mover=names[1],
            bystander=names[2],
            introduced=tuple(rng.sample(names, 3)),
            chain=(rng.choice(without(names, [third])), third, names[1], names[0]),
            room=rng.choice(ROOMS),
            thing=thing,
            other=rng.choice(OTHERS),
            listed=tuple(rng.sample(containers, 3)),
            beside=rng.choice(containers),
            old=containers[0],
            new=containers[1],
            spare=containers[2],
            things=tuple(things),
            things_listed=tuple(rng.sample(things, 3)),
            long=long,
            hands=(rng.choice(names), rng.choice(names)),
            early=rng.random() < 0.5,
            idle=rng.random() < 0.5,
            wording=rng.randrange(12),
        )

    @property
    def people(self) -> tuple[str, str, str]:
        """The three agents in the order of their parts."""
        return self.asked, self.mover, self.bystander

    def in_first_person(self) -> Cast:
        """The same family, in which the agent asked about is "you"."""
        introduced, chain, hands = (
            tuple("you" if name == self.asked else name for name in names)
            for names in (self.introduced, self.chain, self.hands)
        )
        return replace(self, asked="you", introduced=introduced, chain=chain, hands=(hands[0], hands[1]))

    def labelled(self) -> Cast:
        """The same family in a story about one container and its contents: `old` by its label, `new` really."""
        old, new, spare = self.things
        return replace(self, thing=self.beside, listed=self.things_listed, old=old, new=new, spare=spare)


def without(words: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The words that are not taken, in order."""
    return [word for word in words if word not in taken]
