"""Reimplements the parser of the SimpleToM release (Gu et al. 2024), for numbers that depend on its rules."""

from __future__ import annotations

import re

from harness.items import Grade, Item, grader

_LETTERS = "ABCD"


def released_letter(text: str, *, reasoned: bool) -> str:
    """The letter that the release reads in a reply, "A" to "D"; "" where it counts the reply as not answered.

    It looks for "(A)" anywhere in the text, then for "(B)" and so on: a reply counts as A if it discusses both options,
    or was cut before its conclusion. Without any of these it takes an open "(A", and then a bare letter, as in any word
    ("Bob" is B), provided that only one of the letters occurs.

    Args:
        reasoned: whether the reply was asked for with its reasoning. All up to the last "the answer is" is then
            dropped; else each "answer" is.
    """
    if reasoned:
        text = text[max((m.end() for m in re.finditer("the answer is:?", text, re.IGNORECASE)), default=0) :]
    else:
        text = re.sub("answer:?", "", text, flags=re.IGNORECASE)
    closed = next((letter for letter in _LETTERS if f"({letter})" in text), "")
    if closed:
        return closed
    for mark in ("(", ""):
        found = [letter for letter in _LETTERS if f"{mark}{letter}" in text]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


@grader
def letter_simpletom(text: str, item: Item) -> Grade:
    """The option that the release reads in a reply without reasoning (`released_letter`).

    Gold: letter and text of the right option, "(B) Paris".
    """
    letter = released_letter(text, reasoned=False)
    return Grade(letter, letter == str(item.gold)[1]) if letter else Grade("", None)
