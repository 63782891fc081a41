"""How a model is asked whether it will know an answer, and what may stand before the question (Kadavath et al. 2022,
sections 5.2 and 5.3)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.shared.demonstrations import reading
from harness import Item, Prompt
from harness.errors import ItemError
from harness.tasks.graders import gold_text

Context = Literal["none", "source", "good", "bad", "irrelevant"]

SPELLED = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")

NOTES = 3
"""Questions with their answers in a source, the item's own among them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A training question with its answer, from which contexts of other questions are made."""

    question: str
    answer: str
    domain: str


def context(kind: Context, item: Item, domain: str, known: Sequence[Known], rng: random.Random) -> str:
    """What stands before the question, by rule; "" for "none".

    source: a few questions with their right answers, the item's own among them. good, bad: the answer to the
    question, right or wrong. irrelevant: the right answer to another question. Others are training items, of the item's
    domain where there are any.

    Raises:
        ItemError: none of the other items has an answer that is wrong for this one.
    """
    if kind == "none":
        return ""
    question, answer = str(item.fields["question"]), gold_text(item)
    others = rng.sample(known, len(known))
    near = [k for k in others if k.domain == domain]
    others = near + [k for k in others if k.domain != domain]
    if kind == "source":
        notes = [(k.question, k.answer) for k in others[: NOTES - 1]]
        notes.insert(rng.randint(0, len(notes)), (question, answer))
        return "Notes:\n" + "".join(f"- {q} {a}\n" for q, a in notes)
    if kind == "irrelevant":
        question, answer = others[0].question, others[0].answer
    if kind == "bad":
        # An empty grade is no wrong answer: it would be no answer at all.
        wrong = next((k.answer for k in others if item.grade(k.answer).correct is False), None)
        if wrong is None:
            raise ItemError("no training item has an answer that is wrong here; raise experiment.train")
        answer = wrong
    return f'Hint: the answer to "{question}" is {answer}.\n'


def answering(item: Item, before: str) -> Prompt:
    """The question as it is sampled; without context the prompt of `sampling.ask`."""
    return Prompt.user(f"{before}Question: {item.fields['question']}", "Answer:")


def yes_no(item: Item, before: str, *, parenthesis: bool) -> tuple[Prompt, dict[str, list[str]]]:
    """Asks whether it knows the answer; the prompt and the forms of "yes" and "no"."""
    end, options = reading({"yes": "A", "no": "B"}, parenthesis=parenthesis)
    text = f"{before}Question: {item.fields['question']}\nDo you know the answer?\n (A) Yes\n (B) No"
    return Prompt.user(text, "Answer:" + end), options


def percent(item: Item, before: str, *, spelled: bool) -> tuple[Prompt, dict[str, list[str]], Mapping[str, float]]:
    """Asks for a confidence in steps of ten percent; the prompt, the forms of the eleven steps, and what they say.

    Args:
        spelled: "ninety", one token in most vocabularies, and not "90%", several.
    """
    names = SPELLED if spelled else [f"{10 * i}%" for i in range(11)]
    asked = f"{', '.join(names[:-1])} or {names[-1]}{' percent' if spelled else ''}"
    text = (
        f"How likely is it that you can answer the question correctly? Say {asked}.\n"
        f"{before}Question: {item.fields['question']}"
    )
    options = {f"{10 * i}%": [f" {name}"] for i, name in enumerate(names)}
    # A small model says a word after the one and a number after the other, with two thirds and more of the mass.
    lead = "My confidence is" if spelled else "Confidence:"
    return Prompt.user(text, lead), options, {f"{10 * i}%": i / 10 for i in range(11)}
