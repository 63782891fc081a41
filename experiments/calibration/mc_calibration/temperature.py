"""One temperature for the letters of lettered questions (Kadavath et al. 2022, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST, MOST = 0.01, 100.0
"""The range of temperatures."""

_TINY = 1e-12


def at_temperature(p: Sequence[float], t: float) -> list[float]:
    """Probabilities [k] whose log-odds are divided by `t` > 0: p^(1/t), renormalised.

    The constant of the softmax over all words cancels, so that this is the temperature of the letters' own logits
    (Kadavath et al. 2022, section 3.3). The order of the options stays.
    """
    logs = [math.log(max(one, _TINY)) / t for one in p]
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def best_temperature(judged: Sequence[tuple[Sequence[float], int]]) -> float:
    """The temperature in [LEAST, MOST] with the least negative log-likelihood of the right options (Guo et al. 2017).

    Args:
        judged: probabilities [k] of the options of each question, and the index of the right one.

    Returns:
        1 without questions; an end of the range when the likelihood grows up to it (all right: LEAST; no better than
        chance: MOST).
    """
    if not judged:
        return 1.0

    def slope(t: float) -> float:
        # Derivative of the loss by 1/t, which grows with 1/t: the loss is convex in it.
        expected = 0.0
        for p, right in judged:
            logs = [math.log(max(one, _TINY)) for one in p]
            expected += math.fsum(q * log for q, log in zip(at_temperature(p, t), logs, strict=True)) - logs[right]
        return expected

    low, high = math.log(LEAST), math.log(MOST)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) > 0 else (low, middle)
    return math.exp((low + high) / 2)
