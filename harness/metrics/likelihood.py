"""Negative log-likelihood: the proper score that punishes sure mistakes without bound."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average

CLIP = float(np.finfo(np.float64).eps)
"""The value that replaces a probability of 0, 2.2e-16: a loss of 36.04."""


def surprise(said: Floats) -> Floats:
    """-ln of the probability that was given to the outcome; a probability of 0 counts as `CLIP`."""
    losses: Floats = -np.log(np.maximum(said, CLIP))
    return losses


def _infinite(p: Probabilities, correct: Labels) -> Floats:
    wrong: Floats = (np.abs(p.values - correct.values) == 1).astype(float)
    return wrong


def remark_on_infinite(p: Probabilities, correct: Labels) -> str:
    """How many rows have an infinite loss, and the number that it counts as; "" for none."""
    n = int(_infinite(p, correct).sum())
    counts = f"their infinite loss counts as {surprise(np.zeros(1))[0]:.2f}"
    return f"{n} wrong rows with p of exactly 0 or 1: {counts}" if n else ""


def log_losses(p: Probabilities, correct: Labels) -> Floats:
    """[n] -ln p of a correct row, -ln (1 - p) of a wrong one; a probability of 0 counts as `CLIP`."""
    return surprise(np.where(correct.values == 1, p.values, 1 - p.values))


@measure(
    label="negative log-likelihood",
    low=0,
    high=float(surprise(np.zeros(1))[0]),
    better="lower",
    average=True,
    remark=remark_on_infinite,
)
def nll(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Mean negative log-likelihood in nats, -ln p for a correct row and -ln (1 - p) for a wrong one, in [0, 36.04].

    A constant 0.5 scores ln 2 = 0.693. A row that is sure and wrong has an infinite loss; p or 1 - p of 0 counts as
    2.2e-16, a loss of 36.04 (the rule of scikit-learn's log_loss). `infinite_losses` says how many there are, and
    a note of the estimate, too: with any, the number measures the rule more than the model.
    """
    return average(w, log_losses(p, correct))


@measure(low=0, high=1, better="lower", average=True)
def infinite_losses(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Share of rows that are wrong with a probability of exactly 0 or 1 (an infinite `nll`), in [0, 1]."""
    return average(w, _infinite(p, correct))
