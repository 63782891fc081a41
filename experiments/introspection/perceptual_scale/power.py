"""Stevens' power law as a scale: psi(s) = s^p, fitted together with its exponent."""

from __future__ import annotations

import numpy as np

from experiments.introspection.perceptual_scale.scaling import Design
from harness.metrics import Floats, Weights
from harness.metrics.probit import probit_fit, slopes

STARTS = (-1.0, 0.0, 0.5, 1.0, 2.0)
"""Exponents from which the best one is sought, for all rows together."""

LEAST, MOST = -5.0, 5.0
"""The range of exponents; a fit that leaves it is none."""

_STEPS, _CLOSE, _SMALL = 100, 1e-8, 1e-5


def power_scale(magnitudes: Floats, p: Floats) -> Floats:
    """[B, K] the values (s^p - s_1^p) / (s_K^p - s_1^p), from 0 to 1; their limit ln(s/s_1) / ln(s_K/s_1) at p = 0.

    Args:
        magnitudes: [K], above 0 and ascending.
        p: [B] exponents.
    """
    logs = np.log(magnitudes / magnitudes[0])
    # (e^(p x) - 1) / p, of which the limit at 0 is x.
    tiny = np.abs(p) < 1e-9
    with np.errstate(over="ignore"):
        grown = np.where(tiny[:, None], logs, np.expm1(p[:, None] * logs))
    return np.asarray(grown / grown[:, -1:])


def power_fit(upper: Floats, design: Design, w: Weights) -> tuple[Floats, Floats]:
    """The exponent with the greatest likelihood, [B], and the log-likelihood there, [B].

    By Fisher scoring on the intercepts, the factor and the exponent together. NaN where a magnitude is not above 0,
    where a row's scale runs backwards, or where the best exponent lies outside of [LEAST, MOST].

    Args:
        upper: [n] probability that the upper pair is named. w: [B, n].
    """
    nothing = np.full(len(w), np.nan)
    if len(design.magnitudes) < 3 or design.magnitudes[0] <= 0:
        return nothing, nothing
    starts = np.array(STARTS)
    gaps = power_scale(design.magnitudes, starts) @ design.signs.T
    everything = w.sum(axis=0, keepdims=True)
    tried = [probit_fit(np.column_stack([design.frames, gap]), upper, everything) for gap in gaps]
    found = np.array([-np.inf if np.isnan(best[0]) or fit[0, -1] <= 0 else best[0] for fit, best in tried])
    if not np.isfinite(found.max()):
        return nothing, nothing
    at = int(found.argmax())
    return _scored(upper, design, w, np.append(tried[at][0][0], starts[at]))


def _scored(upper: Floats, design: Design, w: Weights, start: Floats) -> tuple[Floats, Floats]:
    """Exponents and log-likelihoods [B], sought from one start: [F intercepts, factor, exponent]."""
    exponents, best = np.full(len(w), np.nan), np.full(len(w), np.nan)
    at, stride = np.tile(start, (len(w), 1)), np.zeros((len(w), len(start)))
    last, active = np.full(len(w), -np.inf), np.arange(len(w))
    for _ in range(_STEPS):
        if not len(active):
            break
        here, weights = at[active], w[active]
        gap, by_exponent = _gaps(design, here[:, -1])
        z = here[:, :-2] @ design.frames.T + here[:, -2:-1] * gap
        likelihood, gradient, curvature = slopes(z, upper, weights)
        frames = np.broadcast_to(design.frames, (len(active), *design.frames.shape))
        x = np.concatenate([frames, gap[..., None], (here[:, -2:-1] * by_exponent)[..., None]], axis=2)
        hessian = np.einsum("bnk,bn,bnl->bkl", x, curvature, x, optimize=True)
        hessian += 1e-12 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] * np.eye(len(start)) + 1e-300
        newton = np.linalg.solve(hessian, np.einsum("bnk,bn->bk", x, gradient)[..., None])[..., 0]
        # No step is longer than one power; one that lowers the likelihood is halved.
        newton *= np.minimum(1, 1 / np.maximum(np.abs(newton[:, -1:]), 1e-300))
        worse = likelihood < last[active] - 1e-9 * np.abs(likelihood)
        move = np.where(worse[:, None], -stride[active] / 2, newton)
        done = ~worse & (np.abs(newton).max(axis=1) <= _CLOSE * (1 + np.abs(here).max(axis=1)))
        at[active] = here + move
        stride[active] = np.where(worse[:, None], stride[active] / 2, newton)
        last[active] = np.where(worse, last[active], likelihood)
        good = done & (here[:, -2] > 0)
        exponents[active[good]], best[active[good]] = at[active[good], -1], likelihood[good]
        outside = (at[active, -1] < LEAST) | (at[active, -1] > MOST)
        active = active[~done & ~outside]
    return exponents, best


def _gaps(design: Design, p: Floats) -> tuple[Floats, Floats]:
    """[B, n] the upper pair's distance less the lower pair's, and its derivative by the exponent."""
    at, above, below = (power_scale(design.magnitudes, p + step) @ design.signs.T for step in (0, _SMALL, -_SMALL))
    return at, (above - below) / (2 * _SMALL)
