"""ExploreToM: options by rule from the structure of a story."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.items import Grade
from harness.tasks.base import split
from harness.tasks.tom.exploretom import ExploreToM, contains_exploretom, options_of
from tests.unit.tasks.test_sets import configured

pytestmark = pytest.mark.usefixtures("datasets_cache")

STORY = (
    "Ann entered the hall. Bob is in the hall. "
    "Ann moved the red pen to the tin box, which is also located in the hall. "
    "While this action was happening, Cid witnessed this action in secret (and only this action). Bob left the hall. "
    "Ann moved the red pen to the paper bag, which is also located in the hall. Bob entered the north wing. "
    "Ann told privately to Bob about the new school. Ann moved the lamp to the cellar, leaving the crate in its "
    "original location. Ann moved the vase to the loft, still inside the oak chest."
)
COLUMNS = (
    "story_structure", "infilled_story", "question", "expected_answer", "qprop=params", "qprop=nth_order",
    "qprop=non_unique_mental_state", "sprop=is_false_belief_story_1st", "param=story_type",
)  # fmt: skip


def a_row(question: str, answer: str, order: int = 1, params: str = "", **more: Any) -> dict[str, Any]:
    return {
        "story_structure": STORY,
        "infilled_story": "It was a long day in the hall.",
        "question": question,
        "expected_answer": answer,
        "qprop=params": params,
        "qprop=nth_order": order,
        "qprop=non_unique_mental_state": "True",
        "sprop=is_false_belief_story_1st": "True",
        "param=story_type": "tomi",
        **more,
    }


ROWS = [
    a_row(
        "In which container will Bob search for the red pen?",
        "tin box",
        params="(['Bob'], 'red pen', 'container_location-False')",
    ),
    a_row("In which room does Ann think that Bob will search for the red pen?", "hall", 2, "x, 'room_location-True')"),
    a_row("In which container was the red pen at the beginning?", "tin box", -1, "(None, 'memory-container_location')"),
    a_row("In which container was the red pen before Bob entered the north wing?", "paper bag", -1),
    a_row("Does Bob know about the new school? Answer yes or no.", "yes"),
    a_row(
        "What does Ann think about Bob's belief on the new school? (knows about it / does not know about it)",
        "knows about it",
        2,
    ),
]


def local(folder: Path, *rows: dict[str, Any], name: str = "ExploreToM-data-sample.csv") -> str:
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return str(folder / name)


@pytest.mark.parametrize("way", ["hub", "path"])
def test_questions_get_the_options_of_their_story(tmp_path: Path, way: str) -> None:
    place = local(tmp_path / "ExploreToM", *ROWS)
    task = configured("exploretom", **{way: str(Path(place).parent)})
    items = task.load()
    found = [(i.fields["ability"], i.fields["order"], i.fields["condition"], i.gold[4:]) for i in items]
    assert found == [
        ("container", 1, "false belief", "tin box"),
        ("room", 2, "true belief", "hall"),
        ("container", 0, "", "tin box"),
        ("container", 0, "", "paper bag"),
        ("knowledge", 1, "", "yes"),
        ("knowledge", 2, "", "knows about it"),
    ]
    assert {*items[0].fields["choices"]} == {"tin box", "paper bag", "oak chest"}
    assert items[0].fields["places"] == ["tin box", "paper bag"]
    assert {*items[1].fields["choices"]} == {"hall", "north wing", "cellar", "loft"}
    assert items[1].fields["places"] == ["hall"]
    assert items[4].fields["choices"] == ["yes", "no"]
    assert items[0].fields["distinct"] is True
    assert len({item.group for item in items}) == 1
    assert all(item.fields["story"] == STORY for item in items)


def test_the_prose_is_shown_with_the_options_of_the_structure(tmp_path: Path) -> None:
    path = local(tmp_path, *ROWS)
    shown, told = ExploreToM(path=path, story="infilled_story").load(), ExploreToM(path=path).load()
    assert shown[0].fields["story"] == "It was a long day in the hall."
    assert [item.fields["choices"] for item in shown] == [item.fields["choices"] for item in told]
    assert shown[0].group == told[0].group


def test_the_licence_is_told_without_the_card(tmp_path: Path) -> None:
    assert "CC-BY-NC-4.0 (no commercial use)" in ExploreToM().source()
    assert "CC-BY-NC-4.0 (no commercial use)" in ExploreToM(path=local(tmp_path, *ROWS)).source()


def test_where_a_thing_was() -> None:
    assert options_of(STORY, "container", "vase")[1] == ["oak chest"]
    assert options_of(STORY, "room", "vase")[1] == ["loft"]
    taken_out = f"{STORY} Ann moved the red pen to the attic, leaving the paper bag in its original location."
    assert options_of(taken_out, "container", "red pen")[1] == []
    back = f"{taken_out} Bob moved the red pen to the crate, which is also located in the attic."
    assert options_of(back, "container", "red pen")[1] == ["tin box", "paper bag", "crate"]
    assert options_of(taken_out, "room", "red pen") == (
        ["hall", "north wing", "cellar", "loft", "attic"],
        ["hall", "attic"],
    )
    assert options_of("Nothing happens.", "room", "pen") == ([], [])


def test_what_is_not_closed_is_passed_over_with_a_count(tmp_path: Path) -> None:
    one_box: dict[str, Any] = {"story_structure": "Ann moved the pen to the box, which is also located in the hall."}
    rows = [
        *ROWS,
        a_row("How would Bob describe the pen?", "wet"),
        a_row("Where is the pen?", "tin box", 2),
        a_row("In which room will Cid search for the red pen?", "garage"),
        a_row("In which container will Ann search for the pen?", "box", **one_box),
        a_row("Does Bob believe that the pen is wet? Answer yes or no.", "perhaps"),
    ]
    parts = split(ExploreToM(path=local(tmp_path, *rows)), None, 0)
    assert (len(parts.test), parts.broken) == (6, ())
    assert sorted(parts.passed) == [
        "1 passed over: a question with 1 options in its story",
        "2 passed over: a question whose answer is no option in its story",
        "2 passed over: a question with 0 options in its story",
    ]


def test_one_question_with_two_answers_is_broken_and_a_copy_is_dropped(tmp_path: Path) -> None:
    rows = [*ROWS, {**ROWS[0]}, {**ROWS[4], "expected_answer": "no"}]
    parts = split(ExploreToM(path=local(tmp_path, *rows)), None, 0)
    assert len(parts.test) == 6
    assert len(parts.broken) == 1
    assert "row 8: the answer is 'no', and 'yes' where the question stands before" in parts.broken[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qprop=nth_order": "third"}, "'qprop=nth_order' is 'third'; want -1, 1 or 2"),
        ({"expected_answer": ""}, "'expected_answer' is ''"),
        ({"story_structure": " "}, "'story_structure' is ' '"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = local(tmp_path, *ROWS, {**ROWS[0], **change})
    assert len(ExploreToM(path=path).load()) == 6
    with pytest.raises(HarnessError, match=f"row 7: {message}"):
        ExploreToM(path=path, max_broken=0).load()


def test_other_columns_are_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("story,question\na,b\n")
    with pytest.raises(HarnessError, match="no column 'story_structure'"):
        ExploreToM(path=str(tmp_path / "x.csv")).load()


def test_the_release_takes_an_answer_anywhere_in_the_reply(tmp_path: Path) -> None:
    place, _, _, _, know, _ = ExploreToM(path=local(tmp_path, *ROWS)).load()
    assert place.released is contains_exploretom
    assert contains_exploretom("The tin box, the paper bag or the oak chest", place).correct is True
    assert contains_exploretom("bag", place) == Grade("", False)
    assert contains_exploretom("", place) == Grade("", None)
    assert contains_exploretom("I cannot say yesterday's news", know) == Grade("yes", True)
    assert place.grade("The paper bag").correct is False
