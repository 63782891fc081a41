"""Learners of a series of draws: the hierarchical Gaussian filter, and the rivals that it has to beat.

A learner gives, before each draw, the position x on the scale of log-odds at which it expects the first colour. Of a
filter that is the mean of its belief itself and never the logarithm of rounded odds, which is infinite where a belief
saturates. All take draws [S, T], 1 for the first colour and 0 for the second, and give x [S, T, G] for the G parameters
of a grid. The entry of draw t depends on the draws before it alone, so that rows of unequal length may be filled up
with anything at their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.metrics.columns import Floats

CLIP = 0.001
"""Probabilities of learners that count are held this far from 0 and 1; a belief in log-odds needs no bound."""


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(x) / 2)))


def logit(p: Floats) -> Floats:
    """ln(p / (1 - p)) of p held within [`CLIP`, 1 - `CLIP`]."""
    held = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(held / (1 - held)))


def hgf(draws: Floats, omega: ArrayLike) -> Floats:
    """The means mu [S, T, G] of a binary Gaussian filter of two levels before each draw (Mathys et al. 2011).

    It begins with mu = 0 and precision pi = 1. Before a draw u the precision of the prediction is
    1 / (1 / pi + e^omega); after it pi = that + m (1 - m) and mu = mu + (u - m) / pi, with m = sigmoid(mu).

    Args:
        omega: [G] tonic volatility, a logarithm of variance: the lower, the steadier the urn is taken to be.
    """
    grid = np.atleast_1d(np.asarray(omega, dtype=np.float64))
    step, shape = np.exp(grid), (draws.shape[0], len(grid))
    mu, pi = np.zeros(shape), np.ones(shape)
    before = np.empty((*draws.shape, len(grid)))
    for t in range(draws.shape[1]):
        before[:, t] = mu
        m = sigmoid(mu)
        pi = 1 / (1 / pi + step) + m * (1 - m)
        mu = mu + (draws[:, t, None] - m) / pi
    return before


def hgf_three_levels(draws: Floats, omega: float, omega_top: float, kappa: float = 1.0) -> tuple[Floats, Floats]:
    """Means before each draw, [S, T], of a filter whose volatility is believed in, too, and the means of that belief.

    The third level mu3 (from 0, precision 1) moves the volatility of the second, e^(omega + kappa mu3), after each
    draw. Where the update would leave its precision without a positive value, the predicted one is kept.

    Args:
        omega, omega_top: tonic volatility of the second and third level; kappa: how strongly the third acts.

    Returns:
        mu before each draw, and mu3 after it.
    """
    rows = draws.shape[0]
    mu, pi, mu3, pi3 = np.zeros(rows), np.ones(rows), np.zeros(rows), np.ones(rows)
    before, above = np.empty(draws.shape), np.empty(draws.shape)
    for t in range(draws.shape[1]):
        before[:, t] = mu
        pi3_expected = 1 / (1 / pi3 + np.exp(omega_top))
        volatility = np.exp(omega + kappa * mu3)
        pi_expected = 1 / (1 / pi + volatility)
        m = sigmoid(mu)
        pi = pi_expected + m * (1 - m)
        moved = (draws[:, t] - m) / pi
        mu = mu + moved
        share = kappa * volatility * pi_expected
        surprise = (1 / pi + moved**2) * pi_expected - 1
        mu3 = mu3 + share * surprise / (2 * pi3_expected)
        pi3 = pi3_expected + share**2 / 2 + share**2 * surprise - kappa * share * surprise / 2
        pi3 = np.where(pi3 > 0, pi3, pi3_expected)
        above[:, t] = mu3
    return before, above


def delta_rule(draws: Floats, rates: Floats) -> Floats:
    """Log-odds [S, T, G] of a learner that moves by a share of each error, q += rate (u - q), from 1/2 on.

    Args:
        rates: [S, T, G] learning rate at each draw (Rescorla and Wagner 1972).
    """
    q = np.full((draws.shape[0], rates.shape[2]), 0.5)
    before = np.empty((*draws.shape, rates.shape[2]))
    for t in range(draws.shape[1]):
        before[:, t] = q
        q = q + rates[:, t] * (draws[:, t, None] - q)
    return logit(before)


def in_window(draws: Floats, size: int) -> Floats:
    """Log-odds [S, T, 1] of the share of the first colour among the last `size` draws, one of each colour added."""
    red = np.concatenate([np.zeros((len(draws), 1)), np.cumsum(draws, axis=1)], axis=1)
    now = np.arange(draws.shape[1])
    start = np.maximum(now - size, 0)
    p = (1 + red[:, now] - red[:, start]) / (2 + now - start)
    return logit(p)[:, :, None]


def leaky_sum(draws: Floats, kept: Floats) -> Floats:
    """The sum of all earlier draws, 1 or -1 each, times `kept` for each draw since: [S, T, G].

    A kernel that falls exponentially with age. It has no belief that could be certain, and adapts to nothing.

    Args:
        kept: [G] in [0, 1).
    """
    signed, total = 2 * draws - 1, np.zeros((draws.shape[0], len(kept)))
    before = np.empty((*draws.shape, len(kept)))
    for t in range(draws.shape[1]):
        before[:, t] = total
        total = kept * total + signed[:, t, None]
    return before


def transitions(draws: Floats) -> Floats:
    """Log-odds [S, T, 1] of the share of the first colour among the draws that came behind one like the last draw.

    One of each colour is added. Whoever repeats what followed the last time (induction) believes this.
    """
    behind = np.ones((draws.shape[0], 2, 2))
    before, rows = np.zeros((*draws.shape, 1)), np.arange(draws.shape[0])
    for t in range(1, draws.shape[1]):
        last = draws[:, t - 1].astype(np.int64)
        if t > 1:
            behind[rows, draws[:, t - 2].astype(np.int64), last] += 1
        here = behind[rows, last]
        before[:, t, 0] = np.log(here[:, 1] / here[:, 0])
    return before


def hazard_rate(draws: Floats, hazard: Floats) -> Floats:
    """Log-odds [S, T, G] of a Bayesian who takes the urn to be exchanged with a constant chance before each draw.

    Exact, over the number of draws since the last exchange; a new urn may have any share of the first colour (Adams and
    MacKay 2007).

    Args:
        hazard: [G] chance of an exchange, in (0, 1).
    """
    shape = (draws.shape[0], len(hazard))
    belief = np.ones((1, *shape))  # over when the present urn came: entry r, before draw r
    red, total = np.zeros((1, *shape)), np.zeros((1, *shape))
    before = np.empty((*draws.shape, len(hazard)))
    for t in range(draws.shape[1]):
        if t:
            belief = np.concatenate([belief * (1 - hazard), np.broadcast_to(hazard, (1, *shape))])
            red, total = (np.concatenate([one, np.zeros((1, *shape))]) for one in (red, total))
        of_each = (1 + red) / (2 + total)
        p = (belief * of_each).sum(axis=0)
        before[:, t] = p
        u = draws[:, t, None]
        belief = belief * np.where(u == 1, of_each, 1 - of_each) / np.where(u == 1, p, 1 - p)
        red, total = red + u, total + 1
    return logit(before)


def last_draw(draws: Floats) -> Floats:
    """1 after the first colour, -1 after the second, 0 before the first draw: [S, T, 1]."""
    before = np.zeros((*draws.shape, 1))
    before[:, 1:, 0] = 2 * draws[:, :-1] - 1
    return before


OMEGAS = np.linspace(-8, 2, 101)
RATES = np.linspace(0.02, 0.98, 49)
TWO_RATES = np.array(np.meshgrid(*[np.geomspace(0.02, 0.95, 16)] * 2)).reshape(2, -1)
"""Learning rates in steady phases, and in volatile ones, of all pairs: [2, G]."""
WINDOWS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 30)
KEPT = 1 - np.geomspace(0.02, 0.9, 30)
HAZARDS = np.geomspace(0.002, 0.5, 20)


def _two_rates(draws: Floats, volatile: Floats) -> Floats:
    return delta_rule(draws, np.where(volatile[:, :, None] == 1, TWO_RATES[1], TWO_RATES[0]))


def _one_rate(draws: Floats, volatile: Floats) -> Floats:
    return delta_rule(draws, np.broadcast_to(RATES, (*draws.shape, len(RATES))))


@dataclass(frozen=True)
class Learner:
    """A learner with the grid of its parameters.

    Attributes:
        states: x [S, T, G] of draws and of whether each lies in a volatile phase, both [S, T].
        free: how many parameters are fitted beside intercept, slope and noise of the readings.
    """

    states: Callable[[Floats, Floats], Floats]
    free: int


LEARNERS: Mapping[str, Learner] = {
    "hgf": Learner(lambda draws, volatile: hgf(draws, OMEGAS), 1),
    "rescorla-wagner": Learner(_one_rate, 1),
    "two rates": Learner(_two_rates, 2),
    "count": Learner(lambda draws, volatile: in_window(draws, draws.shape[1]), 0),
    "window": Learner(lambda draws, volatile: np.concatenate([in_window(draws, size) for size in WINDOWS], axis=2), 1),
    "leaky sum": Learner(lambda draws, volatile: leaky_sum(draws, KEPT), 1),
    "last": Learner(lambda draws, volatile: last_draw(draws), 0),
    "transitions": Learner(lambda draws, volatile: transitions(draws), 0),
    "hazard": Learner(lambda draws, volatile: hazard_rate(draws, HAZARDS), 1),
    "constant": Learner(lambda draws, volatile: np.zeros((*draws.shape, 1)), -1),
}
"""All learners, in the order of the reports. Of the constant no slope is fitted."""

FIXED = ("rescorla-wagner", "count", "window", "leaky sum", "last", "transitions")
"""Those that take every draw in one way, however often the urn changes."""
