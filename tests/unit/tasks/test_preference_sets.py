"""RewardBench, RewardBench 2 and AlpacaEval: rows of the released layouts become items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.alpaca_eval import AlpacaEval
from harness.tasks.base import split
from harness.tasks.graders import grader_name
from harness.tasks.hub import HubTask
from harness.tasks.reward_bench import SECTIONS, RewardBench, RewardBench2
from tests.unit.tasks.test_sets import configured


def written(folder: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) if name.endswith("l") else json.dumps(rows))
    return str(path)


def pair(subset: str = "math-prm", number: int = 1, **more: Any) -> dict[str, Any]:
    row = {"prompt": f"What is {number} + 1?", "chosen": "Right.", "rejected": "Wrong.", "subset": subset, "id": number}
    return {**row, "chosen_model": "human", "rejected_model": "m", **more}


def test_a_pair_has_its_section_and_its_released_weight(tmp_path: Path) -> None:
    task = RewardBench(path=written(tmp_path, [pair(), pair("hep-go"), pair("xstest-should-refuse")]))
    told = [(item.fields["section"], item.fields["subset"], item.fields["weight"]) for item in task.load()]
    assert told == [
        ("Reasoning", "math-prm", 984.0),
        ("Reasoning", "hep-go", 164.0),
        ("Safety", "xstest-should-refuse", 250.0),
    ]
    first = task.load()[0]
    assert (first.fields["question"], first.fields["responses"]) == ("What is 1 + 1?", ["Right.", "Wrong."])
    assert first.gold == {"best": [0], "scores": None}
    assert first.fields["reference"] == ""
    assert len(first.fields["rubric"]) == 6


def test_sections_hold_the_23_subsets_and_math_weighs_as_much_as_code() -> None:
    assert sum(map(len, SECTIONS.values())) == 23
    reasoning = SECTIONS["Reasoning"]
    assert reasoning["math-prm"] == sum(n for name, n in reasoning.items() if name.startswith("hep-"))


def test_pairs_with_one_instruction_are_one_group(tmp_path: Path) -> None:
    rows = [pair("hep-go", 1), pair("hep-cpp", 1), pair("hep-go", 2)]
    groups = [item.group for item in RewardBench(path=written(tmp_path, rows)).load()]
    assert groups[0] == groups[1] != groups[2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (pair("new-subset"), "'subset' is 'new-subset', which the release gives no section"),
        (pair(rejected="Right."), "a response is both right and wrong: 'Right.'"),
        (pair(chosen=""), "'chosen' is ''; give it a text or remove the row"),
        (pair(prompt=None), "'prompt' is None; give it a text or remove the row"),
    ],
)
def test_a_broken_pair_is_left_out_and_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = written(tmp_path, [pair("hep-go"), row])
    items = RewardBench(path=path).load()
    assert len(items) == 1
    (broken,) = items.broken
    assert broken.startswith(f"{path}, line 2: ")
    assert message in broken


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no column 'subset'"):
        RewardBench(path=written(tmp_path, [{"prompt": "a", "chosen": "b", "rejected": "c"}])).load()


def four(subset: str = "Focus", **more: Any) -> dict[str, Any]:
    lists = {"chosen": ["yes"], "rejected": ["no", "never", "not"], "num_correct": 1, "num_incorrect": 3}
    return {"id": "12", "prompt": "Is it?", "subset": subset, **lists, **more}


def test_one_of_four_and_ties(tmp_path: Path) -> None:
    ties = four("Ties", chosen=["red", "blue", "red"], rejected=["five"])
    one, tied = RewardBench2(path=written(tmp_path, [four(), ties])).load()
    assert (one.fields["responses"], one.gold["best"]) == (["yes", "no", "never", "not"], [0])
    assert (tied.fields["responses"], tied.gold["best"]) == (["red", "blue", "five"], [0, 1])
    assert (one.fields["section"], tied.fields["section"]) == ("Focus", "Ties")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (four(chosen=[]), "0 right responses and 3 wrong ones"),
        (four(rejected="no"), "'rejected' is no list of responses"),
        (four(rejected=["no", None]), "'rejected' is None"),
    ],
)
def test_a_broken_row_of_four_is_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    items = RewardBench2(path=written(tmp_path, [four(), row])).load()
    assert len(items) == 1
    assert message in items.broken[0]


def test_lists_written_as_texts_are_read(tmp_path: Path) -> None:
    (item,) = RewardBench2(path=written(tmp_path, [four(chosen='["a"]', rejected='["b", "c"]')])).load()
    assert item.fields["responses"] == ["a", "b", "c"]


def test_instructions_have_no_key_and_their_licence_is_shown(tmp_path: Path) -> None:
    rows = [{"instruction": f"Write {n}.", "output": "x", "generator": "g", "dataset": "koala"} for n in range(3)]
    written(tmp_path, rows, "alpaca_eval.json")
    task = AlpacaEval(path=str(tmp_path))
    items = split(task, None, 0).test
    assert sorted(item.fields["question"] for item in items) == ["Write 0.", "Write 1.", "Write 2."]
    assert {item.gold for item in items} == {None}
    assert "licence CC-BY-NC 4.0" in task.source()
    with pytest.raises(HarnessError, match=r"no answer key; run experiment=selfPreference experiment.gold=judges"):
        items[0].grade("x")


def test_responses_are_no_question_with_an_answer(tmp_path: Path) -> None:
    (item,) = RewardBench(path=written(tmp_path, [pair()])).load()
    with pytest.raises(HarnessError, match="run experiment=judge"):
        item.grade("x")
    assert grader_name(item.grader) == "harness.tasks.responses.responses_only"


@pytest.mark.parametrize(
    ("name", "kind", "split_name"),
    [
        ("reward_bench", RewardBench, "filtered"),
        ("reward_bench_2", RewardBench2, "test"),
        ("alpaca_eval", AlpacaEval, "eval"),
    ],
)
def test_the_sets_by_name(name: str, kind: type, split_name: str) -> None:
    task = configured(name)
    assert isinstance(task, kind)
    assert isinstance(task, HubTask)
    assert (task.name, task.split) == (name, split_name)
