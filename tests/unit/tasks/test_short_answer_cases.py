"""Short answers and symbols as models write them: which are right, to a careful reader."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Item
from harness.tasks.criticbench_graders import final_formula, final_yes_no
from harness.tasks.graders import short_answer, symbol
from tests.support.cases import cases


@pytest.mark.parametrize(("text", "gold", "right"), cases("tasks", "short_answer"))
def test_a_short_answer_is_right_when_a_reader_says_so(text: str, gold: dict[str, Any], right: bool | None) -> None:
    item = Item(fields={"question": gold["question"]}, gold=gold["gold"], grader=short_answer)
    assert item.grade(text).correct is right


@pytest.mark.parametrize(("text", "gold", "right"), cases("tasks", "symbol"))
def test_a_symbol_is_right_when_a_reader_says_so(text: str, gold: list[str], right: bool | None) -> None:
    assert Item(fields={}, gold=gold, grader=symbol).grade(text).correct is right


@pytest.mark.parametrize(("text", "gold", "right"), cases("tasks", "final_yes_no"))
def test_a_yes_or_no_is_right_when_a_reader_says_so(text: str, gold: str, right: bool | None) -> None:
    assert Item(fields={}, gold=gold, grader=final_yes_no).grade(text).correct is right


@pytest.mark.parametrize(("text", "gold", "right"), cases("tasks", "final_formula"))
def test_a_formula_is_right_when_a_reader_says_so(text: str, gold: list[str], right: bool | None) -> None:
    assert Item(fields={}, gold=gold, grader=final_formula).grade(text).correct is right
