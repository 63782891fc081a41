"""Logistic fits of one variable for many replicates at once: Newton's method on sums by distinct value.

Everywhere x is [m], the distinct values in ascending order; `weight` and `right`, [B, m], are the weight of the rows
at each and that of the correct ones among them. All log-likelihoods here are concave.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats

MOST = 100.0
"""The largest factor on log-odds that `scale_fit` returns: a temperature of 0.01."""

_STEPS = 100


def sigmoid(x: Floats) -> Floats:
    """1/(1 + e^-x); x of -700 and less gives 1e-304."""
    values: Floats = 1 / (1 + np.exp(-np.maximum(x, -700.0)))
    return values


def slope_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """Intercept and slope of P(right) = sigmoid(a + b x) with the greatest likelihood: [2, B].

    NaN where it has no finite maximum: rows of one kind only, or a threshold on x that separates them.
    """
    fitted = np.full((2, len(weight)), np.nan)
    wrong = weight - right
    active = _overlap(right, wrong)
    # Started at no relation, where Newton's steps are safe; a step that lowers the likelihood is halved.
    at = np.zeros((2, len(weight)))
    last, stride = np.full(len(weight), -np.inf), np.zeros((2, len(weight)))
    powers = np.stack([np.ones_like(x), x, x**2], axis=1)
    for _ in range(_STEPS):
        if not len(active):
            break
        w, r, here = weight[active], right[active], at[:, active]
        eta = here[0][:, None] + here[1][:, None] * x
        # One exponential serves the likelihood, r eta - w ln(1 + e^eta), and its slope.
        small = np.exp(-np.abs(eta))
        likelihood = np.einsum("bm,bm->b", r, eta)
        likelihood -= np.einsum("bm,bm->b", w, np.maximum(eta, 0) + np.log(1 + small))
        mu = np.where(eta > 0, 1.0, small) / (1 + small)
        g = (r - w * mu) @ powers[:, :2]
        h = (w * mu * (1 - mu)) @ powers
        det = h[:, 0] * h[:, 2] - h[:, 1] ** 2
        newton = np.stack([h[:, 2] * g[:, 0] - h[:, 1] * g[:, 1], h[:, 0] * g[:, 1] - h[:, 1] * g[:, 0]]) / det
        worse = likelihood < last[active] - 1e-9 * np.abs(likelihood)
        move = np.where(worse, -stride[:, active] / 2, newton)
        done = ~worse & (np.abs(newton).max(axis=0) <= 1e-9 * (1 + np.abs(here).max(axis=0)))
        at[:, active] += move
        stride[:, active] = np.where(worse, stride[:, active] / 2, newton)
        last[active] = np.where(worse, last[active], likelihood)
        fitted[:, active[done]] = at[:, active[done]]
        active = active[~done]
    return fitted


def offset_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """The a of P(right) = sigmoid(a + x) with the greatest likelihood: [B]; NaN with rows of one kind only."""
    both = (right.sum(axis=1) > 0) & ((weight - right).sum(axis=1) > 0)
    reach = np.abs(x).max() + np.log(weight.sum(axis=1).max() + 2) + 1

    def slope(a: Floats, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        mu = sigmoid(a[:, None] + x)
        w = weight[rows]
        return (right[rows] - w * mu).sum(axis=1), (w * mu * (1 - mu)).sum(axis=1)

    return np.where(both, _rooted(slope, np.full(len(weight), -reach), np.full(len(weight), reach), both), np.nan)


def scale_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """The b in [0, MOST] of P(right) = sigmoid(b x) with the greatest likelihood: [B]; NaN without weight off x = 0."""
    some = (weight * np.abs(x)).sum(axis=1) > 0

    def slope(b: Floats, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        mu = sigmoid(b[:, None] * x)
        w = weight[rows]
        return (right[rows] - w * mu) @ x, (w * mu * (1 - mu)) @ x**2

    everyone = np.arange(len(weight))
    rises = slope(np.zeros(len(weight)), everyone)[0] > 0
    past = slope(np.full(len(weight), MOST), everyone)[0] >= 0
    inside = some & rises & ~past
    fitted = _rooted(slope, np.zeros(len(weight)), np.full(len(weight), MOST), inside)
    return np.where(some, np.where(inside, fitted, np.where(rises, MOST, 0.0)), np.nan)


def _overlap(right: Floats, wrong: Floats) -> NDArray[np.int64]:
    # Replicates in which neither kind lies wholly at or above the other: where the likelihood has a finite maximum.
    def ends(kind: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        some = kind > 0
        return some.argmax(axis=1), kind.shape[1] - 1 - some[:, ::-1].argmax(axis=1)

    (first_right, last_right), (first_wrong, last_wrong) = ends(right), ends(wrong)
    both = right.any(axis=1) & wrong.any(axis=1)
    return np.flatnonzero(both & (first_right < last_wrong) & (first_wrong < last_right))


def _rooted(
    slope: Callable[[Floats, NDArray[np.int64]], tuple[Floats, Floats]],
    low: Floats,
    high: Floats,
    rows: NDArray[np.bool_],
) -> Floats:
    """Where a falling function of one parameter is zero, between `low` and `high`, [B]: Newton, else bisection.

    slope(parameters [k], rows [k]) gives its value and minus its derivative. Replicates not in `rows` stay NaN.
    """
    low, high = low.copy(), high.copy()
    at = np.clip(np.ones_like(low), low, high)
    fitted = np.full(len(low), np.nan)
    active = np.flatnonzero(rows)
    for _ in range(_STEPS):
        if not len(active):
            break
        here = at[active]
        value, fall = slope(here, active)
        low[active] = np.where(value > 0, here, low[active])
        high[active] = np.where(value > 0, high[active], here)
        step = np.divide(value, fall, out=np.full_like(value, np.inf), where=fall > 0)
        there = here + step
        inside = (there >= low[active]) & (there <= high[active])
        at[active] = np.where(inside, there, (low[active] + high[active]) / 2)
        done = np.abs(at[active] - here) <= 1e-10 * (1 + np.abs(here))
        fitted[active[done]] = at[active[done]]
        active = active[~done]
    return fitted
