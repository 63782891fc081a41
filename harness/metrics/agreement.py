"""Agreement of several judgements of the same thing: consistency, which is not knowledge."""

from __future__ import annotations

from harness.metrics.columns import Floats, Probabilities, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio


@measure(label="Fleiss' kappa", low=-1, high=1, better="higher", undefined="all judgements of all rows are the same")
def fleiss_kappa(share: Probabilities, *, w: Weights, votes: int = 8) -> Floats:
    """Fleiss' kappa of `votes` yes-or-no judgements a row, in [-1/(votes - 1), 1] (Fleiss 1971).

    (P - P_e)/(1 - P_e), with s_i the share of row i's judgements that say yes. P is the mean over rows of (votes (s_i^2
    + (1 - s_i)^2) - 1)/(votes - 1), the share of pairs of judgements that agree. P_e = p^2 + (1 - p)^2 with p the mean
    of s_i. 0 is the agreement of judgements that do not depend on the row. A judge who always says the same agrees with
    himself on everything, and has no kappa.

    Args:
        share: share of the judgements of a row that say yes, a multiple of 1/votes.

    Raises:
        ValueError: fewer than two votes.
    """
    if votes < 2:
        raise ValueError(f"agreement takes at least two judgements a row, not {votes}")
    s = share.values
    pairs = average(w, (votes * (s**2 + (1 - s) ** 2) - 1) / (votes - 1))
    p = average(w, s)
    chance = p**2 + (1 - p) ** 2
    # Rounding leaves about 1e-16 of disagreement where there is none.
    room = 1 - chance
    room[room < 1e-12] = 0.0
    return ratio(pairs - chance, room)


@measure(label="Conger's kappa", low=None, high=1, better="higher", undefined="all judgements of all rows are the same")
def conger_kappa(direct: Probabilities, turned: Probabilities, *, w: Weights, votes: int = 4) -> Floats:
    """Conger's kappa of 2 * `votes` judgements a row, half of them asked the other way round, at most 1 (Conger 1980).

    (P - P_e)/(1 - P_e), with P the share of pairs of judgements of a row that agree, as in `fleiss_kappa`. P_e is the
    agreement of judges who decide without looking at the row, each as often as it does: of two judgements asked alike
    p^2 + (1 - p)^2, of two asked in opposite ways p q + (1 - p)(1 - q). p is the mean of `direct`, q the mean of
    `turned`. Fleiss' kappa takes one mean for all. It is negative for a judge who answers "No" to everything, whose two
    halves contradict each other by their wording alone; this one is 0. Judgements asked alike share their mean.

    Args:
        direct: share of the judgements asked in one way that decide for the class, a multiple of 1/votes.
        turned: the same of those asked the other way round.

    Raises:
        ValueError: fewer than two votes.
    """
    if votes < 2:
        raise ValueError(f"agreement takes at least two judgements of a kind, not {votes}")
    s, t = direct.values, turned.values
    alike, opposite = (votes - 1) / (2 * votes - 1), votes / (2 * votes - 1)  # shares of the pairs

    def agreeing(x: Floats) -> Floats:
        return (votes * (x**2 + (1 - x) ** 2) - 1) / (votes - 1)

    pairs = average(w, alike * (agreeing(s) + agreeing(t)) / 2 + opposite * (s * t + (1 - s) * (1 - t)))
    p, q = average(w, s), average(w, t)
    chance = alike * (p**2 + (1 - p) ** 2 + q**2 + (1 - q) ** 2) / 2 + opposite * (p * q + (1 - p) * (1 - q))
    room = 1 - chance
    room[room < 1e-12] = 0.0  # as in Fleiss' kappa
    return ratio(pairs - chance, room)
