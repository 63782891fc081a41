"""Which questions are asked about which stories, and in which readings of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from experiments.theory_of_mind.false_belief.questions import Question
from experiments.theory_of_mind.false_belief.stories import Condition

Readings = Literal["options", "no story", "shuffled story", "free"]
"""How an answer is read: over the options behind the story, without it, behind another one, or from a free text."""

ALL: tuple[Condition, ...] = get_args(Condition)
CLASSIC: tuple[Condition, ...] = ("FB", "TB")
CROSSED: tuple[Condition, ...] = ("BACK_CLOSED", "DIST", "PEEK", "BACK_OPEN")
"""Whether the agent saw what happened, crossed with whether the others think so: neither, only they, only the agent,
both. The agent's belief and the others' idea of it differ in two of the four, so that a reader who takes one for the
other is wrong there; no rule is right on more than three quarters of them at any order."""

TOGETHER: tuple[Condition, ...] = (*CLASSIC, *CROSSED)
"""Of which all kinds of question must be right together: see `rows.EVERY_KIND`. Half of their first-order beliefs are
of the old place and half of the new one, and every rule is right on half of them or fewer."""

SPARING: Mapping[Question, Mapping[Readings, Sequence[Condition]]] = {
    "belief": {"options": ALL, "no story": ALL, "shuffled story": CLASSIC, "free": TOGETHER},
    "action": {"options": CLASSIC},
    "second": {"options": CROSSED},
    "third": {"options": CROSSED},
    "fourth": {"options": CROSSED},
    "reality": {"options": ("FB",), "free": ("FB",)},
    "memory": {"options": ("FB",), "free": ("FB",)},
    "awareness": {
        "options": TOGETHER,
        "no story": TOGETHER,
        "shuffled story": CLASSIC,
        "free": TOGETHER,
    },
    "knows": {"options": CLASSIC, "free": CLASSIC},
}
"""The stories about which a question is asked in each reading, as few as its claims need.

A place is read in three rotations and a yes or no in two orders, so a family costs 161 calls, and not the 1,100
of every question about every story in every reading."""


def readings(question: Question, condition: Condition, *, whole: bool) -> list[Readings]:
    """The readings in which a question is asked about a story; none if it is not asked about it.

    Args:
        whole: ask every question about every story in every reading.
    """
    return [name for name in get_args(Readings) if whole or condition in SPARING[question].get(name, ())]
