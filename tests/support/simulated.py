"""Tables of outcomes by rule, for tests of verdicts: arms with probabilities and labels, an item a group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.metrics.columns import Floats
from harness.outcomes import Table

KINDS = {
    "item": "text", "group": "text", "error": "text", "arm": "text", "p": "probability", "mass": "probability",
    "correct": "label",
}  # fmt: skip


def arms(columns: Mapping[str, Mapping[str, Floats]], per_group: int = 1) -> Table:
    """A table with one row for each item and arm.

    Args:
        columns: for each arm its columns p, mass and correct, [n] each, NaN for a missing value; those not given are
            missing.
        per_group: how many items lie in a group.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in KINDS}
    for arm, given in columns.items():
        n = len(next(iter(given.values())))
        parts["item"].append(np.array([f"i{i:05}" for i in range(n)], dtype=object))
        parts["group"].append(np.array([f"g{i // per_group:05}" for i in range(n)], dtype=object))
        parts["error"].append(np.full(n, None, dtype=object))
        parts["arm"].append(np.full(n, arm, dtype=object))
        for name in ("p", "mass", "correct"):
            parts[name].append(np.asarray(given.get(name, np.full(n, np.nan)), dtype=float))
    return Table(KINDS, {name: np.concatenate(values) for name, values in parts.items()})  # type: ignore[arg-type]
