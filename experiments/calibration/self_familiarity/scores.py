"""From the scores of concepts to a decision about a question: aggregates, and a threshold that needs no labels."""

from __future__ import annotations

import math
from collections.abc import Sequence


def aggregate(over: str, scores: Sequence[float | None]) -> float | None:
    """The score of a question from its concepts' scores in order of rarity, the rarest first.

    None where a concept that the aggregate looks at has none.

    Args:
        over: "least", "first", or "weighted" by 1, 1/2, 1/4, ...
    """
    looked_at = scores[:1] if over == "first" else scores
    known = [s for s in looked_at if s is not None]
    if len(known) < len(looked_at):
        return None
    if over != "weighted":
        return min(known)
    weights = [0.5**i for i in range(len(known))]
    return math.fsum(w * s for w, s in zip(weights, known, strict=True)) / math.fsum(weights)


def threshold(scores: Sequence[float]) -> float | None:
    """The middle of the 95 % bootstrap interval of the 5th percentile; None for fewer than 20 scores.

    The percentile is the k-th smallest of n scores, k = 0.05 n rounded up. The percentile of a resample is at most the
    j-th smallest score when k or more of n draws fall there, X >= k with X binomial (n, j/n). The interval therefore
    has infinitely many resamples, and needs no random numbers.
    """
    n, ranked = len(scores), sorted(scores)
    if n < 20:
        return None
    k = math.ceil(0.05 * n)

    def below(j: int) -> float:
        return 1 - math.fsum(math.comb(n, i) * (j / n) ** i * (1 - j / n) ** (n - i) for i in range(k))

    low, high = (next(ranked[j - 1] for j in range(1, n + 1) if below(j) >= share) for share in (0.025, 0.975))
    return (low + high) / 2
