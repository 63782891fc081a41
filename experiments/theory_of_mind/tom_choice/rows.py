"""The row of an answer to one question about a story, and the metrics over such rows."""

from __future__ import annotations

from dataclasses import dataclass

from harness import Fate, GradedAnswer, Item, Metric, Probability, metrics
from harness.tasks.choices import LETTERS

EXACT: metrics.Where = {"exact": True}
GIVEN: metrics.Where = {"rule": "none"}


@dataclass(frozen=True, kw_only=True)
class Chosen(GradedAnswer):
    """An answer to one question about a story.

    Attributes:
        answer: the option answered, "" when none was; gold: the right one.
        ability, condition: the question's, as its set names them; None where it names none.
        order: how many minds deep it goes; None where the set does not say.
        unit: the questions that must be right together; in_unit: whether there are any.
        chance: 1 over the number of options.
        p_gold: probability of the right option among the options; mass: probability that any is said.
        listed_first: how often the answer is the option that is listed first, in [0, 1]; None where none was given.
        agreement: share of the rotations whose most probable option is the answer.
        label, gold_label: the class of the answer ("" without one) and of the right option, in sets whose options have
            classes (a field "labels", one an option); has_labels: whether the set has them.
        released: whether the set's release has a grader of its own; correct_released: whether that finds it right.
    """

    gold: str
    ability: str | None
    condition: str | None
    order: int | None
    unit: str
    in_unit: bool
    chance: Probability
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    agreement: float | None = None
    label: str | None = None
    gold_label: str | None = None
    has_labels: bool = False
    released: bool = False
    correct_released: bool | None = None


def right_option(item: Item) -> str:
    """The right option of an item with lettered options."""
    return str(item.fields["choices"][LETTERS.index(str(item.gold)[1])])


def chosen(item: Item, answer: str, *, fate: Fate = "answered") -> Chosen:
    """The row of an option, as far as any arm has it.

    Args:
        answer: the option; "" where none was given, which is wrong.
    """
    fields, gold = item.fields, right_option(item)
    labels = dict(zip(fields["choices"], fields.get("labels", ()), strict=False))
    return Chosen(
        answer=answer,
        correct=answer == gold,
        fate=fate,
        gold=gold,
        ability=fields["ability"] or None,
        condition=fields["condition"] or None,
        order=fields["order"],
        unit=f"{item.cluster}/{fields['unit']}",
        in_unit=bool(fields["unit"]),
        chance=Probability(1 / len(fields["choices"])),
        label=labels.get(answer, "") if labels else None,
        gold_label=labels.get(gold),
        has_labels=bool(labels),
    )


METRICS = (
    *metrics.graded(),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=("arm", "order")),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_ability", by=("arm", "ability")),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_condition", by=("arm", "condition")),
    Metric("joint_accuracy", metrics.joint_accuracy, ("correct", "unit"), where={"in_unit": True}),
    *metrics.rates(accuracy_released="correct_released", where={"exact": False, "released": True}),
    Metric("macro_f1", metrics.macro_f1, ("label", "gold_label"), ("arm", "ability"), {"has_labels": True}),
    *metrics.mean_probabilities("chance", by=()),
    *metrics.mean_probabilities("p_gold", where=EXACT),
    *metrics.means("agreement", where=EXACT),
    *metrics.mean_probabilities("p_gold", suffix="_by_order", by=("arm", "order"), where=EXACT),
    *metrics.means("listed_first", where=GIVEN),
    *metrics.mean_probabilities(option_mass="mass", where=EXACT),
)
