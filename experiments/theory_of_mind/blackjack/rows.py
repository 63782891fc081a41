"""The arms of the experiment, and the row of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness import Arm, GradedAnswer, Probability, Score


@dataclass(frozen=True, kw_only=True)
class Asked(Arm):
    """What is asked, and how the answer is read.

    Attributes:
        about: the decision, or whether one more card takes the hand, or the dealer's end, above 21.
        exact: read as exact probabilities of both options, and not from a short text.
        shows: the item's own hand, none, or another item's.
        rule: a rule of `rules.RULES` that decides in the model's place; "none" asks the model.
    """

    about: Literal["decision", "own_bust", "dealer_bust"] = "decision"
    exact: bool = True
    shows: Literal["own", "none", "other"] = "own"
    rule: str = "none"


ARMS = {
    "options": Asked(),
    "free": Asked(exact=False),
    "no story": Asked(shows="none"),
    "shuffled story": Asked(shows="other"),
    "own bust": Asked(about="own_bust"),
    "dealer bust": Asked(about="dealer_bust"),
}


@dataclass(frozen=True, kw_only=True)
class Played(GradedAnswer):
    """One decision, or one belief, about one hand.

    Attributes:
        total, soft: of the hand; up: rank of the dealer's card, 1 is an ace.
        gold: the better decision; of a belief, whether the event is more likely than not ("yes", "no").
        loss: expected units that the decision gives away against the better one, at least 0. An answer that cannot be
            read gives away as much as the worse decision. None for beliefs.
        number: of a belief, what a bare number says about it: the total of the own hand, or less the value of the
            dealer's card, in which an ace counts 11; higher is a likelier bust. None for decisions.
        p: probability of "yes" of a belief, or of "hit"; chance: the true chance of the event of a belief.
        p_gold: probability of the better decision; None for beliefs and texts.
        mass: probability that either option is said.
        listed_first: share of both orders in which the option that is listed first is the more probable one.
    """

    total: int
    soft: bool
    up: int
    gold: str
    loss: float | None = None
    number: Score | None = None
    p: Probability | None = None
    chance: Probability | None = None
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
