"""Graders against awkward answers: every row is (text, parsed answer, verdict)."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.items import Grade, Item
from harness.tasks.graders import (
    aliases,
    gold_text,
    grader_named,
    letter_choice,
    number,
    short_answer,
    symbol,
)
from harness.tasks.numbers import exact, write_number
from harness.tasks.texts import normalise

PARIS = Item(fields={"question": "What is the capital of France?"}, gold=["Paris"], grader=short_answer)
KYIV = Item(fields={"question": "What is the capital of Ukraine?"}, gold=["Kyiv", "Kiev"], grader=short_answer)
WASHINGTON = Item(
    fields={"question": "What is the capital of the United States?"},
    gold=["Washington", "Washington, D.C."],
    grader=short_answer,
)
COBALT = Item(fields={"question": "What is the symbol of cobalt?"}, gold=["Co"], grader=symbol)
LETTER = Item(fields={"choices": ["Lyon", "Paris", "Nice", "New Paris"]}, gold="(B) Paris", grader=letter_choice)

SHORT = [
    ("Paris", "paris", True),
    ("paris.", "paris", True),
    ("The capital is Paris.", "paris", True),
    ("The answer is PARIS", "paris", True),
    ("Paris, France", "paris", True),
    ("It's Paris!", "paris", True),
    ("It\u2019s \u201cParis\u201d", "paris", True),
    ("**Paris**", "paris", True),
    ("<b>Paris</b>", "paris", True),
    ("Answer: Paris", "paris", True),
    ("Answer:\nParis", "paris", True),
    ("The capital of France is:\n\n**Paris**", "paris", True),
    ("Sure! Here is the answer:\n\nParis", "paris", True),
    ("Yes. Paris", "paris", True),
    ("The capital of France? Paris.", "paris", True),
    ("Question: What?\nAnswer: Paris\nQuestion: And Spain?\nMadrid", "paris", True),
    ("Paris.\nThe capital of Germany is Berlin.", "paris", True),
    ("It is Paris, which is also the largest city of the country.", "paris", True),
    ("Paris (on the Seine)", "paris", True),
    ("Its capital is Paris", "paris", True),
    ("I'm not sure, but I think it's Paris.", "paris", True),
    ("Paris, not Lyon", "paris", True),
    ("The capital is not Lyon but Paris.", "paris", True),
    ("Paris, \u00cele-de-France, France", "paris ile de france", True),
    ("Paris, Lyon", "paris lyon", True),  # a second part is read as an addition, like "Paris, Texas"
    ("\x00Paris\x00", "paris", True),
    ("not Paris", "not paris", False),
    ("It is not Paris.", "not paris", False),
    ("It isn\u2019t Paris", "it isnt paris", False),
    ("Paris is not the capital", "paris is not capital", False),
    ("Paris or Lyon", "paris or lyon", False),
    ("Paris, or maybe even Lyon", "paris or maybe even lyon", False),
    ("Paris/Lyon", "paris or lyon", False),
    ("Paris and Lyon", "paris and lyon", False),
    ("Paris, Lyon, Nice", "paris lyon nice", False),
    ("Lyon, Paris", "lyon paris", False),
    ("Paris? No, Lyon.", "lyon", False),
    ("Parisian", "parisian", False),
    ("Lyon\n\nParis", "lyon", False),
    ("Lyon\nQuestion: What is the capital of France?\nParis", "lyon", False),
    ("I don't know", "i dont know", False),
    ("", "", None),
    (" \n\t", "", None),
    ("...", "", None),
]

SYMBOL = [
    ("Co", "Co", True),
    ("Co.", "Co", True),
    ("**Co**", "Co", True),
    ("$\\text{Co}$", "Co", True),
    ("The chemical symbol for cobalt is Co", "Co", True),
    ('The symbol is "Co".', "Co", True),
    ("Co (cobalt)", "Co", True),
    ("Cobalt (Co)", "Co", True),
    ("I think it is Co", "Co", True),
    ("As I said, Co", "Co", True),
    ("Symbol: Co", "Co", True),
    ("Co\u00b3\u207a", "Co", True),
    ("Cobalt is an element. Its symbol is Co.", "Co", True),
    ("CO", "CO", False),
    ("co", "co", False),
    ("Cobalt", "Cobalt", False),
    ("He is the symbol", "He", False),
    ("It is not Co", "", None),
    ("Co or Ni", "", None),
    ("27", "", None),
]

NUMBER = [
    ("42", "42", True),
    ("42.", "42", True),
    ("42.0", "42", True),
    ("#### 42", "42", True),
    ("####42", "42", True),
    ("#### $42", "42", True),
    ("\\boxed{42}", "42", True),
    ("\\[\\boxed{42}\\]", "42", True),
    ("\\boxed{{42}}", "42", True),
    ("\\boxed{42", "42", True),
    ("\\boxed{\\frac{84}{2}}", "42", True),
    ("\\boxed{\\$42}", "42", True),
    ("\\boxed{42\\text{ km}}", "42", True),
    ("The answer is 42.", "42", True),
    ("The final answer is $42$. I hope it is correct.", "42", True),
    ("Final Answer: The final answer is 42", "42", True),
    ("**Answer:** 42", "42", True),
    ("Answer:\n42", "42", True),
    ("6*7=<<6*7=42>>42 apples\nA: 42", "42", True),
    ("The answer is 6 + 36 = 42 apples.", "42", True),
    ("The answer is 42 = 6 * 7", "42", True),
    ("The answer is approx. 42.", "42", True),
    ("The answer is 41. Wait, the answer is 42.", "42", True),
    ("The answer is not 41, it is 42", "42", True),
    ("#### 42\n\nQuestion: How many more?\n#### 7", "42", True),
    ("#### Step 2: add\nThe result is 42", "42", True),
    ("#### 2. Add\n6 + 36 = 42", "42", True),
    ("1. First 3\n2. Then 42", "42", True),
    ("42\nWhat is 5+6?\n11", "42", True),
    ("42 (because 6*7)", "42", True),
    ("42, not 43", "42", True),
    ("so 6 * 7 = 42", "42", True),
    ("x = 42", "42", True),
    ("$42.00", "42", True),
    ("42 dollars", "42", True),
    ("\u20ac42", "42", True),
    ("42 km\u00b2", "42", True),
    ("42%", "42", True),
    ("84/2", "42", True),
    ("4.2e1", "42", True),
    ("$4.2 \\times 10^{1}$", "42", True),
    ("4.2 \u00d7 10\u00b9", "42", True),
    ("\uff14\uff12", "42", True),
    ("\x0042", "42", True),
    ("-42", "-42", False),
    ("\u221242", "-42", False),
    ("x = - 42", "-42", False),
    ("41\u00bd", "41.5", False),
    ("41 1/2", "41.5", False),
    ("9" * 5000, "9" * 300, False),
    ("The total is 42 apples in 3 boxes.", "42", True),
    ("She has 42 apples in 3 boxes.", "3", False),  # nothing stated: the last number counts
    ("forty-two", "42", True),
    ("the 42nd", "", None),
    ("H2O", "", None),
    ("1/0", "", None),
    ("", "", None),
]

VALUES = [
    ("1,234", "1234"),
    ("1{,}234", "1234"),
    ("1\\,234", "1234"),
    ("1\u202f234", "1234"),
    ("1_234", "1234"),
    ("$1,234.50", "1234.5"),
    ("-$5", "-5"),
    ("$-5", "-5"),
    ("5-3", None),
    (".5", "0.5"),
    ("\\frac12", "0.5"),
    ("1\\frac{1}{2}", "1.5"),
    ("-\\dfrac{1}{3}", "-1/3"),
    ("2^10", "1024"),
    ("1e-3", "0.001"),
    ("0^-1", None),
    ("1, 2, 3", None),
]

LETTERS = [
    ("B", "B", True),
    ("b", "B", True),
    ("(b)", "B", True),
    ("B.", "B", True),
    ("B) Paris", "B", True),
    ("B - Paris", "B", True),
    ("B because it is", "B", True),
    ("B, I think", "B", True),
    ("**B**", "B", True),
    ("The answer is (B)", "B", True),
    ("The correct answer is:\n\n(B) Paris", "B", True),
    ("The correct option is B: Paris", "B", True),
    ("Answer: **(B)**", "B", True),
    ("\\boxed{B}", "B", True),
    ("\\boxed{\\text{B}}", "B", True),
    ("The answer is (C)... wait, the answer is (B).", "B", True),
    ("I'd go with B.", "B", True),
    ("Paris", "B", True),
    ("The answer is Paris.", "B", True),
    ("A city in France is Paris", "B", True),
    ("B\n\nQuestion: And?\nAnswer: C", "B", True),
    ("New Paris", "D", False),
    ("A", "A", False),
    ("A is correct", "A", False),
    ("A city", "", None),
    ("The answer is A city.", "", None),
    ("A or B", "", None),
    ("The answer is A or B", "", None),
    ("Answer: C or B", "", None),
    ("(B) and (C)", "", None),
    ("Neither A nor B", "", None),
    ("(A) is wrong, so (B)", "B", True),
    ("The answer is not B", "", None),
    ("It's not Paris", "", None),
    ("Lyon or Paris", "", None),
    ("(F)", "", None),
    ("The answer is (E)", "", None),
    ("", "", None),
]


@pytest.mark.parametrize(("text", "answer", "correct"), SHORT)
def test_short_answer(text: str, answer: str, correct: bool | None) -> None:
    assert PARIS.grade(text) == Grade(answer, correct)


@pytest.mark.parametrize("text", ["Kyiv or Kiev", "Kyiv/Kiev", "Kyiv (Kiev)", "Kiev, also spelled Kyiv"])
def test_alternatives_that_are_all_accepted_are_right(text: str) -> None:
    assert KYIV.grade(text).correct is True


@pytest.mark.parametrize(
    "text", ["Washington, D.C.", "Washington, DC, USA", "It is Washington, D.C. It was founded in 1790."]
)
def test_an_accepted_answer_may_span_commas_and_periods(text: str) -> None:
    assert WASHINGTON.grade(text).correct is True


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("AC/DC", "The band is AC/DC."),
        ("Simon & Garfunkel", "It was Simon and Garfunkel."),
        ("Dr. No", "Dr. No was the first."),
        ("N'Djamena", "Ndjamena"),
        ("Brasilia", "Bras\u00edlia"),
        ("St. John's", "It is St. John\u2019s. A port."),
        ("\u0141\u00f3d\u017a", "Lodz"),
        ("A", "The A"),
    ],
)
def test_names_that_hold_what_the_rules_look_for(gold: str, text: str) -> None:
    assert Item(fields={"question": "Which?"}, gold=gold, grader=short_answer).grade(text).correct is True


def test_a_long_sentence_that_mentions_the_answer_does_not_give_it() -> None:
    rambling = "Many travellers say " + "very " * 30 + "warmly that they like Paris"
    assert PARIS.grade(rambling).correct is False


def test_the_parsed_answer_does_not_depend_on_the_gold() -> None:
    wrong = Item(fields=PARIS.fields, gold=["Lyon"], grader=short_answer)
    assert [wrong.grade(text).answer for text, _, _ in SHORT] == [PARIS.grade(text).answer for text, _, _ in SHORT]


@pytest.mark.parametrize(("text", "answer", "correct"), SYMBOL)
def test_symbol(text: str, answer: str, correct: bool | None) -> None:
    assert COBALT.grade(text) == Grade(answer, correct)


@pytest.mark.parametrize(("text", "answer", "correct"), NUMBER)
def test_number(text: str, answer: str, correct: bool | None) -> None:
    assert Item(fields={}, gold="42", grader=number).grade(text) == Grade(answer, correct)


@pytest.mark.parametrize(("text", "answer"), VALUES)
def test_values_are_read_as_written(text: str, answer: str | None) -> None:
    grade = Item(fields={}, gold="7", grader=number).grade(text)
    assert grade == (Grade("", None) if answer is None else Grade(answer, False))


@pytest.mark.parametrize("gold", [0.5, "0.5", "1/2", ".50"])
def test_gold_numbers_compare_exactly(gold: float | str) -> None:
    item = Item(fields={}, gold=gold, grader=number)
    assert [item.grade(t).correct for t in ("1/2", "0.50", "0.5000000001")] == [True, True, False]


def test_a_gold_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="'many' is no number"):
        Item(fields={}, gold="many", grader=number).grade("3")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(42), "42"),
        (Fraction(-1, 2), "-0.5"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 2**21), "1/2097152"),
        (Fraction(10**40 + 1, 10), f"{10**39}.1"),
        (Fraction(1, 8), "0.125"),
    ],
)
def test_a_value_is_written_one_way(value: Fraction, text: str) -> None:
    assert write_number(value) == text
    assert exact(text) == value


@pytest.mark.parametrize(("text", "answer", "correct"), LETTERS)
def test_letter_choice(text: str, answer: str, correct: bool | None) -> None:
    assert LETTER.grade(text) == Grade(answer, correct)


def test_letters_beyond_h_do_not_turn_the_pronoun_into_an_answer() -> None:
    many = Item(fields={"choices": [f"option {n}" for n in range(10)]}, gold="(I) option 8", grader=letter_choice)
    assert many.grade("I think so") == Grade("", None)
    assert many.grade("(I)") == Grade("I", True)
    assert many.grade("The answer is I.") == Grade("I", True)


def test_the_very_text_of_an_option_wins_over_its_twin() -> None:
    twins = Item(fields={"choices": ["a step for man", "a step for a man"]}, gold="(B) x", grader=letter_choice)
    assert twins.grade("a step for a man") == Grade("B", True)
    assert twins.grade("step for man") == Grade("", None)


def test_an_option_with_a_negation_can_be_named_by_its_text() -> None:
    bears = Item(fields={"choices": ["They don\u2019t", "They do not", "They do"]}, gold="(B) x", grader=letter_choice)
    assert bears.grade("I say: They do not.") == Grade("B", True)


BOMBS = [
    *(
        "a",
        "\n",
        "9",
        "111,",
        "#### ",
        "\\boxed{",
        "}",
        "\\frac{1}{",
        "the answer is ",
        "(A)",
        "Question:\n",
        "1/",
        "- ",
    ),
    *(
        "_",
        "A. ",
        "\x00",
        "Paris or ",
        "Paris, ",
        "(",
        "^",
        "\u00b2",
        "x:\n",
        "e\u0301",
        "= - ",
        "1e",
        "is ",
        "*",
        ". ",
    ),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_megabyte_of_anything_is_graded_at_once(bomb: str) -> None:
    text = "Paris " + bomb * (1_000_000 // len(bomb)) + " 42"
    start = time.process_time()
    for item in (PARIS, COBALT, LETTER, Item(fields={}, gold="42", grader=number)):
        item.grade(text)
    assert time.process_time() - start < 2  # four graders; a second is what the slowest takes on a busy machine


def test_the_end_of_a_long_reasoning_is_read() -> None:
    assert Item(fields={}, gold="42", grader=number).grade("thinking 7 " * 100_000 + "\n#### 42").correct is True


def test_normalisation() -> None:
    assert normalise("The U.S. \u2014 Port-au-Prince, 1,000.5 & an \u00c9t\u00e9") == "us port au prince 1000.5 and ete"
    assert normalise("The") == "the"


def test_gold_text_is_the_usual_answer() -> None:
    assert [gold_text(item) for item in (KYIV, LETTER)] == ["Kyiv", "(B) Paris"]
    assert gold_text(Item(fields={}, gold=7, grader=number)) == "7"
    assert aliases("Paris") == ["Paris"]


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        ("6 x 7 = 42\n#### 42", Grade("42", True), Grade("42", True)),
        ("#### 42\n\nQuestion: next\n#### 7", Grade("42", True), Grade("7", False)),  # the first, the last
        ("#### 1,042", Grade("1042", False), Grade("1042", False)),
        ("#### 42.0", Grade("42.0", False), Grade("42.0", False)),  # strings are compared, not values
        ("#### $42", Grade("", None), Grade("42", True)),
        ("The answer is 42.", Grade("", None), Grade("42", True)),
        ("The answer is 42 (6 x 7)", Grade("", None), Grade("7", False)),
        ("forty-two", Grade("", None), Grade("", None)),
    ],
)
def test_numbers_as_public_releases_read_them(text: str, strict: Grade, flexible: Grade) -> None:
    for name, grade in (("number_released", strict), ("number_last", flexible)):
        assert Item(fields={}, gold="42", grader=grader_named(name)).grade(text) == grade
        assert Item(fields={}, gold=["42"], grader=grader_named(name)).grade(text) == grade


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("The answer is (B).", Grade("B", True)),
        ("the answer is B", Grade("B", True)),
        ("The answer is (A). Wait, the answer is (B).", Grade("A", False)),  # the first, where ours takes the last
        ("Answer: A\nAnswer: B", Grade("B", True)),
        ("(B)", Grade("", None)),
        ("The answer is Because", Grade("", None)),
    ],
)
def test_letters_as_public_releases_read_them(text: str, grade: Grade) -> None:
    assert Item(fields=LETTER.fields, gold=LETTER.gold, grader=grader_named("letter_released")).grade(text) == grade


def test_graders_have_names() -> None:
    assert grader_named("number") is number
    assert grader_named("harness.tasks.graders.symbol") is symbol
    for name, message in (
        ("nubmer", r"none of short_answer, .*number_released.*, and no dotted path"),
        ("no_such_package.grade", "there is no module 'no_such_package'"),
        ("os.getcwd", "neither of the harness nor of the user's own files"),
        ("builtins.print", "neither of the harness nor of the user's own files"),
        ("harness.tasks.graders.gold_text", "not marked as one; decorate it with harness.grader"),
        ("harness.tasks.graders.NOTHING", "not marked as one"),
    ):
        with pytest.raises(HarnessError, match=message):
            grader_named(name)


PIECES = [
    "#### ",
    "\\boxed{",
    "\\frac{",
    "}",
    "the answer is ",
    "Answer:",
    "Question:",
    "1",
    "0",
    ",",
    ".",
    "/",
    "^",
    "-",
    "e",
]
PIECES += [
    "x 10^",
    "(",
    ")",
    "A",
    "B",
    " or ",
    " not ",
    "Paris",
    "Lyon",
    "Co",
    " ",
    "\n",
    ":",
    "\u00bd",
    "\u00b2",
    "\x00",
    "$",
    "'",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=12).map("".join))
def test_any_text_gets_a_grade_and_no_verdict_without_an_answer(text: str) -> None:
    for item in (PARIS, COBALT, LETTER, Item(fields={}, gold="42", grader=number)):
        grade = item.grade(text)
        assert (grade.correct is None) == (grade.answer == "")
