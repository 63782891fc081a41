"""How faithful a ranking of words is to a classifier, and how alike two rankings are: pure functions.

n words, f(kept words) = probability of the class that is predicted for all words; the class flips below 1/2.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from harness import metrics

Kept = tuple[int, ...]
"""Places of the words that are left, ascending."""


def ranking(scores: Sequence[float], rng: random.Random) -> list[int]:
    """The places of the words from the highest score down; equal scores in random order."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], rng.random()))


def steps(words: int, points: int) -> list[int]:
    """How many words are taken away at each point of a curve: 1, and `points` even steps up to all words but one."""
    most = words - 1
    return sorted({1, *(math.ceil(most * point / points) for point in range(1, points + 1))})


def top(words: int) -> int:
    """How many words count as the important ones: a fifth of them, at least 1."""
    return max(1, math.ceil(words / 5))


def without(words: int, gone: Sequence[int]) -> Kept:
    """The places that are left when some are taken away."""
    return tuple(i for i in range(words) if i not in set(gone))


def only(places: Sequence[int]) -> Kept:
    """These places alone."""
    return tuple(sorted(places))


def needed(order: Sequence[int], at: Sequence[int]) -> list[Kept]:
    """The texts at which the curves of a ranking ask the classifier."""
    return [kept for n in at for kept in (without(len(order), order[:n]), only(order[:n]))]


def comprehensiveness(order: Sequence[int], at: Sequence[int], f: Callable[[Kept], float]) -> float:
    """The mean of f(all) - f(all but the first l words), in [-1, 1]; higher is more faithful (DeYoung et al. 2020)."""
    n = len(order)
    return f(without(n, ())) - math.fsum(f(without(n, order[:lost])) for lost in at) / len(at)


def sufficiency(order: Sequence[int], at: Sequence[int], f: Callable[[Kept], float]) -> float:
    """The mean of f(all) - f(the first l words alone), in [-1, 1]; lower is more faithful (DeYoung et al. 2020)."""
    n = len(order)
    return f(without(n, ())) - math.fsum(f(only(order[:kept])) for kept in at) / len(at)


def flip_share(order: Sequence[int], at: Sequence[int], f: Callable[[Kept], float]) -> float:
    """The smallest share of words, taken away in this order, that flips the class, in (0, 1]; 1 if none does."""
    n = len(order)
    return next((lost / n for lost in at if f(without(n, order[:lost])) < 0.5), 1.0)


def effects(words: int, f: Callable[[Kept], float]) -> list[float]:
    """f(all) - f(all but word i) for each word: the scores of occlusion, to nine decimals."""
    return [round(f(without(words, ())) - f(without(words, (i,))), 9) for i in range(words)]


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's correlation, equal scores sharing their mean rank; None where all scores of one are equal."""
    x, y = (metrics.Ordered(np.asarray(scores, dtype=float)) for scores in (one, other))
    (value,) = metrics.spearman(x, y, w=np.ones((1, len(one))))
    return None if np.isnan(value) else float(value)


def feature_agreement(one: Sequence[int], other: Sequence[int], k: int) -> float:
    """The share of the first k words that two rankings have in common, in [0, 1] (Krishna et al. 2022)."""
    return len(set(one[:k]) & set(other[:k])) / k


def sign_agreement(one: Sequence[float], other: Sequence[float], firsts: Sequence[Sequence[int]]) -> float:
    """The share of the first k words that two rankings have in common with scores of one sign, in [0, 1].

    Args:
        one, other: the scores of both.
        firsts: the first k places of both.
    """
    shared = set(firsts[0]) & set(firsts[1])
    return sum(bool(np.sign(one[i]) == np.sign(other[i])) for i in shared) / len(firsts[0])


def lime_masks(words: int, samples: int, rng: random.Random) -> list[Kept]:
    """Texts for `lime`: all words, and others with a random number of random words taken away; none is empty."""
    masks = [without(words, ())]
    masks += [without(words, rng.sample(range(words), rng.randint(1, words - 1))) for _ in range(samples - 1)]
    return list(dict.fromkeys(masks))


def lime(words: int, masks: Sequence[Kept], f: Callable[[Kept], float]) -> list[float]:
    """The coefficients of LIME (Ribeiro et al. 2016): a ridge regression of f on which words are there.

    Texts weigh by exp(-d^2 / 25^2), d = 100 times their cosine distance to the whole text, and the penalty is 1, as in
    the authors' code. The intercept is not penalised.
    """
    x = np.array([[float(i in kept) for i in range(words)] for kept in masks])
    y = np.array([f(kept) for kept in masks])
    distance = 100 * (1 - np.sqrt(x.sum(axis=1) / words))
    weight = np.sqrt(np.exp(-(distance**2) / 25**2))
    x_mean, y_mean = np.average(x, axis=0, weights=weight), np.average(y, weights=weight)
    a, b = x - x_mean, y - y_mean
    found = np.linalg.solve((a * weight[:, None]).T @ a + np.eye(words), (a * weight[:, None]).T @ b)
    return [float(value) for value in found]


def moved(scores: Sequence[float], words: int) -> list[float]:
    """The scores of another text at the same relative places of this one."""
    return [scores[i * len(scores) // words] for i in range(words)]


def distinct(scores: Sequence[float]) -> int:
    """How many different scores there are."""
    return 1 + sum(one != other for one, other in pairwise(sorted(scores)))
