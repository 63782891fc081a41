"""The row of an answer to one question about one story, and the columns that depend on a family's other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.theory_of_mind.false_belief.plan import CLASSIC, TOGETHER
from harness import GradedAnswer, Item, Metric, Probability, Text, graded, metrics

Cell = tuple[str, str, int]
"""A condition, a kind of question and its order."""

PAIR: frozenset[Cell] = frozenset((condition, "belief", 1) for condition in CLASSIC)
"""The first-order beliefs of the classic pair. One answer to both is wrong once."""
CORE: frozenset[Cell] = PAIR | {("FB", "reality", 0), ("FB", "memory", 0)}
"""What a family must get right together. Guessing among m containers gives m^-4, and who knows reality and the
beginning, but not who saw what, at most 1/4: see `shortcuts.last_two_places`. But "who left" has it all."""
EVERY_KIND: frozenset[Cell] = (
    CORE
    | {(condition, kind, 1) for condition in TOGETHER for kind in ("belief", "awareness")}
    | {(condition, "knows", 1) for condition in CLASSIC}
)
"""As FANToM's "All": besides, who is aware of the move, and who knows where the thing is, about each person.

A model that answers FB and TB alike gets at most 1/4. So does a rule that goes by who leaves the room (it answers FB
and BACK_OPEN alike), by who is in it (BACK_OPEN and BACK_CLOSED), or by who seems to see (TB and DIST, FB and PEEK)."""


@dataclass(frozen=True, kw_only=True)
class Told(GradedAnswer):
    """One answer to one question about one story.

    Attributes:
        condition: condition of the story, see the task.
        kind: "belief", "action", "reality", "memory", "awareness" or "knows"; order: 0 to 4 minds deep.
        part: of the person asked about: "asked" (whose belief the stories turn on), "mover" or "bystander".
        answer: the container answered, "yes" or "no", "" when there was none; gold: the right one.
        p_gold: probability of the right option among the options; mass: probability that any option is said.
        listed_first: how often the answer is the option that the question lists first, in [0, 1]; None for rules, for
            corrected answers and where none was given. Without an effect of position it is 1 over the options.
        agreement: share of the orders of the options whose most probable option is the answer, in (0, 1].
        says_reality: whether the answer is where the thing is now; says_old: where it was before the critical move.
            Neither for yes or no.
        yes_no: whether it is a question for yes or no; is_yes, says_yes: whether yes is right, and is said. None for
            other questions, and `says_yes` without an answer.
        classic: whether the story is FB or TB.
        balanced: whether it is one of `plan.TOGETHER`, of whose first-order beliefs no rule gets more than half.
        person: "you" where the agent is "you", else "third"; twin: whether the story is FB or TB, in either person.
        core, every_kind: whether it is a question of the joint accuracy, and of the one with awareness, in a family
            that has all of them.
        each_order: whether it is about a belief in a story that is asked about at all four orders.
        right_on_classic: whether the first-order beliefs of this family's stories FB and TB are both answered rightly.
    """

    condition: str
    kind: str
    order: int
    part: str
    gold: str
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    agreement: float | None = None
    says_reality: bool
    says_old: bool
    yes_no: bool
    is_yes: bool | None = None
    says_yes: bool | None = None
    classic: bool
    balanced: bool
    person: str
    twin: bool
    core: bool = False
    every_kind: bool = False
    each_order: bool = False
    right_on_classic: bool = False

    @property
    def cell(self) -> Cell:
        """The story and question that it answers."""
        return self.condition, self.kind, self.order


def told(probe: Item, reply: Text | str) -> Told:
    """The row of a reply to one question, as far as any arm has it."""
    given, fields = graded(probe, reply), probe.fields
    yes_no = bool(fields["claimed"])
    return Told(
        **{name: fields[name] for name in ("condition", "kind", "order", "part")},
        gold=probe.gold,
        answer=given.answer,
        correct=given.correct,
        fate=given.fate,
        says_reality=not yes_no and given.answer == fields["places"][-1],
        says_old=not yes_no and given.answer == fields["old_place"],
        yes_no=yes_no,
        is_yes=probe.gold == "yes" if yes_no else None,
        says_yes=given.answer == "yes" if yes_no and given.answer else None,
        classic=fields["condition"] in CLASSIC,
        balanced=fields["condition"] in TOGETHER,
        person="you" if fields["condition"].endswith("_YOU") else "third",
        twin=fields["condition"].removesuffix("_YOU") in CLASSIC,
    )


def in_family(rows: Sequence[Told]) -> list[Told]:
    """The rows of one arm about one family, each with the columns that depend on the others."""
    asked = {row.cell for row in rows}
    wrong = {row.cell for row in rows if not row.correct}
    deep = {condition for condition, *_ in asked if {(condition, "belief", n) for n in range(1, 5)} <= asked}
    return [
        replace(
            row,
            core=row.cell in CORE and asked >= CORE,
            every_kind=row.cell in EVERY_KIND and asked >= EVERY_KIND,
            each_order=row.kind == "belief" and row.condition in deep,
            right_on_classic=asked - wrong >= PAIR,
        )
        for row in rows
    ]


def corrected(behind_story: Mapping[str, float], alone: Mapping[str, float]) -> dict[str, float]:
    """Probabilities by how much the story raises each option: p(option | story) / p(option | no story), normalised.

    The option with the highest is the one with the highest log p(option | story) - log p(option | no story): pointwise
    mutual information with the story (Holtzman et al. 2021). A story that changes nothing gives 1 over the options.

    Args:
        behind_story, alone: probability of each option behind the story, and without it; each sums to 1.
    """
    least = 1e-9  # an option that is never said must not divide by nothing
    raised = {option: max(p, least) / max(alone[option], least) for option, p in behind_story.items()}
    total = sum(raised.values())
    return {option: share / total for option, share in raised.items()}


FIRST: metrics.Where = {"kind": "belief", "order": 1}
FALSE: metrics.Where = {**FIRST, "condition": "FB"}
EXACT: metrics.Where = {"exact": True}
BY_QUESTION, BY_CONDITION, BY_ORDER = ("arm", "kind", "order"), ("arm", "condition"), ("arm", "order")

METRICS = (
    *metrics.graded(),
    *metrics.each(("correct", "item"), metrics.joint_accuracy, where={"core": True}),
    *metrics.each(("correct", "item"), metrics.joint_accuracy, suffix="_with_awareness", where={"every_kind": True}),
    *metrics.each(
        *(("correct", "item"), metrics.joint_accuracy),
        suffix="_of_story",
        by=BY_CONDITION,
        where={"every_kind": True},
    ),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_question", by=BY_QUESTION),
    *metrics.each(("correct",), metrics.accuracy, suffix="_on_classic", by=BY_QUESTION, where={"classic": True}),
    *metrics.each(("correct",), metrics.accuracy, suffix="_on_balanced", by=BY_QUESTION, where={"balanced": True}),
    *metrics.each(("correct",), metrics.accuracy, suffix="_in_same_stories", by=BY_ORDER, where={"each_order": True}),
    Metric("order_slope", metrics.slope, ("order", "correct"), ("arm",), {"each_order": True}),
    *metrics.each(("correct", "is_yes"), metrics.balanced_accuracy, by=("arm", "kind"), where={"yes_no": True}),
    Metric("belief_accuracy", metrics.accuracy, ("correct",), BY_CONDITION, FIRST),
    Metric("accuracy_by_person", metrics.accuracy, ("correct",), ("arm", "person"), {**FIRST, "twin": True}),
    Metric("second_order_accuracy", metrics.accuracy, ("correct",), BY_CONDITION, {"kind": "belief", "order": 2}),
    Metric(
        "belief_accuracy_where_right_on_classic",
        metrics.accuracy,
        ("correct",),
        BY_CONDITION,
        {**FIRST, "right_on_classic": True},
    ),
    *metrics.rates(reality_bias="says_reality", old_place="says_old", where=FALSE),
    *metrics.rates(belief_bias="says_old", where={**FIRST, "condition": "TB"}),
    *metrics.rates(yes_rate="says_yes", by=("arm", "kind"), where={"yes_no": True}),
    *metrics.means("listed_first", by=("arm", "kind"), where={"rule": "none", "corrected": False}),
    *metrics.means("agreement", where={**EXACT, "corrected": False}),
    *metrics.mean_probabilities("p_gold", suffix="_by_question", by=BY_QUESTION, where=EXACT),
    *metrics.mean_probabilities(option_mass="mass", where=EXACT),
)
