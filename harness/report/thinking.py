"""Accuracy against the length of thoughts, from the transcripts and the table of outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.metrics.levels import chosen
from harness.outcomes import Table
from harness.subject.thinking import ThoughtCounts, thoughts_of
from harness.subject.transcript import Transcript

BINS = 4
"""Groups of items by the length of their thoughts: few, since each has to have items enough."""


@dataclass(frozen=True, slots=True)
class BinAccuracy:
    """The accuracy of an arm on items whose thoughts are about as long.

    Attributes:
        metric: the accuracy that is meant.
        low, high: the least and most tokens a reply of these items.
        items: how many.
        accuracy: in [0, 1]; every item counts the same, however many rows it has.
    """

    metric: str
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


def accuracies(table: Table, tokens: Mapping[str, float], read: Sequence[Mapping[str, Any]]) -> list[BinAccuracy]:
    """Accuracies in bins of equally many items by the length of their thoughts, of every arm.

    Items with thoughts of one length are in one bin. Where all are, there is nothing to compare, and no row.

    Args:
        tokens: a reply, in the thoughts about each item.
        read: how each accuracy is read, as the manifest has it (`harness.metrics.correctness`).
    """
    return [bin for one in read if one["column"] in table.kinds for bin in _binned(table, tokens, one)]


def _binned(table: Table, tokens: Mapping[str, float], read: Mapping[str, Any]) -> Iterator[BinAccuracy]:
    kept = table.where(chosen(table, read["where"])[0])
    rows: dict[str, dict[str, list[float]]] = {}
    for item, arm, right in zip(*(kept.columns[name] for name in ("item", "arm", read["column"])), strict=True):
        if arm is not None and item in tokens and not np.isnan(right):
            rows.setdefault(arm, {}).setdefault(item, []).append(float(right))
    for arm in sorted(rows):
        yield from _bins(read["metric"], arm, rows[arm], tokens)


def _bins(metric: str, arm: str, rows: Mapping[str, list[float]], tokens: Mapping[str, float]) -> Iterator[BinAccuracy]:
    lengths = np.array([tokens[item] for item in rows])
    right = np.array([np.mean(values) for values in rows.values()])
    edges = np.unique(np.quantile(lengths, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    places = np.searchsorted(edges, lengths)  # a length that is an edge lies in the bin that it ends
    if len(np.unique(places)) < 2:
        return
    for place in np.unique(places):
        inside = places == place
        low, high = float(lengths[inside].min()), float(lengths[inside].max())
        yield BinAccuracy(metric, arm, low, high, int(inside.sum()), float(right[inside].mean()))
