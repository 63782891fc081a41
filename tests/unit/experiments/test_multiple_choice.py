"""Lettered questions in their forms, and the temperature that fits their letters best."""

from __future__ import annotations

import math
import random

import pytest

from experiments.calibration.mc_calibration.multiple_choice import (
    TEXTS,
    Answer,
    Layout,
    layout,
    questions,
    unrotated,
)
from experiments.calibration.mc_calibration.temperature import LEAST, MOST, at_temperature, best_temperature
from harness.tasks.choices import multiple_choice

SHOWN = Layout("Which?", ("w", "x", "y", "z"), right=1, wrong=3, movable=True)


def test_the_lettered_form_is_the_papers() -> None:
    (asked,) = questions("lettered", SHOWN)
    assert asked.text == "Question: Which?\nChoices:\n (A) w\n (B) x\n (C) y\n (D) z"
    assert asked.example[1].content == "Answer: (B)"


@pytest.mark.parametrize("right", [1, 3])
def test_none_of_the_above_takes_the_last_place_and_the_right_letter_stays(right: int) -> None:
    (asked,) = questions("nota", Layout("Which?", ("w", "x", "y", "z"), right, 0, movable=True))
    assert asked.options == ("w", "x", "y", TEXTS["nota"])
    assert asked.right == right


def test_a_right_and_a_wrong_answer_are_proposed_without_the_options() -> None:
    true, false = questions("true-false", SHOWN)
    assert (true.proposed, true.right, false.proposed, false.right) == ("x", 0, "z", 1)
    assert true.text == "Question: Which?\nProposed Answer: x\nIs the proposed answer:\n (A) True\n (B) False"
    assert false.example[1].content == "The proposed answer is: (B)"


def test_rotations_put_every_option_at_every_letter_once_and_average_back() -> None:
    turns = questions("cyclic", SHOWN)
    assert [asked.options for asked in turns][:2] == [("w", "x", "y", "z"), ("x", "y", "z", "w")]
    assert all(asked.options[asked.right] == "x" for asked in turns)
    # By letter alone: every option gets the mean; by text alone: every option keeps its own.
    same = [Answer(asked, (0.7, 0.1, 0.1, 0.1), 0.2 * (i + 1)) for i, asked in enumerate(turns)]
    assert unrotated(same).p == pytest.approx([0.25] * 4)
    assert unrotated(same).mass == pytest.approx(0.5)
    assert unrotated(same).question is turns[0]
    own = {"w": 0.4, "x": 0.3, "y": 0.2, "z": 0.1}
    answers = [Answer(asked, tuple(own[o] for o in asked.options), 1.0) for asked in turns]
    assert unrotated(answers).p == pytest.approx(list(own.values()))


@pytest.mark.parametrize(
    ("last", "movable"),
    [
        ("All of the above", False), ("none of these", False), ("Both A and B", False), ("(B) and (C) only", False),
        ("A, B", False), ("None of the other options", False), ("above 30 degrees", True), ("I and II", True),
        ("a and b are primes", True), ("vitamin A and B", True),
    ],
)  # fmt: skip
def test_options_that_speak_of_the_place_of_others_keep_their_order(last: str, movable: bool) -> None:
    item = multiple_choice("Which?", ["w", "x", "y", last], 3, "here")
    found = {layout(item, random.Random(seed), shuffle=True).options for seed in range(20)}
    assert (len(found) > 5) == movable
    shown = layout(item, random.Random(0), shuffle=True)
    assert shown.options[shown.right] == last
    assert shown.options[shown.wrong] != last
    assert bool(questions("nota", shown)) == bool(questions("cyclic", shown)) == movable


def test_an_order_is_drawn_evenly_and_not_at_all_without_shuffling() -> None:
    item = multiple_choice("Which?", ["w", "x", "y", "z"], 2, "here")
    places = [layout(item, random.Random(seed), shuffle=True).right for seed in range(400)]
    assert all(abs(places.count(at) - 100) < 4 * (400 * 3 / 16) ** 0.5 for at in range(4))
    assert layout(item, random.Random(1), shuffle=False).options == ("w", "x", "y", "z")
    assert {layout(item, random.Random(seed), shuffle=False).wrong for seed in range(40)} == {0, 1, 3}


def test_a_temperature_divides_log_odds_and_keeps_sum_and_order() -> None:
    p = [0.6, 0.3, 0.1, 0.0]
    for t in (0.2, 1.0, 2.5, 40.0):
        scaled = at_temperature(p, t)
        assert sum(scaled) == pytest.approx(1)
        assert sorted(range(4), key=scaled.__getitem__) == [3, 2, 1, 0]
        assert math.log(scaled[0] / scaled[2]) == pytest.approx(math.log(6) / t)
    assert at_temperature(p, 1.0) == pytest.approx(p, abs=1e-11)


def test_the_best_temperature_is_the_one_that_the_answers_were_sharpened_by() -> None:
    # Of ten questions the option said with 0.9 is right six times: p = 0.6 is best, log-odds ln 9 / T = ln 1.5.
    judged = [([0.9, 0.1], 0)] * 6 + [([0.9, 0.1], 1)] * 4
    t = best_temperature(judged)
    assert t == pytest.approx(math.log(9) / math.log(1.5), rel=1e-9)
    assert at_temperature([0.9, 0.1], t) == pytest.approx([0.6, 0.4])


def test_a_temperature_without_a_best_value_is_an_end_of_the_range_or_one() -> None:
    assert best_temperature([]) == 1.0
    assert best_temperature([([0.9, 0.1], 0)]) == pytest.approx(LEAST)
    assert best_temperature([([0.9, 0.1], 1)]) == pytest.approx(MOST)
