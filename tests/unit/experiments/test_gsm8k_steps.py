"""An error in one step of a reference solution: the line is wrong, and the result that follows from it is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from experiments.correction.self_correction_bench.gsm8k_errors import Gsm8kErrors
from experiments.correction.self_correction_bench.self_correction_bench import SelfCorrectionBench
from experiments.correction.step_correction.gsm8k_steps import Gsm8kSteps
from harness.items import Item

SPRINTS = {
    "question": "James runs three sprints three times a week. He runs 60 meters each sprint. How many meters a week?",
    "answer": "He sprints 3*3=<<3*3=9>>9 times.\nSo he runs 9*60=<<9*60=540>>540 meters.\n#### 540",
}


def read(tmp_path: Path, *rows: dict[str, str]) -> list[Item]:
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(Gsm8kSteps(path=str(path)).load())


def test_the_error_is_carried_on_through_the_later_lines(tmp_path: Path) -> None:
    (item,) = read(tmp_path, SPRINTS)
    (wrong,) = item.fields["wrong_steps"]
    said = int(re.findall(r"\d+", wrong)[-1])
    assert item.fields["right_steps"] == ["He sprints 3*3=9 times."]
    assert wrong == f"He sprints 3*3={said} times."
    assert abs(said - 9) in (1, 10)
    assert item.fields["carried"] == str(said * 60)
    assert (item.gold, item.fields["step"]) == ("540", 1)
    assert item.fields["flaw"] == {1: "ones", 10: "tens"}[abs(said - 9)]


@pytest.mark.parametrize(
    "answer",
    [
        "He runs 540.\n#### 540",  # no calculation is marked
        "He runs <<9*60=540>>540.\n#### 540",  # no result is taken up later
        "He sprints <<3*3=8>>8 times.\nHe runs <<9*60=540>>540.\n#### 540",  # one is not right
        "He sprints <<3*3=9>>9 times.\nHe runs <<3*60=180>>180.\n#### 180",  # the first is taken up nowhere
        "He sprints <<3*3=9>>9 times, 9!\nHe runs <<9*60=540>>540.\n#### 540",  # it is shown twice
        "He sprints <<3*3=9>>9.\nThat is <<5+4=9>>9.\nHe runs <<9*60=540>>540.\n#### 540",  # either may be meant
        "He sprints <<3**2=9>>9 times.\nHe runs <<9*60=540>>540.\n#### 540",  # more than a sum
        "He sprints <<__import__('os')=9>>9.\nHe runs <<9*60=540>>540.\n#### 540",
        "He sprints <<1/0=9>>9.\nHe runs <<9*60=540>>540.\n#### 540",
        "540 is <<3*3=9>>9 sprints.\nHe runs <<9*60=540>>540.\n#### 540",  # the result is shown
        "He sprints <<3*4=12>>12 times.\nHe runs <<12*60=720>>720.\n#### 720",  # 12 may be the months of a year
        "He sprints <<3*3=9>>9 times.\nHe runs <<9*60=540>>540.\nA third is <<540/7=540/7>>77.\n#### 77",
    ],
)
def test_solutions_without_a_place_for_an_error_are_passed_over(tmp_path: Path, answer: str) -> None:
    assert [item.gold for item in read(tmp_path, SPRINTS, {"question": "How far?", "answer": answer})] == ["540"]


def test_most_of_the_released_problems_have_a_place_for_an_error(real_data: Path) -> None:
    items = Gsm8kSteps(path=str(real_data / "gsm8k" / "test.jsonl")).load()
    assert len(items) > 300
    for item in items:
        right, wrong = item.fields["right_steps"], item.fields["wrong_steps"]
        assert right[:-1] == wrong[:-1]
        assert right[-1] != wrong[-1]
        assert not any("<<" in line for line in [*right, *wrong])
        assert item.grade(item.gold).correct is True
        assert item.grade(item.fields["carried"]).correct is False


LAPS = {
    "question": "Ann runs 4 laps of 350 meters on 5 days. How many meters is that, at 3 laps more on the last day?",
    "answer": (
        "A day has 4*350=$<<4*350=1400>>1,400 meters.\nFive have 5*1,400=<<5*1400=7000>>7,000.\n"
        "The last has 3*350=<<3*350=1050>>1,050 more.\nSo 7,000+1,050=<<7000+1050=8050>>8,050, her 8,050 meters.\n"
        "#### 8,050"
    ),
}


def errors(path: Path) -> list[Item]:
    return list(Gsm8kErrors(path=str(path)).load())


def test_the_whole_wrong_solution_follows_from_its_error(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(LAPS) + "\n")
    after, before = errors(path)
    assert [one.fields["committed"] for one in (after, before)] == ["after", "before"]
    assert after.group == before.group == LAPS["question"]
    assert after.fields["right_steps"][3] == "So 7,000+1,050=8,050, her 8,050 meters."
    wrong = int(after.fields["wrong"])
    assert after.fields["wrong_steps"][3].endswith(f"={wrong:,}, her {wrong:,} meters.")
    total, last = re.findall(r"\d,\d+", after.fields["wrong_steps"][3])[:2]
    assert int(total.replace(",", "")) + int(last.replace(",", "")) == wrong or total == "7,000"
    assert after.grade("The answer is 8,050.").correct is True
    assert after.grade(f"The answer is {wrong}.").correct is False


def test_self_correction_bench_runs_on_the_released_problems(real_data: Path) -> None:
    items = errors(real_data / "gsm8k" / "test.jsonl")
    assert len(items) > 800
    for item in items:
        right, wrong = item.fields["right_steps"], item.fields["wrong_steps"]
        assert len(right) == len(wrong)
        assert right != wrong
        assert not item.gold.startswith(item.fields["wrong"])
        assert not item.fields["wrong"].startswith(item.gold)
        assert "<<" not in "".join([*right, *wrong])
        assert not re.search(rf"(?<![\d.,]){item.gold}(?![\d.,]*\d)", " ".join(wrong))
    assert set(SelfCorrectionBench.item_fields) <= set(items[0].fields)
