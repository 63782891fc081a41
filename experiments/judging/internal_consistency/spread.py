"""How far answers spread: entropy and variance, and the entropy that a number of draws shows on average."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence


def shares(answers: Sequence[str]) -> dict[str, float]:
    """The share of each answer in a set, which is not empty."""
    return {answer: n / len(answers) for answer, n in Counter(answers).items()}


def bits(p: Mapping[str, float]) -> float:
    """The entropy of a distribution in bits, at least 0; of ten digits at most log2 10 = 3.32."""
    return -math.fsum(q * math.log2(q) for q in p.values() if q > 0) + 0.0


def consistency(p: Mapping[str, float]) -> float:
    """1 - entropy / log2 10, in [0, 1]: 1 where one of the ten digits has all probability."""
    return 1 - bits(p) / math.log2(10)


def variance(p: Mapping[str, float]) -> float:
    """The variance of answers that are numbers, at least 0 (the survey's other measure, section II-A)."""
    mean = math.fsum(q * float(answer) for answer, q in p.items())
    return math.fsum(q * (float(answer) - mean) ** 2 for answer, q in p.items())


def mixture(some: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of several distributions over the same answers: an answer of one of them, taken at random."""
    return {answer: math.fsum(p[answer] for p in some) / len(some) for answer in some[0]}


def tempered(p: Mapping[str, float], temperature: float) -> dict[str, float]:
    """The distribution of an answer that is drawn at a temperature above 0: p^(1/T), normalised.

    Of answers of one token each it is exact, given that one of them is drawn.
    """
    top = max(p.values())
    weights = {answer: (q / top) ** (1 / temperature) for answer, q in p.items()}
    total = math.fsum(weights.values())
    return {answer: weight / total for answer, weight in weights.items()}


def expected_bits(p: Mapping[str, float], draws: int) -> float:
    """The mean entropy, in bits, of the shares of n independent draws from p: below the entropy of p, as n is finite.

    The count k of an answer of probability q is binomial, so that the mean is the sum over answers and k of
    C(n, k) q^k (1 - q)^(n - k) times -(k/n) log2(k/n). An entropy that was estimated from n draws is compared with it.
    """
    terms = []
    for q in p.values():
        for k in range(1, draws):
            chance = math.comb(draws, k) * q**k * (1 - q) ** (draws - k)
            terms.append(-chance * k / draws * math.log2(k / draws))
    return math.fsum(terms) + 0.0
