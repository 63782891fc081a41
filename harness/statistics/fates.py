"""Counts what became of the answers of a run, arm by arm."""

from __future__ import annotations

import typing
from collections import Counter
from dataclasses import dataclass

from harness.items import Fate
from harness.outcomes import Table, fate_columns

NOTABLE = 0.05
"""The share of an arm's answers that could not be graded above which the end of a run says so."""


@dataclass(frozen=True, slots=True)
class FateShares:
    """The fates of the answers of one arm.

    Attributes:
        column: the outcome column, for experiments that have several answers in a row.
        n: rows of the arm that have an answer, or failed to get one.
        counts: how many of them have each fate; fates that do not occur are left out.
    """

    column: str
    arm: str
    n: int
    counts: dict[str, int]

    @property
    def lost(self) -> float:
        """The share of answers that could not be graded, in [0, 1]."""
        return 1 - self.counts.get("answered", 0) / self.n

    @property
    def text(self) -> str:
        """The fates other than "answered", in words."""
        parts = [f"{fate} {n}" for fate, n in self.counts.items() if fate != "answered"]
        return f"{', '.join(parts)} of {self.n} answers ({self.lost:.0%} could not be graded)"


def count_fates(table: Table) -> list[FateShares]:
    """The fates of a run's answers by column and arm, in alphabetical order of the arms.

    Items that failed as a whole have no arm; they are among the failures of the run and not counted here.
    """
    arms = table.columns["arm"]
    found = []
    for column in fate_columns(table.kinds):
        counts: dict[str, Counter[str]] = {}
        for arm, fate in zip(arms, table.columns[column], strict=True):
            if arm is not None and fate is not None:
                counts.setdefault(arm, Counter())[fate] += 1
        for arm in sorted(counts):
            known = {fate: counts[arm][fate] for fate in typing.get_args(Fate) if counts[arm][fate]}
            found.append(FateShares(column, arm, counts[arm].total(), known))
    return found
