"""The votes over the samples of an item, and the threshold that decides which samples are revised first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness import Arm


@dataclass(frozen=True, kw_only=True)
class Voting(Arm):
    """The way in which the samples of an item become one answer.

    Attributes:
        weights: "one" each, the "confidence" in its answer, the confidences "permuted" over the item's samples, the
            "length" of the text, or one over it ("shortness"); or "none", where each sample is a row of its own.
        gate: the samples that are revised first: "none"; samples whose "confidence" is below the threshold; as many by
            "coin"; or the wrong ones, by an "oracle" that knows the gold answer.
        redone: what takes the place of a gated answer: its "revision", or another first answer ("resample").
        equal: of a vote over first answers alone, the arm whose calls it may spend; "" for the N samples.
    """

    weights: str = "one"
    gate: str = "none"
    redone: str = "revision"
    equal: str = ""


ARMS: Mapping[str, Voting] = {
    "samples": Voting(weights="none", gate="confidence"),
    "samples resampled": Voting(weights="none", gate="confidence", redone="resample"),
    "plain vote": Voting(),
    "weighted vote": Voting(weights="confidence"),
    "permuted weights": Voting(weights="permuted"),
    "vote by length": Voting(weights="length"),
    "vote by shortness": Voting(weights="shortness"),
    "vote equal calls": Voting(equal="weighted vote"),
    "refine": Voting(gate="confidence"),
    "refine weighted": Voting(weights="confidence", gate="confidence"),
    "refine resample": Voting(weights="confidence", gate="confidence", redone="resample"),
    "refine coin": Voting(weights="confidence", gate="coin"),
    "refine oracle": Voting(weights="confidence", gate="oracle"),
    "refine vote equal calls": Voting(equal="refine weighted"),
}
"""All arms by name."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The confidence below which an answer is revised, fitted on training items.

    Attributes:
        value: the threshold with the largest J; 0.5 where the training answers are all right or all wrong.
        j: Youden's J there, share of right answers at or above it less share of wrong ones; None where undefined.
        right, wrong: verified training answers.
    """

    value: float
    j: float | None
    right: int
    wrong: int


def fit_threshold(confidences: Sequence[float], correct: Sequence[bool]) -> Threshold:
    """The threshold with the largest Youden's J (Youden 1950), the lowest of equals: it revises least.

    A threshold lies half-way between two confidences that occur, or below all of them (0).
    """
    right = [c for c, is_right in zip(confidences, correct, strict=True) if is_right]
    wrong = [c for c, is_right in zip(confidences, correct, strict=True) if not is_right]
    if not right or not wrong:
        return Threshold(value=0.5, j=None, right=len(right), wrong=len(wrong))
    seen = sorted(set(confidences))
    tried = [0.0, *((low + high) / 2 for low, high in pairwise(seen))]

    def j(threshold: float) -> float:
        kept = [sum(c >= threshold for c in some) / len(some) for some in (right, wrong)]
        return kept[0] - kept[1]

    best = max(tried, key=j)
    return Threshold(value=best, j=j(best), right=len(right), wrong=len(wrong))
