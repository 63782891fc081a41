"""Computes the numbers behind figures: their rows, bins with intervals, risk-coverage curves, transition counts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.figures import RowFigure, columns
from harness.metrics.bins import bin_codes
from harness.metrics.columns import Floats
from harness.metrics.levels import chosen, missing, occurring, shown
from harness.outcomes import Table
from harness.statistics.clusters import Clusters

Texts = NDArray[np.object_]

_Z = 1.959963984540054  # the 97.5 % point of the standard normal distribution


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of rows with its 95 % interval, all in [0, 1]; `n` rows."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One non-empty bin of a reliability diagram: (left, right], mean probability, observed frequency."""

    left: float
    right: float
    confidence: float
    observed: Proportion


def figure_rows(figure: RowFigure, table: Table) -> tuple[Table, int]:
    """The rows that a figure draws, and how many there would be if no value was missing and no item had failed."""
    whole, possible = chosen(table, figure.where)
    for column in columns(figure):
        whole &= ~missing(table, column)
    return table.where(whole), int(possible.sum())


def by_level(rows: Table, column: str) -> list[tuple[str, Table]]:
    """The rows of each value of a column, under its text: numbers in their order and texts in theirs ("2" before "10").

    Rows without a value are left out.
    """

    def order(value: str | float) -> list[tuple[int, float, str]]:
        parts = re.split(r"(\d+)", value) if isinstance(value, str) else [value]
        return [(0, float(p), "") if not isinstance(p, str) or p.isdecimal() else (1, 0.0, p) for p in parts]

    values = sorted(occurring(rows, column, np.ones(len(rows), dtype=bool)), key=order)
    kind = rows.kinds[column]
    return [(shown(value, kind), rows.where(rows.columns[column] == value)) for value in values]


def proportion(labels: Floats, groups: Texts) -> Proportion:
    """The share of ones with a Wilson interval on the effective sample size.

    Rows that share a group (draws of one item, items of one story) are not independent. Their number is divided by the
    design effect, where that is above 1: the clustered variance of the mean over p(1 - p) / n. With one row a group
    this is the plain Wilson interval (Wilson 1927); with clusters, Korn and Graubard's (1998).

    Args:
        labels: 0.0 or 1.0, shape [n], n >= 1.
        groups: the names of each row's groups as the column "group" has them, shape [n].
    """
    n = len(labels)
    p = float(labels.mean())
    clusters = Clusters.of(groups)
    plain, clustered = p * (1 - p) * n, clusters.variance_of_sum(labels - p)
    # When all rows agree the variance says nothing: count each cluster once.
    effective = clusters.n if plain == 0 else n / max(1.0, clustered / plain)
    low, high = wilson(p, effective)
    return Proportion(p, low, high, n)


def wilson(p: float, n: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share `p` of `n` independent rows (n > 0, need not be whole)."""
    scale = 1 + _Z**2 / n
    middle = (p + _Z**2 / (2 * n)) / scale
    half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / scale
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


def reliability_bins(probabilities: Floats, labels: Floats, groups: Texts, bins: int) -> list[Bin]:
    """The non-empty ones of `bins` equal-width bins, as in `metrics.calibration.ece_equal_width`."""
    place = bin_codes(probabilities, bins)
    return [
        Bin(
            float(b / bins),
            float((b + 1) / bins),
            float(probabilities[place == b].mean()),
            proportion(labels[place == b], groups[place == b]),
        )
        for b in np.unique(place)
    ]


def gap(bins: list[Bin]) -> float:
    """The expected calibration error of the bins drawn: the mean |confidence - frequency|, weighted by rows."""
    total = sum(b.observed.n for b in bins)
    return sum(b.observed.n * abs(b.confidence - b.observed.value) for b in bins) / total


def risk_coverage(scores: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Coverage k/n and error rate among the k most confident rows, for k = 1..n.

    Rows of equal score enter together: inside such a block the errors are spread evenly, as they are on average over
    random orders (Geifman and El-Yaniv 2017).
    """
    order = np.argsort(-scores, kind="stable")
    errors = np.cumsum(1 - labels[order])
    ends = np.append(np.flatnonzero(scores[order][1:] != scores[order][:-1]), len(scores) - 1)
    k = np.arange(1, len(scores) + 1, dtype=np.float64)
    spread = np.interp(k, np.append(0.0, ends + 1), np.append(0.0, errors[ends]))
    return k / len(k), spread / k


def oracle_risk(labels: Floats) -> Floats:
    """The risk for k = 1..n when every right row comes before every wrong one: the best that is possible."""
    k = np.arange(1, len(labels) + 1, dtype=np.float64)
    result: Floats = np.maximum(0.0, k - labels.sum()) / k
    return result


def moves(before: Floats, after: Floats) -> tuple[int, int, int, int]:
    """Counts of right->right, wrong->right, right->wrong, wrong->wrong."""
    was, now = before == 1, after == 1
    return (
        int((was & now).sum()),
        int((~was & now).sum()),
        int((was & ~now).sum()),
        int((~was & ~now).sum()),
    )
