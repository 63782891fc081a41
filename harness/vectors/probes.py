"""Linear probes: logistic regression on activations; layer and penalty are chosen by grouped cross-validation.

Nothing here sees a test item: folds, layers, penalties and the standardisation come from the training items alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.items import groups_in
from harness.metrics.columns import Floats
from harness.metrics.logistic import sigmoid

STRENGTHS = (100.0, 10.0, 1.0, 0.1, 0.01)
"""Penalties tried, on standardised features and the mean loss; the strongest leaves little but the base rate."""

_STEPS = 100
_CLOSE = 1e-20
"""Twice the gain that a last Newton step still promises: the parameters then are right to about 1e-10."""

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probe:
    """P(right | x) = sigmoid(bias + weights . x), x the activation at one layer.

    Attributes:
        layer: block, counted from 0; chosen with the strength by the least cross-validated loss.
        strength: the penalty on standardised features.
        weights: [width], of the raw activation.
        losses: (layer, strength, mean negative log-likelihood on the folds held out) of everything tried.
    """

    layer: int
    strength: float
    weights: tuple[float, ...]
    bias: float
    losses: tuple[tuple[int, float, float], ...]

    def __call__(self, x: Floats) -> Floats:
        """Probabilities [n] of activations [n, width]."""
        return sigmoid(np.asarray(x, dtype=np.float64) @ np.asarray(self.weights) + self.bias)


@dataclass(frozen=True, slots=True)
class NoProbe:
    """Why there is no probe."""

    reason: str


def fit_probe(
    x: Mapping[int, Floats],
    right: Sequence[float],
    wrong: Sequence[float],
    groups: Sequence[str],
    *,
    folds: int = 5,
    strengths: Sequence[float] = STRENGTHS,
) -> Probe | NoProbe:
    """Fits a probe at the layer and with the penalty that predict held-out groups best.

    An item with k right and m wrong answers counts as k copies that are right and m that are wrong (Kadavath et al.
    2022, section 5.1). All items of a group are in one fold. A fold without which one kind is left says nothing
    about any candidate and is passed over.

    Args:
        x: activations [n, width] by layer.
        right, wrong: [n] right and wrong answers of each item, >= 0; an item with neither has no weight.
        groups: [n] cluster of each item.

    Returns:
        The probe; or why there is none: all answers are right, all are wrong, or all answers of one kind are in one
        fold.

    Raises:
        HarnessError: fewer groups than folds, fewer than two folds, or items of several groups each, which no folds
            keep apart.
    """
    import scipy.linalg  # noqa: F401 it brings a library of its own, which must be there to be limited
    from threadpoolctl import threadpool_limits

    if any(len(groups_in(name)) > 1 for name in groups):
        raise HarnessError(
            "a probe is fitted on folds of whole groups, but training items have several groups each, as pairs of "
            "years have, which folds would divide; choose a task whose items have one group"
        )
    hits, misses = np.asarray(right, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if not 2 <= folds <= len(set(groups)):
        raise HarnessError(
            f"a probe of {folds} folds needs at least 2 folds and as many groups of training items as folds; there are "
            f"{len(set(groups))} groups: set experiment.folds lower or experiment.train higher"
        )
    if not hits.sum() or not misses.sum():
        kind = "right" if hits.sum() else "wrong" if misses.sum() else "without an answer"
        return NoProbe(f"all answers to the training questions are {kind}")
    fold = grouped_folds(groups, hits, misses, folds)
    held = [f for f in range(folds) if hits[fold != f].sum() and misses[fold != f].sum()]
    if not held:
        return NoProbe("the answers of one kind all come from one group of training questions")
    # Thousands of small systems of equations: threads of the linear algebra would wait for each other most of the time.
    with threadpool_limits(1, "blas"):
        losses = []
        for layer, values in sorted(x.items()):
            found = np.sum([_losses(values, hits, misses, fold == f, strengths) for f in held], axis=0)
            weight = sum(float((hits + misses)[fold == f].sum()) for f in held)
            losses += [(layer, s, float(loss) / weight) for s, loss in zip(strengths, found, strict=True)]
        layer, strength, _ = min(losses, key=lambda tried: tried[2])
        mean, scale = _moments(x[layer], hits + misses)
        weights, bias = fit_logistic((x[layer] - mean) / scale, hits, misses, strength)
    raw = weights / scale
    return Probe(layer, strength, tuple(raw.tolist()), bias - float(raw @ mean), tuple(losses))


def grouped_folds(groups: Sequence[str], right: Floats, wrong: Floats, folds: int) -> Codes:
    """The fold of each item, [n] in 0..folds-1: whole groups, dealt out in the order of their share of right answers.

    So every fold has its part of the right answers. It depends on the order of the items in nothing.
    """
    share = {}
    for name in set(groups):
        mine = np.array([g == name for g in groups])
        share[name] = float(right[mine].sum() / max(right[mine].sum() + wrong[mine].sum(), 1e-12))
    ordered = sorted(share, key=lambda name: (share[name], hashlib.sha256(name.encode()).digest()))
    number = {name: i % folds for i, name in enumerate(ordered)}
    return np.array([number[name] for name in groups], dtype=np.int64)


def fit_logistic(
    x: Floats, right: Floats, wrong: Floats, strength: float, start: tuple[Floats, float] | None = None
) -> tuple[Floats, float]:
    """Weights [width] and bias of the logistic regression with an L2 penalty on the weights, not on the bias.

    Minimises (sum_i right_i ln(1 + e^-z_i) + wrong_i ln(1 + e^z_i)) / sum_i (right_i + wrong_i) + strength/2 |w|^2,
    z = x w + b, by Newton's method. With more features than rows it is solved in the space of the rows, x^T = QR and
    w = Qv, which has the same optimum.

    Args:
        x: [n, width]. right, wrong: [n] weights of the two kinds, >= 0, some of each.
        strength: above 0, so that there is one optimum even where x separates the kinds.
        start: weights and bias to begin with.
    """
    if x.shape[0] < x.shape[1]:
        q, r = np.linalg.qr(x.T)
        inside = None if start is None else (q.T @ start[0], start[1])
        v, bias = _newton(np.ascontiguousarray(r.T), right, wrong, strength, inside)
        return q @ v, bias
    return _newton(x, right, wrong, strength, start)


def _newton(
    x: Floats, right: Floats, wrong: Floats, strength: float, start: tuple[Floats, float] | None
) -> tuple[Floats, float]:
    from scipy.linalg import solve

    total = float(right.sum() + wrong.sum())
    share, weight = right / total, (right + wrong) / total
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.append(0.0, np.full(x.shape[1], strength))
    at = np.append(np.log(right.sum() / wrong.sum()), np.zeros(x.shape[1]))
    if start is not None:
        at = np.append(start[1], start[0])

    def loss(at: Floats) -> float:
        z = design @ at
        return float(weight @ np.logaddexp(0, z) - share @ z + penalty @ at**2 / 2)

    here = loss(at)
    for _ in range(_STEPS):
        p = sigmoid(design @ at)
        gradient = design.T @ (weight * p - share) + penalty * at
        hessian = (design.T * (weight * p * (1 - p))) @ design + np.diag(penalty)
        step = solve(hessian, gradient, assume_a="pos")
        gain = float(gradient @ step)
        size = 1.0
        # A step that does not help is halved; near the optimum it helps less than the loss is exact to.
        while (there := loss(at - size * step)) > here - 1e-4 * size * gain + 1e-12:
            size /= 2
        at, here = at - size * step, there
        if gain <= _CLOSE:
            break
    return at[1:], float(at[0])


def _losses(x: Floats, right: Floats, wrong: Floats, held: NDArray[np.bool_], strengths: Sequence[float]) -> Floats:
    """Summed negative log-likelihood of the rows held out, [len(strengths)]; fitted on the others."""
    mean, scale = _moments(x[~held], (right + wrong)[~held])
    fitted, tested = (x[~held] - mean) / scale, (x[held] - mean) / scale
    if fitted.shape[0] < fitted.shape[1]:
        q, r = np.linalg.qr(fitted.T)
        fitted, tested = np.ascontiguousarray(r.T), tested @ q
    found, start = [], None
    for strength in strengths:
        start = fit_logistic(fitted, right[~held], wrong[~held], strength, start)
        z = tested @ start[0] + start[1]
        found.append(right[held] @ np.logaddexp(0, -z) + wrong[held] @ np.logaddexp(0, z))
    return np.array(found)


def _moments(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of every feature over the rows with weight; a constant feature has 1."""
    some = x[weight > 0]
    scale = some.std(axis=0)
    return some.mean(axis=0), np.where(scale > 1e-12, scale, 1.0)
