"""Draws of one question, the rewards that rank them, and the thresholds above which a reward selects a draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from experiments.correction.chains import State
from experiments.correction.exploration.counting import balance
from experiments.shared.log_likelihood import log_likelihood
from harness import Arm, Text

Rewards = Mapping[str, Sequence[float]]
"""The reward of each draw of a question, by the name of the reward."""

REWARDS = ("likelihood", "permuted", "shortest", "answer")


@dataclass(frozen=True, kw_only=True)
class Monitor(Arm):
    """A monitor of self-training: of exploration, or of exploitation by a reward.

    Attributes:
        reward: "none" for exploration; else "likelihood" (mean log p of a token), "permuted" (the same numbers, each
            with another draw of the question), "shortest" (the length), or "answer" (whether it is right: an oracle).
        picks: whether draws are ranked and selected by a reward.
        who: the checkpoint that draws: "subject", or the part "checkpoint".
    """

    reward: str
    picks: bool
    who: str


NAMES = {
    "draws": "none",
    "likelihood": "likelihood",
    "permuted": "permuted",
    "rule: shortest": "shortest",
    "answer": "answer",
}
"""The reward of each arm of the subject."""

ARMS: Mapping[str, Monitor] = {
    f"{name}{end}": Monitor(reward=reward, picks=reward != "none", who=who)
    for who, end in {"subject": "", "checkpoint": " checkpoint"}.items()
    for name, reward in NAMES.items()
}
"""All arms by name."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The smallest reward that selects a draw, fitted on training items.

    Attributes:
        who, reward, temperature: of which draws.
        value: the threshold with the highest mean balance score; the lowest of equals, which selects most.
        balance: that mean balance score.
    """

    who: str
    reward: str
    temperature: float
    value: float
    balance: float


def right_texts(states: Sequence[State]) -> list[str]:
    """The texts of the right draws, as they are told apart: space between words does not count."""
    return [" ".join(state.text.text.split()) for state in states if state.grade.correct]


def kept(states: Sequence[State], values: Sequence[float], threshold: float) -> list[State]:
    """The draws whose reward reaches the threshold; none that was cut."""
    return [one for one, value in zip(states, values, strict=True) if value >= threshold and value > -math.inf]


def rewards(states: Sequence[State], chance: Random) -> Rewards:
    """The rewards of all draws of a question; minus infinity for one that was cut, which no reward selects.

    "answer" is 1 for a right draw and minus infinity for a wrong one.

    "permuted" is "likelihood" with the values of the draws that ended put in another order.
    """
    whole = [i for i, state in enumerate(states) if state.text.finish == "stop"]
    likely = [_per_token(state.text) for state in states]
    permuted = list(likely)
    for i, j in zip(whole, chance.sample(whole, len(whole)), strict=True):
        permuted[i] = likely[j]
    short = [-float(len(state.text.tokens)) if state.text.finish == "stop" else -math.inf for state in states]
    answer = [1.0 if state.grade.correct else -math.inf for state in states]
    return dict(zip(REWARDS, (likely, permuted, short, answer), strict=True))


def _per_token(text: Text) -> float:
    return log_likelihood(text, per_token=True) if text.finish == "stop" else -math.inf


def fit_threshold(questions: Sequence[tuple[Sequence[State], Sequence[float]]], wanted: int) -> tuple[float, float]:
    """The threshold with the highest mean balance score over questions, and that score.

    Args:
        questions: the draws of each, and their rewards.
    """
    tried = sorted({value for _, values in questions for value in values if value > -math.inf}) or [0.0]

    def score(threshold: float) -> float:
        selected = [kept(states, values, threshold) for states, values in questions]
        return fmean(balance(len(set(right_texts(some))), len(some), wanted) for some in selected)

    scores = [score(threshold) for threshold in tried]
    best = max(range(len(tried)), key=scores.__getitem__)
    return tried[best], scores[best]
