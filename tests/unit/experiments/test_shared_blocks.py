"""Choices in all rotations, and the reliability of judges, against replies that are known."""

import asyncio
from collections.abc import Sequence

import pytest

from experiments.shared.judge_reliability import reliability
from experiments.shared.rotations import in_all_rotations, movable
from harness import Choice


def choice(p: dict[str, float]) -> Choice:
    return Choice(p, 0.8, {})


def test_a_preference_for_the_first_place_favours_no_option() -> None:
    async def first(order: Sequence[str]) -> Choice:
        return choice({option: 0.7 if option == order[0] else 0.1 for option in order})

    read = asyncio.run(in_all_rotations(["a", "b", "c", "d"], first))
    assert read.p == pytest.approx(dict.fromkeys("abcd", 0.25))
    assert [read.listed_first, read.agreement, read.mass] == pytest.approx([1, 0.25, 0.8])


def test_a_preference_for_an_option_is_kept_whatever_its_place() -> None:
    async def always_c(order: Sequence[str]) -> Choice:
        return choice({option: 0.7 if option == "c" else 0.15 for option in order})

    read = asyncio.run(in_all_rotations(["a", "b", "c"], always_c))
    assert read.best == "c"
    assert [read.agreement, read.p["c"]] == pytest.approx([1, 0.7])
    assert read.listed_first == pytest.approx(1 / 3)


@pytest.mark.parametrize(("most", "firsts"), [(None, "abcdefg"), (3, "ace"), (1, "a"), (9, "abcdefg")])
def test_fewer_rotations_are_spread_evenly(most: int | None, firsts: str) -> None:
    asked: list[str] = []

    async def noted(order: Sequence[str]) -> Choice:
        asked.append(order[0])
        assert "".join(order) in "abcdefg" * 2
        return choice(dict.fromkeys(order, 1 / 7))

    asyncio.run(in_all_rotations("abcdefg", noted, most))
    assert "".join(asked) == firsts


@pytest.mark.parametrize(
    ("options", "free"), [(["box", "bag"], True), (["x", "None of the above"], False), (["y", "A and B"], False)]
)
def test_options_that_speak_of_others_keep_their_place(options: list[str], free: bool) -> None:
    assert movable(options) is free


CASES = [(f"case {n}", n % 2 == 0) for n in range(10)]


def test_a_judge_that_says_yes_to_everything_agrees_with_itself_and_is_right_half_the_time() -> None:
    async def yes(case: str, turned: bool, drawn: bool) -> bool | None:
        return True

    found = asyncio.run(reliability(CASES, yes))
    assert found.columns == {"judge_gold": 0.5, "judge_repeats": 1, "judge_orders": 1}


def test_a_judge_of_positions_and_one_that_cannot_be_read() -> None:
    gold = dict(CASES)

    async def by_position(case: str, turned: bool, drawn: bool) -> bool | None:
        return gold[case] != turned

    async def silent(case: str, turned: bool, drawn: bool) -> bool | None:
        return None

    found = asyncio.run(reliability(CASES, by_position))
    assert list(found.columns.values()) == pytest.approx([1, 1, 0])
    assert list(asyncio.run(reliability(CASES, silent)).columns.values()) == pytest.approx([0, 0, 0])
