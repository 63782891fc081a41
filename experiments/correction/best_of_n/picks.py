"""Picks one of several samples by a reward that the model gives itself, or by a rule that knows nothing of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from experiments.correction.chains import State, oracle, pooled, total
from experiments.shared.log_likelihood import log_likelihood
from harness import Arm


@dataclass(frozen=True, kw_only=True)
class Pick(Arm):
    """The way in which an answer is taken from N samples.

    Attributes:
        reward: a key of `REWARDS`, or "majority", "random" or "skyline", see `pick`; or "greedy" (no sample at all), or
            "samples" (every sample is a row of its own).
    """

    reward: str


ARMS: Mapping[str, Pick] = {
    **{name: Pick(reward=name) for name in ("greedy", "samples", "likeliest", "mean", "majority", "random")},
    "rule: shortest": Pick(reward="shortest"),
    "skyline": Pick(reward="skyline"),
}
"""All arms by name."""


def ended(state: State) -> bool:
    """Whether an answer ended by itself: the log-probability of one that was cut lacks the end token."""
    return state.text.finish == "stop"


def summed(state: State) -> float:
    """log p of an answer: the sum over its tokens, the end token included."""
    return log_likelihood(state.text)


def per_token(state: State) -> float:
    """Mean log-probability of a token, the end token included."""
    return log_likelihood(state.text, per_token=True)


def _shortest(state: State) -> float:
    return -len(state.text.tokens)


REWARDS: Mapping[str, Callable[[State], float]] = {"likeliest": summed, "mean": per_token, "shortest": _shortest}
"""The reward of a sample, by name."""


def pick(reward: str, samples: Sequence[State], chance: Random) -> State:
    """The sample with the highest reward, the first of equals, at the cost of all of them.

    Samples that were cut are never picked by a reward, the length or chance: without its end token a cut sample looks
    likelier than it is. Where all were cut, the first stands, and is wrong. The majority is among the answers that
    could be graded. The skyline is a right sample, if there is one: it uses the gold answer.

    Args:
        chance: decides for "random".
    """
    whole = [state for state in samples if ended(state)] or [samples[0]]
    match reward:
        case "majority":
            found = pooled(samples)
        case "skyline":
            found = oracle(samples)
        case "random":
            found = chance.choice(whole)
        case _:
            found = max(whole, key=REWARDS[reward])
    return replace(found, cost=total(samples))
