"""Estimates: a metric's value with its interval, and how many rows it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number of a run.

    Attributes:
        metric: name of the metric.
        level: the values of the metric's `by` columns, e.g. {"arm": "zero-shot"}.
        value: the point value on all rows; None when undefined (`note` says why).
        low, high: ends of the 95 % interval; None when there is none.
        n: rows that entered; n_groups: clusters among them.
        n_failed: rows left out because a value was missing, plus items whose protocol failed.
        method: how the interval was made.
        better: "higher", "lower" or "neither".
        note: why a value or an interval is missing; "" otherwise.
    """

    metric: str
    level: Mapping[str, str]
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_groups: int
    n_failed: int
    method: str
    better: str
    note: str = ""
