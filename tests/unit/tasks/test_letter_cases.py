"""Letters and options as models name them: which one a careful reader takes for the answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.letters import read_letter
from tests.support.cases import Rows, kinds, misread

CITIES = ("Lyon", "Paris", "Nice", "New Paris")


@pytest.mark.parametrize("rows", kinds("tasks", "read_letter"))
def test_the_letter_is_the_one_that_a_reader_finds(rows: Rows) -> None:
    assert misread(rows, read_letter) == []


BOMBS = [
    "A or ",
    "A, B and C",
    "A is wrong ",
    "B is right. ",
    "so ",
    "so B",
    "I'd say ",
    "wait ",
    "not A ",
    "(A)",
    "Lyon ",
]
BOMBS += ["not Lyon ", "answer in ", "the answer is ", "A) x\n", "[", "*", "\u0410", "<think>", "it's ", "option "]


@pytest.mark.parametrize("start", ["", "The answer is ", "\\boxed{"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_hundred_thousand_characters_are_read_at_once(start: str, bomb: str) -> None:
    text = start + bomb * (100_000 // len(bomb))
    begin = time.process_time()
    read_letter(text, CITIES)
    assert time.process_time() - begin < 3  # 0.2 s at most on an idle core; with the square of its length, minutes


PIECES = [
    "The answer is ",
    "Answer:",
    "\\boxed{",
    "}",
    "(",
    ")",
    "A",
    "B",
    "b",
    "E",
    "I",
    " or ",
    " not ",
    " is wrong",
    "Lyon",
]
PIECES += [
    "Paris",
    "New Paris",
    ". ",
    ", ",
    ":",
    "\n",
    "so ",
    "Wait, ",
    "I choose ",
    "\u0412",
    "\uff22",
    "*",
    "<think>",
    "</think>",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=14).map("".join))
def test_any_text_names_an_option_shown_or_none(text: str) -> None:
    assert read_letter(text, CITIES) in ("", "A", "B", "C", "D")
