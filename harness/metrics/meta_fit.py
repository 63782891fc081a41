"""The fit of meta-d' (Maniscalco and Lau 2012, 2014), equal variances, for many replicates at once.

Evidence x is normal with variance 1 and mean -d/2 or d/2 for stimulus 0 or 1; above the criterion the response is 1.
Confidence is the distance from the criterion, cut at K - 1 places on each side. Given stimulus s and response r, the
level k has

    P(k | s, r) = (G(t_k) - G(t_{k+1})) / G(0),  G(t) = Phi(nu - t),  0 = t_0 < t_1 < ... < t_K = infinity,

where t are the cuts of side r and nu = (2r - 1) m (s - 1/2 - rho) is the mean, seen from the criterion towards that
side. meta-d' is the m with the greatest likelihood; rho = c/d' comes from the choices. Parameters are m and the
logarithms of the gaps between cuts, which keeps the cuts in order. Steps are Levenberg and Marquardt's on the expected
information.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats

_STEPS = 300
_TINY = 1e-300


def fit_meta_d(counts: Floats) -> tuple[Floats, Floats]:
    """d' and meta-d', [B] each, of weights by stimulus, response and level of confidence, [B, 2, 2, K] with K >= 2.

    1/(2K) is added to every weight first. NaN where a stimulus is missing, and where the fit does not settle (of random
    tables, which no observer makes, 1 in 1,000). NaN also where d' is not above 0 or |c|/20, because there the
    condition on the criterion means nothing.
    """
    from scipy.special import ndtri

    possible = (counts.sum(axis=(2, 3)) > 0).all(axis=1)
    n = counts + 1 / (2 * counts.shape[-1])
    rate = ndtri(n[:, :, 1].sum(axis=2) / n.sum(axis=(2, 3)))
    d, c = rate[:, 1] - rate[:, 0], -rate.mean(axis=1)
    possible &= d > np.maximum(np.abs(c) / 20, 1e-9)
    meta = np.full(len(counts), np.nan)
    if possible.any():
        meta[possible] = _fit(n[possible], d[possible], c[possible] / d[possible])
    return np.where(possible, d, np.nan), meta


def _fit(n: Floats, d: Floats, rho: Floats) -> Floats:
    at = _start(n, d, rho)
    likelihood, gradient, information = _model(n, rho, at)
    damping = np.full(len(n), 1e-3)
    fitted = np.full(len(n), np.nan)
    active = np.arange(len(n))
    diagonal = np.arange(at.shape[1])

    def slope(gradient: Floats, information: Floats) -> Floats:
        # How far the likelihood is from level, in squared standard errors; infinite where a trial step went far astray.
        with np.errstate(over="ignore"):
            return np.asarray((gradient**2 / np.maximum(information[:, diagonal, diagonal], _TINY)).sum(axis=1))

    for count in range(_STEPS):
        damped = information.copy()
        damped[:, diagonal, diagonal] *= 1 + damping[:, None]
        step = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
        if count > 20:
            # Counts that no meta-d' explains curve about twice as much as is expected: full steps go to and fro.
            step /= 2
        there = at + np.clip(step, -1.0, 1.0)
        new = _model(n, rho, there)
        # If the likelihood changes by rounding only, the slope tells which point is better.
        level, gain = slope(new[1], new[2]), new[0] - likelihood
        better = (gain > 1e-8) | ((gain > -1e-8) & (level < slope(gradient, information)))
        at = np.where(better[:, None], there, at)
        likelihood = np.where(better, new[0], likelihood)
        gradient = np.where(better[:, None], new[1], gradient)
        information = np.where(better[:, None, None], new[2], information)
        damping = np.where(better, damping / 10, np.maximum(damping, 1e-4) * 10)
        done = better & (level < 1e-18)
        fitted[active[done]] = at[done, 0]
        if done.all():
            break
        left = ~done
        active, n, rho, at, damping = active[left], n[left], rho[left], at[left], damping[left]
        likelihood, gradient, information = likelihood[left], gradient[left], information[left]
    return fitted


def _start(n: Floats, d: Floats, rho: Floats) -> Floats:
    """meta-d' = d', and on each side the cuts that give right answers their levels: [B, 1 + 2 (K - 1)]."""
    from scipy.special import ndtr, ndtri

    parameters = [d[:, None]]
    for side in (0, 1):
        nu = ((2 * side - 1) * d * (side - 0.5 - rho))[:, None]
        levels = n[:, :, side].sum(axis=1)
        share = 1 - np.cumsum(levels, axis=1)[:, :-1] / levels.sum(axis=1, keepdims=True)
        cuts = nu - ndtri(share * ndtr(nu))
        gaps = np.diff(cuts, axis=1, prepend=0.0)
        parameters.append(np.log(np.maximum(gaps, 1e-3)))
    return np.concatenate(parameters, axis=1)


def _model(n: Floats, rho: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood [B], its gradient [B, P] and its expected information [B, P, P] at parameters [B, P]."""
    from scipy.special import ndtr

    levels = n.shape[-1]
    size = at.shape[1]
    likelihood = np.zeros(len(n))
    gradient, information = np.zeros((len(n), size)), np.zeros((len(n), size, size))
    for side in (0, 1):
        own = slice(1 + side * (levels - 1), 1 + (side + 1) * (levels - 1))
        gaps = np.exp(at[:, own])
        cuts = np.concatenate([np.zeros((len(n), 1)), np.cumsum(gaps, axis=1)], axis=1)
        for stimulus in (0, 1):
            pull = (2 * side - 1) * (stimulus - 0.5 - rho)
            nu = (pull * at[:, 0])[:, None]
            tail = np.concatenate([ndtr(nu - cuts), np.zeros((len(n), 1))], axis=1)
            density = np.concatenate([np.exp(-((nu - cuts) ** 2) / 2), np.zeros((len(n), 1))], axis=1)
            density /= np.sqrt(2 * np.pi)
            whole = np.maximum(tail[:, :1], _TINY)
            p = np.maximum((tail[:, :-1] - tail[:, 1:]) / whole, _TINY)
            by_nu = (density[:, :-1] - density[:, 1:] - p * density[:, :1]) / whole
            # A cut t_k takes from level k what it gives to level k - 1; a gap moves all cuts from its own on.
            by_cut = np.zeros((len(n), levels, levels))
            k = np.arange(1, levels)
            by_cut[:, k, k] = -density[:, 1:-1] / whole
            by_cut[:, k - 1, k] = density[:, 1:-1] / whole
            by_gap = np.cumsum(by_cut[:, :, ::-1], axis=2)[:, :, ::-1][:, :, 1:] * gaps[:, None, :]
            slopes = np.zeros((len(n), levels, size))
            slopes[:, :, 0] = by_nu * pull[:, None]
            slopes[:, :, own] = by_gap
            seen = n[:, stimulus, side]
            likelihood += (seen * np.log(p)).sum(axis=1)
            gradient += np.einsum("bk,bkp->bp", seen / p, slopes)
            weighted = slopes * (seen.sum(axis=1)[:, None] / p)[:, :, None]
            information += np.einsum("bkp,bkq->bpq", weighted, slopes)
    return likelihood, gradient, information
