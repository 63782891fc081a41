"""The arms: how a question is put, and rules that answer without any idea of minds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.theory_of_mind.rules import shared
from harness import Arm

Shown = Literal["own", "none", "other"]
Reminder = Literal["none", "own", "gold", "wrong"]
Careful = Literal["no", "minds", "awareness"]


@dataclass(frozen=True, kw_only=True)
class Asking(Arm):
    """How a question is put.

    Attributes:
        exact: read as the exact probability of each option, in both orders, and not from a text.
        story: the story before the question: its own, none, or another scenario's.
        swapped: whether the options of a text arm stand in the other order.
        reminder: the answer to the mental-state question that is shown before the other two questions: the model's own
            (the more probable option), the right one, or the wrong one.
        reasoned: whether the model is asked to reason before it answers.
        star: whether it is then told to mind who is aware of which fact.
        careful: what a system prompt asks it to consider.
        rule: a rule of `RULES` that answers in the model's place; "none" asks the model.
    """

    exact: bool = False
    story: Shown = "own"
    swapped: bool = False
    reminder: Reminder = "none"
    reasoned: bool = False
    star: bool = False
    careful: Careful = "no"
    rule: str = "none"


def _never_aware(question: Mapping[str, Any]) -> int:
    """As if nobody ever knew: "No", the act of one who does not know, "Reasonable"."""
    return int(question["unaware"])


def _longest(question: Mapping[str, Any]) -> int:
    return max(range(len(question["choices"])), key=lambda at: len(question["choices"][at]))


def _least_in_story(question: Mapping[str, Any]) -> int:
    """The option that shares the smallest part of its words with the story; the first of equals."""
    shares = [shared(choice, question["story"]) for choice in question["choices"]]
    return min(range(len(shares)), key=shares.__getitem__)


RULES: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "never aware": _never_aware,
    "longest option": _longest,
    "first option": lambda question: 0,
    "last option": lambda question: len(question["choices"]) - 1,
    "least in story": _least_in_story,
}
"""Each takes the fields of a question and gives the index of an option."""

ARMS: Mapping[str, Asking] = {
    "options": Asking(exact=True),
    "remind own": Asking(exact=True, reminder="own"),
    "remind gold": Asking(exact=True, reminder="gold"),
    "remind wrong": Asking(exact=True, reminder="wrong"),
    "system": Asking(exact=True, careful="minds"),
    "system star": Asking(exact=True, careful="awareness"),
    "no story": Asking(exact=True, story="none"),
    "shuffled story": Asking(exact=True, story="other"),
    "free": Asking(),
    "swapped options": Asking(swapped=True),
    "cot": Asking(reasoned=True),
    "cot star": Asking(reasoned=True, star=True),
    "remind own, cot star": Asking(reasoned=True, star=True, reminder="own"),
    **{f"rule: {rule}": Asking(rule=rule) for rule in RULES},
}

TEXTS: Mapping[str, str] = {
    "question": "Read the story and answer the question with the correct choice, (A) or (B).\n\n"
    "Story:\n$story\n\n${reminder}Question: $asked\n$options\n\n$form",
    "no_story": "Answer the question with the correct choice, (A) or (B).\n\n"
    "${reminder}Question: $asked\n$options\n\n$form",
    "reminder": "Question: $asked\n$options\nAnswer: ($letter)\n\n",
    "form": 'Which answer is correct? Reply with just "(A)" or "(B)".',
    "form_reasoned": 'Which answer is correct? Reason step by step, and end with "Therefore, the answer is: " followed '
    'by "(A)" or "(B)".',
    "form_star": "Which answer is correct? Reason step by step, and think carefully about what each person in the "
    'story is aware of and what not. End with "Therefore, the answer is: " followed by "(A)" or "(B)".',
    "lead": "Answer:",
    "system_minds": "You are a helpful assistant. Before you answer, consider the mental states of those involved.",
    "system_awareness": "You are a helpful assistant. Before you answer, consider the mental states of those "
    "involved: which of the facts each of them can be aware of, and which not.",
}
"""The layout is the release's; the sentences, also of the two system prompts, are our own."""
