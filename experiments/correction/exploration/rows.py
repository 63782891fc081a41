"""The rows of the monitors: one for each arm, question and temperature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.correction.chains import State, total
from experiments.correction.exploration.counting import balance, distinct_at, pass_at, top_right
from experiments.correction.exploration.rewards import kept, right_texts
from harness import Outcome, Probability


@dataclass(frozen=True, kw_only=True)
class Monitored(Outcome):
    """Draws of one question at one temperature, and the picks that a reward makes among them.

    An answer that cannot be graded is wrong. Shares over sets are means over all sets of K of the n draws, see
    `counting`. The columns of exploration are None in an arm with a reward, the columns of exploitation in an arm
    without.

    Attributes:
        temperature: of the draws.
        n, right, different: draws, right ones, and different right texts (space does not count).
        ended: share of the draws that ended by themselves.
        pass_1, pass_k: probability that 1 (K) of the draws hold a right one.
        pass_k_s: probability that K of them hold at least S different right texts.
        best_k: probability that the one of highest reward among K is right, Reward@K-1.
        reward_k_s: probability that the S of highest reward among K are all right.
        balance: balance score of the draws that the reward selects.
        selected: how many it selects.
        new_tokens: tokens of all draws.
    """

    temperature: float
    n: int
    right: int
    different: int
    ended: Probability
    pass_1: Probability | None = None
    pass_k: Probability | None = None
    pass_k_s: Probability | None = None
    best_k: Probability | None = None
    reward_k_s: Probability | None = None
    balance: Probability | None = None
    selected: int | None = None
    new_tokens: int


def explored(states: Sequence[State], temperature: float, k: int, s: int) -> Monitored:
    """The row of exploration by the draws of a question."""
    row, repeats = _row(states, temperature), list(Counter(right_texts(states)).values())
    return replace(
        row,
        pass_1=Probability(pass_at(row.n, row.right, 1)),
        pass_k=Probability(pass_at(row.n, row.right, k)),
        pass_k_s=Probability(distinct_at(row.n, repeats, k, s)),
    )


def exploited(
    states: Sequence[State],
    values: Sequence[float],
    threshold: float,
    temperature: float,
    *,
    k: int,
    s: int,
    wanted: int,
) -> Monitored:
    """The row of the picks among the draws of a question by their rewards; ties go by the order of the draws."""
    order = sorted(range(len(states)), key=values.__getitem__, reverse=True)  # stable, in reverse too
    ranked = [states[i].grade.correct for i in order]
    selected = kept(states, values, threshold)
    return replace(
        _row(states, temperature),
        best_k=Probability(top_right(ranked, k)),
        reward_k_s=Probability(top_right(ranked, k, s)),
        balance=Probability(balance(len(set(right_texts(selected))), len(selected), wanted)),
        selected=len(selected),
    )


def _row(states: Sequence[State], temperature: float) -> Monitored:
    right = right_texts(states)
    return Monitored(
        temperature=temperature,
        n=len(states),
        right=len(right),
        different=len(set(right)),
        ended=Probability(sum(state.text.finish == "stop" for state in states) / len(states)),
        new_tokens=total(states).new_tokens,
    )
