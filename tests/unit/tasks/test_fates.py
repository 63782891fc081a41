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


FATES: dict[Fate, tuple[tuple[Grader, str], ...]] = {
    "answered": (
        *((number, text) for text in ("42", "41", "I don't know, but I'd say 5.")),
        *((short_answer, text) for text in ("Rome", "I'm not sure, but Rome", "Paris. I'm not sure.")),
        *((letter_choice, text) for text in ("B", "A", "I don't know, so A")),
    ),
    "refused": (
        *((number, text) for text in ("I cannot solve this.", "The answer is unknown.", "It cannot be determined.")),
        *(
            (short_answer, text)
            for text in ("I'm not sure.", "Unknown", "The text does not say.", "Answer: I don't know")
        ),
        *((short_answer, text) for text in ("Pass.", "<think>Rome?</think>I don't know")),
        *((letter_choice, text) for text in ("I cannot choose.", "I am unable to determine which option is right.")),
    ),
    "unreadable": (
        *((number, text) for text in ("Hmm.", "12 or 15", "<think>42", "Could you give me the price of 1 egg?")),
        *((short_answer, text) for text in ("...", "\U0001f600", "<think>Paris</think>")),
        *((letter_choice, text) for text in ("A or B", "None of the above", "E", "The answer is not listed.")),
    ),
    "empty": ((number, ""), (short_answer, "  \n")),
}
"""The fate of each reply, by a careful reader."""


@pytest.mark.parametrize("fate", FATES)
def test_a_reply_has_the_fate_that_a_reader_gives_it(fate: Fate) -> None:
    golds: dict[Grader, object] = {number: "42", short_answer: ["Paris"], letter_choice: "(B) Paris"}
    found = {text: graded(item(grader, golds[grader]), text).fate for grader, text in FATES[fate]}
    assert found == dict.fromkeys(found, fate)


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
