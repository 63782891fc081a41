"""False-belief stories: does the model answer from what the agent saw, or from where the thing is?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.shared.rotations import Rotated, in_all_rotations
from experiments.theory_of_mind.false_belief.plan import Readings
from experiments.theory_of_mind.false_belief.rows import METRICS, Told, corrected, in_family, told
from experiments.theory_of_mind.false_belief.shortcuts import RULES, by_rule
from experiments.theory_of_mind.sentences import listing
from harness import Bars, Choice, Grid, Item, Probability, Prompt, Subject, option_mass, yes_no
from harness.arms import Arm, ArmedExperiment, together
from harness.calls.calls import Capability


@dataclass(frozen=True, kw_only=True)
class Reading(Arm):
    """The source of an answer.

    Attributes:
        asks: the reading whose questions it asks, see `plan.SPARING`.
        shows: the story that stands before the question: its own, none, or one about other people and things.
        exact: read as the exact probability of each option, and not from a short text.
        corrected: for how likely each option is without the story.
        rule: a rule of `shortcuts.RULES` that answers in the model's place; "none" asks the model.
    """

    asks: Readings = "options"
    shows: Literal["own", "none", "other"] = "own"
    exact: bool = False
    corrected: bool = False
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class FalseBelief(ArmedExperiment[Reading, None]):
    """Models tell what somebody believes from where a thing is: they answer false-belief and true-belief stories alike.

    After Le et al. 2019 (ToMi), He et al. 2023 (Hi-ToM: up to the fourth order), Gandhi et al. 2023 (BigToM), Kim et
    al. 2023 (FANToM: who knows what, and all questions of a story must be right together), Ullman 2023 (small changes
    of a story) and Sclar et al. 2024 (ExploreToM: who watches in secret, who is distracted), on stories of our own.
    Item: a family of such stories, among them "Reese, Kendall and Morgan were in the office, where there were three
    containers: a trunk, a drawer and a chest. The containers were closed and opaque [...] Reese put the letter in the
    chest. Morgan left the room. Kendall went out of the room. Reese moved the letter into the trunk." (FB) and the same
    with "Kendall stayed in the room." (TB): "Where does Kendall think the letter is?" FB: chest. TB: trunk. "Does
    Kendall know that the letter was moved into the trunk?" FB: no. TB: yes.

    Options are read behind the beginning of an answer ("Kendall thinks that the letter is in the"), in every rotation
    of their list; the mean decides, and `listed_first` and `agreement` show the effect of the place in the list. Every
    option stands at every place, so that an arm with swapped options would ask the same again. `no story` asks the
    question alone: how likely each option is before anything is told. `options corrected` divides by that. `shuffled
    story` puts a story about other people and things before it. No false-belief score is shown without the true-belief
    score beside it. Rules that know nothing of minds answer in arms of their own, on the same rows: chance is too low
    a mark for a reader of minds. Only first-order beliefs are asked about all stories, see `plan.SPARING`.

    Left out of those papers: labels that the agent cannot read or wrote, public announcements, attitudes, a question
    that asks for the list of all who know (it is asked about each person), questions in several wordings.

    Attributes:
        max_tokens: cap on the free answer; it ends at a line break anyway.
    """

    all_arms: ClassVar = {
        "options": Reading(exact=True),
        "options corrected": Reading(asks="no story", exact=True, corrected=True),
        "no story": Reading(asks="no story", shows="none", exact=True),
        "shuffled story": Reading(asks="shuffled story", shows="other", exact=True),
        "free": Reading(asks="free"),
        **{f"rule: {rule}": Reading(rule=rule) for rule in RULES},
    }
    arms: Sequence[str] = tuple(all_arms)
    max_tokens: Annotated[int, Ge(1)] = 24

    texts: ClassVar = {
        "question": "$story\n\n$question\nAnswer with one of these: $options.",
        "alone": "$question\nAnswer with one of these: $options.",
        "lead": "Answer:",
    }
    papers: ClassVar = (
        *("le2019tomi", "he2023hitom", "gandhi2023bigtom", "kim2023fantom", "ullman2023large", "sclar2024exploretom"),
        "holtzman2021surface",
    )
    outcome: ClassVar = Told
    item_fields: ClassVar = ("probes",)
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("correct", "p_gold", "says_reality", "says_old", "listed_first", "agreement"),)
    figures: ClassVar = (
        Bars("correct", by="order", where={"kind": "belief"}),
        Grid("belief_accuracy", "arm", "condition"),
    )

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        return frozenset({"choose" if arm.exact else "generate" for arm in asked})

    async def ask(self, arm: Reading, common: None, item: Item, subject: Subject, fitted: None) -> list[Told]:
        asked = zip(item.fields["probes"], item.gold, strict=True)
        probes = [Item(probe, gold, item.grader) for probe, gold in asked if arm.asks in probe["readings"]]
        if arm.rule != "none":
            rng = subject.random(arm.rule)
            return in_family([told(probe, by_rule(arm.rule, probe.fields, rng)) for probe in probes])
        read = self.by_option if arm.exact else self.free_answer
        return in_family(await together(read(arm, probe, subject) for probe in probes))

    async def by_option(self, arm: Reading, probe: Item, subject: Subject) -> Told:
        """The most probable option, by the mean over all rotations of the options."""
        read = await self.rotated(arm.shows, probe, subject)
        mass = Probability(read.mass)
        if arm.corrected:
            p = corrected(read.p, (await self.rotated("none", probe, subject)).p)
            row = told(probe, max(p, key=p.__getitem__))
            return replace(row, p_gold=Probability(p[probe.gold]), mass=mass)
        return replace(
            told(probe, read.best),
            p_gold=Probability(read.p[probe.gold]),
            mass=mass,
            listed_first=read.listed_first,
            agreement=read.agreement,
        )

    async def rotated(self, shows: str, probe: Item, subject: Subject) -> Rotated:
        """The probabilities of the options behind a story, or without one."""
        stem, options = probe.fields["stem"], probe.fields["options"]

        async def ask(order: Sequence[str]) -> Choice:
            question = self.question(probe, order, shows)
            if not stem:
                return await yes_no(subject, Prompt.user(question, self.text("lead")))
            return await subject.choose(Prompt.user(question, stem), {option: [f" {option}"] for option in options})

        return await in_all_rotations(options, ask)

    async def free_answer(self, arm: Reading, probe: Item, subject: Subject) -> Told:
        """A short text, judged by the option that it gives."""
        options: Sequence[str] = probe.fields["options"]
        prompt = Prompt.user(self.question(probe, options), self.text("lead"))
        row = told(probe, await subject.generate(prompt, max_tokens=self.max_tokens, stop=("\n",)))
        return replace(row, listed_first=float(row.answer == options[0]) if row.answer else None)

    def question(self, probe: Item, order: Sequence[str], shows: str = "own") -> str:
        """A story (or none), question and the options to choose from, in an order."""
        shown = {"question": probe.fields["question"], "options": listing(order, "or")}
        if shows == "none":
            return self.text("alone", **shown)
        return self.text("question", story=probe.fields["story" if shows == "own" else "other_story"], **shown)
