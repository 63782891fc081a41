"""Finds the columns that say whether an answer is right, from the metrics of an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.metrics.levels import LevelValue
from harness.metrics.metric import Metric
from harness.metrics.revisions import accuracy_after, accuracy_before
from harness.metrics.shares import accuracy


@dataclass(frozen=True, slots=True)
class Correctness:
    """A column that says of answers whether they are right.

    Attributes:
        metric: the accuracy that is its mean.
        column: a label.
        where: the rows that it is read in: {"picked": True} where an answer has a row an option.
    """

    metric: str
    column: str
    where: Mapping[str, LevelValue]


def correctness(metrics: Iterable[Metric]) -> list[Correctness]:
    """The columns whose means are accuracies, each as the first metric of it reads it."""
    found: dict[str, Correctness] = {}
    for one in metrics:
        if one.measure in (accuracy, accuracy_before, accuracy_after):
            column = one.columns[1 if one.measure is accuracy_after else 0]
            found.setdefault(column, Correctness(one.name, column, dict(one.where)))
    return list(found.values())
