"""Asks a judge which of two answers is better, in both orders, so that the place of an answer decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import fmean

from experiments.shared.thoughts import Before, thought_before
from harness import Choice, Message, Probability, Prompt, Score, Subject, letter, together


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """A judge's preference between two answers, `one` and `other`, read in both orders.

    Attributes:
        p: probability that it prefers `one`, the mean over both orders, in [0, 1].
        win: 1 if it prefers `one` in both orders, 0 if `other` in both, 0.5 if the orders disagree: its votes in both
            orders, in which equal probabilities are half a vote.
        first_bias: probability of the answer that is shown first, the mean over both orders, less 1/2, in [-0.5, 0.5].
            0 without an effect of position; a judge that always takes the first has 0.5, and p = 0.5.
        orders_agree: whether both orders prefer the same answer.
        mass: probability that either letter is said at all, the mean over both orders.
    """

    p: Probability
    win: Score
    first_bias: Score
    orders_agree: bool
    mass: Probability


async def pair_verdict(
    judge: Subject,
    ask: Callable[[str, str], Sequence[Message]],
    one: str,
    other: str,
    *,
    lead: str,
    thought: Before = "as set",
) -> PairVerdict:
    """The judge's verdict, from the exact probabilities of the letters A and B.

    Args:
        ask: the turns that show two answers, the first as (A) and the second as (B), and end in the question.
        lead: the first words of the judge's turn: "The better answer is:".
        thought: the thought before the verdict; each order has its own.

    Raises:
        ItemError: a prompt cannot be rendered, or does not fit; the judge is to think and does not.
    """

    async def read(first: str, second: str) -> Choice:
        turns = tuple(ask(first, second))
        before = await thought_before(judge, Prompt(turns), thought)
        return await letter(judge, turns, lead, {"A": "A", "B": "B"}, thought=before)

    forward, backward = await together(read(*shown) for shown in ((one, other), (other, one)))
    p = forward.p["A"], backward.p["B"]
    votes = [vote(value) for value in p]
    return PairVerdict(
        p=Probability(fmean(p)),
        win=Score(fmean(votes)),
        first_bias=Score(fmean((forward.p["A"], backward.p["A"])) - 0.5),
        orders_agree=votes[0] == votes[1] != 0.5,
        mass=Probability(fmean((forward.mass, backward.mass))),
    )


def vote(p: float) -> float:
    """The vote of a probability: 1 above 1/2, 0 below it, 1/2 where it is 1/2 but for rounding."""
    return 0.5 if isclose(p, 0.5, abs_tol=1e-9) else float(p > 0.5)
