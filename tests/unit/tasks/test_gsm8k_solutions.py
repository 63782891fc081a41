"""GSM8K with solutions of four models: rows of the release become items with labelled responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.base import split
from harness.tasks.gsm8k_solutions import Gsm8kSolutions
from tests.unit.tasks.test_tom_real import REAL

AUTHORS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def row(question: str = "How many?", **more: Any) -> dict[str, Any]:
    wrong = {"is_correct": False, "solution": "3+4=<<3+4=8>>8\nA: 8"}
    right = {"is_correct": True, "solution": "3+4=<<3+4=7>>7 cups\nA: 7"}
    told = dict(zip(AUTHORS, (wrong, right, right, {"is_correct": False, "solution": "No idea"}), strict=True))
    return {"question": question, "ground_truth": "3+4=<<3+4=7>>7\nA: 7", **told, **more}


def read(tmp_path: Path, *rows: dict[str, Any], **settings: Any) -> Gsm8kSolutions:
    path = tmp_path / "example_model_solutions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return Gsm8kSolutions(path=str(tmp_path), **settings)


def test_solutions_have_the_labels_of_the_release_and_stand_once(tmp_path: Path) -> None:
    (item,) = read(tmp_path, row()).load()
    assert item.fields["responses"] == [
        {"text": "3+4=8\nThe answer is 8.", "right": False, "first_error": None},
        {"text": "3+4=7 cups\nThe answer is 7.", "right": True, "first_error": None},
        {"text": "No idea", "right": False, "first_error": None},
    ]
    assert (item.gold, item.fields["difficulty"]) == ("7", 1.0)
    (item,) = read(tmp_path, row(), authors=["175b_verification"]).load()
    assert [one["text"] for one in item.fields["responses"]] == ["No idea"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"6b_finetuning": None}, "'6b_finetuning' has no 'is_correct'"),
        ({"6b_finetuning": {"solution": "x"}}, "'6b_finetuning' has no 'is_correct'"),
        ({"6b_finetuning": {"is_correct": True, "solution": ""}}, "'6b_finetuning' is ''"),
        ({"ground_truth": "7"}, "'ground_truth' has no number after"),
    ],
    ids=["nothing", "no label", "no text", "no gold"],
)
def test_a_broken_row_is_named_and_the_others_stay(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    found = split(read(tmp_path, row(), row("How many more?"), row("Bad?", **more)), None, 0)
    assert len(found.test) == 2
    assert f"line 3: {message}" in found.broken[0]


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no column"):
        read(tmp_path, {"question": "q", "ground_truth": "A: 7"}).load()
    with pytest.raises(HarnessError, match="grade-school-math"):
        Gsm8kSolutions().load()


@pytest.mark.skipif(not (REAL / "gsm8k").is_dir(), reason="HARNESS_TEST_DATA names no folder with gsm8k")
def test_the_labels_of_the_release_are_those_of_our_grader() -> None:
    items = Gsm8kSolutions(path=str(REAL / "gsm8k")).load()
    assert len(items) == 660
    pairs = [(one["right"], item.grade(one["text"]).correct) for item in items for one in item.fields["responses"]]
    assert sum(right is bool(ours) for right, ours in pairs) >= 0.99 * len(pairs)
    marks = [one["text"].count("<<") for item in items for one in item.fields["responses"]]
    assert sum(marks) == 2  # of which the models closed none
