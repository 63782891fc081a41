"""False-belief stories: does the model answer from what the agent saw, or from where the thing is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from harness import Bars, Choice, Grade, Item, Metric, Outcome, Probability, Prompt, Subject, metrics
from harness.arms import Arm, ArmedExperiment, together
from harness.calls.calls import Capability

CORE = frozenset({("FB", "belief", 1), ("TB", "belief", 1), ("FB", "reality", 0), ("FB", "memory", 0)})
"""What a family must get right together; guessing among m containers gives m^-4."""
cell = itemgetter("condition", "kind", "order")
"""Which question about which story a probe is."""
FIRST: metrics.Where = {"kind": "belief", "order": 1}
BY_ORDER, BY_CONDITION = ("arm", "order"), ("arm", "condition")


@dataclass(frozen=True, kw_only=True)
class Reading(Arm):
    """How an answer is read: the exact probability of each option, or a short text judged by what it names last."""

    exact: bool


@dataclass(frozen=True, kw_only=True)
class Told(Outcome):
    """One answer to one question about one story.

    Attributes:
        condition: of the story, see the task.
        kind: "belief", "action", "reality" or "memory"; order: 0, 1 or 2 minds deep.
        core: whether it is a question of the joint accuracy, in a family that has all four.
        answer: the container answered, "" when none was named; gold: the right one.
        correct: None when no container was named.
        p_gold: probability of the right container among the options; mass: probability that any option is said.
        first_place_correct, last_place_correct: whether the shortcut "where the thing began" or "where it is now"
            answers right; None where `correct` is, so that shortcut and model are judged on the same rows.
        says_reality: whether the answer is where the thing is now; says_old: where it was before the critical move.
    """

    condition: str
    kind: str
    order: int
    core: bool
    answer: str
    gold: str
    correct: bool | None
    p_gold: Probability | None
    mass: Probability | None
    first_place_correct: bool | None
    last_place_correct: bool | None
    says_reality: bool | None
    says_old: bool | None


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

    Options are read behind the beginning of an answer ("Kendall thinks that the letter is in the"). No false-belief
    score is shown without the true-belief score beside it.

    Attributes:
        max_tokens: cap on the free answer; it ends at a line break anyway.
    """

    arms: Sequence[str] = ("options", "free")
    max_tokens: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = {"options": Reading(exact=True), "free": Reading(exact=False)}
    texts: ClassVar = {"question": "$story\n\n$question\nAnswer with one of these: $options.", "lead": "Answer:"}
    outcome: ClassVar = Told
    item_fields: ClassVar = ("probes",)
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy),
        *metrics.each(("correct", "item"), metrics.joint_accuracy, where={"core": True}),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=BY_ORDER),
        *metrics.rates(first_place_by_order="first_place_correct", by=BY_ORDER),
        *metrics.rates(last_place_by_order="last_place_correct", by=BY_ORDER),
        *metrics.each(("correct",), metrics.accuracy, suffix="_first_order", by=("arm", "kind"), where={"order": 1}),
        Metric("belief_accuracy", metrics.accuracy, ("correct",), by=BY_CONDITION, where=FIRST),
        Metric("second_order_accuracy", metrics.accuracy, ("correct",), by=BY_CONDITION, where={"order": 2}),
        *metrics.rates(reality_bias="says_reality", where={**FIRST, "condition": "FB"}),
        *metrics.rates(belief_bias="says_old", where={**FIRST, "condition": "TB"}),
        *metrics.means("p_gold", suffix="_by_order", by=BY_ORDER, where={"exact": True}),
        *metrics.means(option_mass="mass", where={"exact": True}),
    )
    figures: ClassVar = (Bars("correct", by="condition", where=FIRST), Bars("correct", by="order"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose" if arm.exact else "generate" for arm in self.chosen.values()})

    async def ask(self, arm: Reading, common: None, item: Item, subject: Subject, fitted: None) -> list[Told]:
        probes: Sequence[Mapping[str, Any]] = item.fields["probes"]
        whole = {cell(probe) for probe in probes} >= CORE

        async def one(probe: Mapping[str, Any], gold: str) -> Told:
            asked, core = self.question(probe), whole and cell(probe) in CORE
            if arm.exact:
                forms = {container: [f" {container}"] for container in probe["options"]}
                choice = await subject.choose(Prompt.user(asked, probe["stem"]), forms)
                return told(probe, gold, core, Grade(choice.best, choice.best == gold), choice)
            prompt = Prompt.user(asked, self.text("lead"))
            text = await subject.generate(prompt, max_tokens=self.max_tokens, stop=("\n",))
            return told(probe, gold, core, Item(probe, gold, item.grader).grade(text.text))

        return await together(one(probe, gold) for probe, gold in zip(probes, item.gold, strict=True))

    def question(self, probe: Mapping[str, Any]) -> str:
        """Story, question and the containers to choose from, in the probe's own order."""
        *others, last = probe["options"]
        options = f"{', '.join(others)} or {last}"
        return self.text("question", story=probe["story"], question=probe["question"], options=options)


def told(probe: Mapping[str, Any], gold: str, core: bool, grade: Grade, choice: Choice | None = None) -> Told:
    """The columns of one answer."""
    answer, named = grade.answer, grade.correct is not None
    return Told(
        **{name: probe[name] for name in ("condition", "kind", "order")},
        core=core,
        answer=answer,
        gold=gold,
        correct=grade.correct,
        p_gold=Probability(choice.p[gold]) if choice else None,
        mass=Probability(choice.mass) if choice else None,
        first_place_correct=probe["first_place"] == gold if named else None,
        last_place_correct=probe["last_place"] == gold if named else None,
        says_reality=answer == probe["last_place"] if named else None,
        says_old=answer == probe["old_place"] if named else None,
    )
