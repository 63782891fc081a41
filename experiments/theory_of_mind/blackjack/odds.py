"""Exact expected values of hitting and standing, from the rules alone: no table is copied.

The rules: there are infinitely many decks, so that every card is drawn with the same chances. The dealer draws to 16
and stands on every 17, soft ones too; it has already looked under an ace or a ten and has no blackjack. The player may
hit or stand (no doubling, splitting or surrender) and wins or loses one unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

Decision = Literal["hit", "stand"]

ACE, TEN, BEST = 1, 10, 21
BUST = BEST + 1
"""Every total above 21, as the end of a dealer's hand."""
CHANCES: Mapping[int, float] = {rank: (4 if rank == TEN else 1) / 13 for rank in range(ACE, TEN + 1)}
"""Chance of each rank to be drawn; 10 stands for ten, jack, queen and king."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand as the rules see it: its best total, and whether an ace counts as 11 in it ("soft")."""

    total: int
    soft: bool = False

    @classmethod
    def of(cls, cards: Iterable[int]) -> Hand:
        """The hand of cards, given by rank: 1 is an ace, 10 a ten or a face."""
        hand = cls(0)
        for card in cards:
            hand = hand.with_card(card)
        return hand

    def with_card(self, card: int) -> Hand:
        """The hand with one more card."""
        total, soft = self.total + card, self.soft
        if card == ACE and not soft and total + 10 <= BEST:
            total, soft = total + 10, True
        if total > BEST and soft:
            total, soft = total - 10, False
        return Hand(total, soft)

    @property
    def bust(self) -> bool:
        """Whether the total is above 21."""
        return self.total > BEST


@cache
def dealer_ends(up: int) -> Mapping[int, float]:
    """Chance of each end of the dealer's hand, 17 to 21 and `BUST`, by the card that is seen; no blackjack."""
    hidden = {card: p for card, p in CHANCES.items() if {up, card} != {ACE, TEN}}
    start, possible = Hand.of([up]), sum(hidden.values())
    return _mixture({start.with_card(card): p / possible for card, p in hidden.items()})


@cache
def _ends(hand: Hand) -> Mapping[int, float]:
    if hand.bust or hand.total >= 17:
        return {BUST if hand.bust else hand.total: 1.0}
    return _mixture({hand.with_card(card): p for card, p in CHANCES.items()})


def _mixture(hands: Mapping[Hand, float]) -> dict[int, float]:
    ends: dict[int, float] = {}
    for hand, p in hands.items():
        for end, q in _ends(hand).items():
            ends[end] = ends.get(end, 0.0) + p * q
    return ends


def stand(hand: Hand, up: int) -> float:
    """Expected units won by standing, in [-1, 1]."""
    ends = dealer_ends(up)
    won = sum(p for end, p in ends.items() if end < hand.total or end == BUST)
    return won - sum(p for end, p in ends.items() if hand.total < end < BUST)


@cache
def hit(hand: Hand, up: int) -> float:
    """Expected units won by taking one card and playing on as well as possible, in [-1, 1]."""
    after = ((p, hand.with_card(card)) for card, p in CHANCES.items())
    return sum(-p if new.bust else p * max(stand(new, up), hit(new, up)) for p, new in after)


def best(hand: Hand, up: int) -> Decision:
    """The decision with the higher expected value."""
    return "hit" if hit(hand, up) > stand(hand, up) else "stand"


def loss(decision: str, hand: Hand, up: int) -> float:
    """Expected units that a decision gives away against the best one, at least 0."""
    values = {"hit": hit(hand, up), "stand": stand(hand, up)}
    return max(values.values()) - values[decision]


def own_bust(hand: Hand) -> float:
    """Chance that one more card takes a hand above 21."""
    return sum(p for card, p in CHANCES.items() if hand.with_card(card).bust)


def dealer_bust(up: int) -> float:
    """Chance that the dealer's hand ends above 21."""
    return dealer_ends(up)[BUST]
