"""One worked example before a question, so that answers have steps and end in a form that can be read."""

from __future__ import annotations

from collections.abc import Mapping

from harness import Message, Prompt, fill

TEXTS: Mapping[str, str] = {
    "question": "$question\nWork it out briefly, and end with the final answer.",
    "example_question": "What is 84 / 7?",
    "example_answer": "84 / 7 = 12. The final answer is 12.",
}
"""The example divides, so that it is no item of the task arithmetic. Of another task, give an example of its own:
experiment.wording.example_question=... experiment.wording.example_answer=..."""


def one_shot(wording: Mapping[str, str], question: str) -> Prompt:
    """The question behind the example, which is an exchange of its own."""
    shown = fill(wording["question"], {"question": fill(wording["example_question"], {})})
    return Prompt(
        (
            Message("user", shown),
            Message("assistant", fill(wording["example_answer"], {})),
            Message("user", fill(wording["question"], {"question": question})),
        )
    )
