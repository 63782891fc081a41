"""MATH-500 and SVAMP: rows of the hub's layout become items, and answers that are no number are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.math500 import NO_NUMBER, Math500
from harness.tasks.rows import ReadItems
from harness.tasks.svamp import Svamp


def written(folder: Path, rows: list[dict[str, Any]], name: str = "test.jsonl") -> str:
    (folder / name).write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(folder)


def problem(answer: str, **other: Any) -> dict[str, Any]:
    row = {"problem": f"What is {answer}?", "solution": "", "answer": answer, "subject": "Algebra", "level": 3}
    return {**row, "unique_id": "test/algebra/1.json", **other}


NUMBERS = {
    "42": "42", "-7": "-7", "10,080": "10080", "10,\\!080": "10080", ".35": "0.35", "\\frac{1}{2}": "0.5",
    "\\dfrac{-3}{4}": None, "-\\frac{1}{3}": "-1/3", "\\frac43": "4/3", "\\frac 59": "5/9", "1\\frac{4}{5}": "1.8",
    "137 \\frac{1}{2}": "137.5", "3/4": "0.75", "\\$18.90": "18.9", "90^\\circ": "90", "10\\%": "10",
    "\\frac{270}7\\text{ degrees}": "270/7", "5.4 \\text{ cents}": "5.4",
    "(-2,1)": None, "-2,1": None, "1,-2": None, "3, 5, 7": None, "(2,\\infty)": None, "2k": None, "52_8": None,
    "4210_{5}": None, "3\\sqrt{13}": None, "12\\pi": None, "6 - 5i": None, "x=5": None, "\\text{Evelyn}": None,
    "864 \\mbox{ inches}^2": None, "1 \\pm \\sqrt{19}": None, "p - q": None, "\\text{(C)}": None, "(3,4]": None,
}  # fmt: skip
"""Answers as the set writes them, and the number that each is."""


@pytest.mark.parametrize(("answer", "gold"), NUMBERS.items())
def test_math500_takes_an_answer_that_is_one_number_and_no_other(answer: str, gold: str | None, tmp_path: Path) -> None:
    items = Math500(path=written(tmp_path, [problem("1"), problem(answer)])).load()
    assert [item.gold for item in items][1:] == ([] if gold is None else [gold])
    assert dict(ReadItems.of(items).passed) == ({NO_NUMBER: 1} if gold is None else {})
    assert not ReadItems.of(items).broken, "an answer that cannot be judged is no fault of the row"


def test_math500_grades_a_boxed_answer_exactly(tmp_path: Path) -> None:
    half = Math500(path=written(tmp_path, [problem("\\frac{1}{2}")])).load()[0]
    for reply in ("So the answer is $\\boxed{\\frac{1}{2}}$.", "The final answer is 0.5.", "\\boxed{\\dfrac12}"):
        assert half.grade(reply).correct, reply
    assert half.grade("\\boxed{\\frac{1}{3}}").correct is False
    fields = {name: half.fields[name] for name in ("kind", "difficulty", "stratum")}
    assert fields == {"kind": "Algebra", "difficulty": 3.0, "stratum": "medium"}


def test_math500_names_broken_rows_and_other_columns(tmp_path: Path) -> None:
    rows = [problem("1"), *(problem(str(i), level=level) for i, level in enumerate((7, None, "Level 2")))]
    items = Math500(path=written(tmp_path, rows), max_broken=0.5).load()
    assert [item.fields["difficulty"] for item in items] == [3.0, 2.0]
    assert "line 2: 'level' is '7'; it is a number from 1 to 5" in ReadItems.of(items).broken[0]
    assert "line 3: 'level' is None" in ReadItems.of(items).broken[1]
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(HarnessError, match="no column 'problem'"):
        Math500(path=written(other, [{"question": "a", "answer": "1"}])).load()


def sum_row(**other: Any) -> dict[str, Any]:
    row = {"ID": "chal-1", "Body": "A pack costs 76 dollars.", "Question": "What do 3 packs less 8 dollars cost?"}
    return {**row, "Equation": "( ( 76.0 * 3.0 ) - 8.0 )", "Answer": "220.0", "Type": "Subtraction", **other}


def test_svamp_joins_body_and_question(tmp_path: Path) -> None:
    rows = [sum_row(), sum_row(Body="A pack costs 9 dollars.", Equation="( 9.0 + 4.0 )", Answer=13.0, Type="Addition")]
    items = Svamp(path=written(tmp_path, rows)).load()
    assert items[0].fields == {
        "question": "A pack costs 76 dollars. What do 3 packs less 8 dollars cost?",
        "kind": "Subtraction",
        "difficulty": 2.0,
        "stratum": "hard",
    }
    assert [item.gold for item in items] == ["220", "13"]
    assert (items[1].fields["difficulty"], items[1].fields["stratum"]) == (1.0, "easy")
    assert items[1].grade("9 + 4 = 13, so the answer is 13 dollars.").correct


def test_svamp_reads_the_authors_file(tmp_path: Path) -> None:
    (tmp_path / "SVAMP.json").write_text(json.dumps([sum_row(Answer=220.0)]), encoding="utf-8")
    assert [item.gold for item in Svamp(path=str(tmp_path)).load()] == ["220"]


def test_svamp_names_a_row_without_a_number(tmp_path: Path) -> None:
    items = Svamp(path=written(tmp_path, [sum_row(), sum_row(Answer="many")])).load()
    assert ReadItems.of(items).broken[0].endswith("line 2: 'Answer' is 'many'; it is a number")


@pytest.mark.parametrize("task", [Math500(), Svamp()], ids=lambda task: task.name)
def test_the_hub_is_asked_by_the_id_that_the_licence_line_shows(task: Math500 | Svamp) -> None:
    assert task.hub in task.source()
    assert task.source().endswith("licence MIT")
