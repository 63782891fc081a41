"""Rules that decide without weighing the dealer's card: the marks that a player must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import fsum

from experiments.theory_of_mind.blackjack.odds import CHANCES, Decision, Hand, hit, stand


def mimic_the_dealer(hand: Hand) -> Decision:
    """Plays as the dealer must: hits below 17, stands from 17 on, soft or not."""
    return "hit" if hand.total < 17 else "stand"


def never_bust(hand: Hand) -> Decision:
    """Stands wherever one more card could take the hand above 21: on every hard total from 12 on."""
    return "stand" if hand.total >= 12 and not hand.soft else "hit"


def best_without_the_dealer(hand: Hand) -> Decision:
    """The best decision of a player who does not see the dealer's card: stands on hard 15 and soft 18 or more."""
    hits, stands = (fsum(p * value(hand, up) for up, p in CHANCES.items()) for value in (hit, stand))
    return "hit" if hits > stands else "stand"


RULES: Mapping[str, Callable[[Hand], Decision]] = {
    "mimic the dealer": mimic_the_dealer,
    "never bust": never_bust,
    "best without the dealer": best_without_the_dealer,
    "always stand": lambda hand: "stand",
    "always hit": lambda hand: "hit",
}
