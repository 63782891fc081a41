"""The common form of questions about stories."""

from typing import Any

import pytest

from harness.tasks.rows import BrokenRow
from harness.tasks.tom.questions import about_story, distinct, shuffled, story_name

STORY: dict[str, Any] = {"story": "Ann put the ball in the box.", "asked": "Where is the ball?", "group": "story 1"}


def test_the_question_shows_story_and_lettered_options() -> None:
    item = about_story("row 1", **STORY, choices=["box", "bag"], right=0, order=0, places=["box"])
    assert item.fields["question"] == (
        "Ann put the ball in the box.\n\nWhere is the ball?\nChoices:\n (A) box\n (B) bag"
    )
    assert item.fields["stem"] == "Ann put the ball in the box.\n\nWhere is the ball?"
    assert (item.fields["order"], item.fields["places"], item.fields["unit"]) == (0, ["box"], "")
    assert item.group == "story 1"
    assert [item.grade(reply).correct for reply in ("(A)", "B", "the box")] == [True, False, True]


def test_equal_options_are_a_broken_row() -> None:
    with pytest.raises(BrokenRow, match="row 7: equal choices"):
        about_story("row 7", **STORY, choices=["box", "box"], right=0)


def test_fields_of_one_set_only() -> None:
    item = about_story("row 1", **STORY, choices=["box", "bag"], right=0, more={"severity": "3"})
    assert (item.fields["severity"], item.fields["ability"]) == ("3", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"story": " \n"}, "row 7: the story is empty"),
        ({"asked": ""}, "row 7: the question is empty"),
        ({"places": ["box", "attic"]}, "row 7: the place 'attic' is none of the options"),
        ({"right": 2}, "row 7: the right answer is choice number 2 of 2"),
        ({"choices": ["box"]}, "row 7: 1 choices"),
    ],
    ids=["story", "question", "place", "gold", "choices"],
)
def test_rows_that_are_no_question_about_a_story(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BrokenRow, match=message):
        about_story("row 7", **{**STORY, "choices": ["box", "bag"], "right": 0, **given})


@pytest.mark.parametrize(
    ("choices", "right", "kept"),
    [
        (["a", "b", "a", "c"], 3, (["a", "b", "c"], 2)),
        (["a", "b", "a", "c"], 2, (["a", "b", "c"], 0)),
        (["a", "b"], 1, (["a", "b"], 1)),
    ],
)
def test_options_that_stand_twice(choices: list[str], right: int, kept: tuple[list[str], int]) -> None:
    assert distinct(choices, right) == kept


def test_the_order_of_shuffled_options_does_not_tell_which_is_right() -> None:
    first, second = shuffled(["old place", "new place"], 0, "story"), shuffled(["new place", "old place"], 0, "story")
    assert first[0] == second[0]
    assert {first[1], second[1]} == {0, 1}
    assert {shuffled(["a", "b"], 0, str(n))[1] for n in range(20)} == {0, 1}


def test_the_name_of_a_story_does_not_depend_on_spaces() -> None:
    assert story_name("Ann sat.\n\nBob left. ") == story_name("Ann sat. Bob left.")
    assert len(story_name("Ann sat.")) == 12
    assert story_name("Ann sat.") != story_name("Bob sat.")
