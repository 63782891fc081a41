"""Short answers, symbols, formulas and lists of names as models write them: which are right, to a careful reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness import Item
from harness.items import Grader
from harness.tasks.criticbench_graders import final_formula, final_yes_no
from harness.tasks.graders import short_answer, symbol
from harness.tasks.tom.fantom_graders import names
from tests.support.cases import Rows, kinds, misread


def graded_by(grader: Grader) -> Callable[[str, Any], bool | None]:
    def read(text: str, gold: Any) -> bool | None:
        fields = {"question": gold["question"]} if isinstance(gold, dict) else {}
        return Item(fields=fields, gold=gold["gold"] if fields else gold, grader=grader).grade(text).correct

    return read


@pytest.mark.parametrize("rows", kinds("tasks", "short_answer"))
def test_a_short_answer_is_right_when_a_reader_says_so(rows: Rows) -> None:
    assert misread(rows, graded_by(short_answer)) == []


@pytest.mark.parametrize("rows", kinds("tasks", "symbol"))
def test_a_symbol_is_right_when_a_reader_says_so(rows: Rows) -> None:
    assert misread(rows, graded_by(symbol)) == []


@pytest.mark.parametrize("rows", kinds("tasks", "final_yes_no"))
def test_a_yes_or_no_is_right_when_a_reader_says_so(rows: Rows) -> None:
    assert misread(rows, graded_by(final_yes_no)) == []


@pytest.mark.parametrize("rows", kinds("tasks", "final_formula"))
def test_a_formula_is_right_when_a_reader_says_so(rows: Rows) -> None:
    assert misread(rows, graded_by(final_formula)) == []


@pytest.mark.parametrize("rows", kinds("tasks", "names"))
def test_a_list_of_names_is_right_when_a_reader_says_so(rows: Rows) -> None:
    assert misread(rows, graded_by(names)) == []
