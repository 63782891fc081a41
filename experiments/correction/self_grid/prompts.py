"""Texts of the three turns: answer, feedback that ends with a verdict, refinement. The paper's own are not known."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.shared.critique import FORM

_SHAPE = 'Write the final answer in the form "The final answer is X."'

TEXTS: Mapping[str, str] = {
    "answer": f"$question\n\n{_SHAPE}",
    "feedback": f"Please assess your response to the question. Point out each error. {FORM}",
    "refine": f"Using the feedback, give an improved solution. {_SHAPE}",
    "no_feedback": "I have no comments.",
}
