"""Asks for a confidence between tags, on one of three scales (Zeng et al. 2025, appendix, shortened)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from experiments.shared.confidence import Scale, read_confidence
from experiments.shared.tags import CONFIDENCE_HERE, first_line
from harness import Item, Probability, Prompt, Subject, Text, fill

TEXTS: Mapping[str, str] = {
    "confidence": "Below are a question and your solution. Reflect on the solution and give your confidence that its "
    "answer is correct, $range. Reply in this form:\n$form\n\nQuestion: $question\nSolution: $solution",
    "confidence_form": "<confidence>$placeholder</confidence>\nFor example, <confidence>$example</confidence>.",
    "percent": "from 0% to 100%",
    "probability": "as a probability from 0.0 to 1.0",
    "words": "as one of these: $phrases",
}

EXAMPLES = (13, 27, 34, 46, 54, 66, 73, 87)
"""Percentages, one of which a prompt gives as an example: their mean is 50, and models seldom state them unasked."""

CONFIDENCE_TOKENS = 32
"""Room for a confidence between tags, with line breaks and a few words around it."""


def example(subject: Subject, scale: Scale, phrases: Mapping[str, float]) -> str:
    """The example of a confidence that the prompts about an item show: another one from item to item, at random.

    With the same example everywhere (the paper's is 80 %), a model that copies it looks calibrated where its accuracy
    happens to be near that number. Copies of a random one know nothing of the item.
    """
    stream = subject.random("example of a confidence")
    if scale == "words":
        return stream.choice(list(phrases))
    percent = stream.choice(EXAMPLES)
    return f"{percent}%" if scale == "percent" else f"{percent / 100}"


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """How a confidence is asked for about one item, and read.

    Attributes:
        wording: the experiment's texts, of which `TEXTS` is a part.
        phrases: probability of each phrase of the scale "words".
        example: the example at the end of the form, see `example`.
    """

    wording: Mapping[str, str]
    scale: Scale
    phrases: Mapping[str, float]
    example: str

    @property
    def range(self) -> str:
        """The range of the scale, in words."""
        return fill(self.wording[self.scale], {"phrases": ", ".join(self.phrases)})

    @property
    def form(self) -> str:
        """The form of a reply, with the example."""
        return fill(self.wording["confidence_form"], {"placeholder": CONFIDENCE_HERE, "example": self.example})

    def ask(self, item: Item, solution: str) -> Prompt:
        """The request for the confidence in a solution, which stands in it letter for letter."""
        told = {"question": item.fields["question"], "solution": solution, "range": self.range, "form": self.form}
        return Prompt.user(fill(self.wording["confidence"], told))

    def read(self, statement: str) -> Probability | None:
        """The confidence that a statement gives."""
        return read_confidence(statement, self.scale, self.phrases)


async def begun(
    subject: Subject, prompt: Prompt, before: str, tag: str, *, max_tokens: int, **sampling: Any
) -> tuple[str | None, Text]:
    """The model's continuation of an opening tag that the prompt gives, and its whole reply.

    None where that has no words, only repeats the form, or was cut off.

    Args:
        prompt: the request, after a thought where one is given.
        before: the model's turn before the tag.
    """
    lead = f"{before.strip()}\n<{tag}>".lstrip()
    asked = replace(prompt, prefill=lead)
    reply = await subject.generate(asked, max_tokens=max_tokens, stop=[f"</{tag}>"], **sampling)
    return first_line(f"<{tag}>{reply.text}", tag, ended=reply.finish == "stop"), reply
