"""Arithmetic: right answers, balance, and a seed that fixes everything."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.arithmetic import Arithmetic


def make(**settings: Any) -> Arithmetic:
    return Arithmetic(name="arithmetic", **settings)


def test_gold_is_the_result() -> None:
    results = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "x": lambda a, b: a * b}
    for item in make().load():
        match = re.fullmatch(r"What is (\d+) ([-+x]) (\d+)\?", item.fields["question"])
        assert match
        value = results[match[2]](int(match[1]), int(match[3]))
        assert item.grade(f"The answer is {value:,}.").correct is True
        assert item.grade(str(value + 1)).correct is False
        assert item.fields["difficulty"] == len(match[1]) == len(match[3])


def test_items_are_distinct_and_balanced_over_digits_and_operators() -> None:
    items = make(size=600).load()
    assert len({item.fields["question"] for item in items}) == 600
    cells = Counter((item.fields["difficulty"], item.fields["kind"]) for item in items)
    assert len(cells) == 15
    assert set(cells.values()) == {40}
    assert Counter(item.fields["stratum"] for item in items) == {"easy": 120, "medium": 240, "hard": 240}


def test_the_operands_are_uniform() -> None:
    items = make(size=81, digits=[1], operators=["+"]).load()
    # All 81 pairs of one-digit numbers: each digit stands first nine times.
    assert Counter(item.fields["question"][8] for item in items) == dict.fromkeys("123456789", 9)
    negative = [item for item in make(size=3000, digits=[4], operators=["-"]).load() if item.gold.startswith("-")]
    assert abs(len(negative) / 3000 - 0.5) < 0.03


def test_the_seed_fixes_the_items_and_sizes_are_nested() -> None:
    ids = [item.id for item in make(size=100).load()]
    assert ids == [item.id for item in make(size=100).load()]
    assert ids == [item.id for item in make(size=200).load()][:100]
    assert not set(ids) & {item.id for item in make(size=100, seed=1, digits=[5]).load()}
    assert all(item.group == "" for item in make(size=10).load())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"digits": [1], "operators": ["+"], "size": 82}, "at most 81 distinct"),
        ({"digits": [0]}, r"digits=\[0\]"),
        ({"digits": []}, r"digits=\[\]"),
        ({"operators": ["/"]}, r"operators=\['/'\]"),
        ({"size": 0}, "size=0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        make(**settings).load()
