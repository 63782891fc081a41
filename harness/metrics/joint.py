"""Joint accuracy: units of several questions that count only when all are answered correctly."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Units, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, unit_weights


@measure(low=0, high=1, better="higher", average=True)
def joint_accuracy(correct: Labels, unit: Units, *, w: Weights) -> Floats:
    """Share of units (story families, questions) all of whose rows are correct, in [0, 1].

    Guessing among m options gives m^-k for units of k rows. Every unit counts with the weight of its rows,
    however many they are.

    Raises:
        ValueError: rows of one unit have different weights.
    """
    weights, codes = unit_weights(unit, w)
    wrong = np.bincount(codes, 1 - correct.values, minlength=weights.shape[1])
    return average(weights, (wrong == 0).astype(float))
