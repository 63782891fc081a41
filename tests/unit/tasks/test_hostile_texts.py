"""Graders and detectors of texts on what no reader would write: any characters, and very many of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Item
from harness.tasks.graders import exact_match, short_answer, symbol
from harness.tasks.refusals import refuses

QUESTION = "Which of the rivers, or lakes, is not in Iraq?"
GRADERS = (short_answer, symbol, exact_match)
PIECES = [
    *(
        "Paris",
        "not ",
        "no ",
        "but ",
        "wait, no: ",
        "Answer: ",
        "\\boxed{",
        "}",
        "forty",
        "-four ",
        "hundred ",
        "May 8, ",
    ),
    *(
        "1945",
        "-",
        "BC",
        "C++",
        "F#",
        "O-",
        "a ",
        "of ",
        "near ",
        "maybe ",
        "could be ",
        ", ",
        "(",
        ")",
        "/",
        "\n",
        ". ",
    ),
    *(
        "I ",
        "am ",
        "sure",
        "unk",
        "nown",
        "can't ",
        "Iraq",
        "'",
        '"',
        "n't ",
        "isn't it?",
        "\u200b",
        "\u0663",
        "\u00b2",
    ),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=14).map("".join))
def test_any_text_is_read(text: str) -> None:
    for grader in GRADERS:
        grade = Item(fields={"question": QUESTION}, gold=["C++", "1945", text], grader=grader).grade(text)
        assert (grade.correct is None) == (grade.answer == "")
    assert refuses(text) in (True, False, None)
    assert refuses(text) is None or refuses(text, wide=True) is not None


@pytest.mark.parametrize(
    "piece", [*PIECES, "x:\n", "is it? ", "no .. ", "'a ", "a b, ", "not known ", "do not ", "A a "]
)
def test_a_hundred_thousand_characters_take_no_time(piece: str) -> None:
    text = "Paris " + piece * (100_000 // len(piece)) + " 42"
    start = time.process_time()
    for grader in GRADERS:
        Item(fields={"question": QUESTION}, gold=["Paris", "Fe"], grader=grader).grade(text)
    refuses(text)
    assert time.process_time() - start < 3  # 0.5 s at most on an idle core


def test_the_parsed_answer_never_depends_on_the_gold() -> None:
    for text in ("Lyon, not Paris", "Could be Paris, could be Lyon.", "It's Fe, not Ir", "May 8, 1945"):
        for grader in GRADERS:
            items = [
                Item(fields={"question": QUESTION}, gold=[gold], grader=grader) for gold in ("Paris", "Lyon", "1945")
            ]
            assert len({item.grade(text).answer for item in items}) == 1


def test_exact_match_normalises_as_the_field_does() -> None:
    item = Item(fields={"question": "Which?"}, gold=["The Dark-Side, of the Moon"], grader=exact_match)
    assert item.grade("dark-side of moon").correct is True
    assert item.grade("Answer: A darkside of the moon!").answer == "darkside of moon"
    assert item.grade("It is The Dark-Side of the Moon").correct is False
    assert item.grade("...").correct is None
