"""Texts of the critique experiment: requests as in CriticBench (Lin et al. 2024), in a form of answers of our own."""

from __future__ import annotations

from collections.abc import Mapping

_SHOWN = "Question: $question\nAnswer: $answer"
_CONCLUDE = (
    "Finally, conclude with either '[[correct]]' if the above answer is correct or '[[wrong]]' if it is incorrect."
)
_ENDING = 'End with the words "The answer is", followed by your final answer.'

TEXTS: Mapping[str, str] = {
    "answer": f"Question: $question\nSolve it step by step. {_ENDING}",
    "critique": f"{_SHOWN}\nReview your previous answer and find problems with your answer.\n{_CONCLUDE}",
    "neutral": f"{_SHOWN}\nReview the answer above, which may be right or wrong.\n{_CONCLUDE}",
    "verdict_lead": "Verdict:",
    "improve": f"{_SHOWN}\nVerdict: $critique\nBased on the problems you found, improve your answer. Please reiterate "
    f"your solution. {_ENDING}",
    "improve_alone": f"{_SHOWN}\nImprove your answer. Please reiterate your solution. {_ENDING}",
}
"""neutral does not say that the answer is the model's own, or that it has problems. improve_alone shows no critique."""
