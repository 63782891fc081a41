"""The scale that a model's own states predict: the path of a magnitude's state, in units of its spread over sentences.

The Fisher information that states of mean mu(s) and covariance Sigma carry on s is I(s) = mu'(s)^T Sigma^-1 mu'(s), if
they are Gaussian and Sigma does not change. The predicted scale is the integral of sqrt(I(s)), which is the length of
the path of mu in the metric Sigma^-1 (Vacher and Mamassian 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness import HarnessError
from harness.metrics import Floats

_MANY = 16
"""Magnitudes from which the curve is of the third degree and may be steep at one end; with fewer it is a parabola."""

_FINE = 20
"""Steps between neighbouring magnitudes in which the curve is followed."""

DIMENSIONS = 20
"""Principal components that are kept at most."""

Path = Mapping[str, float]
"""The predicted value of each magnitude by its text, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """The scale that a model's states predict in one domain.

    Attributes:
        path: at the layer that was chosen; empty where there is none.
        shuffled: the same steps in a random order.
        layer: chosen on the training comparisons; None where there is none.
        tried: each layer with the log-likelihood of the training comparisons.
        reason: why there is no path; "" where there is one.
    """

    path: Path
    shuffled: Path
    layer: int | None
    tried: tuple[tuple[int, float], ...]
    reason: str = ""


def no_path(reason: str) -> Predicted:
    """No path, and why."""
    return Predicted({}, {}, None, (), reason)


def fisher_path(states: Floats) -> Floats | None:
    """The predicted scale at each magnitude, [K] from 0 to 1; None where the states follow the magnitudes nowhere.

    mu(s) is a smooth curve: a polynomial in the place of a magnitude among all. The states of two numbers differ much
    because they are different words, and the length of the way from one to the next would only count the words. So the
    curve is fitted twice, to the magnitudes of even and of odd places, and the information is the product of the two
    derivatives, mu_even'(s)^T Sigma^-1 mu_odd'(s): neither what is owed to single words nor noise enters it on average
    (cross-validation over magnitudes). Below 0 it counts as 0. Its ends are the least certain part; more numbers help
    there, and more sentences hardly. Sigma is the covariance over sentences within
    magnitudes, after the principal components of all states, shrunk by `ledoit_wolf`.

    Args:
        states: [K, M, width] the states of K magnitudes, ascending, in the same M sentences.

    Raises:
        HarnessError: fewer than two sentences or six magnitudes, or numbers that are not finite.
    """
    k, m, width = states.shape
    if k < 6 or m < 2 or not np.isfinite(states).all():
        raise HarnessError(f"a Fisher curve needs finite states of 6 magnitudes in 2 sentences or more; got {k} x {m}")
    flat = np.asarray(states, dtype=np.float64).reshape(-1, width)
    flat = flat - flat.mean(axis=0)
    _, size, axes = np.linalg.svd(flat, full_matrices=False)
    kept = min(DIMENSIONS, int((size > 1e-9 * size.max(initial=0.0)).sum()))
    if not kept:
        return None
    inside = (flat @ axes[:kept].T).reshape(k, m, kept)
    within = (inside - inside.mean(axis=1, keepdims=True)).reshape(-1, kept)
    covariance = ledoit_wolf(within)
    if not np.trace(covariance) > 1e-12 * np.mean(inside**2):
        # The sentences do not differ: every direction is as reliable as any other.
        covariance = np.eye(kept)
    covariance = covariance + 1e-12 * np.trace(covariance) * np.eye(kept)
    means = np.linalg.solve(np.linalg.cholesky(covariance), inside.mean(axis=1).T).T
    path = _length(means)
    return path / path[-1] if path[-1] > 1e-9 * np.abs(means).max() else None


def _length(means: Floats) -> Floats:
    """[K] the length of the smooth curve through points [K, q] up to each of them, by the two halves of the points."""
    from numpy.polynomial.chebyshev import chebder, chebfit, chebval

    k = len(means)
    degree = 3 if k >= _MANY else 2
    place, fine = np.linspace(-1, 1, k), np.linspace(-1, 1, _FINE * (k - 1) + 1)
    even, odd = (chebval(fine, chebder(chebfit(place[i::2], means[i::2], degree))) for i in (0, 1))
    speed = np.sqrt(np.maximum(np.einsum("qn,qn->n", even, odd), 0))
    steps = (speed[1:] + speed[:-1]) / 2 * np.diff(fine)
    return np.append(0.0, np.cumsum(steps))[::_FINE]


def ledoit_wolf(x: Floats) -> Floats:
    """The covariance of rows [n, p] of mean 0, shrunk towards a multiple of the identity (Ledoit and Wolf 2004).

    (1 - a) S + a tr(S)/p I, with a = min(b, d)/d, d = |S - tr(S)/p I|^2, b = sum_i |x_i x_i^T - S|^2 / n^2.
    """
    n, p = x.shape
    sample = x.T @ x / n
    target = np.trace(sample) / p * np.eye(p)
    off = float(((sample - target) ** 2).sum())
    noise = float(((x**2).sum(axis=1) ** 2).sum() - n * (sample**2).sum()) / n**2
    shrunk = min(max(noise, 0.0), off) / off if off > 0 else 1.0
    return np.asarray((1 - shrunk) * sample + shrunk * target)
