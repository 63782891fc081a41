"""The prompts of self-knowledge: three forms that leave room for a refusal, and eight ways to ask for a judgement."""

from __future__ import annotations

from typing import Literal, NamedTuple

from harness import Message, Prompt

Form = Literal["direct", "instruction", "icl"]
"""Bare question; told that refusing is allowed; shown three answers and three refusals (Yin et al. 2023)."""

FORMS: tuple[Form, ...] = ("direct", "instruction", "icl")

INSTRUCTION = (
    "Take the question literally and think about whether anybody can know the answer. If it cannot be answered, "
    'say "The answer is unknown." Otherwise answer briefly.'
)

DEMONSTRATIONS = (
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("What will I dream of next Friday?", "Nobody can know a dream before it comes, so the answer is unknown."),
    ("Which gas do plants take from the air?", "Plants take carbon dioxide from the air."),
    ("Who was the first emperor of Antarctica?", "Antarctica never had an emperor, so the answer is unknown."),
    ("Who wrote the play Hamlet?", "William Shakespeare wrote Hamlet."),
    ("How many grains of sand lie in my left shoe?", "Nobody has counted them, so the answer is unknown."),
)


class Paraphrase(NamedTuple):
    """One way to ask whether a question has an answer.

    Attributes:
        yes: whether "Yes" means that it has one.
    """

    text: str
    yes: bool


PARAPHRASES = (
    Paraphrase("Can the question below be answered?", yes=True),
    Paraphrase("Is the question below impossible to answer?", yes=False),
    Paraphrase("Could a well-informed person know the answer to this question?", yes=True),
    Paraphrase("Is the answer to this question unknown to everybody?", yes=False),
    Paraphrase("Can the answer to this question be found from established facts?", yes=True),
    Paraphrase("Does this question ask for something that nobody can know?", yes=False),
    Paraphrase("Does everything that the question below speaks of exist?", yes=True),
    Paraphrase("Is something wrong with this question, so that it has no answer?", yes=False),
)
"""Half of them turned round, so that a subject who says "Yes" to everything does not look consistent."""


def asking(form: Form, question: str) -> Prompt:
    """A question in one of the forms; the reply goes on after "A:"."""
    shown = DEMONSTRATIONS if form == "icl" else ()
    turns = [m for q, a in shown for m in (Message("user", f"Q: {q}"), Message("assistant", f"A: {a}"))]
    told = f"{INSTRUCTION}\n" if form == "instruction" else ""
    return Prompt((*turns, Message("user", f"{told}Q: {question}")), "A:")


def judging(paraphrase: Paraphrase, question: str) -> Prompt:
    """Whether a question has an answer; Yes or No comes next."""
    # What is the same for all questions comes first: engines keep it between calls.
    return Prompt.user(f"{paraphrase.text} Say Yes or No.\nQuestion: {question}", "Answer:")
