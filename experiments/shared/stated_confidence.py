"""Asks for a confidence between tags, on one of three scales (Zeng et al. 2025, appendix, shortened)."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.shared.confidence import PLACEHOLDERS, Scale
from harness import Item, Prompt, fill

TEXTS: Mapping[str, str] = {
    "confidence": "Below are a question and your solution. Reflect on the solution and give your confidence that its "
    "answer is correct, $range. Reply in this form:\n$form\n\nQuestion: $question\nSolution: $solution",
    "confidence_form": "<confidence>$placeholder</confidence>\nFor example, <confidence>$example</confidence>.",
    "percent": "from 0% to 100%",
    "probability": "as a probability from 0.0 to 1.0",
    "words": "as one of these: $phrases",
}

FORCED_TOKENS: Mapping[Scale, int] = {"percent": 4, "probability": 4, "words": 6}
"""Tokens decoded after a forced "<confidence>"."""


def range_and_form(wording: Mapping[str, str], scale: Scale, phrases: Mapping[str, float]) -> dict[str, str]:
    """The range of a scale and the form of a reply, by the names of their placeholders.

    The form ends with the paper's example of 80 %; in words that is the phrase nearest to it.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
        phrases: probability of each phrase of the scale "words".
    """
    example = "80%" if scale == "percent" else "0.8"
    if scale == "words":
        example = min(phrases, key=lambda phrase: abs(phrases[phrase] - 0.8))
    form = fill(wording["confidence_form"], {"placeholder": PLACEHOLDERS[2], "example": example})
    return {"range": fill(wording[scale], {"phrases": ", ".join(phrases)}), "form": form}


def ask_confidence(
    wording: Mapping[str, str], item: Item, solution: str, scale: Scale, phrases: Mapping[str, float]
) -> Prompt:
    """The request for the confidence in a solution, which stands in it letter for letter."""
    shown = {"question": item.fields["question"], "solution": solution}
    return Prompt.user(fill(wording["confidence"], {**shown, **range_and_form(wording, scale, phrases)}))
