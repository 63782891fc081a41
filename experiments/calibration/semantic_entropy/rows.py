"""Data that the methods share for an item, and the row that each method gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.calibration.semantic_entropy.clustering import Clusters
from experiments.shared.surface import Surface
from harness import JudgedAnswer, Probability, Score, Text


@dataclass(frozen=True, kw_only=True)
class Certainty(Surface, JudgedAnswer):
    """One method on one item, about the greedy answer.

    Attributes:
        score: higher = surer; None where the method gives nothing. p: the same number, of a probability.
        clusters: distinct meanings among the draws, of a method that looks for them.
        mass: probability that an option is said at all, of a method that asks for one; over several questions the mean.
        entailed: share of entailment questions answered by Yes.
        checked: of a method that asks for entailment, the share of clear cases that the judge decides right, the same
            in all rows.
    """

    score: Score | None = None
    clusters: int | None = None
    entailed: Probability | None = None
    checked: Probability | None = None


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Data that all methods of an item share.

    Attributes:
        greedy: the answer that is judged; draws: sampled answers.
        entailment: the meanings of the draws by entailment, on their way; None where no method needs them.
    """

    greedy: Text
    draws: Sequence[Text]
    entailment: asyncio.Task[Clusters] | None

    @property
    def answer(self) -> str:
        """The greedy answer."""
        return self.greedy.text.strip()

    @property
    def texts(self) -> list[str]:
        """The sampled answers."""
        return [draw.text.strip() for draw in self.draws]
