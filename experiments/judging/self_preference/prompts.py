"""Words of the self-preference experiment, after Chen et al. (2025) in our words, and clear cases for its judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.shared.judge_reliability import JudgeReliability, reliability
from harness import Message, Prompt, Subject, fill, letter
from harness.tasks.letters import read_letter

TEXTS: Mapping[str, str] = {
    "answer": "$question\n\nKeep your answer within $words words.",
    "compare": "Here are a question and two answers to it. Which answer is better?\n\nQuestion: $question\n\n"
    "(A) $first\n\n(B) $second\n\nSay A or B.",
    "compare_lead": "The better answer is:",
    "paraphrase": "Say the answer below in other words. Keep its meaning, every number and every name, and add nothing."
    "\n\nQuestion: $question\nAnswer: $answer",
    "paraphrase_lead": "In other words:",
}


def compared(wording: Mapping[str, str], question: str, first: str, second: str) -> tuple[Message, ...]:
    """The turn that shows a question and two answers; the letter of the better one comes next."""
    return (Message("user", fill(wording["compare"], {"question": question, "first": first, "second": second})),)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with a good answer and a bad one."""

    question: str
    good: str
    bad: str


CASES = (
    Case("What is 7 + 5?", "7 + 5 is 12.", "7 + 5 is 57."),
    Case("Which animal barks?", "A dog barks.", "A fish barks."),
    Case("Name a colour of the sky on a clear day.", "On a clear day it is blue.", "I had soup for lunch."),
    Case("How many days does a week have?", "A week has seven days.", "A week has twenty days."),
    Case("What do bees make?", "Bees make honey.", "Bees make shoes."),
    Case("Write a polite greeting.", "Good morning, how are you?", "Go away."),
    Case("What is the opposite of hot?", "The opposite of hot is cold.", "The opposite of hot is table."),
    Case("Where does a train run?", "A train runs on rails.", "A train runs under the bed."),
)
"""Comparisons that a judge must decide rightly before its verdicts count; each is shown with the good answer first, and
with the bad one first."""


async def check(wording: Mapping[str, str], judge: Subject) -> JudgeReliability:
    """How a judge decides the clear cases."""
    cases = [((case, good_first), good_first) for case in CASES for good_first in (True, False)]

    async def decide(case: tuple[Case, bool], turned: bool, drawn: bool) -> bool | None:
        told, good_first = case
        shown = (told.good, told.bad) if good_first != turned else (told.bad, told.good)
        turns = compared(wording, told.question, *shown)
        if drawn:
            prompt = Prompt(turns, wording["compare_lead"])
            reply = await judge.generate(prompt, max_tokens=4, temperature=1.0)
            named = read_letter(reply.text, ["", ""])
        else:
            choice = await letter(judge, turns, wording["compare_lead"], {"A": "A", "B": "B"})
            named = choice.best if choice.p["A"] != choice.p["B"] else ""
        return None if named not in ("A", "B") else (named == "A") != turned

    return await reliability(cases, decide)
