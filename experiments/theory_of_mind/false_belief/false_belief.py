"""False-belief stories: does the model answer from what the agent saw, or from where the thing is?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Bars, Choice, Experiment, Grade, Item, Metric, Outcome, Probability, Prompt, Subject, metrics

CORE = frozenset({"FB belief", "TB belief", "FB reality", "FB memory"})
"""What a family must get right together; guessing among m containers gives m^-4."""
FIRST: metrics.Where = {"kind": "belief", "order": 1}
BY_ORDER = ("arm", "order")


@dataclass(frozen=True, kw_only=True)
class FalseBeliefOutcome(Outcome):
    """One answer to one question about one story.

    Attributes:
        condition: of the story, see the task.
        kind: "belief", "action", "reality" or "memory"; order: 0, 1 or 2 minds deep.
        cell: condition and kind in one ("FB belief"); second order has a kind of its own here ("FB second").
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
    cell: str
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
class FalseBelief(Experiment):
    """Models tell what somebody believes from where a thing is: they answer false-belief and true-belief stories alike.

    After Le et al. 2019 (ToMi), Gandhi et al. 2023 (BigToM), Kim et al. 2023 (FANToM: all questions of a story must be
    right together), Ullman 2023 (small changes of a story) and Sclar et al. 2024 (ExploreToM: who watches in secret,
    who is distracted), on stories of our own.
    Item: a family of such stories, among them "Reese, Kendall and Morgan were in the office, where there were three
    containers: a trunk, a drawer and a chest. The containers were closed and opaque [...] Reese put the letter in the
    chest. Morgan left the room. Kendall went out of the room. Reese moved the letter into the trunk." (FB) and the same
    with "Kendall stayed in the room." (TB): "Where does Kendall think the letter is?" FB: chest. TB: trunk.

    Arms: options (exact probability of each container's name after "Kendall thinks that the letter is in the") and
    free (a short greedy answer, judged by the container that it names last). No false-belief score is shown without
    the true-belief score beside it.

    Attributes:
        max_tokens: cap on the free answer; it ends at a line break anyway.
    """

    max_tokens: int = 24

    outcome: ClassVar = FalseBeliefOutcome
    item_fields: ClassVar = ("probes",)
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy),
        *metrics.each(("correct", "item"), metrics.joint_accuracy, where={"core": True}),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=BY_ORDER),
        *metrics.rates(
            first_place_by_order="first_place_correct", last_place_by_order="last_place_correct", by=BY_ORDER
        ),
        *metrics.each(("correct",), metrics.accuracy, suffix="_first_order", by=("arm", "kind"), where={"order": 1}),
        Metric("belief_accuracy", metrics.accuracy, ("correct",), by=("arm", "condition"), where=FIRST),
        Metric("second_order_accuracy", metrics.accuracy, ("correct",), by=("arm", "condition"), where={"order": 2}),
        *metrics.rates(reality_bias="says_reality", where={"cell": "FB belief"}),
        *metrics.rates(belief_bias="says_old", where={"cell": "TB belief"}),
        *metrics.means("p_gold", suffix="_by_order", by=BY_ORDER, where={"arm": "options"}),
        *metrics.means(option_mass="mass", where={"arm": "options"}),
    )
    figures: ClassVar = (Bars("correct", by="condition", where=FIRST), Bars("correct", by="order"))

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[FalseBeliefOutcome]:
        probes: list[Mapping[str, Any]] = item.fields["probes"]
        whole = {cell(probe) for probe in probes} >= CORE

        async def ask(probe: Mapping[str, Any], gold: str) -> list[FalseBeliefOutcome]:
            asked, core = question(probe), whole and cell(probe) in CORE
            forms = {container: [f" {container}"] for container in probe["options"]}
            choice, text = await asyncio.gather(
                subject.choose(Prompt.user(asked, probe["stem"]), forms),
                subject.generate(Prompt.user(asked, "Answer:"), max_tokens=self.max_tokens, stop=("\n",)),
            )
            chosen, said = Grade(choice.best, choice.best == gold), Item(probe, gold, item.grader).grade(text.text)
            return [
                row(probe, gold, chosen, arm="options", core=core, choice=choice),
                row(probe, gold, said, arm="free", core=core),
            ]

        rows = await asyncio.gather(*(ask(probe, gold) for probe, gold in zip(probes, item.gold, strict=True)))
        return [one for pair in rows for one in pair]


def question(probe: Mapping[str, Any]) -> str:
    """Story, question and the containers to choose from, in the probe's own order."""
    *others, last = probe["options"]
    return f"{probe['story']}\n\n{probe['question']}\nAnswer with one of these: {', '.join(others)} or {last}."


def cell(probe: Mapping[str, Any]) -> str:
    """Condition and kind of a probe in one."""
    return f"{probe['condition']} {probe['kind'] if probe['order'] < 2 else 'second'}"


def row(
    probe: Mapping[str, Any], gold: str, grade: Grade, *, arm: str, core: bool, choice: Choice | None = None
) -> FalseBeliefOutcome:
    """The columns of one answer."""
    named = grade.correct is not None
    return FalseBeliefOutcome(
        arm=arm,
        condition=probe["condition"],
        kind=probe["kind"],
        order=probe["order"],
        cell=cell(probe),
        core=core,
        answer=grade.answer,
        gold=gold,
        correct=grade.correct,
        p_gold=Probability(choice.p[gold]) if choice else None,
        mass=Probability(choice.mass) if choice else None,
        first_place_correct=probe["first_place"] == gold if named else None,
        last_place_correct=probe["last_place"] == gold if named else None,
        says_reality=grade.answer == probe["last_place"] if named else None,
        says_old=grade.answer == probe["old_place"] if named else None,
    )
