"""Votes, the oracle's choice and cut answers, on fabricated states."""

import pytest

from experiments.correction.chains import (
    Cost,
    State,
    oracle,
    pooled,
    revision,
    total,
    vote,
    within,
)
from harness import Graded, Item, Text, graded
from harness.items import Fate
from harness.tasks.graders import number


def state(answer: str, gold: str = "7", calls: int = 1, text: str = "") -> State:
    fate: Fate = "answered" if answer else "unreadable"
    grade = Graded(text or answer, answer, answer == gold, fate)
    return State(Text(text or answer, (1,) * 5, (0.0,) * 5, "stop"), grade, Cost(calls, 10 * calls, 5 * calls))


def states(answers: str) -> list[State]:
    """One state a letter; "-" is unparsable."""
    return [state(a.replace("-", "")) for a in answers]


@pytest.mark.parametrize(
    ("answers", "winner", "correct"),
    [
        ("788", "8", False),
        ("878", "8", False),
        ("778", "7", True),
        ("78", "7", True),  # ties to the first seen
        ("87", "8", False),
        ("9788", "8", False),
        ("98877", "8", False),
        ("-8", "8", False),  # unparsable ones abstain
        ("--7", "7", True),
        ("8--", "8", False),
        ("---", "", False),
    ],
)
def test_vote(answers: str, winner: str, correct: bool) -> None:
    voted = vote(states(answers), Cost(9, 8, 7))
    assert (voted.grade.answer, voted.grade.correct) == (winner, correct)
    assert voted.cost == Cost(9, 8, 7)


def test_a_vote_of_two_is_the_first_parsable_answer() -> None:
    for first in "789":
        for second in "789-":
            assert vote(states(first + second), Cost(2, 2, 2)).grade.answer == first


def test_a_vote_costs_its_answers_together_and_one_within_a_chain_what_the_chain_cost() -> None:
    answers = [state("8"), state("7", calls=2), state("7", calls=3)]
    seven = Graded("7", "7", True, "answered")
    assert (pooled(answers).grade, pooled(answers).cost) == (seven, Cost(6, 60, 30))
    assert (within(answers).grade, within(answers).cost) == (seven, Cost(3, 30, 15))


def test_the_cost_of_separate_answers_adds_up() -> None:
    assert total([state("7"), state("8", calls=3)]) == Cost(4, 40, 20)


@pytest.mark.parametrize(
    ("answers", "at"), [("7", 0), ("87", 1), ("788", 0), ("878", 1), ("898", 2), ("--7-", 2), ("-8", 1)]
)
def test_the_oracle_stops_at_the_first_right_answer_else_goes_on_to_the_last(answers: str, at: int) -> None:
    chain = states(answers)
    assert oracle(chain) is chain[at]


def test_a_row() -> None:
    row = revision(state("8", text="a b c d"), state("7", calls=2, text="a b c e f g"), turn=2, chain=3)
    assert (row.before, row.after, row.unchanged, row.turn, row.chain) == (False, True, False, 2, 3)
    assert (row.calls, row.prompt_tokens, row.new_tokens) == (2, 20, 10)
    assert row.similarity == pytest.approx(2 * 3 / 10)
    row = revision(state(""), state(""), turn=2)
    assert (row.before, row.after, row.unchanged) == (False, False, None)
    assert (row.fate_before, row.fate_after) == ("unreadable", "unreadable")
    assert row.similarity == 1.0, "two empty texts are equal"


def test_the_papers_form_is_read() -> None:
    item = Item({"question": "What is 3 + 4?"}, "7", number)
    text = "We add 3 and 4. Final Answer: The final answer is $7$. I hope it is correct."
    assert graded(item, Text(text, (1,), (0.0,), "stop")).correct
