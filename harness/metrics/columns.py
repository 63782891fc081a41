"""Typed columns: what a metric may be given. A calibration metric takes `Probabilities` and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weights = NDArray[np.float64]
"""Row weights of B replicates, shape [B, n], non-negative. One row of ones is the plain value."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Binary outcomes, shape [n], 0.0 or 1.0 (1 = correct)."""

    values: Floats

    def __post_init__(self) -> None:
        if not np.isin(self.values, (0.0, 1.0)).all():
            raise ValueError("labels must be 0 or 1")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Finite numbers without further meaning (counts, tokens), shape [n]."""

    values: Floats

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all():
            raise ValueError("values must be finite")


@dataclass(frozen=True, slots=True)
class Scores:
    """Numbers that rank (higher = more likely correct), shape [n]; minus infinity is allowed, NaN is not."""

    values: Floats

    def __post_init__(self) -> None:
        if np.isnan(self.values).any():
            raise ValueError("scores must not be NaN")


@dataclass(frozen=True, slots=True)
class Probabilities(Scores):
    """Probabilities in [0, 1], shape [n]; also usable wherever `Scores` are."""

    def __post_init__(self) -> None:
        if not ((self.values >= 0) & (self.values <= 1)).all():
            raise ValueError("probabilities must lie in [0, 1]")


@dataclass(frozen=True, slots=True)
class Units:
    """Codes 0..k-1 of the unit that each row belongs to (a story, a question), shape [n], integers."""

    values: NDArray[np.int64]
