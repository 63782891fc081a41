"""Texts of the self-correction experiment, and the texts that make a second turn.

The texts here are short and ask for no steps: a model of 135M parameters loses itself in steps of its own.
`conf/wording/selfCorrection` has the papers' own: `math` is SCoRe's (2409.12917), `boxed` is Huang's (2310.01798) with
a first turn in our own words.
"""

from __future__ import annotations

from collections.abc import Mapping

_SHAPE = 'in the form "The final answer is X."'
_ENDING = f"When you give your final answer, write it {_SHAPE}"

TEXTS: Mapping[str, str] = {
    "first": f"{_ENDING}\n\n$question",
    "score": "There might be an error in the solution above because of lack of understanding of the question. Please "
    f"correct the error, if any, and rewrite the solution. Only output the final solution! {_ENDING}",
    "huang": "Review your previous answer and find problems with your answer.",
    "neutral": "Assume that this answer could be either correct or incorrect. Review the answer carefully and report "
    "any serious problems you find.",
    "verify": "Verify whether your answer is correct, and provide an explanation.",
    "improve": "Based on the problems you found, improve your answer. Please reiterate your answer, with your final "
    f"answer a single numerical number, {_SHAPE}",
    "again": f"Please answer the question again. {_ENDING}",
    "repeat": f"Repeat your final answer. Write it {_SHAPE}",
}

SECOND_TURNS: Mapping[str, tuple[str, ...]] = {
    "score": ("score",),
    "huang": ("huang", "improve"),
    "neutral": ("neutral", "improve"),
    "verify": ("verify", "improve"),
    "again": ("again",),
    "repeat": ("repeat",),
}
"""The texts of one round of each style, one call each; the reply to the last is the new answer.

score is SCoRe's second turn; huang reviews, then improves. neutral and verify review without the presumption of a
problem; the request to improve stays Huang's, so that only the review differs. again holds no hint of an error, and
repeat asks for no change at all.
"""
