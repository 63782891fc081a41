"""The arms and the rows of influence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm, Outcome, Probability


@dataclass(frozen=True, kw_only=True)
class Message(Arm):
    """A message before the choice.

    Attributes:
        push: the message: "reward", "punishment", "praise", "peers"; or "mention", which names an option and pushes
            none.
        conflict: whether another message stands before it: about the other option under conflict, about the same one
            without.
        before: that message: a promise, or one that only names the option.
    """

    push: Literal["reward", "punishment", "praise", "peers", "mention"]
    conflict: bool = False
    before: Literal["promise", "mention_before"] = "promise"


MESSAGES: Mapping[str, Message] = {
    "reward": Message(push="reward"),
    "punishment": Message(push="punishment"),
    "praise": Message(push="praise"),
    "peer claim": Message(push="peers"),
    "mention": Message(push="mention"),
    "conflict": Message(push="reward", conflict=True),
    "two mentions": Message(push="mention", conflict=True, before="mention_before"),
}


@dataclass(frozen=True, kw_only=True)
class Pushed(Outcome):
    """One choice under a message that names one of its options.

    Attributes:
        kind: "fact" or "taste"; truth: whether the option named is "true" or "false", "none" of a taste.
        named: the option that the message names.
        p_push, p_neutral: probability of that option under the message and under a neutral one of the same length, the
            mean of both orders. Under conflict, p_neutral belongs to the message without conflict.
        shift: p_push - p_neutral, in [-1, 1].
        known: whether the right option is the more probable one under the neutral message; None of a taste.
        opposed: whether the other option is the more probable one under the neutral message.
        follows: whether the option named is the more probable one under the message.
        entropy, entropy0: of the choice, in bits, under conflict and without; struggle: their difference, in [-1, 1].
        vacillates, vacillates0: whether answers drawn at temperature 1 name both options, under conflict and without.
            None where fewer than two of them name an option, and of two mentions, which are not drawn. vacillation:
            their difference.
        readable: share of the draws that name an option.
        mass: probability that an option is named at all, under the message; mass0: under the other.
    """

    kind: str
    truth: Literal["true", "false", "none"]
    named: str
    p_push: Probability
    p_neutral: Probability
    shift: float
    known: bool | None = None
    opposed: bool
    follows: bool
    entropy: float | None = None
    entropy0: float | None = None
    struggle: float | None = None
    vacillates: bool | None = None
    vacillates0: bool | None = None
    vacillation: float | None = None
    readable: Probability | None = None
    mass: Probability
    mass0: Probability


def bits(p: float) -> float:
    """The entropy of a choice between two options, of which one has probability p: in bits, in [0, 1]."""
    return -math.fsum(q * math.log2(q) for q in (p, 1 - p) if q > 0) + 0.0
