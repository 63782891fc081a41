"""Answers that come with an item, with labels, in the form of a model's own."""

from __future__ import annotations

from experiments.correction.chains import Cost, State
from harness import Graded, Item, Text

NOTHING = Cost(0, 0, 0)
"""The cost of an answer that was given."""


def given(item: Item) -> list[State]:
    """The answers in the item's field "responses", {"text": ..., "right": ...}, in order; none without that field.

    They are right or wrong by their labels, and not by the item's grader.
    """
    states = []
    for response in item.fields.get("responses", ()):
        text = str(response["text"]).strip()
        grade = Graded(text, item.grade(text).answer, bool(response["right"]), "answered")
        states.append(State(Text(text, (), (), "stop"), grade, NOTHING))
    return states
