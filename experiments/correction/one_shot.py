"""One worked example before a question, so that answers have steps and end in a form that can be read."""

from __future__ import annotations

from collections.abc import Mapping

from harness import Message, Prompt, fill

TEXTS: Mapping[str, str] = {
    "question": '$question\nThink briefly, and end with "The final answer is X."',
    "example_question": "What is 38 + 25 - 10?",
    "example_answer": "38 + 25 = 63, and 63 - 10 = 53. The final answer is 53.",
}
"""The example has two steps, so that it is no item of the task arithmetic. Of another task, give an example of its own:
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
