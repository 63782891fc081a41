"""Grades answers to FANToM's questions: lists of names by whole names, and the rules of its release beside ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from harness.items import Grade, Item, grader
from harness.tasks.texts import own_text

_YES = (" yes,", " yes ", " yes.", " knows ")
_NO = (" no,", " no ", " no.", " does not know ", " doesn't know ")


@grader
def names(text: str, item: Item) -> Grade:
    """A list of names against the names that belong on it: all of them and nobody else.

    A name is a whole one: "Anna" does not name Ann, "Mary Ann" is not Ann where both are in the conversation. Every
    person who is named counts as listed, also one whom the text denies ("not Bob"), because a list was asked for. A
    text that names nobody of the conversation has no answer.

    Gold: the names as one text, those on the list, and the others.
    """
    named = _named(unicodedata.normalize("NFKC", own_text(text)), [*item.gold[1], *item.gold[2]])
    return Grade(", ".join(sorted(named)), named == {*item.gold[1]}) if named else Grade("", None)


@grader
def names_fantom(text: str, item: Item) -> Grade:
    """The rule of FANToM's release: each right name is somewhere in the text, and no wrong one, as a piece of any word.

    So a list with Anna on it has Ann on it, too. Gold: as `names`.
    """
    answer = _after_label(text).lower()
    found = [name for name in (*item.gold[1], *item.gold[2]) if name.lower() in answer]
    return Grade(", ".join(sorted(found)), {*found} == {*item.gold[1]}) if answer else Grade("", None)


@grader
def letter_fantom(text: str, item: Item) -> Grade:
    """The rule of FANToM's release for two options: the right letter, in brackets, anywhere is right.

    Also the letter alone, or first with one of ") . : ,". A reply that names both ("(A) is wrong, so (B)") counts for
    both. Gold: letter and text of the right option, "(B) Paris".
    """
    answer = _after_label(text).lower()
    letters = [letter for letter in "ab" if _marks(letter, answer)]
    found = " or ".join(map(str.upper, letters))
    return Grade(found, str(item.gold)[1].lower() in letters) if letters else Grade("", None)


@grader
def yes_no_fantom(text: str, item: Item) -> Grade:
    """The rule of FANToM's release for yes or no: it looks for a yes before it looks for a no.

    A yes is "yes" or "true" at the beginning, or " yes ", " yes,", " yes." or " knows " anywhere; so "No. Yes, he left"
    is a yes. An empty reply has no answer; in one of the release's functions it ends the run. Gold: "(A) Yes".
    """
    answer = _after_label(text).lower().strip("'").strip('"')
    if answer.startswith(("yes", "true")) or any(mark in answer for mark in _YES):
        said = "Yes"
    elif answer.startswith(("no", "false")) or any(mark in answer for mark in _NO):
        said = "No"
    else:
        return Grade("", None)
    return Grade(said, said == str(item.gold)[4:])


def _named(text: str, known: Sequence[str]) -> set[str]:
    """The known names that stand in a text as whole words; of names that overlap the longest."""
    longest_first = sorted(known, key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in longest_first)
    by_small = {name.casefold(): name for name in known}
    found = re.findall(rf"(?<![\w-])(?:{pattern})(?![\w-])", text, re.IGNORECASE)
    return {by_small[name.casefold()] for name in found if name.casefold() in by_small}


def _after_label(text: str) -> str:
    return text.rpartition("Answer:")[2].strip()


def _marks(letter: str, answer: str) -> bool:
    return answer == letter or answer.startswith(tuple(letter + mark for mark in ").:,")) or f"({letter})" in answer
