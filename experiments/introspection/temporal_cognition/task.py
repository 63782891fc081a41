"""The task: years, far and near, and all pairs of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import ClassVar

from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer


@dataclass(frozen=True, kw_only=True)
class YearPairs(Task):
    """Years evenly from `start` to `end`, more of them densely from `dense_start` to `dense_end`, and their pairs.

    The field "kind" is "pair" or "year". A pair has the fields "first" and "second", the earlier year first, and
    "shuffled", two other years: those that stand in their places when all years are shuffled. A year has the field
    "year". Years are the groups, so that a pair has two. For training there are the years half-way between neighbours,
    of which no pair is tested.

    Attributes:
        start, end: the first and the last year.
        spread: years evenly between them, both included.
        dense_start, dense_end, dense: as many years evenly between these two, besides: a reference year in our time
            cannot be told from the next one by years that lie 50 apart.
        seed: of the shuffled years.

    Raises:
        HarnessError: by `load`: fewer than four years, ends in the wrong order, or years below 1.
    """

    version: ClassVar[str] = "1"
    name: str = "year_pairs"
    start: int = 1525
    end: int = 2524
    spread: int = 10
    dense_start: int = 1990
    dense_end: int = 2040
    dense: int = 8
    seed: int = 0

    def years(self) -> list[int]:
        """All years, ascending."""
        for name, first, last, n in (
            ("spread", self.start, self.end, self.spread),
            ("dense", self.dense_start, self.dense_end, self.dense),
        ):
            if not 1 <= first < last or n < 0 or n == 1 or n > last - first + 1:
                raise HarnessError(
                    f"task {self.name!r}: {n} {name} years from {first} to {last}; give years above 0 in rising order, "
                    "and none of them, or 2 up to as many as there are"
                )
        made = sorted(
            {*_evenly(self.start, self.end, self.spread), *_evenly(self.dense_start, self.dense_end, self.dense)}
        )
        if len(made) < 4:
            raise HarnessError(f"task {self.name!r}: {len(made)} years; task.spread and task.dense must make 4 or more")
        return made

    def load(self) -> list[Item]:
        years = self.years()
        others = [*years]
        random.Random(f"years/{self.seed}").shuffle(others)
        shuffled = dict(zip(years, others, strict=True))
        return [
            *(_year(year) for year in years),
            *(_pair(one, two, [shuffled[one], shuffled[two]]) for one, two in combinations(years, 2)),
        ]

    def load_train(self) -> list[Item]:
        return [_year((one + two) // 2) for one, two in pairwise(self.years()) if two - one > 1]


def _evenly(first: int, last: int, n: int) -> list[int]:
    return [round(first + i * (last - first) / (n - 1)) for i in range(n)]


def _year(year: int) -> Item:
    return Item({"kind": "year", "year": year}, "", short_answer, str(year))


def _pair(first: int, second: int, shuffled: Sequence[int]) -> Item:
    fields = {"kind": "pair", "first": first, "second": second, "shuffled": [*shuffled]}
    return Item(fields, "", short_answer, (str(first), str(second)))
