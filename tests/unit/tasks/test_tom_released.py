"""The graders of the releases of ToMBench and BigToM, and where they give credit that ours does not."""

from __future__ import annotations

import pytest

from harness.items import Item, is_grader
from harness.tasks.tom.questions import about_story
from harness.tasks.tom.released import letter_bigtom, letter_tombench


def item(right: int, choices: tuple[str, ...] = ("Paris", "Lyon", "Nice", "Metz")) -> Item:
    return about_story("row 1", story="Ann sat.", asked="Where?", choices=choices, right=right, group="g")


@pytest.mark.parametrize(
    ("text", "letter", "ours"),
    [
        ("[[B]]", "B", "B"),
        ("[[B]] and not [[A]]", "A", "B"),
        ("[[D]] because it is not [A]", "D", "D"),
        ("[[C]] or [[B]]", "B", ""),
        ("[C] or [B]", "B", ""),
        ("Because Charlie", "C", ""),
        ("the answer is (b)", "A", "B"),
        ("I cannot tell.", "A", ""),
        ("", "A", ""),
        ("B. Lyon, near Dijon", "D", "B"),
    ],
)
def test_tombench_always_finds_a_letter(text: str, letter: str, ours: str) -> None:
    for at, name in enumerate("ABCD"):
        grade = letter_tombench(text, item(at))
        assert (grade.answer, grade.correct) == (letter, letter == name)
        assert item(at).grade(text).answer == ours


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        ("a) Paris", "A", (True, False)),
        ("(B)", "B", (False, True)),
        ("It is not a) but b)", "A or B", (True, True)),
        ("B", "", (None, None)),
        ("Lyon", "", (None, None)),
        ("", "", (None, None)),
    ],
)
def test_bigtom_takes_the_right_letter_anywhere(text: str, answer: str, right: tuple[bool | None, bool | None]) -> None:
    for at in (0, 1):
        grade = letter_bigtom(text, item(at, ("Paris", "Lyon")))
        assert (grade.answer, grade.correct) == (answer, right[at])


def test_they_can_be_named_in_a_config() -> None:
    assert is_grader(letter_tombench)
    assert is_grader(letter_bigtom)
