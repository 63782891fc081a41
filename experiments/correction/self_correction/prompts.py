"""What is said in the self-correction experiments: the forms of a final answer and the second turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Style = Literal["score", "huang", "neutral", "verify", "again", "repeat"]
FormName = Literal["plain", "math", "boxed"]


@dataclass(frozen=True)
class Form:
    """How the final answer is to be written, in every turn alike.

    Attributes:
        first: the first question, with "{question}" where the item's goes.
        shape: "in the form ...", to be put into a sentence.
        ending: the sentence that asks for it, at the end of an instruction.
    """

    first: str
    shape: str
    ending: str

    def ask(self, question: str) -> str:
        """The first turn about a question."""
        return self.first.replace("{question}", question)


_PLAIN_SHAPE = 'in the form "The final answer is X."'
_PLAIN_ENDING = f"When you give your final answer, write it {_PLAIN_SHAPE}"
_MATH_SHAPE = 'in the form "Final Answer: The final answer is $answer$. I hope it is correct."'
_MATH_ENDING = f"At the end of the Solution, when you give your final answer, write it {_MATH_SHAPE}"
_BOXED_SHAPE = "in the form \\boxed{answer}"
_BOXED_ENDING = f"At the end, write your final answer, a single numerical number, {_BOXED_SHAPE}."

FORMS: Mapping[FormName, Form] = {
    "plain": Form(_PLAIN_ENDING + "\n\n{question}", _PLAIN_SHAPE, _PLAIN_ENDING),
    "math": Form(
        "You are a math expert. When you respond, respond only with the Solution of the final Problem, thinking step "
        f"by step. {_MATH_ENDING}\n\nProblem: {{question}}",
        _MATH_SHAPE,
        _MATH_ENDING,
    ),
    "boxed": Form("{question}\n\nThink step by step. " + _BOXED_ENDING, _BOXED_SHAPE, _BOXED_ENDING),
}
"""math is SCoRe's (2409.12917); boxed has the form of Huang's answers (2310.01798) in a first turn of our own words.

plain is short and does not ask for steps: a model of 135M parameters loses itself in steps of its own.
"""

_CORRECT = (
    "There might be an error in the solution above because of lack of understanding of the question. Please correct "
    "the error, if any, and rewrite the solution. Only output the final solution! "
)
_REVIEWS: Mapping[str, str] = {
    "huang": "Review your previous answer and find problems with your answer.",
    "neutral": "Assume that this answer could be either correct or incorrect. Review the answer carefully and report "
    "any serious problems you find.",
    "verify": "Verify whether your answer is correct, and provide an explanation.",
}


def second_turn(style: Style, form: Form) -> tuple[str, ...]:
    """The instructions of one round, one call each; the reply to the last is the new answer.

    score: SCoRe's turn 2. huang: review, then improve. neutral, verify: the review without the presumption of a
    problem (the request to improve stays Huang's, so that only the review differs). again: no hint of an error.
    repeat: nothing to be changed at all.
    """
    if style == "score":
        return (_CORRECT + form.ending,)
    if style == "again":
        return ("Please answer the question again. " + form.ending,)
    if style == "repeat":
        return (f"Repeat your final answer. Write it {form.shape}",)
    improve = (
        "Based on the problems you found, improve your answer. Please reiterate your answer, with your final answer a "
        f"single numerical number, {form.shape}"
    )
    return _REVIEWS[style], improve if improve.endswith('"') else improve + "."


_STATED = re.compile(
    r"answer(?: is|:)[^\n]*\d[^\n]*?(?:\n|[.!]\s)|\\boxed\{(?:[^{}]|\{[^{}]*\})*\}|####[ $]*-?\d[\d,.]*\s*\n",
    re.IGNORECASE,
)


def states_number(text: str) -> bool:
    """Whether a text states a final number and goes on after it, so that a cut at its end has taken nothing away."""
    return _STATED.search(text) is not None
