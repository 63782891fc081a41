"""Forecasts of the next draw by rule: marks that a model must beat, and the best forecast there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from experiments.introspection.belief_updating.learners import delta_rule, hazard_rate, in_window, sigmoid
from harness.metrics import Floats

HAZARD = 1 / 15
"""Chance of a new urn at each draw in `ideal`: 60 draws of a volatile sequence have five changes and a beginning."""

RULES: Mapping[str, Callable[[Floats], Floats]] = {
    "constant": lambda draws: np.zeros(draws.shape),
    "last": lambda draws: in_window(draws, 1)[:, :, 0],
    "count": lambda draws: in_window(draws, draws.shape[1])[:, :, 0],
    "delta rule": lambda draws: delta_rule(draws, np.full((*draws.shape, 1), 0.2))[:, :, 0],
    "ideal": lambda draws: hazard_rate(draws, np.array([HAZARD]))[:, :, 0],
}
"""Log-odds of the first colour before each draw, [S, T] of draws [S, T].

constant: one half. last: 2/3 for the last colour. count: (1 + n) / (2 + N) of all draws. delta rule: a learning rate of
.2. ideal: a Bayesian who takes the urn to be exchanged at a constant rate; nobody who does not know more forecasts much
better."""


def forecasts(rule: str, draws: list[int]) -> list[float]:
    """The chance of the first colour before each draw of one sequence, by a rule."""
    logits = RULES[rule](np.array([draws], dtype=np.float64))[0]
    return [float(q) for q in sigmoid(logits)]
