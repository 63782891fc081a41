"""The arms, the row of an answer, and the metrics over rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.shared.judge_reliability import ByJudge, judge_metrics
from experiments.theory_of_mind.rules import shared
from harness import Arm, Fate, Metric, Probability, metrics

Passage = Literal["own", "masked", "other before", "other", "none"]


@dataclass(frozen=True, kw_only=True)
class Reading(Arm):
    """How a question is put.

    Attributes:
        choice: whether an option is chosen; else the answer is written and a judge reads it.
        passage: the text that is shown. own: the passage, once for each length of the text before it. masked: the same
            with other names, and without the book's. other before: the passage after a text from elsewhere, as long as
            the longest context. other: only a text from elsewhere. none: the question alone.
        rule: a rule of `RULES` that chooses in the model's place; "none" asks the model.
    """

    choice: bool = True
    passage: Passage = "own"
    rule: str = "none"


RULES: Mapping[str, Callable[[Sequence[str], str], int]] = {
    "longest option": lambda choices, text: max(range(len(choices)), key=lambda at: len(choices[at])),
    "first option": lambda choices, text: 0,
    "last option": lambda choices, text: len(choices) - 1,
    "most in passage": lambda choices, text: max(range(len(choices)), key=lambda at: shared(choices[at], text)),
}
"""Each takes the options and the longest text before the question, and gives the index of an option: by its length, its
place, or the share of its words that the text has."""

ARMS: Mapping[str, Reading] = {
    "options": Reading(),
    "no story": Reading(passage="none"),
    "masked names": Reading(passage="masked"),
    "other passage": Reading(passage="other before"),
    "shuffled story": Reading(passage="other"),
    "written": Reading(choice=False),
    **{f"rule: {rule}": Reading(passage="none", rule=rule) for rule in RULES},
}


@dataclass(frozen=True, kw_only=True)
class Read(ByJudge):
    """One answer to one question with a passage of one length.

    Attributes:
        dimension: "belief", "intention", "emotion" or "desire".
        context: tokens of the text before the passage, as the set names them ("0", "1000", "2000"); "elsewhere" where
            a text from elsewhere is shown, "none" where nothing is.
        answer: the letter chosen, or the text as it was judged; fate: its fate.
        correct: whether the option is right; None of a written answer, which has points.
        longer: whether the passage has more before it than in the shortest context.
        correct_short: whether the option is right in the shortest context.
        p_gold: probability of the right option, the mean of all rotations; mass: that any option is said.
        listed_first: how often the option that stands first is chosen, in [0, 1]; a fourth without an effect of place.
        included: points that a written answer includes, by the judge; None where its reply cannot be read.
        points: points that it could include.
        defect: whether the judge finds a defect in it; None where its reply cannot be read.
        judge_failed: whether a reply of the judge about it cannot be read.
    """

    dimension: str
    context: str
    answer: str
    fate: Fate
    correct: bool | None = None
    longer: bool = False
    correct_short: bool | None = None
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    included: int | None = None
    points: int | None = None
    defect: bool | None = None
    judge_failed: bool | None = None


CHOSEN: metrics.Where = {"choice": True}
ASKED: metrics.Where = {"choice": True, "rule": "none"}
WRITTEN: metrics.Where = {"choice": False}
BY_CONTEXT, BY_DIMENSION = ("arm", "context"), ("arm", "dimension", "context")

METRICS: tuple[Metric, ...] = (
    *metrics.each(("correct",), metrics.accuracy, where=CHOSEN),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_context", by=BY_CONTEXT, where=CHOSEN),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_dimension", by=BY_DIMENSION, where=CHOSEN),
    Metric("context_gain", metrics.delta, ("correct_short", "correct"), BY_CONTEXT, {**ASKED, "longer": True}),
    *metrics.mean_probabilities("p_gold", by=BY_CONTEXT, where=ASKED),
    *metrics.means("listed_first", where=ASKED),
    *metrics.mean_probabilities(option_mass="mass", where=ASKED),
    *metrics.each(("included", "points"), metrics.points_included, by=("context",), where=WRITTEN),
    *metrics.each(
        ("included", "points"),
        metrics.points_included,
        suffix="_by_dimension",
        by=("dimension", "context"),
        where=WRITTEN,
    ),
    *metrics.rates(penalty_rate="defect", by=("context",), where=WRITTEN),
    *metrics.rates("judge_failed", by=(), where=WRITTEN),
    *judge_metrics(WRITTEN),
)
