"""The parser of the SimpleToM release on replies whose reading follows from its rules."""

import pytest

from harness.items import Grade, Item
from harness.tasks.tom.simpletom_released import letter_simpletom, released_letter


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("(B)", "B"),
        ("Answer: (B)", "B"),
        ("(B), not (A)", "A"),  # "(A)" is looked for first, wherever it stands
        ("Option (B", "B"),
        ("(A or (B", ""),
        ("B", "B"),
        ("answer: B", "B"),  # the word "answer" is dropped, so that its A is no letter
        ("A or B", ""),
        ("Bob", "B"),
        ("I do not know", ""),
        ("(E)", ""),
        ("", ""),
    ],
)
def test_a_reply_without_reasoning(text: str, read: str) -> None:
    assert released_letter(text, reasoned=False) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Ann cannot know, so (A) is out. Therefore, the answer is: (B)", "B"),
        ("the answer is (A)? No:\nThe answer is: (B)", "B"),
        ("Option (B) fits. Option (A) does not, because", "A"),  # cut before its conclusion
        ("It is (B). The answer is", ""),
    ],
)
def test_a_reply_with_reasoning(text: str, read: str) -> None:
    assert released_letter(text, reasoned=True) == read


def test_the_grader_compares_with_the_gold_letter() -> None:
    item = Item({"choices": ["Yes", "No"]}, "(B) No", letter_simpletom)
    assert [item.grade(text) for text in ("(B)", "(A) or (B)", "")] == [
        Grade("B", True),
        Grade("A", False),
        Grade("", None),
    ]
