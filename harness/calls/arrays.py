"""Small arrays of numbers as values: hashable, comparable, exact, and written to the call store without pickles."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)  # without slots: the digest is kept beside the fields
class Array:
    """float32 numbers of a shape.

    Attributes:
        shape: lengths of the axes.
        data: the numbers as little-endian float32, last axis fastest.
    """

    shape: tuple[int, ...]
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != 4 * math.prod(self.shape):
            raise ValueError(f"{len(self.data)} bytes are not {self.shape} float32 numbers")

    @classmethod
    def of(cls, values: Any) -> Array:
        """From anything that numpy can read (a list, an array, a tensor on the CPU), rounded to float32.

        Raises:
            ValueError: a value is infinite or no number.
        """
        import numpy as np

        array = np.ascontiguousarray(values, dtype="<f4")
        if not np.isfinite(array).all():
            raise ValueError("an array of a call must hold finite numbers")
        return cls(array.shape, array.tobytes())

    def numpy(self) -> NDArray[np.float32]:
        """The numbers as a read-only numpy array."""
        import numpy as np

        return np.frombuffer(self.data, dtype="<f4").reshape(self.shape)

    @cached_property
    def digest(self) -> str:
        """64 hex digits (SHA-256) that stand for the numbers, not for the shape; computed once and kept."""
        return hashlib.sha256(self.data).hexdigest()

    def __repr__(self) -> str:
        return f"Array({self.shape}, {self.digest[:8]})"
