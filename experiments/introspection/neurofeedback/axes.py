"""Axes: directions in a layer's activations, along which a sentence has a score and a label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from experiments.introspection.neurofeedback.words import WordScore, held_out
from harness import Array, HarnessError
from harness.metrics import Floats
from harness.vectors.directions import Direction, logistic_axis, principal_components

NAMES = re.compile(r"logistic|random|residual|PC [1-9]\d*")
WEIGHT = 1e-3
"""Penalty of logistic regressions, on activations whose variances sum to 1."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction, and the score of a sentence along it.

    Attributes:
        direction: with mean and standard deviation of the fitted sentences.
        variance: the share of these sentences' variance that lies along it.
        words: of the residual axis: the prediction from a sentence's words, which is taken off; else None.
        mean, sd: of what is left of the fitted sentences' standardised projections; 0 and 1 without `words`.
    """

    direction: Direction
    variance: float
    words: WordScore | None = None
    mean: float = 0.0
    sd: float = 1.0

    def z(self, states: Floats, sentences: Sequence[str]) -> Floats:
        """Scores [n] of activations [n, width] and their sentences: mean 0, standard deviation 1 where it was fitted.

        The label of a sentence is 1 where its score is not below 0.
        """
        return self.scores(self.direction.project(states), sentences)

    def scores(self, lengths: Floats, sentences: Sequence[str]) -> Floats:
        """Scores [n] of the lengths [n] of activations along the direction, as `Subject.read(onto=...)` gives them."""
        raw = (lengths - self.direction.mean) / self.direction.sd
        told = np.array([self.words(sentence) for sentence in sentences]) if self.words else 0.0
        return np.asarray((raw - told - self.mean) / self.sd)


@dataclass(frozen=True, slots=True)
class FitSet:
    """The sentences of one layer on which axes are fitted.

    Attributes:
        states: [n, width], mean activations over each sentence.
        positive: [n] whether it is good, or true. groups: [n].
    """

    layer: int
    states: Floats
    sentences: Sequence[str]
    positive: Sequence[bool]
    groups: Sequence[str]

    @property
    def variance(self) -> float:
        """The sum of the variances of all dimensions."""
        return float(self.states.var(axis=0).sum())

    @property
    def largest(self) -> float:
        """The share of the variance that the most variable dimension has. Near 1, it alone is the first component."""
        return float(self.states.var(axis=0).max() / self.variance)


def check_names(names: Sequence[str], what: str) -> None:
    """Raises HarnessError: an axis that does not exist, none, or one that is named twice."""
    for name in names:
        if not NAMES.fullmatch(name):
            raise HarnessError(f"{what}: there is no axis {name!r}; name logistic, random, residual or PC 1, PC 2, ...")
    if not names or len(set(names)) < len(names):
        raise HarnessError(f"{what}={list(names)}: name one or more axes, each once")


def fit_axes(fit: FitSet, names: Sequence[str], rng: Random) -> dict[str, Axis]:
    """The axes of one layer, each pointing to the good or true sentences.

    logistic: weights of a logistic regression of good against bad, or true against false. PC k: the k-th principal
    component. random: a direction of the logistic axis's variance that is uncorrelated with it. residual: the score on
    the random axis less its prediction from the sentence's words.
    Components beyond the number of directions in which the activations vary are left out.
    """
    logistic = logistic_axis(fit.states, fit.positive, strength=WEIGHT * fit.variance, layer=fit.layer)
    varied = int(np.linalg.matrix_rank(fit.states - fit.states.mean(axis=0)))
    wanted = [int(name.removeprefix("PC ")) for name in names if name.startswith("PC ")]
    most = max((k for k in wanted if k <= varied), default=0)
    components = principal_components(fit.states, most, layer=fit.layer) if most else []
    random = _axis(fit, equal_variance(fit, logistic, rng))
    made: Mapping[str, Axis] = {
        "logistic": _axis(fit, logistic),
        "random": random,
        "residual": residual(fit, random) if "residual" in names else random,
        **{f"PC {k}": _axis(fit, components[k - 1]) for k in wanted if k <= most},
    }
    return {name: made[name] for name in names if name in made}


def _axis(fit: FitSet, found: Direction) -> Axis:
    """An axis that points to the good or true sentences: signs of components are arbitrary otherwise."""
    scores, good = found.project(fit.states), np.array(fit.positive)
    if scores[good].mean() < scores[~good].mean():
        found = replace(found, vector=Array.of(-found.vector.numpy()), mean=-found.mean)
    return Axis(found, found.sd**2 / fit.variance)


def equal_variance(fit: FitSet, axis: Direction, rng: Random) -> Direction:
    """A random direction along which the sentences vary as much as along an axis, uncorrelated with that axis.

    In coordinates along the principal components, whose variances are l_k, it is g_k l_k^(p/2) for standard normal g:
    the larger p, the more it varies. p is found by halving. Where no p will do, the variance is as near as can be.
    """
    centre = fit.states.mean(axis=0)
    _, s, v = np.linalg.svd(fit.states - centre, full_matrices=False)
    kept = s > 1e-6 * s[0]
    variances, v = s[kept] ** 2 / len(fit.states), v[kept]
    own = v @ axis.vector.numpy().astype(np.float64)
    wanted = float(own**2 @ variances / (own @ own))
    g = np.array([rng.gauss() for _ in variances])

    def direction(power: float) -> Floats:
        u = g * (variances / variances[0]) ** (power / 2)
        u = u - own * ((u * variances) @ own / ((own * variances) @ own))
        return np.asarray(u / np.linalg.norm(u))

    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        if direction(middle) ** 2 @ variances < wanted:
            low = middle
        else:
            high = middle
    vector = direction(high) @ v
    projected = fit.states @ vector
    how = f"random, {projected.var() / wanted:.3g} times the variance of the logistic axis"
    return Direction(axis.layer, axis.site, Array.of(vector), float(projected.mean()), float(projected.std()), how)


def residual(fit: FitSet, axis: Axis) -> Axis:
    """An axis less the prediction from words; its zero and unit are those of sentences that the words had not seen."""
    raw = axis.direction.standardise(fit.states)
    left = raw - held_out(fit.sentences, raw, fit.groups)
    told = WordScore.fit(fit.sentences, raw)
    return replace(axis, words=told, mean=float(left.mean()), sd=float(left.std()))


def held_out_scores(fit: FitSet, axis: Axis) -> Floats:
    """Scores [n] of the fitted sentences, those of the residual axis by words that had not seen the sentence.

    Words that had seen it would leave too little, and a third party that learns from what they leave would be too weak.
    """
    if axis.words is None:
        return axis.z(fit.states, fit.sentences)
    raw = axis.direction.standardise(fit.states)
    return np.asarray((raw - held_out(fit.sentences, raw, fit.groups) - axis.mean) / axis.sd)
