"""The row of one answer, and the metrics over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness import GradedAnswer, Item, Metric, Probability, metrics
from harness.metrics import Floats, Labels, Weights, measure
from harness.metrics.weighted import average
from harness.tasks.fates import Graded
from harness.tasks.tom.simpletom import KINDS

PAIRED = frozenset({"told other", "aware"})
"""The tellings of the balanced pair. In both the person is told something, of this flaw or of one elsewhere: stories as
long as each other, so that neither a constant answer nor a look for the sentence "was told" gets more than half."""


@dataclass(frozen=True, kw_only=True)
class Answered(GradedAnswer):
    """One answer to one of the three questions about one telling of a story.

    Attributes:
        kind: "mental-state", "behavior" or "judgment".
        twin: the telling: "unaware", "aware", "told other", "seen", "irrelevant"; "" in a set that has one telling.
        scenario, severity: the story's; "" where the set has none.
        p_gold: probability of the right option among the two, the mean of both orders; mass: that any is said.
        listed_first: how often the answer is the option that stands first, in [0, 1]; None where no option was named.
        correct_ms: whether the model's own answer to the mental-state question about this telling is right; of rules
            the rule's. None where that question is not asked.
        public_form: whether the person does not know, as in the public set: the twin "unaware" or "".
        applied: whether the question is about behavior or judgment, which need the mental state.
        paired: whether it belongs to the balanced pair: "told other" or "aware", of a story that has both.
        whole: whether all three questions of this telling are asked in this arm, so that they can be right together.
        released: whether the release's parser finds the right answer in a text; None of arms without a text.
        unread_released: whether that parser finds none.
    """

    kind: str
    twin: str
    scenario: str
    severity: str
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    correct_ms: bool | None = None
    public_form: bool = False
    applied: bool = False
    paired: bool = False
    whole: bool = False
    released: bool | None = None
    unread_released: bool | None = None


def row_of(question: Item, given: Graded, item: Item) -> Answered:
    """The row of an answer as far as every arm has it."""
    fields = question.fields
    return Answered(
        kind=fields["ability"],
        twin=fields["condition"],
        scenario=item.fields["scenario"],
        severity=item.fields["severity"],
        answer=given.answer,
        correct=given.correct,
        fate=given.fate,
        public_form=fields["condition"] in ("unaware", ""),
        applied=fields["ability"] != KINDS[0],
    )


def together_by_story(rows: Sequence[Answered], own: dict[str, bool]) -> list[Answered]:
    """The rows of a story in an arm, each with the columns that depend on the others.

    Args:
        own: whether the model's answer to the mental-state question is right, by telling.
    """
    twins = {row.twin for row in rows}
    kinds = {twin: {row.kind for row in rows if row.twin == twin} for twin in twins}
    return [
        replace(
            row,
            correct_ms=own.get(row.twin),
            paired=row.twin in PAIRED and twins >= PAIRED,
            whole=kinds[row.twin] == set(KINDS),
        )
        for row in rows
    ]


@measure(label="explicit less applied accuracy", low=-1, high=1, better="neither", average=True)
def gap(explicit: Labels, applied: Labels, *, w: Weights) -> Floats:
    """How much more often the mental state is right than its consequence, in [-1, 1] (Gu et al. 2024).

    sum_i w_i (e_i - a_i) / sum_i w_i, with e and a the labels of the same telling. 0 of who answers all questions of a
    telling alike, right or wrong, and so of every constant answer.

    Args:
        explicit: whether the question about the mental state is right.
        applied: whether that about behavior or judgment is right.
    """
    return average(w, explicit.values - applied.values)


BY_KIND = ("arm", "kind")
PUBLIC, APPLIED, PAIR = {"public_form": True}, {"applied": True}, {"paired": True}
PLAIN = {"arm": "options", **PUBLIC}
WRITTEN: metrics.Where = {"exact": False, "rule": "none"}

METRICS: tuple[Metric, ...] = (
    *metrics.graded(),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_kind", by=("arm", "kind", "twin")),
    *metrics.each(("correct",), metrics.accuracy, suffix="_unaware", by=BY_KIND, where=PUBLIC),
    *metrics.each(("correct",), metrics.accuracy, suffix="_over_twins", by=BY_KIND, where=PAIR),
    *metrics.each(("fate",), metrics.answered, suffix="_by_kind", by=BY_KIND),
    Metric("gap_unaware", gap, ("correct_ms", "correct"), BY_KIND, {**APPLIED, **PUBLIC}),
    Metric("gap_over_twins", gap, ("correct_ms", "correct"), BY_KIND, {**APPLIED, **PAIR}),
    Metric(
        "accuracy_given_mental_state",
        metrics.accuracy,
        ("correct",),
        ("arm", "kind", "twin"),
        {**APPLIED, "correct_ms": True},
    ),
    Metric("joint_of_three", metrics.joint_accuracy, ("correct", "item"), ("arm", "twin"), {"whole": True}),
    Metric("joint_over_twins", metrics.joint_accuracy, ("correct", "item"), where={"whole": True, **PAIR}),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_severity", by=("arm", "kind", "severity"), where=PUBLIC),
    *metrics.each(
        ("correct",),
        metrics.accuracy,
        suffix="_by_scenario",
        by=("kind", "scenario"),
        where={"arm": "options", **PUBLIC},
    ),
    *metrics.mean_probabilities("p_gold", by=("arm", "kind", "twin"), where={"exact": True}),
    *metrics.means("listed_first", where={"rule": "none"}),
    *metrics.mean_probabilities(option_mass="mass", where={"exact": True}),
    *metrics.rates(accuracy_by_released_parser="released", by=("arm", "kind", "twin"), where=WRITTEN),
    *metrics.rates("unread_released", where=WRITTEN),
)
