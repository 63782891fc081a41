"""False-belief stories: does the model answer from what the agent saw, or from where the thing is?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.theory_of_mind.false_belief.shortcuts import RULES
from experiments.theory_of_mind.false_belief.stories import listing
from harness import Bars, GradedAnswer, Item, Metric, Probability, Prompt, Subject, Text, graded, metrics, option_mass
from harness.arms import Arm, ArmedExperiment, together
from harness.calls.calls import Capability

CLASSIC = frozenset({("FB", "belief", 1), ("TB", "belief", 1)})
"""The first-order beliefs of the classic pair, as (condition, kind, order). One answer to both is wrong once."""
CORE = CLASSIC | {("FB", "reality", 0), ("FB", "memory", 0)}
"""What a family must get right together. Guessing among m containers gives m^-4, and who knows reality and the
beginning, but not who saw what, at most 1/4: see `shortcuts.last_two_places`."""
FIRST: metrics.Where = {"kind": "belief", "order": 1}
PASSED: metrics.Where = {**FIRST, "right_on_classic": True}
BY_ORDER, BY_CONDITION = ("arm", "order"), ("arm", "condition")


@dataclass(frozen=True, kw_only=True)
class Reading(Arm):
    """The source of an answer.

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
        condition: condition of the story, see the task.
        kind: "belief", "action", "reality" or "memory"; order: 0, 1 or 2 minds deep.
        answer: the container answered, "" when none was named; gold: the right one.
        p_gold: probability of the right container among the options; mass: probability that any option is said.
        listed_first: how often the answer is the container that the question lists first, in [0, 1]; None for rules and
            where no container was named. Without an effect of position it is a third.
        says_reality: whether the answer is where the thing is now; says_old: where it was before the critical move.
        core: whether it is a question of the joint accuracy, in a family that has all four.
        right_on_classic: whether the first-order beliefs of this family's stories FB and TB are both answered rightly.
    """

    condition: str
    kind: str
    order: int
    gold: str
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    says_reality: bool
    says_old: bool
    core: bool = False
    right_on_classic: bool = False

    @property
    def cell(self) -> tuple[str, str, int]:
        """The story and question that it answers."""
        return self.condition, self.kind, self.order


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
    know nothing of minds answer in arms of their own, on the same rows: chance is too low a mark for a reader of minds.

    Left out of what those papers ask: containers with wrong labels, beliefs of the third and fourth order, whether
    somebody knows of the move, and who can answer. The probability of an option is not corrected for how likely its
    word is without a story.

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
    papers: ClassVar = ("le2019tomi", "gandhi2023bigtom", "kim2023fantom", "ullman2023large", "sclar2024exploretom")
    outcome: ClassVar = Told
    item_fields: ClassVar = ("probes",)
    metrics: ClassVar = (
        *metrics.graded(),
        *metrics.each(("correct", "item"), metrics.joint_accuracy, where={"core": True}),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=BY_ORDER),
        *metrics.each(("correct",), metrics.accuracy, suffix="_first_order", by=("arm", "kind"), where={"order": 1}),
        Metric("belief_accuracy", metrics.accuracy, ("correct",), BY_CONDITION, FIRST),
        Metric("second_order_accuracy", metrics.accuracy, ("correct",), BY_CONDITION, {"order": 2}),
        Metric("belief_accuracy_where_right_on_classic", metrics.accuracy, ("correct",), BY_CONDITION, PASSED),
        *metrics.rates(reality_bias="says_reality", old_place="says_old", where={**FIRST, "condition": "FB"}),
        *metrics.rates(belief_bias="says_old", where={**FIRST, "condition": "TB"}),
        *metrics.means("listed_first", where={"rule": "none"}),
        *metrics.means("p_gold", suffix="_by_order", by=BY_ORDER, where={"exact": True}),
        *metrics.means(option_mass="mass", where={"exact": True}),
    )
    gates: ClassVar = (option_mass("correct", "p_gold", "says_reality", "says_old", "listed_first"),)
    figures: ClassVar = (Bars("correct", by="condition", where=FIRST), Bars("correct", by="order"))

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        return frozenset({"choose" if arm.exact else "generate" for arm in asked})

    async def ask(self, arm: Reading, common: None, item: Item, subject: Subject, fitted: None) -> list[Told]:
        probes = [Item(probe, gold, item.grader) for probe, gold in zip(item.fields["probes"], item.gold, strict=True)]
        if arm.rule == "none":
            read = self.chosen_option if arm.exact else self.free_answer
            rows = await together(read(probe, subject) for probe in probes)
        else:
            rng = subject.random("rules")
            rows = [told(probe, RULES[arm.rule](probe.fields, rng)) for probe in probes]
        core = CORE if {row.cell for row in rows} >= CORE else frozenset()
        classic = {row.cell for row in rows if row.correct} >= CLASSIC
        return [replace(row, core=row.cell in core, right_on_classic=classic) for row in rows]

    async def chosen_option(self, probe: Item, subject: Subject) -> Told:
        """The most probable container, by the mean over all rotations of the options."""
        options: Sequence[str] = probe.fields["options"]
        forms = {container: [f" {container}"] for container in options}
        orders = [[*options[at:], *options[:at]] for at in range(len(options))]
        prompts = (Prompt.user(self.question(probe, order), probe.fields["stem"]) for order in orders)
        choices = await together(subject.choose(prompt, forms) for prompt in prompts)
        p = {container: fmean(choice.p[container] for choice in choices) for container in options}
        return replace(
            told(probe, max(options, key=p.__getitem__)),
            p_gold=Probability(p[probe.gold]),
            mass=Probability(fmean(choice.mass for choice in choices)),
            listed_first=fmean(choice.best == order[0] for choice, order in zip(choices, orders, strict=True)),
        )

    async def free_answer(self, probe: Item, subject: Subject) -> Told:
        """A short text, judged by the container that it names."""
        options: Sequence[str] = probe.fields["options"]
        prompt = Prompt.user(self.question(probe, options), self.text("lead"))
        row = told(probe, await subject.generate(prompt, max_tokens=self.max_tokens, stop=("\n",)))
        return replace(row, listed_first=float(row.answer == options[0]) if row.answer else None)

    def question(self, probe: Item, order: Sequence[str]) -> str:
        """Story, question and the containers to choose from, in an order."""
        story, question = probe.fields["story"], probe.fields["question"]
        return self.text("question", story=story, question=question, options=listing(order, "or"))


def told(probe: Item, reply: Text | str) -> Told:
    """The row of a reply to one question, as far as any arm has it."""
    given, fields = graded(probe, reply), probe.fields
    return Told(
        **{name: fields[name] for name in ("condition", "kind", "order")},
        gold=probe.gold,
        answer=given.answer,
        correct=given.correct,
        fate=given.fate,
        says_reality=given.answer == fields["places"][-1],
        says_old=given.answer == fields["old_place"],
    )
