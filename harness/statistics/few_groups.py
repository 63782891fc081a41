"""Intervals and tests for few groups, from Student's t.

The bootstrap takes the spread between the groups at hand for that between all groups. With few of them that spread is
itself uncertain, and too small on average: percentile ranges then miss the truth too often. Student's t with G - 1
degrees of freedom allows for the first, the factor G / (G - 1) of the variance for the second.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FEW = 100
"""Groups below which intervals use Student's t."""

FEWEST_GROUPS = 10
"""Groups below which no verdict is given, because no interval keeps its level then."""

DOUBTFUL_GROUPS = 20
"""A comparison of two runs with fewer groups than this warns."""

POWER = 2.8016
"""z(0.975) + z(0.80): a difference of so many standard errors is found in 80 of 100 experiments at the 5 % level."""


def t_error(spread: float, n_groups: int) -> float:
    """The standard error from the standard deviation of bootstrap replicates, which is too small by (G - 1) / G."""
    return float(spread * np.sqrt(n_groups / (n_groups - 1)))


def t_ends(value: float, error: float, n_groups: int, reach: tuple[float, float]) -> tuple[float, float]:
    """The ends of a 95 % interval: t quantiles on the scale of `_scale`.

    Args:
        value: a metric on all rows; error: its standard error; reach: the range that it lies in for any data.
    """
    from scipy.special import stdtrit

    to, back, slope = _scale(value, reach)
    half = float(stdtrit(n_groups - 1, 0.975)) * error * slope
    return back(to(value) - half), back(to(value) + half)


def t_p(value: float, error: float, n_groups: int, reach: tuple[float, float], bound: float) -> float:
    """Two-sided p of "the number is `bound`": below 0.05 where the interval of `t_ends` does not hold it."""
    from scipy.special import stdtr

    to, _, slope = _scale(value, reach)
    return 2 * float(stdtr(n_groups - 1, -abs(to(value) - to(bound)) / (error * slope)))


def power_factor(n_groups: int) -> float:
    """How many standard errors a difference must have to be found in 80 of 100 experiments at the 5 % level."""
    from scipy.special import stdtrit

    return POWER if n_groups >= FEW else float(stdtrit(n_groups - 1, 0.975) + stdtrit(n_groups - 1, 0.8))


def _scale(
    value: float, reach: tuple[float, float]
) -> tuple[Callable[[float], float], Callable[[float], float], float]:
    """A scale without ends for a number with ends, the way back, and its slope at `value`.

    Log-odds where the range has two ends, the logarithm of the distance where it has a lower one only. Near an end a
    number varies less and in a skewed way, which these scales take out. The number itself where there is no end, and
    where it lies at one.
    """
    low, high = reach
    if not low < value < high or np.isinf(low):
        return lambda x: x, lambda y: y, 1.0
    with_errors_ignored = np.errstate(divide="ignore", over="ignore")
    if np.isinf(high):
        return (
            with_errors_ignored(lambda x: float(np.log(np.float64(x) - low))),
            with_errors_ignored(lambda y: float(low + np.exp(np.float64(y)))),
            1 / (value - low),
        )
    return (
        with_errors_ignored(lambda x: float(np.log(np.float64(x) - low) - np.log(np.float64(high) - x))),
        with_errors_ignored(lambda y: float(low + (high - low) / (1 + np.exp(-np.float64(y))))),
        (high - low) / ((value - low) * (high - value)),
    )
