"""Draws outcomes of a simulated subject for many items at once, for studies of estimators over thousands of runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.metrics.logistic import sigmoid
from harness.outcomes import Outcome, Probability, Table, column_kinds
from tests.support.subjects import Traits


@dataclass(frozen=True, kw_only=True)
class Drawn(Outcome):
    """One new item of a simulated subject.

    Attributes:
        p_right: the true probability of answering it right.
        stated: what the subject states of its answer, asked for a yes or a number (letters add `letter_bias`).
        correct, after: whether the answer is right, and the one of the next turn; None when there is none.
    """

    p_right: Probability
    stated: Probability
    correct: bool | None
    after: bool | None


def draw(traits: Traits, n: int, rng: np.random.Generator) -> Table:
    """The outcomes `Drawn` of n new items, every item a group of its own."""
    theta = traits.ability - traits.difficulty * rng.logistic(size=n)
    right = rng.random(n) < sigmoid(theta)
    evidence = rng.standard_normal(n) + np.where(right, 0.5, -0.5) * traits.insight
    logit = traits.slope * (theta + traits.insight * evidence) + traits.intercept + traits.yes_bias
    stated = sigmoid(logit + traits.noise * rng.standard_normal(n))
    after = rng.random(n) < np.where(right, 1 - traits.breaks, traits.fixes)
    silent = rng.random((2, n)) < traits.refuses + traits.unparsable
    correct, later = np.where(silent, np.nan, np.stack([right, after]).astype(float))
    names = np.array([f"{i:08d}" for i in range(n)], dtype=object)
    columns = {"item": names, "group": names, "error": np.full(n, None), "arm": np.full(n, "simulated", dtype=object)}
    columns |= {"p_right": sigmoid(theta), "stated": stated, "correct": correct, "after": later}
    return Table({"item": "text", "group": "text", "error": "text", **column_kinds(Drawn)}, columns)
