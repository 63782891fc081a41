"""Numbers as models write them: which one a careful reader takes for the answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.numbers import read_number, write_number
from tests.support.cases import Rows, kinds, misread


def written(text: str, question: str | None) -> str | None:
    value = read_number(text, question or "")
    return None if value is None else write_number(value)


@pytest.mark.parametrize("rows", kinds("tasks", "read_number"))
def test_the_number_is_the_one_that_a_reader_finds(rows: Rows) -> None:
    assert misread(rows, written) == []


BOMBS = ["=5", "5 = 5 ", "1, ", "1 or ", "(5) ", "not 5 ", "answer in ", "the answer is ", "\\frac{1}{", "\\text{a} "]
BOMBS += ["twelve ", "1,000", "1 000 ", "1.000", "wait ", "total is ", "<think>", "</think>", "<|im_end|>", "½", "٤"]
BOMBS += ["7 legs, or ", ", which is 5 more ", "7: 8, ", "14 May ", "in 7 days ", "none left "]


@pytest.mark.parametrize("start", ["", "The answer is ", "\\boxed{"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_hundred_thousand_characters_are_read_at_once(start: str, bomb: str) -> None:
    text = start + bomb * (100_000 // len(bomb))
    begin = time.process_time()
    read_number(text, "How many legs has a spider in 14 days?")
    assert time.process_time() - begin < 3  # 0.5 s at most on an idle core; with the square of its length, minutes


PIECES = [
    "The answer is ",
    "Answer:",
    "#### ",
    "\\boxed{",
    "\\frac{",
    "\\sqrt{",
    "}",
    "{",
    "1",
    "0",
    "12",
    ",",
    ".",
    "/",
    "^",
]
PIECES += [
    "-",
    "e",
    "x 10^",
    " or ",
    " to ",
    " not ",
    " million",
    "twelve ",
    "a ",
    "half ",
    "½",
    "²",
    "٤",
    "‾",
    "=",
    "!",
    "\n",
]
PIECES += [
    "<think>",
    "</think>",
    "<|im_end|>",
    "Wait, ",
    "total is ",
    "I don't know",
    "(",
    ")",
    "$",
    "%",
    "~",
    "k",
    "~500",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=14).map("".join))
def test_any_text_is_read_and_what_is_read_can_be_read_again(text: str) -> None:
    value = read_number(text)
    assert value is None or read_number(f"#### {write_number(value)}") is not None


@settings(max_examples=100, deadline=None)
@given(st.fractions(max_denominator=10**6))
def test_a_value_is_read_as_it_is_written(value: object) -> None:
    assert str(read_number(f"The answer is {value}.")) == str(value)
