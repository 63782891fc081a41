"""Words of the judge: the form of Prometheus (Kim et al. 2023), and the form of a comparison, in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from harness import Item, Message, fill

TEXTS: Mapping[str, str] = {
    "criterion": "$criterion\n1: $one\n2: $two\n3: $three\n4: $four\n5: $five",
    "scored": "Below are an instruction, a response to it$with_reference, and a rubric with five scores. Score the "
    "response by the rubric, and by nothing else.\n\n"
    "### Instruction:\n$instruction\n\n### Response:\n$response\n\n$reference### Rubric:\n$rubric\n\n$form",
    "with_reference": ", a reference answer that deserves a 5",
    "reference": "### Reference answer (score 5):\n$reference\n\n",
    "rationale_form": "Answer in this form: "
    '"Feedback: (two sentences about the response) [RESULT] (the score, a whole number from 1 to 5)".',
    "rationale_lead": "Feedback:",
    "score_form": 'Answer in this form, without feedback: "[RESULT] (the score, a whole number from 1 to 5)".',
    "pair": "Below are an instruction and two responses to it$with_reference. Say which response is better.\n\n"
    "### Instruction:\n$instruction\n\n$reference### Response (A):\n$first\n\n### Response (B):\n$second",
    "pair_lead": "The better response is:",
}


def scored(
    wording: Mapping[str, str], item: Item, response: str, reference: str, form: Literal["rationale", "score"]
) -> tuple[Message, ...]:
    """The turn that asks for the score of one response.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
        reference: the reference answer shown; "" shows none.
    """
    values = {
        **_told(wording, item, reference),
        "response": response,
        "rubric": rubric(wording, item.fields["rubric"]),
        "form": wording[f"{form}_form"],
    }
    return (Message("user", fill(wording["scored"], values)),)


def paired(wording: Mapping[str, str], item: Item, first: str, second: str) -> tuple[Message, ...]:
    """The turn that shows two responses; the letter of the better one comes next."""
    values = {**_told(wording, item, item.fields["reference"]), "first": first, "second": second}
    return (Message("user", fill(wording["pair"], values)),)


def rubric(wording: Mapping[str, str], lines: Sequence[str]) -> str:
    """A criterion and the meaning of each score from 1 to 5, in lines."""
    names = ("criterion", "one", "two", "three", "four", "five")
    return fill(wording["criterion"], dict(zip(names, lines, strict=True)))


def _told(wording: Mapping[str, str], item: Item, reference: str) -> dict[str, str]:
    return {
        "instruction": item.fields["question"],
        "with_reference": wording["with_reference"] if reference else "",
        "reference": fill(wording["reference"], {"reference": reference}) if reference else "",
    }
