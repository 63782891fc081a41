"""The arms of self-explanation, their rows and their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm, Fate, Gate, Metric, Outcome, Probability, metrics, option_mass


@dataclass(frozen=True, kw_only=True)
class Method(Arm):
    """Who says which words are important, or a check.

    Attributes:
        source: "self" is the model's own explanation, "other" its explanation of another review at the same places,
            "longest" the rule that long words are important.
        order: "P-E" predicts before it explains, "E-P" explains before it predicts. These are two classifiers, and
            every method is judged by the one whose order it has.
        form: of the model's explanations: the most telling words, or a score for every word; else "rule".
        kind: whether words are ranked or a self-consistency check is made; check: which one, see `checks`.
    """

    source: Literal["self", "occlusion", "lime", "random", "longest", "other"]
    order: Literal["P-E", "E-P"] = "P-E"
    form: Literal["words", "scores", "rule"] = "rule"
    kind: Literal["ranking", "check"] = "ranking"
    check: Literal[
        "none", "counterfactual", "rewriting", "redaction", "redaction at random", "own words", "random words"
    ] = "none"


METHODS: Mapping[str, Method] = {
    "self": Method(source="self", form="words"),
    "self scores": Method(source="self", form="scores"),
    "occlusion": Method(source="occlusion"),
    "lime": Method(source="lime"),
    "random": Method(source="random"),
    "longest words": Method(source="longest"),
    "self shuffled": Method(source="other", form="words"),
    "self scores shuffled": Method(source="other", form="scores"),
    "self E-P": Method(source="self", form="words", order="E-P"),
    "occlusion E-P": Method(source="occlusion", order="E-P"),
    "random E-P": Method(source="random", order="E-P"),
    "longest words E-P": Method(source="longest", order="E-P"),
    "self shuffled E-P": Method(source="other", form="words", order="E-P"),
    "counterfactual": Method(source="self", kind="check", check="counterfactual"),
    "rewriting": Method(source="random", kind="check", check="rewriting"),
    "redaction": Method(source="self", kind="check", check="redaction"),
    "redaction at random": Method(source="random", kind="check", check="redaction at random"),
    "own words redacted": Method(source="self", form="words", kind="check", check="own words"),
    "random words redacted": Method(source="random", form="words", kind="check", check="random words"),
}


@dataclass(frozen=True, kw_only=True)
class Explained(Outcome):
    """One ranking of the words of a review, or one self-consistency check.

    Attributes:
        label: the predicted class; correct: whether it is right; p: its probability, the mean of both orders.
        comp, suff: comprehensiveness (higher is better) and sufficiency (lower is better), in [-1, 1].
        flip1: whether taking the most important word away flips the class (DF_MIT).
        frac: the smallest share of words that flips it, in (0, 1]; 1 if none does (DF_Frac). Lower is better.
        rankdel: rank correlation with the effects of single words (RankDel); None where all scores are equal.
            Occlusion has 1 by construction.
        truth: rank correlation with the known effects of the words on the predicted class, where the task knows them.
        top_agreement: share of the most important fifth of words that occlusion has, too; sign_agreement: those with
            the same sign.
        levels: how many different scores there are.
        matched_words: share of words found in the model's explanation, see `explanations.Explanation`.
        consistent: of a check, whether the changed review is judged as it was to be; known: whether the review as it
            was is judged positive or negative at all; changed: share of the words that were changed.
        fate_explanation: whether the model's explanation or changed review could be read; None where it gives none.
            One that cannot ranks the words at random, and no check is passed by it.
        mass: probability that a label is said at all, of the review as it was; mass_changed: of the texts with words
            taken away, or of the changed review.
        said: the explanation or the changed review.
    """

    label: str = ""
    correct: bool | None = None
    p: Probability | None = None
    comp: float | None = None
    suff: float | None = None
    flip1: bool | None = None
    frac: Probability | None = None
    rankdel: float | None = None
    truth: float | None = None
    top_agreement: Probability | None = None
    sign_agreement: Probability | None = None
    levels: int | None = None
    matched_words: Probability | None = None
    consistent: bool | None = None
    known: bool | None = None
    changed: Probability | None = None
    fate_explanation: Fate | None = None
    mass: Probability
    mass_changed: Probability
    said: str = ""


RANKS: metrics.Where = {"kind": "ranking"}
CHECKS: metrics.Where = {"kind": "check"}
OWN: metrics.Where = {**RANKS, "source": "self"}
FAITHFUL = ("comp", "suff", "flip1", "frac", "rankdel", "truth", "top_agreement", "sign_agreement")

METRICS = (
    *metrics.means(comprehensiveness="comp", sufficiency="suff", where=RANKS),
    *metrics.mean_probabilities(flip_share="frac", where=RANKS),
    *metrics.means(rank_deletion="rankdel", rank_truth="truth", score_levels="levels", where=RANKS),
    *metrics.rates(flips_at_first="flip1", where=RANKS),
    *metrics.mean_probabilities("top_agreement", "sign_agreement", where=RANKS),
    *metrics.means(comprehensiveness_answered="comp", where={**OWN, "fate_explanation": "answered"}),
    *metrics.mean_probabilities("matched_words", where=OWN),
    Metric("explained", metrics.answered, ("fate_explanation",), where={"source": "self"}),
    Metric("accuracy", metrics.accuracy, ("correct",), where=OWN),
    *metrics.rates("known", consistency="consistent", where=CHECKS),
    *metrics.rates(consistency_where_known="consistent", where={**CHECKS, "known": True}),
    *metrics.mean_probabilities("changed", where=CHECKS),
    *metrics.mean_probabilities(option_mass="mass", option_mass_changed="mass_changed"),
)
GATES = (
    option_mass(*FAITHFUL, "correct", "consistent"),
    option_mass(*FAITHFUL, "consistent", metric="option_mass_changed"),
    Gate(metric="explained", least=0.5, columns=FAITHFUL, why="most explanations cannot be read", advised=0.8),
)
