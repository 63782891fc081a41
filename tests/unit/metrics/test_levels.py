"""Levels: values of text, label and number columns, native or as text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from harness.metrics.levels import LevelValue, chosen, level_text, level_texts, stored
from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy
from harness.outcomes import ItemResult, Kind, Outcome, Table
from harness.statistics.estimates import estimate
from harness.statistics.pairs import difference
from harness.statistics.rows import levels


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    correct: bool | None
    picked: bool | None
    turn: float | None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (False, "false"), ("yes", "yes"), (1, "1"), (1.0, "1"), (-0.0, "0"), (0.1, "0.1"),
        (1e-7, "1e-07"), (1850, "1850"), (1234567, "1234567"), (1234567.5, "1234567.5"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_value_has_one_text(value: LevelValue, text: str) -> None:
    assert level_text(value) == text
    assert level_texts({"x": value}) == {"x": text}


def test_numbers_that_differ_have_texts_that_differ() -> None:
    rng = np.random.default_rng(0)
    numbers = np.concatenate([rng.normal(size=200) * 10.0 ** rng.integers(-9, 9, 200), 1e6 + np.arange(50)])
    assert len({level_text(float(x)) for x in numbers}) == len(set(numbers.tolist()))
    assert all(float(level_text(float(x))) == x for x in numbers)


@pytest.mark.parametrize(
    ("value", "kind", "there"),
    [
        ("a", "text", "a"), (True, "text", None), (1, "text", None), (True, "label", 1.0), ("false", "label", 0.0),
        (1, "label", None), ("1", "label", None), (2, "number", 2.0), ("2", "number", 2.0), (True, "number", None),
        ("two", "number", None), (0.5, "probability", None),
    ],
)  # fmt: skip
def test_a_value_stands_in_columns_of_its_kind_only(value: LevelValue, kind: Kind, there: str | float | None) -> None:
    assert stored(value, kind) == there


def table() -> Table:
    """Eight items, each in two turns: picked in turn 10 only; right in every turn 2 and in half of turns 10."""
    rows = [
        (Row(arm="a", correct=True, picked=False, turn=2), Row(arm="a", correct=i % 2 == 0, picked=True, turn=10))
        for i in range(8)
    ]
    return Table.build(Row, [ItemResult(f"i{i}", f"g{i}", some) for i, some in enumerate(rows)])


def test_labels_and_numbers_choose_rows_and_tell_them_apart() -> None:
    data = table()
    by = Metric("m", accuracy, ("correct",), by=("turn", "picked"))
    # Numbers in their order, not that of their texts.
    assert levels(by, data) == [{"turn": "2", "picked": "false"}, {"turn": "10", "picked": "true"}]
    assert [(e.level["turn"], e.value, e.n) for e in estimate(by, data)] == [("2", 1.0, 8), ("10", 0.5, 8)]
    for where in ({"picked": True}, {"picked": "true"}, {"turn": 10}, {"turn": "10"}, {"turn": 10.0, "picked": True}):
        (only,) = estimate(Metric("m", accuracy, ("correct",), where=where), data)
        assert (only.value, only.n) == (0.5, 8)
    native, text = ({"turn": 2, "picked": False}, {"turn": 10, "picked": True}), ({"turn": "2"}, {"turn": "10"})
    between = difference(by, data, *native)
    assert (between.value, between.level) == (0.5, {"turn": "2 - 10", "picked": "false - true"})
    alone = difference(Metric("m", accuracy, ("correct",), by=("turn",)), data, *text)
    assert (alone.value, alone.low, alone.high) == (between.value, between.low, between.high)


def test_rows_without_a_value_may_belong_to_any_level() -> None:
    rows = [Row(arm="a", correct=True, picked=p, turn=t) for p, t in ((True, 1.0), (None, 1.0), (False, None))]
    data = Table.build(Row, [ItemResult(f"i{i}", f"g{i}", (row,)) for i, row in enumerate(rows)])
    surely, maybe = chosen(data, {"picked": True, "turn": 1})
    assert (surely.tolist(), maybe.tolist()) == ([True, False, False], [True, True, False])
    (only,) = estimate(Metric("m", accuracy, ("correct",), where={"picked": True}), data)
    assert (only.n, only.n_failed) == (1, 1)
