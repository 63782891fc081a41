"""Where the values of a level's key stand along an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable


def along(texts: Iterable[str]) -> dict[str, float | None]:
    """The different values in the order of an axis, each with its number: rising where all are finite numbers, else as
    they come and without numbers."""
    values = list(dict.fromkeys(texts))
    numbers = {value: _number(value) for value in values}
    known = {value: number for value, number in numbers.items() if number is not None}
    if len(known) < len(values):
        return dict.fromkeys(values)
    return {value: known[value] for value in sorted(known, key=known.__getitem__)}


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
