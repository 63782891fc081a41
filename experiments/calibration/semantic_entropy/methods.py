"""Semantic entropy and its baselines, computed from the same draws or asked of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm


@dataclass(frozen=True, kw_only=True)
class Method(Arm):
    """A number that is higher for a surer model.

    Attributes:
        kind: "probability" of being right, which may be calibrated. Any other is a "score" and only ranks: no function
            of a likelihood or an entropy is the probability that an answer is right.
        quantity: the quantity computed, see SemanticEntropy.
        meanings: how draws of one meaning are found: by the task's reading of an answer, or by the judge's Yes to
            "does one entail the other" in both directions.
        weights: of a meaning: its share of the draws (discrete), the probability of its distinct draws (rao), or the
            sum over all its draws, a text as often as it was drawn, as in the authors' code (released).
        per_token: whether the log-probability of a text is the mean over its tokens, and not their sum.
    """

    kind: Literal["score", "probability"] = "score"
    quantity: Literal["likelihood", "word entropy", "similarity", "entropy", "agreement", "p_true", "stated"]
    meanings: Literal["", "reading", "entailment"] = ""
    weights: Literal["", "discrete", "rao", "released"] = ""
    per_token: bool = False


READING, ENTAILMENT = "semantic entropy reading discrete", "semantic entropy entailment discrete"

METHODS: Mapping[str, Method] = {
    "sequence probability": Method(quantity="likelihood"),
    "sequence probability per token": Method(quantity="likelihood", per_token=True),
    "predictive entropy": Method(quantity="word entropy"),
    "predictive entropy per token": Method(quantity="word entropy", per_token=True),
    "lexical similarity": Method(quantity="similarity"),
    READING: Method(quantity="entropy", meanings="reading", weights="discrete"),
    "semantic entropy reading rao": Method(quantity="entropy", meanings="reading", weights="rao"),
    "semantic entropy reading rao per token": Method(
        quantity="entropy", meanings="reading", weights="rao", per_token=True
    ),
    "semantic entropy reading released": Method(
        quantity="entropy", meanings="reading", weights="released", per_token=True
    ),
    ENTAILMENT: Method(quantity="entropy", meanings="entailment", weights="discrete"),
    "semantic entropy entailment rao": Method(quantity="entropy", meanings="entailment", weights="rao"),
    "semantic entropy entailment rao per token": Method(
        quantity="entropy", meanings="entailment", weights="rao", per_token=True
    ),
    "semantic entropy entailment released": Method(
        quantity="entropy", meanings="entailment", weights="released", per_token=True
    ),
    "agreement": Method(quantity="agreement", kind="probability"),
    "p_true": Method(quantity="p_true", kind="probability"),
    "verbalized": Method(quantity="stated", kind="probability"),
}
