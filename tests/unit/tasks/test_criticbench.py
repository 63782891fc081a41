"""CriticBench: rows of the release's layout become items, and corrections are graded by the kind of their reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split
from harness.tasks.criticbench import CriticBench
from harness.tasks.criticbench_graders import final_formula, final_words, final_yes_no, whole_text


def row(source: str, question: str, answer: Any, response: str = "The answer is 3.", **more: Any) -> dict[str, Any]:
    told = {"question_source": source, "question": question, "answer": answer, "response": response}
    return {"id": 7, "question_type": "math", "response_label": True, **told, **more}


def read(tmp_path: Path, *rows: dict[str, Any], **settings: Any) -> CriticBench:
    path = tmp_path / "test.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in rows), encoding="utf-8")
    return CriticBench(path=str(path), **settings)


@pytest.mark.parametrize(
    ("asked", "answer", "gold", "graded"),
    [
        (("GSM8K", "How many?"), ["1,200"], "1200", ("So 6 * 200. The answer is 1200.", True)),
        (("GSM8K", "How many?"), [18], "18", ("The answer is 17.", False)),
        (("AQuA", "Which? Answer Choices: A)1156 B)1392 C)1480"), ["B"], "(B) 1392", ("The answer is B).", True)),
        (("AQuA", "Which? Answer Choices: A)1156 B)1392 C)1480"), ["B"], "(B) 1392", ("The answer is C).", False)),
        (
            ("CSQA", "Which? Answer Choices: (a) anguish (b) tears"),
            ["a"],
            "(A) anguish",
            ("So the answer is (a).", True),
        ),
        (("Date", "Day?\nOptions:\n(A) 01/03\n(B) 02/03"), ["(B)"], "(B) 02/03", ("So the answer is (A).", False)),
        (("StrategyQA", "Would a pear sink?"), ["no"], "no", ("It floats. So the answer is no.", True)),
        (("StrategyQA", "Would a pear sink?"), [True], "yes", ("It floats. So the answer is no.", False)),
        (("StrategyQA", "Would a pear sink?"), ["yes"], "yes", ("Yes and no.", None)),
        (("MATH", "x?"), ["\\frac{3}{4}"], "0.75", ("\\boxed{\\dfrac34}", True)),
        (("MATH", "x?"), ["\\frac{3}{4}x"], ["\\frac{3}{4}x"], ("So it is $\\boxed{\\dfrac34 x}$.", True)),
        (("MATH", "x?"), ["x^2+1"], ["x^2+1"], ("The answer is $x^2 + 2$.", False)),
        (
            ("HotpotQA", "Who?"),
            ["Daniels", "Bill Daniels"],
            ["Daniels", "Bill Daniels"],
            ("The answer is Bill Daniels", True),
        ),
        (("AmbigNQ", "Currency?"), ["euro"], ["euro"], ("It was the lira. So the answer is: the dollar", False)),
        (("Repeat Copy", "Repeat a b."), ["a b a b"], ["a b a b"], ("A b\n a b", True)),
        (("Repeat Copy", "Repeat a b."), ["a b a b"], ["a b a b"], ("a b", False)),
    ],
)
def test_a_correction_is_graded_by_the_kind_of_its_reference(
    tmp_path: Path, asked: tuple[str, str], answer: Any, gold: Any, graded: tuple[str, bool | None]
) -> None:
    (item,) = read(tmp_path, row(*asked, answer)).load()
    assert (item.gold, item.grade(graded[0]).correct) == (gold, graded[1])
    assert (item.fields["source"], item.group) == asked


@pytest.mark.parametrize(
    ("label", "right"), [(True, True), (False, False), ("True", True), ("false", False), (0, False)]
)
def test_the_label_is_that_of_the_row(tmp_path: Path, label: object, right: bool) -> None:
    (item,) = read(tmp_path, row("GSM8K", "How many?", ["3"], "Three.", response_label=label)).load()
    assert item.fields["responses"] == [{"text": "Three.", "right": right, "first_error": None}]


def test_rows_whose_corrections_would_be_executed_are_passed_over_and_counted(tmp_path: Path) -> None:
    rows = [row("HumanEval", f"def f{n}():", ["assert"]) for n in range(3)]
    task = read(tmp_path, *rows, row("MBPP", "Write.", ["assert"]), row("GSM8K", "How many?", ["3"]))
    found = split(task, None, 0)
    assert [item.fields["source"] for item in found.test] == ["GSM8K"]
    assert sorted(found.passed) == [
        "1 passed over: rows of MBPP, whose corrections would have to be executed",
        "3 passed over: rows of HumanEval, whose corrections would have to be executed",
    ]
    assert "licence MIT" in task.source()


def test_some_sources_can_be_chosen(tmp_path: Path) -> None:
    rows = [row(source, f"How many {source}?", ["3"]) for source in ("GSM8K", "TabMWP", "HumanEval")]
    found = split(read(tmp_path, *rows, sources=["TabMWP"]), None, 0)
    assert [item.fields["source"] for item in found.test] == ["TabMWP"]
    assert found.passed == ("2 passed over: rows of other sources than TabMWP",)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"response_label": None}, "'response_label' is None; want true or false"),
        ({"response_label": "maybe"}, "'response_label' is 'maybe'"),
        ({"answer": []}, "'answer' is empty"),
        ({"response": " "}, "'response' is ' '"),
        ({"question": None}, "'question' is None"),
    ],
    ids=["no label", "odd label", "no answer", "no response", "no question"],
)
def test_a_broken_row_is_named_and_the_others_stay(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    rows = [row("GSM8K", f"How many? {n}", ["3"]) for n in range(2)]
    found = split(read(tmp_path, *rows, {**row("GSM8K", "Bad?", ["3"]), **more}), None, 0)
    assert len(found.test) == 2
    assert len(found.broken) == 1
    assert found.broken[0].startswith(f"{tmp_path / 'test.jsonl'}, line 3: {message}")


def test_a_set_with_other_columns_is_refused(tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": ["3"], "question_source": "GSM8K"}]
    with pytest.raises(HarnessError, match="no column 'response'"):
        read(tmp_path, *rows).load()


@pytest.mark.parametrize(
    ("grader", "gold", "text", "answer", "correct"),
    [
        (final_yes_no, "no", "The answer is not yes.", "", None),
        (final_yes_no, "yes", "No doubt? The answer is yes, no question.", "yes", True),
        (final_yes_no, "no", "", "", None),
        (final_words, ["Lima"], "The answer is Quito. No, the answer is Lima.", "lima", True),
        (final_words, ["Lima"], "The answer is", "answer is", False),
        (final_formula, ["2x"], "x", "x", False),
        (final_formula, ["2x"], "\\boxed{2x", "2x", True),
        (final_formula, ["2x"], "y = \\boxed{\\text{2x}}", "2x", True),
        (final_formula, ["90"], "\\boxed{90^\\circ}", "90", True),
        (final_formula, ["3"], "a long text that\nhas no formula in it", "", None),
        (whole_text, ["a a"], "", "", None),
    ],
)
def test_graders_of_endings(grader: Any, gold: Any, text: str, answer: str, correct: bool | None) -> None:
    grade = Item({"question": "q"}, gold, grader).grade(text)
    assert (grade.answer, grade.correct) == (answer, correct)
