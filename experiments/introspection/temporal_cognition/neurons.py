"""Neurons that respond to years more than to numbers of the same digits, and what they make of a year."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

import numpy as np

from experiments.introspection.temporal_cognition.distances import from_reference
from harness.metrics import Floats

LEVEL = 0.05
"""Chance that any neuron is taken for one that prefers years, if none does."""

Side = Literal["past", "future"]


@dataclass(frozen=True, slots=True)
class Neurons:
    """The neurons of one layer, chosen on training years.

    Attributes:
        depth: the layer as a share of the model's depth.
        selected: those that respond to years reliably more than to numbers.
        random: as many others of the layer, drawn.
        width: how many there are.
        explained: R squared of their mean response on the logarithm of the distance from the reference year, over the
            training years, the mean of past and future; 0 without neurons.
        chosen: whether it is the layer with the highest R squared.
    """

    depth: float
    selected: tuple[int, ...]
    random: tuple[int, ...]
    width: int
    explained: float
    chosen: bool = False


def preferring(years: Floats, numbers: Floats, tests: int) -> tuple[int, ...]:
    """The neurons whose response to years is larger, by a one-sided paired t test over the years (Bonferroni).

    Args:
        years, numbers: [n, width] responses to the same digits as a year and as a number.
        tests: neurons that are tested, of all layers together.
    """
    from scipy.special import stdtr

    off = np.asarray(years, dtype=np.float64) - numbers
    n, mean = len(off), off.mean(axis=0)
    error = off.std(axis=0, ddof=1) / math.sqrt(n)
    t = np.divide(mean, error, out=np.where(mean > 0, np.inf, 0.0), where=error > 0)
    return tuple(np.flatnonzero(stdtr(n - 1, -t) < LEVEL / tests).tolist())


def side(year: int, reference: int) -> Side:
    """Whether a year lies before the reference year or not."""
    return "past" if year < reference else "future"


def explained(years: Sequence[int], response: Floats, reference: int) -> float:
    """The mean over past and future of R squared of a response [n] on ln(|year - R| + 1); 0 where it is constant."""
    found = []
    for one in ("past", "future"):
        there = np.array([side(year, reference) == one for year in years])
        x = np.array([abs(from_reference(year, reference)) for year in years])[there]
        y = response[there]
        if len(x) > 2 and np.ptp(x) > 0 and np.ptp(y) > 0:
            found.append(float(np.corrcoef(x, y)[0, 1]) ** 2)
    return sum(found) / len(found) if found else 0.0


def found_neurons(
    years: Sequence[int],
    of_years: Mapping[float, Floats],
    of_numbers: Mapping[float, Floats],
    *,
    reference: int,
    rng: Random,
) -> tuple[Neurons, ...]:
    """The neurons of each layer, and the layer whose neurons follow the distance from the reference year best.

    Args:
        years: [n] the training years.
        of_years, of_numbers: by depth, the responses [n, width] to each as a year and as a number.
    """
    tests = sum(values.shape[1] for values in of_years.values())
    made = []
    for depth, values in of_years.items():
        selected, width = preferring(values, of_numbers[depth], tests), values.shape[1]
        others = sorted({*range(width)} - {*selected})
        drawn = tuple(sorted(rng.sample(others, min(len(selected), len(others)))))
        fit = explained(years, values[:, selected].mean(axis=1), reference) if selected else 0.0
        made.append(Neurons(depth, selected, drawn, width, fit))
    best = max((one for one in made if one.selected), key=lambda one: one.explained, default=None)
    return tuple(replace(one, chosen=one is best) for one in made)
