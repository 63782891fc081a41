"""Refusals: which texts say that there is no answer, strictly and within a window."""

from __future__ import annotations

import pytest

from harness import Item
from harness.tasks.refusals import admits_unknown, refuses


@pytest.mark.parametrize(
    ("text", "strict", "wide"),
    [
        ("The answer is unknown.", True, True),
        ("the answer is UNKNOWN", True, True),
        ("I don\u2019t know.", True, True),
        ("I do not know the answer.", True, True),
        ("Nobody knows what Leo thinks.", True, True),
        ("It is impossible to tell.", True, True),
        ("There is no such country.", True, True),
        ("Thus, the answer remains a mystery.", True, True),
        ("**I'm sorry, I cannot answer that.**", True, True),
        # Adverbs do not matter.
        ("That is still quite unknown.", True, True),
        ("I do really not know.", True, True),
        ("Breldonia does simply not exist.", True, True),
        # Only with words between.
        ("That is to us unknown.", False, True),
        ("I do of course not know.", False, True),
        # Too far apart, in another order, or in two sentences.
        ("The capital is a town of which the name is long and old and unknown.", False, False),
        ("Know that I do not.", False, False),
        ("It is. Unknown persons did it.", False, False),
        # No refusals.
        ("The capital is Paris.", False, False),
        ("No, the answer is 5.", False, False),
        ("Unknown Pleasures is an album.", False, False),
        ("He knows nobody.", False, False),
        # What the model asks itself afterwards is not its answer.
        ("Paris.\nQuestion: What is unknown?\nThe answer is unknown.", False, False),
        ("", None, None),
        (" ...\n!", None, None),
    ],
)
def test_texts_that_refuse(text: str, strict: bool | None, wide: bool | None) -> None:
    assert (refuses(text), refuses(text, wide=True)) == (strict, wide)


def test_a_long_text_takes_no_time() -> None:
    assert refuses("do not " * 200_000, wide=True) is False


def test_the_grader_of_unanswerable_questions_wants_a_refusal() -> None:
    item = Item({"question": "What is the capital of Breldonia?"}, [], admits_unknown)
    assert (item.grade("The answer is unknown.").answer, item.grade("The answer is unknown.").correct) == (
        "unknown",
        True,
    )
    assert (item.grade("It is Brel.").answer, item.grade("It is Brel.").correct) == ("brel", False)
    assert item.grade(" ").correct is None
