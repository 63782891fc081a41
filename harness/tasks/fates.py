"""Grades a reply: right or wrong, or the reason (fate) why no answer could be graded."""

from __future__ import annotations

from dataclasses import dataclass

from harness.calls.calls import Text
from harness.items import Fate, Item
from harness.tasks.graders import NOTHING
from harness.tasks.refusals import refuses


@dataclass(frozen=True, slots=True)
class Graded:
    """A reply with its grade.

    Attributes:
        text: the reply without the space around it.
        answer: as the grader read it ("" when it read none).
        correct: whether it is right; False for every fate but "answered".
        fate: its fate.
    """

    text: str
    answer: str
    correct: bool
    fate: Fate


def graded(item: Item, reply: Text | str, *, cut: bool = False) -> Graded:
    """Grades a reply by the item's grader.

    A reply that ran into its limit of tokens is cut. Such a reply is not graded, because its end is missing: a solution
    that was cut holds some number, but not its last one. A refusal is a text that says that the model does not know,
    and that the grader does not find right.

    Args:
        cut: whether the reply ran into its limit, which a text does not tell.
    """
    whole = not cut and (isinstance(reply, str) or reply.finish != "length")
    text = (reply if isinstance(reply, str) else reply.text).strip()
    grade = item.grade(text) if whole and text else NOTHING
    if grade.correct:
        return Graded(text, grade.answer, True, "answered")
    fate = _fate(text, whole)
    return Graded(text, grade.answer, False, "answered" if fate == "unreadable" and grade.correct is False else fate)


def ungraded(reply: Text) -> Graded:
    """A reply that does not give an answer in the form asked for: wrong, and why."""
    text = reply.text.strip()
    return Graded(text, "", False, _fate(text, reply.finish != "length"))


def _fate(text: str, whole: bool) -> Fate:
    """The fate of a text without a right answer."""
    if not whole:
        return "cut"
    if not text:
        return "empty"
    return "refused" if refuses(text) else "unreadable"
