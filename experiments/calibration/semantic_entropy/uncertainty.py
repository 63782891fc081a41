"""Confidence from several draws of one answer: pure functions, each higher for a surer model. None is a probability.

The draws are independent samples s_1..s_n of the model's own distribution (temperature 1), log p(s) the sum of the raw
log-probabilities of all tokens of s, its end included. All logarithms are natural.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations

from experiments.shared.log_likelihood import log_likelihood
from harness import Text
from harness.tasks.texts import words


def mean_log_likelihood(texts: Sequence[Text], *, per_token: bool = False) -> float:
    """1/n sum_i log p(s_i), at most 0: minus the Monte Carlo estimate of the predictive entropy.

    With `per_token` each log-likelihood is the mean over its tokens (Malinin and Gales 2021): an entropy no more, but
    long answers are not uncertain for being long.
    """
    return math.fsum(log_likelihood(text, per_token=per_token) for text in texts) / len(texts)


def minus_entropy(clusters: Sequence[Hashable]) -> float:
    """sum_c p_c log p_c with p_c the share of draws in cluster c, in [-log n, 0] ("discrete" semantic entropy).

    The plug-in estimate: at small n the entropy is too low on average, and takes few values (Farquhar et al. 2024).
    """
    n = len(clusters)
    return _minus_entropy([count / n for count in Counter(clusters).values()])


def minus_weighted_entropy(
    clusters: Sequence[Hashable], texts: Sequence[Text], *, per_token: bool = False, repeats: bool = False
) -> float:
    """sum_c p_c log p_c with p_c proportional to the sum of p(s) over the distinct draws s of cluster c, at most 0.

    The Rao-Blackwellised estimate of Farquhar et al. (2024): how often a text was drawn does not count, only how
    probable it is. Once all possible texts were drawn it is exact. Each text counts once, as the formula has it. The
    authors' code adds a text up as often as it was drawn (`repeats`), which counts its probability twice. Drawn four
    times, a text of weight 0.9 then has 0.92 against one of 0.3, and not 0.75.

    Args:
        clusters: the cluster of each of `texts`; equal texts lie in one.
        per_token: weigh by exp of the mean log-probability of a token, as the authors' code does. Such weights are no
            probabilities, and nothing about them is exact.
        repeats: whether a text counts as often as it was drawn.
    """
    drawn = list(zip(clusters, texts, strict=True))
    counted = drawn if repeats else {text.tokens: (cluster, text) for cluster, text in drawn}.values()
    logs = [(cluster, log_likelihood(text, per_token=per_token)) for cluster, text in counted]
    top = max(log for _, log in logs)
    weights: dict[Hashable, float] = {}
    for cluster, log in logs:
        weights[cluster] = weights.get(cluster, 0.0) + math.exp(log - top)
    total = math.fsum(weights.values())
    return _minus_entropy([weight / total for weight in weights.values()])


def lexical_similarity(texts: Sequence[str]) -> float:
    """The mean ROUGE-L of all pairs of texts, in [0, 1] (Kuhn et al. 2023; Fomicheva et al. 2020).

    Raises:
        ValueError: fewer than two texts.
    """
    tokens = [words(text) for text in texts]
    pairs = [rouge_l(a, b) for a, b in combinations(tokens, 2)]
    if not pairs:
        raise ValueError("a similarity needs two texts")
    return math.fsum(pairs) / len(pairs)


def rouge_l(a: Sequence[str], b: Sequence[str]) -> float:
    """ROUGE-L, F1: 2 L / (|a| + |b|) with L the length of the longest common subsequence, in [0, 1] (Lin 2004).

    Two empty sequences are equal, 1. Takes |a| |b| steps.
    """
    if not a and not b:
        return 1.0
    row = [0] * (len(b) + 1)
    for x in a:
        corner = 0
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], corner + 1 if x == y else max(row[j], row[j - 1])
    return 2 * row[-1] / (len(a) + len(b))


def _minus_entropy(shares: Sequence[float]) -> float:
    # A weight may vanish beside a far larger one. "+ 0.0" makes of minus zero a zero.
    return math.fsum(p * math.log(p) for p in shares if p > 0) + 0.0
