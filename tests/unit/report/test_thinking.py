"""Accuracy against the length of thoughts: bins of known members, and tokens as calls.jsonl has them."""

from typing import Any

import pytest

from harness.outcomes import GradedAnswer, ItemResult, Table
from harness.report.thinking import BinAccuracy, accuracies, noting


def table(right: dict[str, list[bool]], arm: str = "a") -> Table:
    results = [
        ItemResult(item, item, tuple(GradedAnswer(arm=arm, answer="x", correct=c, fate="answered") for c in some))
        for item, some in right.items()
    ]
    return Table.build(GradedAnswer, [*results, ItemResult("broken", "g", error="no")])


def test_items_of_one_length_are_in_one_bin_and_each_counts_once() -> None:
    right = {"a": [True, True], "b": [True], "c": [False, True], "d": [False], "e": [True], "unthought": [True]}
    lengths = {"a": 1.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 9.5, "broken": 4.0}
    assert accuracies(table(right), lengths) == [
        BinAccuracy("a", 1.0, 1.0, 2, 1.0),
        BinAccuracy("a", 2.0, 2.0, 1, 0.5),
        BinAccuracy("a", 3.0, 3.0, 1, 0.0),
        BinAccuracy("a", 9.5, 9.5, 1, 1.0),
    ]


def test_bins_have_equally_many_items() -> None:
    right = {f"{i:02}": [i < 10] for i in range(20)}
    found = accuracies(table(right), {item: float(item) for item in right})
    assert [(one.items, one.low, one.high, one.accuracy) for one in found] == [
        (5, 0, 4, 1.0), (5, 5, 9, 1.0), (5, 10, 14, 0.0), (5, 15, 19, 0.0),
    ]  # fmt: skip


def test_where_all_thoughts_are_as_long_there_is_nothing_to_compare() -> None:
    assert accuracies(table({"a": [True], "b": [False]}), {"a": 5.0, "b": 5.0}) == []
    assert accuracies(table({"a": [True]}), {}) == []


def test_tokens_of_an_item_are_a_reply_and_of_the_subject() -> None:
    def asked(key: str, tokens: int, role: str = "", further: bool = False) -> dict[str, Any]:
        part = {"ended": "closed", "tokens": tokens, "characters": 1, "empty": False, "further": further}
        return {
            "prompt": "p", "reply": "r", "keys": [key], "cached": True, "prompt_tokens": 1, "new_tokens": 1,
            "role": role, "thought": part,
        }  # fmt: skip

    lines = [
        {"item": "a", "exchanges": [asked("0", 10), asked("0", 10), asked("1", 5), asked("2", 3, further=True)]},
        {"item": "b", "exchanges": [asked("3", 99, "judge")]},
    ]
    tokens: dict[str, float] = {}
    assert list(noting(lines, tokens)) == lines
    assert tokens == {"a": pytest.approx(9.0)}
