"""Reimplements the graders of the releases of ToMBench and BigToM, for numbers that depend on their rules.

Both give credit for replies that hold no answer, or both answers. Ours (`letter_choice`) does not.
"""

from __future__ import annotations

from harness.items import Grade, Item, grader

_LETTERS = "ABCD"


@grader
def letter_tombench(text: str, item: Item) -> Grade:
    """The letter that ToMBench's release reads (Chen et al. 2024, `extract_answer`), "A" where it finds none.

    The earliest "[[A]]", "[[B]]", "[[C]]" or "[[D]]" anywhere in the text; then
    the same for "[A]" to "[D]"; then the last capital A, B, C or D, as in any word ("Because Charlie" is C); else A. So
    a refusal, an empty reply and one that was cut are answers, which are right as often as the option A is.

    The release asks each question five times with its options shuffled and takes the majority; this grades one reply.
    Gold: letter and text of the right option, "(B) Paris".
    """
    marked = (letter for mark in ("[[{}]]", "[{}]") for letter in _LETTERS if mark.format(letter) in text)
    last = (character for character in reversed(text) if character in _LETTERS)
    letter = next(marked, "") or next(last, "A")
    return Grade(letter, letter == str(item.gold)[1])


@grader
def letter_bigtom(text: str, item: Item) -> Grade:
    """The rule of BigToM's release (Gandhi et al. 2023, `evaluate_condition`): the right letter anywhere is right.

    A reply with "a)" or "b)" in it, in small or capital letters, is right when the right option's mark is among them,
    also when both are ("It is not a) but b)"). The answer of such a reply is "A or B". A reply without any mark has no
    answer here; the release lets a second model grade it.

    Gold: letter and text of the right option, "(B) Paris".
    """
    found = [letter for letter in "AB" if f"{letter.lower()})" in text.lower()]
    return Grade(" or ".join(found), str(item.gold)[1] in found) if found else Grade("", None)
