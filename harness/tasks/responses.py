"""Items that hold several responses to one instruction, of which some are known to be better (experiment `judge`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from harness.errors import HarnessError
from harness.items import SHORT, Grade, Item, grader
from harness.tasks.rows import BrokenRow

RUBRIC = (
    "Does the response answer the instruction correctly, helpfully and safely?",
    "It does not answer the instruction, or is wrong or harmful throughout.",
    "It answers a small part, with serious errors.",
    "It answers in part, or with errors.",
    "It answers well, with small flaws.",
    "It answers completely and correctly.",
)
"""For sets without a rubric of their own: a criterion, then what each score from 1 to 5 means."""


def responses_item(
    where: str,
    *,
    instruction: str,
    right: Sequence[str],
    wrong: Sequence[str],
    section: str,
    subset: str,
    weight: float,
    row: str,
) -> Item:
    """An item of a set of preferences, without a reference answer and without scores.

    Fields: "question" (the instruction), "responses" (the right ones first), "reference" and "other_reference" (""),
    "rubric", "section", "subset", "weight" (of the subset in its section's score), "row". Gold: {"best": the places of
    the right responses, "scores": None}. Group: the instruction.

    Args:
        where: file and row, for messages.

    Raises:
        BrokenRow: no right response or no wrong one, or a response that is both.
    """
    if not right or not wrong:
        raise BrokenRow(f"{where}: {len(right)} right responses and {len(wrong)} wrong ones; give at least one of each")
    if {*right} & {*wrong}:
        raise BrokenRow(f"{where}: a response is both right and wrong: {sorted({*right} & {*wrong})[0][:100]!r}")
    fields: dict[str, Any] = {
        "question": instruction,
        "responses": [*right, *wrong],
        "reference": "",
        "other_reference": "",
        "rubric": list(RUBRIC),
        "section": section,
        "subset": subset,
        "weight": weight,
        "row": row,
    }
    group = hashlib.sha256(instruction.encode(errors="replace")).hexdigest()[:16]
    gold = {"best": list(range(len(right))), "scores": None}
    return Item(fields, gold, responses_only, group=group, form=SHORT)


@grader
def responses_only(text: str, item: Item) -> Grade:
    """Refuses: such an item compares given responses, and has no answer of its own.

    Raises:
        HarnessError: always.
    """
    raise HarnessError("this task holds responses to be judged, and no question with an answer; run experiment=judge")
