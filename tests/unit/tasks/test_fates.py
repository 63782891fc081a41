"""What becomes of replies, and what that makes of their grades."""

import pytest

from harness import Text, graded
from harness.items import SHORT, SOLUTION, Fate, Grader, Item
from harness.tasks.graders import letter_choice, number, short_answer
from harness.tasks.refusals import admits_unknown


def item(grader: Grader, gold: object) -> Item:
    return Item(fields={"question": "What is it?", "choices": ["Lyon", "Paris"]}, gold=gold, grader=grader)


@pytest.mark.parametrize(
    ("grader", "gold", "reply", "correct", "fate"),
    [
        (short_answer, ["Paris"], " Paris", True, "answered"),
        (short_answer, ["Paris"], "Lyon", False, "answered"),
        (short_answer, ["Paris"], " \n", False, "empty"),
        (short_answer, ["Paris"], "I do not know.", False, "refused"),
        (number, "12", "It is 12.", True, "answered"),
        (number, "12", "It is 13.", False, "answered"),
        (number, "12", "It is a large number.", False, "unreadable"),
        (number, "12", "I do not know.", False, "refused"),
        (letter_choice, "(B) Paris", "(B)", True, "answered"),
        (letter_choice, "(B) Paris", "Either of them.", False, "unreadable"),
        # A question without an answer: there a refusal is the right answer.
        (admits_unknown, [], "Nobody knows.", True, "answered"),
    ],
)
def test_an_answer_that_cannot_be_graded_is_wrong_and_says_why(
    grader: Grader, gold: object, reply: str, correct: bool, fate: Fate
) -> None:
    found = graded(item(grader, gold), Text(reply, (1,), (0.0,), "stop"))
    assert (found.correct, found.fate) == (correct, fate)
    assert found.text == reply.strip()
    assert graded(item(grader, gold), reply) == found


def test_a_reply_that_was_cut_is_never_graded() -> None:
    """The number that it ends with is the beginning of another one, and the name that it holds may be denied later."""
    for grader, gold, reply in ((number, "2", "The answer is 2"), (short_answer, ["Paris"], "Paris is not the")):
        found = graded(item(grader, gold), Text(reply, (1,), (0.0,), "length"))
        assert (found.answer, found.correct, found.fate) == ("", False, "cut")


def test_solutions_have_more_room_than_names_and_the_room_is_no_part_of_an_item_s_id() -> None:
    assert SOLUTION.max_tokens > 10 * SHORT.max_tokens
    short, long = item(number, "1"), Item(fields=item(number, "1").fields, gold="1", grader=number, form=SOLUTION)
    assert short.form == SHORT
    assert short.id == long.id
