"""Contexts before a question whose P(IK) is asked, made by rule (Kadavath et al. 2022, section 5.3)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness import Item, ItemError, fill
from harness.tasks.graders import gold_text

Context = Literal["none", "source", "source without answer", "good", "bad", "irrelevant"]

TEXTS: Mapping[str, str] = {
    "source": "Notes:\n$notes",
    "note": "- $question $answer\n",
    "not_noted": "(not noted)",
    "hint": 'Hint: the answer to "$question" is $answer.\n',
}

NOTES = 3
"""Questions with their answers in a source, the item's own among them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A training question with its answer, from which contexts of other questions are made."""

    question: str
    answer: str
    domain: str


def context(
    kind: Context,
    item: Item,
    domain: str,
    known: Sequence[Known],
    *,
    rng: random.Random,
    wording: Mapping[str, str] = TEXTS,
) -> str:
    """The text before the question; "" for "none".

    source: a few questions with their right answers, the item's own among them. source without answer: the same, but
    the item's own answer is not noted. good, bad: the answer to the question, right or wrong. irrelevant: the
    right answer to another question. Others are training items, of the item's domain where there are any.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.

    Raises:
        ItemError: none of the other items has an answer that is wrong for this one.
    """
    if kind == "none":
        return ""
    question, answer = str(item.fields["question"]), gold_text(item)
    others = rng.sample(known, len(known))
    near = [k for k in others if k.domain == domain]
    others = near + [k for k in others if k.domain != domain]
    if kind in ("source", "source without answer"):
        noted = answer if kind == "source" else wording["not_noted"]
        notes = [(k.question, k.answer) for k in others[: NOTES - 1]]
        notes.insert(rng.randint(0, len(notes)), (question, noted))
        told = "".join(fill(wording["note"], {"question": q, "answer": a}) for q, a in notes)
        return fill(wording["source"], {"notes": told})
    if kind == "irrelevant":
        question, answer = others[0].question, others[0].answer
    if kind == "bad":
        # An empty grade is no wrong answer: it would be no answer at all.
        wrong = next((k.answer for k in others if item.grade(k.answer).correct is False), None)
        if wrong is None:
            raise ItemError("no training item has an answer that is wrong here; raise experiment.train")
        answer = wrong
    return fill(wording["hint"], {"question": question, "answer": answer})
