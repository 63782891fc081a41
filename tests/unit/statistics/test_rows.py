"""Which rows and which failures count at a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.metrics.joint import joint_accuracy
from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy
from harness.outcomes import Failed, ItemResult, Outcome, Table
from harness.statistics.estimates import estimate
from harness.statistics.rows import levels, levels_with_points, sample


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    correct: bool | None
    story: str | None = None


FACTORS: dict[str, dict[str, Any]] = {"short": {"shots": 0.0, "own": True}, "long": {"shots": 9.0, "own": False}}


def table(*results: ItemResult) -> Table:
    return Table.build(Row, results, FACTORS, {"shots": "number", "own": "label"})


def both(item: str, short: bool | None = True, long: bool | None = True) -> ItemResult:
    return ItemResult(item, item, (Row(arm="short", correct=short), Row(arm="long", correct=long)))


MIXED = table(
    both("i1"),
    both("i2", long=False),
    ItemResult("i3", "i3", (Row(arm="short", correct=False), Failed(arm="long", error="too long"))),
    ItemResult("i4", "i4", (Failed(arm="short", error="odd"), Failed(arm="long", error="too long"))),
    ItemResult("i5", "i5", error="no answer"),
)


def test_a_failed_arm_counts_in_its_own_level_and_a_failed_item_in_all() -> None:
    long, short = estimate(Metric("m", accuracy, ("correct",)), MIXED)
    assert (long.level["arm"], long.value, long.n, long.n_failed) == ("long", 0.5, 2, 3)
    assert (short.level["arm"], short.value, short.n, short.n_failed) == ("short", 2 / 3, 3, 2)
    (overall,) = estimate(Metric("m", accuracy, ("correct",), by=()), MIXED)
    assert (overall.n, overall.n_failed) == (5, 4)


def test_factors_place_failures_as_the_arm_does() -> None:
    by_arm = {e.n: e.n_failed for e in estimate(Metric("m", accuracy, ("correct",)), MIXED)}
    for by in (("shots",), ("own",), ("shots", "own")):
        assert {e.n: e.n_failed for e in estimate(Metric("m", accuracy, ("correct",), by=by), MIXED)} == by_arm
    for where in ({"shots": 9}, {"own": False}):
        (only,) = estimate(Metric("m", accuracy, ("correct",), by=(), where=where), MIXED)
        assert (only.n, only.n_failed) == (2, 3)


def test_an_arm_that_failed_everywhere_is_told() -> None:
    lost = table(
        *(ItemResult(i, i, (Row(arm="short", correct=True), Failed(arm="long", error="x"))) for i in ("i1", "i2"))
    )
    metric = Metric("m", accuracy, ("correct",))
    assert levels(metric, lost) == [{"arm": "long"}, {"arm": "short"}]
    assert levels_with_points(metric, lost) == [{"arm": "short"}]  # what can be compared
    long, short = estimate(metric, lost)
    assert (long.value, long.n, long.n_failed, long.note) == (None, 0, 2, "no rows")
    assert (short.value, short.n, short.n_failed) == (1.0, 2, 0)


def test_a_failed_arm_tears_the_units_of_its_own_level_only() -> None:
    rows = tuple(Row(arm=arm, correct=True, story=s) for arm in ("short", "long") for s in ("s1", "s2"))
    torn = table(
        ItemResult("i1", "g1", rows),
        ItemResult("i2", "g1", (Row(arm="short", correct=True, story="s1"), Failed(arm="long", error="too long"))),
        ItemResult("i3", "g3", tuple(Row(arm=arm, correct=False, story="s3") for arm in ("short", "long"))),
    )
    metric = Metric("joint", joint_accuracy, ("correct", "story"))
    short, long = (sample(metric, torn, {"arm": arm}) for arm in ("short", "long"))
    assert (len(short), len(short.failed), short.value()) == (4, 0, 2 / 3)
    # The arm's failure may have been of either story of its group.
    assert (len(long), len(long.failed), len(long.lost)) == (1, 1, 2)
    np.testing.assert_array_equal(long.items, ["i3"])
