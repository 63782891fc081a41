"""The surface of a question and its answer, which a confidence may follow without knowing what is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from harness import Item, Metric, Outcome, metrics
from harness.metrics.bundles import Bound


@dataclass(frozen=True, kw_only=True)
class Surface(Outcome):
    """The surface of one row.

    Attributes:
        domain: the kind of question, by the item's field "kind"; "" without one.
        question_length, answer_length: characters of the question and of the answer that the confidence is about.
    """

    domain: str = ""
    question_length: int = 0
    answer_length: int = 0


def surface(item: Item, answer: str) -> Mapping[str, Any]:
    """The columns of `Surface`."""
    return {
        "domain": str(item.fields.get("kind", "")),
        "question_length": len(str(item.fields["question"])),
        "answer_length": len(answer),
    }


def beyond_surface(pair: tuple[str, str] = ("p", "correct"), **bound: Unpack[Bound]) -> tuple[Metric, ...]:
    """How a confidence ranks answers to questions of one kind, and how their lengths do: a confidence that knows
    something of the single answer ranks better than lengths."""
    score, correct = pair
    lengths = ("answer_length", "question_length", correct, "domain", "group")
    return (
        *metrics.each((score, correct, "domain"), metrics.auroc_same_kind, **bound),
        *metrics.each(lengths, metrics.lengths_auroc, **bound),
    )
