"""Directions in activation space that separate two sets of texts, or along which texts vary most.

All of them take activations [n, width] and work in float64. A direction keeps mean and standard deviation of the
projections that it was fitted on, so that a projection of a new activation can be given in units of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.calls.arrays import Array
from harness.calls.interventions import Site
from harness.errors import HarnessError
from harness.metrics.columns import Floats
from harness.vectors.probes import fit_logistic

Activity = NDArray[np.floating[Any]]
"""Activations of any precision, as `Array.numpy` gives them."""


@dataclass(frozen=True, slots=True)
class Direction:
    """A vector v at a site of a layer.

    Attributes:
        layer: block, counted from 0.
        vector: v, shape [width of the site].
        mean, sd: of the projections h . v / |v| of the activations that it was fitted on; sd is of the sample
            (divided by n) and may be 0.
        how: the way it was found, in words.
    """

    layer: int
    site: Site
    vector: Array
    mean: float
    sd: float
    how: str

    def project(self, x: Activity) -> Floats:
        """h . v / |v| of activations [..., width], shape [...]: lengths along the direction."""
        v = self.vector.numpy().astype(np.float64)
        return np.asarray(np.asarray(x, dtype=np.float64) @ (v / np.linalg.norm(v)))

    def standardise(self, x: Activity) -> Floats:
        """(h . v / |v| - mean) / sd of activations [..., width], shape [...]; not finite where sd is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.project(x) - self.mean) / np.float64(self.sd))


def difference_of_means(positive: Activity, negative: Activity, *, layer: int, site: Site = "resid_post") -> Direction:
    """v = mean of the positive activations - mean of the negative ones, [width].

    Adding it moves the mean of the negative set onto the positive set's (contrastive activation addition, Rimsky et
    al. 2024, arXiv:2312.06681; the concept vectors of introspection experiments are such a difference, too).

    Args:
        positive, negative: [n, width] and [m, width], at least one row each.

    Raises:
        HarnessError: shapes that do not fit, numbers that are not finite, or equal means.
    """
    a, b = _rows(positive), _rows(negative)
    if a.shape[1] != b.shape[1]:
        raise HarnessError(f"activations of two widths, {a.shape[1]} and {b.shape[1]}, have no difference of means")
    return _direction(a.mean(axis=0) - b.mean(axis=0), np.concatenate([a, b]), layer, site, "difference of means")


def principal_components(x: Activity, count: int, *, layer: int, site: Site = "resid_post") -> list[Direction]:
    """The unit directions in which activations vary most, the first most of all; each is orthogonal to the others.

    x - mean = U S V^T (singular value decomposition); the k-th is the k-th row of V^T, and its `sd` is S_k / sqrt(n).
    The sign is such that the entry of largest absolute value is positive, the rule of scikit-learn's PCA.
    Representation reading (Zou et al. 2023, arXiv:2310.01405) takes the first of differences of pairs: give those as x.

    Args:
        x: [n, width]. count: at most the number of components that vary.

    Raises:
        HarnessError: shapes that do not fit, numbers that are not finite, or fewer components than asked for.
    """
    rows = _rows(x)
    _, s, v = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    rank = int((s > s.max(initial=0.0) * max(rows.shape) * np.finfo(np.float64).eps).sum())
    if not 1 <= count <= rank:
        raise HarnessError(
            f"{count} principal components of {rows.shape[0]} activations that vary in {rank} directions"
        )
    signs = np.sign(v[np.arange(len(v)), np.abs(v).argmax(axis=1)])
    return [
        _direction(signs[k] * v[k], rows, layer, site, f"principal component {k + 1}, "
                   f"{s[k] ** 2 / (s**2).sum():.1%} of the variance")
        for k in range(count)
    ]  # fmt: skip


def logistic_axis(
    x: Activity, labels: Sequence[bool] | NDArray[np.bool_], *, strength: float, layer: int, site: Site = "resid_post"
) -> Direction:
    """The weights of a logistic regression of the labels on the activations, [width].

    v = argmin_w,b mean_i log(1 + exp(-y_i (x_i . w + b))) + strength / 2 |w|^2, y = 1 or -1, on raw activations; the
    axis points to the true labels. Ji-An et al. 2025 (arXiv:2505.13763) take such an axis as the target of
    neurofeedback. scikit-learn's LogisticRegression is the same with C = 1 / (n strength).

    Args:
        x: [n, width]. labels: [n], some true and some false.
        strength: strength of the penalty, above 0.

    Raises:
        HarnessError: shapes that do not fit, numbers that are not finite, labels of one kind, or no penalty.
    """
    rows, right = _rows(x), np.asarray(labels, dtype=np.float64)
    if right.shape != (len(rows),) or not 0 < right.sum() < len(rows):
        raise HarnessError(f"{len(rows)} activations need as many labels, of both kinds; got {right.shape[0]}")
    if strength <= 0:
        raise HarnessError(f"strength={strength}: without a penalty above 0 the axis is not determined")
    centre = rows.mean(axis=0)  # the bias takes it; the solver is steadier without it
    weights, _ = fit_logistic(rows - centre, right, 1 - right, strength)
    return _direction(weights, rows, layer, site, f"logistic regression, penalty {strength:g}")


def random_direction(like: Direction, rng: Random, *, x: Activity | None = None) -> Direction:
    """A direction drawn evenly from all, with layer, site and length |v| of another one.

    It is the control of every push: without it an effect of any vector of that length is taken for the concept's.

    Args:
        rng: as `Subject.random` gives it; takes `width` normal draws from it.
        x: activations [n, width] whose projections give `mean` and `sd`; without them both are 0.

    Raises:
        HarnessError: activations of another width, or numbers that are not finite.
    """
    width = len(like.vector.numpy())
    drawn = np.array([rng.gauss() for _ in range(width)])
    vector = drawn / np.linalg.norm(drawn) * np.linalg.norm(like.vector.numpy().astype(np.float64))
    rows = np.zeros((1, width)) if x is None else _rows(x)
    if rows.shape[1] != width:
        raise HarnessError(f"activations of width {rows.shape[1]} have no projection on a vector of {width} numbers")
    return _direction(vector, rows, like.layer, like.site, f"random, as long as: {like.how}")


def _rows(x: Activity) -> Floats:
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise HarnessError(f"activations must be finite numbers [n, width], at least one row; got {rows.shape}")
    return rows


def _direction(vector: Floats, fitted_on: Floats, layer: int, site: Site, how: str) -> Direction:
    length = np.linalg.norm(vector)
    if not length > 0:
        raise HarnessError(f"{how}: a vector of length zero has no direction; the activations do not differ")
    projected = fitted_on @ (vector / length)
    return Direction(layer, site, Array.of(vector), float(projected.mean()), float(projected.std()), how)
