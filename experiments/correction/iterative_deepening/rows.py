"""The rows of iterative deepening, and the measures over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.correction.chains import State, pooled
from experiments.correction.iterative_deepening.segments import Stage
from harness import GradedAnswer, Metric, Score, metrics

MOST = 64
"""Chains at most that vote with equal tokens; a model that says nothing would never have enough."""


@dataclass(frozen=True, kw_only=True)
class Deepened(GradedAnswer):
    """The answer that stands at one budget, of a chain or of a vote.

    Attributes:
        budget: tokens of the turn, words that were put into it included.
        first: whether the budget is the first one, before which no answer stood.
        final: whether the budget is the last one, the cap.
        voted: whether all chains vote. In an arm with equal tokens a vote stands beside one chain, too.
        chain: number of the chain; 0 of a vote.
        before: whether the answer at the budget before was right; None at the first.
        changed: whether the answer is another than at the budget before; None where one of them cannot be graded.
        triggers, put_tokens: how often words were put into the turn so far, and their tokens.
        cut_segments: segments so far that ran into a budget.
        own_triggers: how often the model called itself to check or think again.
        repeat_share: share of the word sequences (of four) since the last words put that stood before these, too.
        score: mean log-probability of the model's tokens.
        votes: answers that voted, 1 without a vote.
        calls, prompt_tokens, new_tokens: the whole cost, closing the turn included, see `chains.Cost`. Closing it at
            earlier budgets, which only measures, is no part of it.
    """

    budget: int
    first: bool
    final: bool
    voted: bool
    chain: int
    before: bool | None
    changed: bool | None
    triggers: int | None = None
    put_tokens: int | None = None
    cut_segments: int | None = None
    own_triggers: int | None = None
    repeat_share: float | None = None
    score: Score | None = None
    votes: int
    calls: int
    prompt_tokens: int
    new_tokens: int


def of_chain(steps: Sequence[int], stages: Sequence[Stage], chain: int) -> list[Deepened]:
    """The rows of one chain."""
    return [
        Deepened(
            **_common(steps, [stage.state for stage in stages], at),
            voted=False,
            chain=chain,
            votes=1,
            triggers=stage.turn.triggers,
            put_tokens=stage.turn.put_tokens,
            cut_segments=stage.turn.cuts,
            own_triggers=stage.turn.own_triggers,
            repeat_share=stage.turn.repeat_share,
            score=Score(stage.turn.logprob / stage.turn.scored) if stage.turn.scored else None,
        )
        for at, stage in enumerate(stages)
    ]


def of_vote(
    steps: Sequence[int], chains: Sequence[Sequence[Stage]], sizes: Sequence[int], *, voted: bool, chain: int = 0
) -> list[Deepened]:
    """The rows of a vote over the first chains, of a number of them at each budget."""
    states = [pooled([one[at].state for one in chains[:n]]) for at, n in enumerate(sizes)]
    return [
        Deepened(**_common(steps, states, at), voted=voted, chain=chain, votes=sizes[at]) for at in range(len(steps))
    ]


def enough(chains: Sequence[Sequence[Stage]], tokens: Sequence[int]) -> list[int] | None:
    """At each budget the fewest first chains that have at least so many new tokens together; None without them."""
    sizes = []
    for at, wanted in enumerate(tokens):
        total, n = 0, 0
        while total < wanted or not n:
            if n == len(chains):
                return None
            total, n = total + chains[n][at].state.cost.new_tokens, n + 1
        sizes.append(n)
    return sizes


def _common(steps: Sequence[int], states: Sequence[State], at: int) -> Mapping[str, Any]:
    now, was = states[at], states[at - 1] if at else None
    both = was is not None and was.grade.fate == now.grade.fate == "answered"
    return {
        "budget": steps[at],
        "first": at == 0,
        "final": at == len(steps) - 1,
        "answer": now.grade.answer,
        "correct": now.grade.correct,
        "fate": now.grade.fate,
        "before": None if was is None else was.grade.correct,
        "changed": was.grade.answer != now.grade.answer if was is not None and both else None,
        "calls": now.cost.calls,
        "prompt_tokens": now.cost.prompt_tokens,
        "new_tokens": now.cost.new_tokens,
    }


BY, FINAL = ("arm", "voted"), {"final": True}
CHAINS: Mapping[str, bool] = {"voted": False, "first": False}
ONE: Mapping[str, bool] = {"final": True, "voted": False}
CHANGE = ("before", "correct")

METRICS = (
    *metrics.graded(by=BY, where=FINAL),
    *metrics.means("new_tokens", "prompt_tokens", "calls", "votes", prefix="mean_", by=BY, where=FINAL),
    *metrics.means("triggers", "put_tokens", "cut_segments", "own_triggers", "repeat_share", prefix="mean_", where=ONE),
    Metric("accuracy_at_budget", metrics.accuracy, ("correct",), by=(*BY, "budget")),
    Metric("new_tokens_at_budget", metrics.mean, ("new_tokens",), by=(*BY, "budget")),
    *metrics.each(CHANGE, metrics.delta, metrics.delta_i2c, metrics.delta_c2i, by=("arm", "budget"), where=CHAINS),
    *metrics.each(CHANGE, metrics.fix_rate, metrics.break_rate, by=("arm", "budget"), where=CHAINS),
    *metrics.rates("changed", suffix="_rate", by=("arm", "budget"), where=CHAINS),
    Metric("best_of", metrics.best_of, ("score", "correct", "item"), where=ONE, index="draws"),
    Metric("pass_at", metrics.pass_at, ("correct", "item"), where=ONE, index="draws"),
)
