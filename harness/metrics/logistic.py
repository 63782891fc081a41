"""Logistic fits of one variable for many replicates at once: Newton's method on sums by distinct value.

Everywhere x is [m], the distinct values in ascending order; `weight` and `right`, [B, m], are the weight of the rows at
each value, and of the correct ones among them. All log-likelihoods here are concave.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats

MOST = 100.0
"""The largest factor on log-odds that `scale_fit` returns: a temperature of 0.01."""

_STEPS = 100

Codes = NDArray[np.int64]


_CLOSE = 1e-6
"""A last Newton step of this size, relative, leaves an error of about its square."""


def sigmoid(x: Floats) -> Floats:
    """1/(1 + e^-x), 0 where e^-x overflows."""
    with np.errstate(over="ignore"):
        values: Floats = 1 / (1 + np.exp(-x))
    return values


def slope_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """Intercept and slope of P(right) = sigmoid(a + b x) with the greatest likelihood: [2, B].

    NaN where it has no finite maximum: rows of one kind only, or a threshold on x that separates them.
    """
    fitted = np.full((2, len(weight)), np.nan)
    active = _overlap(right, weight - right)
    # Started at the fit of all replicates together, or at no relation; a step that lowers the likelihood is halved.
    at = np.zeros((2, len(weight)))
    if len(weight) > 1:
        at += np.nan_to_num(slope_fit(x, weight.sum(axis=0, keepdims=True), right.sum(axis=0, keepdims=True)))
    last, stride = np.full(len(weight), -np.inf), np.zeros((2, len(weight)))
    powers = np.stack([np.ones_like(x), x, x**2], axis=1)
    for _ in range(_STEPS):
        if not len(active):
            break
        w, r, here = _rows(weight, active), _rows(right, active), at[:, active]
        eta = here[0][:, None] + here[1][:, None] * x
        # One exponential serves the likelihood, r eta - w ln(1 + e^eta), and its slope.
        small = np.exp(-np.abs(eta))
        likelihood = np.einsum("bm,bm->b", r, eta)
        likelihood -= np.einsum("bm,bm->b", w, np.maximum(eta, 0) + np.log(1 + small))
        mu = np.where(eta > 0, 1.0, small) / (1 + small)
        expected = w * mu
        g = (r - expected) @ powers[:, :2]
        h = expected @ powers - (expected * mu) @ powers
        det = h[:, 0] * h[:, 2] - h[:, 1] ** 2
        newton = np.stack([h[:, 2] * g[:, 0] - h[:, 1] * g[:, 1], h[:, 0] * g[:, 1] - h[:, 1] * g[:, 0]]) / det
        worse = likelihood < last[active] - 1e-9 * np.abs(likelihood)
        move = np.where(worse, -stride[:, active] / 2, newton)
        done = ~worse & (np.abs(newton).max(axis=0) <= _CLOSE * (1 + np.abs(here).max(axis=0)))
        at[:, active] += move
        stride[:, active] = np.where(worse, stride[:, active] / 2, newton)
        last[active] = np.where(worse, last[active], likelihood)
        fitted[:, active[done]] = at[:, active[done]]
        active = active[~done]
    return fitted


def offset_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """The a of P(right) = sigmoid(a + x) with the greatest likelihood: [B]; NaN with rows of one kind only."""
    total, hits = weight.sum(axis=1), right.sum(axis=1)
    both = (hits > 0) & (total - hits > 0)
    reach = np.abs(x).max() + np.log(total.max() + 2) + 1
    start = np.zeros(len(weight))
    if len(weight) > 1:
        start += np.nan_to_num(offset_fit(x, weight.sum(axis=0, keepdims=True), right.sum(axis=0, keepdims=True)))

    def slope(a: Floats, rows: Codes) -> tuple[Floats, Floats]:
        mu = sigmoid(a[:, None] + x)
        expected = _rows(weight, rows) * mu
        sums = expected.sum(axis=1)
        return hits[rows] - sums, sums - np.einsum("bm,bm->b", expected, mu)

    return _rooted(slope, start, np.full(len(weight), -reach), np.full(len(weight), reach), both)


def scale_fit(x: Floats, weight: Floats, right: Floats) -> Floats:
    """The b in [0, MOST] of P(right) = sigmoid(b x) with the greatest likelihood: [B]; NaN without weight off x = 0."""
    some = weight @ np.abs(x) > 0
    hits, square = right @ x, x**2
    rises = some & (hits - weight @ x / 2 > 0)
    # Rows that a larger scale makes less likely: without any, the likelihood rises for ever.
    above, below = (x > 0).astype(float), (x < 0).astype(float)
    opposed = weight @ above - right @ above + right @ below > 1e-12 * weight.sum(axis=1)
    start = np.ones(len(weight))
    if len(weight) > 1:
        start *= np.nan_to_num(
            scale_fit(x, weight.sum(axis=0, keepdims=True), right.sum(axis=0, keepdims=True)), nan=1.0
        )

    def slope(b: Floats, rows: Codes) -> tuple[Floats, Floats]:
        mu = sigmoid(b[:, None] * x)
        expected = _rows(weight, rows) * mu
        return hits[rows] - expected @ x, expected @ square - (expected * mu) @ square

    fitted = _rooted(slope, start, np.zeros(len(weight)), np.full(len(weight), MOST), rises & opposed)
    # A likelihood that still rises at the end of the range has its maximum there.
    fitted = np.where(~opposed | (fitted > MOST * (1 - 1e-5)), MOST, fitted)
    return np.where(some, np.where(rises, fitted, 0.0), np.nan)


def _rows(values: Floats, rows: Codes) -> Floats:
    # Some rows of values; all of them without a copy.
    return values if len(rows) == len(values) else values[rows]


def _overlap(right: Floats, wrong: Floats) -> Codes:
    # Replicates in which neither kind lies wholly at or above the other: where the likelihood has a finite maximum.
    def ends(kind: Floats) -> tuple[Codes, Codes]:
        some = kind > 0
        return some.argmax(axis=1), kind.shape[1] - 1 - some[:, ::-1].argmax(axis=1)

    (first_right, last_right), (first_wrong, last_wrong) = ends(right), ends(wrong)
    both = right.any(axis=1) & wrong.any(axis=1)
    return np.flatnonzero(both & (first_right < last_wrong) & (first_wrong < last_right))


def _rooted(
    slope: Callable[[Floats, Codes], tuple[Floats, Floats]],
    start: Floats,
    low: Floats,
    high: Floats,
    rows: NDArray[np.bool_],
) -> Floats:
    """The zero of a falling function of one parameter, between `low` and `high`, [B]: Newton, else bisection.

    slope(parameters [k], rows [k]) gives its value and minus its derivative. Replicates not in `rows` stay NaN. Without
    a zero between them the end that the function points to.
    """
    low, high, at = low.copy(), high.copy(), np.clip(start, low, high)
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
        done = np.abs(at[active] - here) <= _CLOSE * (1 + np.abs(here))
        fitted[active[done]] = at[active[done]]
        active = active[~done]
    return fitted
