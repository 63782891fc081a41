"""Personas: which parts of a profile let a model tell its own statements from another person's?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.shared.rotations import in_all_rotations
from experiments.theory_of_mind.identity import prompts
from experiments.theory_of_mind.identity.people import padded
from experiments.theory_of_mind.identity.rows import VIEWS, Answer, View
from experiments.theory_of_mind.identity.rules import RULES
from harness import (
    Bars,
    Choice,
    Item,
    Probability,
    Prompt,
    Score,
    Subject,
    letter,
    metrics,
    option_mass,
    together,
    yes_no,
)
from harness.arms import ArmedExperiment
from harness.calls.calls import Capability
from harness.tasks.choices import LETTERS

ASKED: metrics.Where = {"task": "verify"}
CHOSEN: metrics.Where = {"task": "choose"}


@dataclass(frozen=True, kw_only=True)
class Identity(ArmedExperiment[View, None]):
    """A persona prompt carries an identity: its daily life (C) alone about as well as all of it.

    After Lee et al. 2025, "SPeCtrum", arXiv 2502.08599, on synthetic people and not on characters of known shows, of
    whom a model has read. A person has a social identity (S: "Age: 47 years", "Job: baker"), a personal identity
    (P: "Extraversion: very high", "Values most: security, power, pleasure") and a daily life (C: "On a weekday: opens
    the shop at five and kneads dough until noon", "Loves: jazz, snow, ...").

    "verify" asks the model, as the person, of each statement: is this true of you? Half of the statements are another
    person's, because who accepts all of them accepts their own. "contained" statements have the words of the profile
    ("I work as a baker."), so that counting shared words tells them apart; "implied" ones have not ("Bread and rolls
    are my craft."). The AUC of shared words stands beside the model's. Controls: C with neutral sentences up to the
    length of all parts, the other person's profile (AUC below a half), and no profile. "identify" asks in four
    rotations which of four people makes five statements, written by rule or by the model as that person; "job from C"
    asks for the job. Chance is 1/4; rules answer on the same rows.

    Left out: essays judged by people, Twenty Statements verified against the model's memory of a show, and the
    questionnaires (BFI-2-S, PVQ-21): levels are drawn as words, and no item means are banded.

    Attributes:
        max_tokens: cap on the five statements that the model writes.
    """

    arms: Sequence[str] = tuple(VIEWS)
    max_tokens: Annotated[int, Ge(1)] = 160

    all_arms: ClassVar = VIEWS
    texts: ClassVar = prompts.TEXTS
    papers: ClassVar = ("lee2025spectrum",)
    outcome: ClassVar = Answer
    item_fields: ClassVar = ("profile", "other", "statements", "lineup", "introduction", "jobs")
    metrics: ClassVar = (
        *metrics.each(("p_yes", "own"), metrics.auroc, where=ASKED),
        *metrics.each(("overlap", "own"), metrics.auroc, prefix="overlap_", where=ASKED),
        *metrics.each(("p_yes", "own"), metrics.auroc, suffix="_by_wording", by=("arm", "wording"), where=ASKED),
        *metrics.each(
            ("overlap", "own"),
            metrics.auroc,
            prefix="overlap_",
            suffix="_by_wording",
            by=("arm", "wording"),
            where=ASKED,
        ),
        *metrics.each(("p_yes", "own"), metrics.auroc, suffix="_by_part", by=("arm", "part"), where=ASKED),
        *metrics.rates(acceptance="accepted", by=("arm", "own"), where=ASKED),
        *metrics.rates(identification="identified", where=CHOSEN),
        *metrics.mean_probabilities("p_true", where={**CHOSEN, "rule": "none"}),
        *metrics.means("statements", where={"wanted": "person"}),
        *metrics.mean_probabilities(option_mass="mass", where={"rule": "none"}),
    )
    gates: ClassVar = (option_mass("p_yes", "accepted", "identified", "p_true"),)
    figures: ClassVar = (
        Bars("accepted", by="arm", hue="own", where=ASKED),
        Bars("identified", by="arm", hue="wanted", where=CHOSEN),
    )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose"})

    async def ask(self, arm: View, common: None, item: Item, subject: Subject, fitted: None) -> Answer | list[Answer]:
        fields = item.fields
        if arm.task == "verify":
            shown = self.shown(arm, item, subject)
            asked = zip(fields["statements"], item.gold["own"], strict=True)
            return await together(self.verify(statement, own, shown, subject) for statement, own in asked)
        if arm.wanted == "job":
            jobs = {job: job for job in fields["jobs"]}
            of_job = {"profile": prompts.of(fields["profile"], arm.parts)}
            return await self.choose(subject, "job", jobs, true=item.gold["job"], shown=of_job)
        lineup = {f"person {n}": prompts.of(parts, arm.parts) for n, parts in enumerate(fields["lineup"])}
        statements = await self.write(item, subject) if arm.whose == "model" else fields["introduction"]
        true = f"person {item.gold['profile']}"
        if arm.rule != "none" or not statements:
            said = RULES[arm.rule](statements, lineup) if statements else ""
            return Answer(identified=said == true, statements=len(statements))
        of_person = {"statements": "\n".join(f"- {statement}" for statement in statements)}
        row = await self.choose(subject, "identify", lineup, true=true, shown=of_person)
        return replace(row, statements=len(statements))

    def shown(self, arm: View, item: Item, subject: Subject) -> str:
        """The profile that is shown in a question about a statement; "" for none."""
        fields = item.fields
        text = prompts.of(fields["other" if arm.whose == "other" else "profile"], arm.parts)
        if arm.whose != "own padded":
            return text
        length = len(prompts.of(fields["profile"], "SPC").split())
        return padded(text, length, subject.random("padding"))

    async def verify(self, statement: Mapping[str, str], own: bool, shown: str, subject: Subject) -> Answer:
        """Whether a statement is true of the person who is shown."""
        values = {"person": prompts.person(self.wording, shown), "statement": statement["text"]}
        choice = await yes_no(subject, prompts.choice(self.wording, "verify", values))
        return Answer(
            statement=statement["text"],
            part=statement["part"],
            wording=statement["wording"],
            own=own,
            p_yes=Probability(choice.p["yes"]),
            accepted=choice.p["yes"] > 0.5,
            overlap=Score(prompts.shared_words(statement["text"], shown)),
            mass=Probability(choice.mass),
        )

    async def write(self, item: Item, subject: Subject) -> list[str]:
        """Statements about itself by the model, as the person."""
        profile = prompts.person(self.wording, prompts.of(item.fields["profile"], "SPC"))
        prompt = Prompt.user(self.text("write", person=profile))
        return prompts.written(await subject.generate(prompt, max_tokens=self.max_tokens))

    async def choose(
        self, subject: Subject, name: str, options: Mapping[str, str], *, true: str, shown: Mapping[str, str]
    ) -> Answer:
        """A choice among lettered options, given as texts by name, in all rotations; `shown` fills the rest."""

        async def asked(order: Sequence[str]) -> Choice:
            listed = prompts.lettered([options[one] for one in order])
            prompt = prompts.choice(self.wording, name, {**shown, "options": listed})
            return await letter(subject, prompt.messages, prompt.prefill, dict(zip(order, LETTERS, strict=False)))

        rotated = await in_all_rotations(list(options), asked)
        p, mass = Probability(rotated.p[true]), Probability(rotated.mass)
        return Answer(identified=rotated.best == true, p_true=p, mass=mass)
