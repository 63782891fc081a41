"""Joint accuracy: units of several questions that count only when all are answered correctly."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Units, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average


@measure(low=0, high=1, better="higher", average=True)
def joint_accuracy(correct: Labels, unit: Units, *, w: Weights) -> Floats:
    """Share of units (story families, questions) all of whose rows are correct, in [0, 1].

    Guessing among m options gives m^-k for units of k rows. Every unit counts with the weight of its rows,
    however many they are.

    Raises:
        ValueError: rows of one unit have different weights.
    """
    _, first, codes = np.unique(unit.values, return_index=True, return_inverse=True)
    unit_weights = w[:, first]
    if not np.array_equal(unit_weights[:, codes], w):
        raise ValueError("rows of one unit have different weights; a unit must lie within one group")
    wrong = np.bincount(codes, 1 - correct.values, minlength=len(first))
    return average(unit_weights, (wrong == 0).astype(float))
