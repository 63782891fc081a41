"""The common form of questions about stories."""

from typing import Any

import pytest

from harness.tasks.rows import BrokenRow
from harness.tasks.tom.questions import about_story

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
