"""How far a judge can be relied on, measured on clear cases before its verdicts count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from harness import Gate, Metric, Outcome, Probability, metrics, together
from harness.metrics.levels import LevelValue

Case = TypeVar("Case")

LEAST = 0.8
"""The share of clear cases decided rightly below which verdicts that rest on the judge are held back."""


@dataclass(frozen=True, kw_only=True)
class JudgeReliability:
    """The agreement of a judge with the right verdicts and with itself on clear cases, each in [0, 1].

    Attributes:
        gold: share of the cases that it decides rightly; one that it does not decide is wrong.
        repeats: share of the cases on which a verdict drawn at temperature 1 is the greedy one.
        orders: share of the cases on which it decides alike when what it compares is shown in the other order.
    """

    gold: Probability
    repeats: Probability
    orders: Probability

    @property
    def columns(self) -> dict[str, Probability]:
        """The columns of `ByJudge`, for each row that rests on the judge."""
        return {"judge_gold": self.gold, "judge_repeats": self.repeats, "judge_orders": self.orders}


@dataclass(frozen=True, kw_only=True)
class ByJudge(Outcome):
    """A row that rests on a judge; the columns are the `JudgeReliability` of the run, None in rows without a judge."""

    judge_gold: Probability | None = None
    judge_repeats: Probability | None = None
    judge_orders: Probability | None = None


async def reliability(
    cases: Sequence[tuple[Case, bool]], decide: Callable[[Case, bool, bool], Awaitable[bool | None]]
) -> JudgeReliability:
    """Asks a judge about clear cases: greedily, once more with chance, and in the other order.

    Args:
        cases: each with the right verdict; about as many True ones as False ones.
        decide: decides a case; the flags say whether it is shown in the other order, and whether it is drawn at
            temperature 1. None when no verdict can be read.
    """
    ways = ((False, False), (False, True), (True, False))
    asked = [together([decide(case, turned, drawn) for case, _ in cases]) for turned, drawn in ways]
    greedy, repeated, other_order = await together(asked)

    def alike(others: Sequence[bool | None]) -> Probability:
        return Probability(fmean(a is not None and a == b for a, b in zip(greedy, others, strict=True)))

    return JudgeReliability(gold=alike([gold for _, gold in cases]), repeats=alike(repeated), orders=alike(other_order))


def judge_metrics(where: Mapping[str, LevelValue] | None = None) -> tuple[Metric, ...]:
    """The three numbers of the judge, once a run."""
    return metrics.mean_probabilities("judge_gold", "judge_repeats", "judge_orders", by=(), where=where)


def judge_gate(*columns: str) -> Gate:
    """Holds back verdicts on columns that rest on the judge's verdicts, where it errs about clear cases."""
    return Gate(metric="judge_gold", least=LEAST, columns=columns, why="the judge errs about clear cases")
