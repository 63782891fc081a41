"""Rules that decide without weighing the dealer's card: the marks that a player must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from experiments.theory_of_mind.blackjack.odds import Decision, Hand


def mimic_the_dealer(hand: Hand) -> Decision:
    """Plays as the dealer must: hits below 17, stands from 17 on, soft or not."""
    return "hit" if hand.total < 17 else "stand"


def never_bust(hand: Hand) -> Decision:
    """Stands wherever one more card could take the hand above 21: on every hard total from 12 on."""
    return "stand" if hand.total >= 12 and not hand.soft else "hit"


RULES: Mapping[str, Callable[[Hand], Decision]] = {
    "mimic the dealer": mimic_the_dealer,
    "never bust": never_bust,
    "always stand": lambda hand: "stand",
    "always hit": lambda hand: "hit",
}
