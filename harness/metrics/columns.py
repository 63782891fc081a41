"""Defines the column types that metrics take. A calibration metric takes `Probabilities` and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from zlib import crc32

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
        if not ((self.values == 0) | (self.values == 1)).all():
            raise ValueError("labels must be 0 or 1")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Finite numbers without further meaning (counts, tokens), shape [n]."""

    values: Floats

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all():
            raise ValueError("values must be finite")


@dataclass(frozen=True, slots=True)
class Quantities(Numbers):
    """Finite numbers without bounds, shape [n]. The mean of labels or probabilities has bounds, and other functions."""


@dataclass(frozen=True, slots=True)
class Wins(Numbers):
    """Outcomes of contests, shape [n], in [0, 1]: 1 for a win, 0 for a loss, 1/2 for a tie."""

    def __post_init__(self) -> None:
        if not ((self.values >= 0) & (self.values <= 1)).all():
            raise ValueError("wins must lie in [0, 1]")


@dataclass(frozen=True, slots=True)
class Ordered:
    """Values of which only the order counts, shape [n]; infinite ones are allowed, NaN is not."""

    values: Floats

    def __post_init__(self) -> None:
        if np.isnan(self.values).any():
            raise ValueError("values must not be NaN")


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


FOLDS = 5


@dataclass(frozen=True, slots=True)
class Folds:
    """The fold, 0..FOLDS-1, in which each row is held out, shape [n], integers.

    Made from a text column, usually "group": a name belongs to a fold by its own hash alone, so that a group is never
    divided and copies of it in a bootstrap replicate stay together.
    """

    values: NDArray[np.int64]

    @classmethod
    def of(cls, name: str) -> int:
        """The fold of a name."""
        return crc32(name.encode()) % FOLDS


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of classes, shape [n], as integers: the same name has the same number in every column.

    Made from a text column. So what was said can be compared with what is true.
    """

    values: NDArray[np.int64]

    @classmethod
    def of(cls, name: str) -> int:
        """The number of a name: 64 bits of its hash."""
        return int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), signed=True)


@dataclass(frozen=True, slots=True)
class Fates:
    """Whether each answer could be read and graded, shape [n], 0.0 or 1.0.

    Made from a column that says what became of answers (`harness.items.Fate`): 1 is "answered".
    """

    values: Floats

    @classmethod
    def of(cls, fate: str) -> float:
        """The value of a fate."""
        return float(fate == "answered")
