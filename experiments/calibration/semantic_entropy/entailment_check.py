"""Clear cases of entailment, which a judge of entailment must get right before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.calibration.semantic_entropy.clustering import question
from harness import Item, Probability, Subject, together, yes_no
from harness.tasks.graders import short_answer


class Case(NamedTuple):
    """Two answers to a question, and whether the first entails the second."""

    question: str
    first: str
    second: str
    entails: bool


_ALIKE = (
    ("What is the capital of France?", "Paris", "It is Paris."),
    ("Who wrote the play Hamlet?", "William Shakespeare", "Shakespeare"),
    ("How many legs does a spider have?", "Eight", "8"),
    ("When did the Second World War end?", "1945", "It ended in the year 1945."),
    ("Which gas do plants take from the air?", "Carbon dioxide", "CO2"),
)
_DIFFERENT = (
    ("What is the capital of France?", "Paris", "Lyon"),
    ("Who wrote the play Hamlet?", "Shakespeare", "Christopher Marlowe"),
    ("How many legs does a spider have?", "Eight", "Six"),
    ("When did the Second World War end?", "1945", "1918"),
)
_FINER = (
    ("When did the Second World War end?", "In September 1945", "In 1945"),
    ("Where does Big Ben stand?", "In London, England", "In England"),
)

CASES: Sequence[Case] = (
    *(Case(q, *pair, True) for q, a, b in _ALIKE for pair in ((a, b), (b, a))),
    *(Case(q, *pair, False) for q, a, b in _DIFFERENT for pair in ((a, b), (b, a))),
    *(case for q, a, b in _FINER for case in (Case(q, a, b, True), Case(q, b, a, False))),
)
"""Pairs in both directions, 12 of which entail and 10 do not: who always says Yes gets 12 of 22 right."""

LEAST = 0.8
"""The share of them below which verdicts that rest on the judge are held back."""


async def check(wording: Mapping[str, str], judge: Subject) -> Probability:
    """The share of the clear cases that a judge decides right; by Yes where it has more than half.

    Args:
        wording: the experiment's texts, of which `clustering.TEXTS` is a part.
    """
    prompts = [
        question(wording, Item({"question": case.question}, case.first, short_answer), case.first, case.second)
        for case in CASES
    ]
    choices = await together(yes_no(judge, prompt) for prompt in prompts)
    right = [(choice.p["yes"] > 0.5) == case.entails for choice, case in zip(choices, CASES, strict=True)]
    return Probability(sum(right) / len(right))
