"""Accuracy against the length of thoughts, from the transcripts and the table of outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.outcomes import Table
from harness.subject.thinking import ThoughtCounts, thoughts_of
from harness.subject.transcript import Transcript

BINS = 4
"""Groups of items by the length of their thoughts: few, since each has to have items enough."""


@dataclass(frozen=True, slots=True)
class BinAccuracy:
    """The accuracy of an arm on items whose thoughts are about as long.

    Attributes:
        low, high: the least and most tokens a reply of these items.
        items: how many.
        accuracy: in [0, 1]; every item counts the same, however many rows it has.
    """

    arm: str
    low: float
    high: float
    items: int
    accuracy: float


def noting(lines: Iterable[Mapping[str, Any]], tokens: dict[str, float]) -> Iterator[Mapping[str, Any]]:
    """The lines of calls.jsonl, while the tokens a reply in the subject's thoughts are noted of every item with any."""
    for line in lines:
        yield line
        if parts := thoughts_of(Transcript.read(line["exchanges"]).stored).get(""):
            counts = ThoughtCounts()
            counts.add(parts)
            tokens[line["item"]] = counts.tokens / max(1, counts.replies)


def accuracies(table: Table, tokens: Mapping[str, float]) -> list[BinAccuracy]:
    """Accuracy (of the column `correct`) in bins of equally many items by the length of their thoughts, of every arm.

    Items with thoughts of one length are in one bin. Where all are, there is nothing to compare, and no row.

    Args:
        tokens: a reply, in the thoughts about each item.
    """
    if "correct" not in table.kinds:
        return []
    rows: dict[str, dict[str, list[float]]] = {}
    for item, arm, right in zip(*(table.columns[name] for name in ("item", "arm", "correct")), strict=True):
        if arm is not None and item in tokens and not np.isnan(right):
            rows.setdefault(arm, {}).setdefault(item, []).append(float(right))
    return [one for arm in sorted(rows) for one in _binned(arm, rows[arm], tokens)]


def _binned(arm: str, rows: Mapping[str, list[float]], tokens: Mapping[str, float]) -> Iterator[BinAccuracy]:
    lengths = np.array([tokens[item] for item in rows])
    right = np.array([np.mean(values) for values in rows.values()])
    edges = np.unique(np.quantile(lengths, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    places = np.searchsorted(edges, lengths)  # a length that is an edge lies in the bin that it ends
    if len(np.unique(places)) < 2:
        return
    for place in np.unique(places):
        inside = places == place
        low, high = float(lengths[inside].min()), float(lengths[inside].max())
        yield BinAccuracy(arm, low, high, int(inside.sum()), float(right[inside].mean()))
