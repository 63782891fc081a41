"""False-belief stories: does the model answer from what the agent saw, or from where the thing is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from experiments.theory_of_mind.false_belief.shortcuts import RULES
from harness import Bars, Graded, GradedAnswer, Item, Metric, Probability, Prompt, Subject, graded, metrics
from harness.arms import Arm, ArmedExperiment, together
from harness.calls.calls import Capability

CORE = frozenset({("FB", "belief", 1), ("TB", "belief", 1), ("FB", "reality", 0), ("FB", "memory", 0)})
"""What a family must get right together; guessing among m containers gives m^-4."""


def cell(probe: Mapping[str, Any] | Told) -> tuple[str, str, int]:
    """Which question about which story a probe is, or the row of one."""
    if isinstance(probe, Told):
        return probe.condition, probe.kind, probe.order
    return probe["condition"], probe["kind"], probe["order"]


FIRST: metrics.Where = {"kind": "belief", "order": 1}
ASKED: metrics.Where = {"rule": "none"}
BY_ORDER, BY_CONDITION = ("arm", "order"), ("arm", "condition")


@dataclass(frozen=True, kw_only=True)
class Reading(Arm):
    """Where an answer comes from.

    Attributes:
        exact: read as the exact probability of each option, and not from a short text.
        rule: a rule of `shortcuts.RULES` that answers in the model's place; "none" asks the model.
    """

    exact: bool = False
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Told(GradedAnswer):
    """One answer to one question about one story.

    Attributes:
        condition: of the story, see the task.
        kind: "belief", "action", "reality" or "memory"; order: 0, 1 or 2 minds deep.
        core: whether it is a question of the joint accuracy, in a family that has all four.
        answer: the container answered, "" when none was named; gold: the right one.
        p_gold: probability of the right container among the options; mass: probability that any option is said.
        listed_first: how often the answer is the container that the question lists first, in [0, 1]; a third without an
            effect of position. None for rules.
        says_reality: whether the answer is where the thing is now; says_old: where it was before the critical move.
        right_on_false_belief: whether the first-order belief of this family's story FB is answered rightly.
    """

    condition: str
    kind: str
    order: int
    core: bool
    gold: str
    p_gold: Probability | None
    mass: Probability | None
    listed_first: float | None
    says_reality: bool
    says_old: bool
    right_on_false_belief: bool = False


@dataclass(frozen=True, kw_only=True)
class FalseBelief(ArmedExperiment[Reading, None]):
    """Models tell what somebody believes from where a thing is: they answer false-belief and true-belief stories alike.

    After Le et al. 2019 (ToMi), Gandhi et al. 2023 (BigToM), Kim et al. 2023 (FANToM: all questions of a story must be
    right together), Ullman 2023 (small changes of a story) and Sclar et al. 2024 (ExploreToM: who watches in secret,
    who is distracted), on stories of our own.
    Item: a family of such stories, among them "Reese, Kendall and Morgan were in the office, where there were three
    containers: a trunk, a drawer and a chest. The containers were closed and opaque [...] Reese put the letter in the
    chest. Morgan left the room. Kendall went out of the room. Reese moved the letter into the trunk." (FB) and the same
    with "Kendall stayed in the room." (TB): "Where does Kendall think the letter is?" FB: chest. TB: trunk.

    Options are read behind the beginning of an answer ("Kendall thinks that the letter is in the"), in every rotation
    of their list; the mean decides. No false-belief score is shown without the true-belief score beside it. Rules that
    know nothing of minds answer in arms of their own, on the same rows.

    Attributes:
        max_tokens: cap on the free answer; it ends at a line break anyway.
    """

    arms: Sequence[str] = ("options", "free", *(f"rule: {rule}" for rule in RULES))
    max_tokens: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = {
        "options": Reading(exact=True),
        "free": Reading(),
        **{f"rule: {rule}": Reading(rule=rule) for rule in RULES},
    }
    texts: ClassVar = {"question": "$story\n\n$question\nAnswer with one of these: $options.", "lead": "Answer:"}
    outcome: ClassVar = Told
    item_fields: ClassVar = ("probes",)
    metrics: ClassVar = (
        *metrics.graded(),
        *metrics.each(("correct", "item"), metrics.joint_accuracy, where={"core": True}),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=BY_ORDER),
        *metrics.each(("correct",), metrics.accuracy, suffix="_first_order", by=("arm", "kind"), where={"order": 1}),
        Metric("belief_accuracy", metrics.accuracy, ("correct",), by=BY_CONDITION, where=FIRST),
        Metric(
            "belief_accuracy_where_right_on_false_belief",
            metrics.accuracy,
            ("correct",),
            by=BY_CONDITION,
            where={**FIRST, "right_on_false_belief": True},
        ),
        Metric("second_order_accuracy", metrics.accuracy, ("correct",), by=BY_CONDITION, where={"order": 2}),
        *metrics.rates(reality_bias="says_reality", old_place="says_old", where={**FIRST, "condition": "FB"}),
        *metrics.rates(belief_bias="says_old", where={**FIRST, "condition": "TB"}),
        *metrics.means("listed_first", where=ASKED),
        *metrics.means("p_gold", suffix="_by_order", by=BY_ORDER, where={"exact": True}),
        *metrics.means(option_mass="mass", where={"exact": True}),
    )
    figures: ClassVar = (Bars("correct", by="condition", where=FIRST), Bars("correct", by="order"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose" if arm.exact else "generate" for arm in self.chosen.values()})

    async def ask(self, arm: Reading, common: None, item: Item, subject: Subject, fitted: None) -> list[Told]:
        probes: Sequence[Mapping[str, Any]] = item.fields["probes"]
        whole, rng = {cell(probe) for probe in probes} >= CORE, subject.random("rules")

        async def one(probe: Mapping[str, Any], gold: str) -> Told:
            core = whole and cell(probe) in CORE
            if arm.rule != "none":
                return told(
                    probe, gold, core, graded(Item(probe, gold, item.grader), RULES[arm.rule](probe, gold, rng))
                )
            return await (self.chosen_option if arm.exact else self.free)(probe, gold, core, item, subject)

        rows = await together(one(probe, gold) for probe, gold in zip(probes, item.gold, strict=True))
        passed = any(cell(row) == ("FB", "belief", 1) and row.correct for row in rows)
        return [replace(row, right_on_false_belief=passed) for row in rows]

    async def chosen_option(
        self, probe: Mapping[str, Any], gold: str, core: bool, item: Item, subject: Subject
    ) -> Told:
        """The most probable container, by the mean over all rotations of the options."""
        options = probe["options"]
        forms = {container: [f" {container}"] for container in options}
        orders = [[*options[at:], *options[:at]] for at in range(len(options))]
        choices = await together(
            subject.choose(Prompt.user(self.question(probe, order), probe["stem"]), forms) for order in orders
        )
        p = {container: fmean(choice.p[container] for choice in choices) for container in options}
        best = max(p, key=p.__getitem__)
        return replace(
            told(probe, gold, core, graded(Item(probe, gold, item.grader), best)),
            p_gold=Probability(min(1.0, p[gold])),
            mass=Probability(fmean(choice.mass for choice in choices)),
            listed_first=fmean(choice.best == order[0] for choice, order in zip(choices, orders, strict=True)),
        )

    async def free(self, probe: Mapping[str, Any], gold: str, core: bool, item: Item, subject: Subject) -> Told:
        """A short text, judged by the container that it names."""
        prompt = Prompt.user(self.question(probe, probe["options"]), self.text("lead"))
        text = await subject.generate(prompt, max_tokens=self.max_tokens, stop=("\n",))
        row = told(probe, gold, core, graded(Item(probe, gold, item.grader), text))
        return replace(row, listed_first=float(row.answer == probe["options"][0]) if row.answer else None)

    def question(self, probe: Mapping[str, Any], order: Sequence[str]) -> str:
        """Story, question and the containers to choose from, in an order."""
        *others, last = order
        options = f"{', '.join(others)} or {last}"
        return self.text("question", story=probe["story"], question=probe["question"], options=options)


def told(probe: Mapping[str, Any], gold: str, core: bool, given: Graded) -> Told:
    """The columns of one answer that any reading has."""
    return Told(
        **{name: probe[name] for name in ("condition", "kind", "order")},
        core=core,
        answer=given.answer,
        gold=gold,
        correct=given.correct,
        fate=given.fate,
        p_gold=None,
        mass=None,
        listed_first=None,
        says_reality=given.answer == probe["places"][-1],
        says_old=given.answer == probe["old_place"],
    )
