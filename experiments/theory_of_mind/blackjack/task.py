"""The task: one item is one hand against one card of the dealer."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.shared.distinct import check_size, distinct
from experiments.theory_of_mind.blackjack.odds import BEST, TEN, Hand, best
from harness.items import Grade, Item, grader
from harness.tasks.base import Task

CARDS = {
    "an ace": 1,
    **{f"a {name}": rank for rank, name in enumerate(("two", "three", "four", "five", "six", "seven"), 2)},
    "an eight": 8,
    "a nine": 9,
    **{f"a {name}": TEN for name in ("ten", "jack", "queen", "king")},
}
"""The thirteen cards by name, with their ranks; suits do not count."""
LEAST = 12
"""Below this total one more card cannot make a hand worse, and nothing is to be decided."""


Kind = Literal["hit", "stand below 17", "stand on 17"]
KINDS: tuple[Kind, ...] = ("hit", "stand below 17", "hit", "stand on 17")
"""What is best in the hands of the set, by turns."""


@dataclass(frozen=True, kw_only=True)
class BlackjackHands(Task):
    """Hands of two or three cards with totals of 12 to 20.

    In half of them it is best to hit, in a quarter to stand below 17, and in a quarter to stand on 17 or more. So a
    player who looks at the own hand alone, as the dealer does, is wrong on the second quarter.
    Fields: "cards" and "up" (of the dealer) by name, "total", "soft", "other_cards" and "other_up" (of another hand,
    whose best play says nothing about that of this one).
    Gold: "hit" or "stand" (`odds.best`). Group: total, softness and the dealer's rank, on which alone the gold depends.

    Attributes:
        hands: how many items, at most 2,000.
        seed: seed of the cards; another seed gives other hands.
    """

    version: ClassVar[str] = "1"
    name: str = "blackjack"
    hands: int = 400
    seed: int = 0

    def load(self) -> list[Item]:
        """Different hands in the order of their drawing; more hands contain the fewer."""
        rng, others = (random.Random(f"blackjack/{self.seed}/{name}") for name in ("hands", "others"))
        hands = distinct(
            check_size(self, "hands", 2000),
            lambda n: _deal(KINDS[n % len(KINDS)], rng),
            lambda hand: (tuple(sorted(hand[0])), hand[1]),
        )
        return [_item(cards, up, *_deal(others.choice(KINDS), others)) for cards, up in hands]


def _deal(kind: Kind, rng: random.Random) -> tuple[tuple[str, ...], str]:
    """Two or three cards and one of the dealer, dealt until they are of a kind."""
    while True:
        cards = tuple(rng.choice(list(CARDS)) for _ in range(rng.choice((2, 3))))
        up, hand = rng.choice(list(CARDS)), hand_of(cards)
        found = best(hand, CARDS[up])
        below = "stand below 17" if hand.total < 17 else "stand on 17"
        if LEAST <= hand.total < BEST and (found if found == "hit" else below) == kind:
            return cards, up


def hand_of(cards: tuple[str, ...]) -> Hand:
    """The hand of cards given by name."""
    return Hand.of(CARDS[card] for card in cards)


def _item(cards: tuple[str, ...], up: str, other_cards: tuple[str, ...], other_up: str) -> Item:
    hand = hand_of(cards)
    return Item(
        fields={
            "cards": list(cards),
            "up": up,
            "total": hand.total,
            "soft": hand.soft,
            "other_cards": list(other_cards),
            "other_up": other_up,
        },
        gold=best(hand, CARDS[up]),
        grader=decision,
        group=f"{'soft' if hand.soft else 'hard'} {hand.total} against {CARDS[up]}",
    )


_UNSAID = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|instead of|rather than|than|if|when|because|since|although|though)\b|n't\b)"
    r"[^.,;:!?()]{0,80}|\bdealer (?:will |must |may |can |has to )?(?:hit|stand)s?\b",
    re.IGNORECASE,
)
"""What is denied, is a reason or a condition, or is said of the dealer."""
_SAID = re.compile(r"\b(?:(hit)(?:s|ting)?|(stand)(?:s|ing)?)\b", re.IGNORECASE)


@grader
def decision(text: str, item: Item) -> Grade:
    """A decision in words: the only one of "hit" and "stand" in the last line that gives either.

    One that is denied ("do not hit"), is a reason ("because standing loses") or a condition ("if you hit"), or is said
    of the dealer, is not given. Gold: "hit" or "stand". A line that gives both is not read.
    """
    for line in reversed(text.replace("\u2019", "'").splitlines()):
        named = {"hit" if hit else "stand" for hit, _ in _SAID.findall(_UNSAID.sub(" ", line))}
        if named:
            said = named.pop()
            return Grade("", None) if named else Grade(said, said == item.gold)
    return Grade("", None)
