"""Probit regressions P(yes) = Phi(x . b) for many replicates at once, by Newton's method.

Phi is the standard normal distribution function. The log-likelihood is concave, so that a maximum is the only one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats, Weights

_STEPS = 100

_CLOSE = 1e-7
"""A last Newton step of this size, relative, leaves an error of about its square."""

_DEPENDENT = 1e-10
"""Columns whose Gram matrix has eigenvalues further apart than this are linearly dependent."""


def probit_fit(x: Floats, yes: Floats, w: Weights) -> tuple[Floats, Floats]:
    """The coefficients with the greatest likelihood, [B, k], and its logarithm, [B].

    Maximises sum_i w_i (y_i log Phi(x_i b) + (1 - y_i) log Phi(-x_i b)). A y between 0 and 1 counts as an answer that
    is yes with this probability: many drawn answers would lead to the same coefficients.

    NaN where there is no single finite maximum: columns that depend on each other in the rows of weight, or
    x that separates rows of 1 from rows of 0.

    Args:
        x: [n, k], with a column of ones where an intercept is wanted.
        yes: [n], in [0, 1].
        w: [B, n] weights of the rows.
    """
    fitted, best = np.full((len(w), x.shape[1]), np.nan), np.full(len(w), np.nan)
    if not x.shape[0]:
        return fitted, best
    units = np.abs(x).max(axis=0)
    if not units.all():
        return fitted, best
    scaled = x / units
    outer = (scaled[:, :, None] * scaled[:, None, :]).reshape(len(x), -1)
    active = _determined(outer, w)
    at, stride = np.zeros_like(fitted), np.zeros_like(fitted)
    last = np.full(len(w), -np.inf)
    for _ in range(_STEPS):
        if not len(active):
            break
        here, weights = at[active], w[active]
        likelihood, gradient, curvature = slopes(here @ scaled.T, yes, weights)
        hessian = (curvature @ outer).reshape(len(active), x.shape[1], -1)
        newton = np.linalg.solve(_steadied(hessian), (gradient @ scaled)[..., None])[..., 0]
        # A step that lowers the likelihood is halved.
        worse = likelihood < last[active] - 1e-9 * np.abs(likelihood)
        move = np.where(worse[:, None], -stride[active] / 2, newton)
        done = ~worse & (np.abs(newton).max(axis=1) <= _CLOSE * (1 + np.abs(here).max(axis=1)))
        at[active] += move
        stride[active] = np.where(worse[:, None], stride[active] / 2, newton)
        last[active] = np.where(worse, last[active], likelihood)
        fitted[active[done]], best[active[done]] = at[active[done]] / units, likelihood[done]
        active = active[~done]
    return fitted, best


def slopes(z: Floats, yes: Floats, w: Weights) -> tuple[Floats, Floats, Floats]:
    """The log-likelihood at z, [B], its derivative by each z, [B, n], and minus the second derivative, [B, n].

    Args:
        z: [B, n], the arguments of Phi. yes: [n]. w: [B, n].
    """
    from scipy.special import log_ndtr

    upper, lower = log_ndtr(z), log_ndtr(-z)
    likelihood = np.einsum("bn,bn->b", w, yes * upper + (1 - yes) * lower)
    density = -(z**2) / 2 - np.log(2 * np.pi) / 2
    above, below = np.exp(density - upper), np.exp(density - lower)
    gradient = w * (yes * above - (1 - yes) * below)
    curvature = w * (yes * above * (above + z) + (1 - yes) * below * (below - z))
    return likelihood, gradient, curvature


def _steadied(hessian: Floats) -> Floats:
    """With next to nothing added along the diagonal, so that rounding cannot make it singular."""
    trace = np.trace(hessian, axis1=1, axis2=2)[:, None, None]
    return np.asarray(hessian + (1e-14 * trace + 1e-300) * np.eye(hessian.shape[1]))


def _determined(outer: Floats, w: Weights) -> NDArray[np.int64]:
    """The replicates whose rows of weight determine every coefficient."""
    k = round(outer.shape[1] ** 0.5)
    ends = np.linalg.eigvalsh((w @ outer).reshape(len(w), k, k))[:, [0, -1]]
    return np.flatnonzero(ends[:, 0] > _DEPENDENT * ends[:, 1])
