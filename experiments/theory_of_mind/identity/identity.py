"""Personas: which parts of a profile let a model tell its own statements from those of another person?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from experiments.shared.rotations import Rotated, in_all_rotations
from experiments.theory_of_mind.identity import prompts
from experiments.theory_of_mind.identity.people import padded
from harness import Bars, Choice, Item, Outcome, Probability, Score, Subject, letter, metrics, option_mass, yes_no
from harness import together
from harness.arms import Arm, ArmedExperiment
from harness.calls.calls import Capability
from harness.tasks.choices import LETTERS

PARTS = ("S", "P", "C", "SP", "SC", "PC", "SPC")
ASKED: metrics.Where = {"task": "verify"}


@dataclass(frozen=True, kw_only=True)
class View(Arm):
    """The task, and what is shown of whom.

    Attributes:
        task: "verify" asks of each statement whether it is true of the person; "identify" which of four people says
            five statements; "job" which of four jobs the person has.
        parts: parts of the profile that are shown.
        whose: whose profile is shown in "verify"; who writes the statements in "identify".
        rule: a rule that answers in the model's place; "none" asks the model.
    """

    task: Literal["verify", "identify", "job"]
    parts: str
    whose: str = "own"
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Identity(Outcome):
    """One statement that is verified, or one choice of a person or a job.

    Attributes:
        statement: the text, of "verify"; part, wording: its part, and whether it is "contained" or "implied".
        own: whether it is the person's, and not the other one's; p_yes: probability of Yes; accepted: whether that is
            above a half.
        overlap: share of the statement's content words in the profile that is shown.
        identified: of a choice, whether it is right; p_true: probability of the right option.
        statements: statements that a choice of a person rests on. Without any it is wrong.
        mass: probability that an option is said at all.
    """

    statement: str = ""
    part: str | None = None
    wording: str | None = None
    own: bool | None = None
    p_yes: Probability | None = None
    accepted: bool | None = None
    overlap: Score | None = None
    identified: bool | None = None
    p_true: Probability | None = None
    statements: int | None = None
    mass: Probability | None = None


@dataclass(frozen=True, kw_only=True)
class Spectrum(ArmedExperiment[View, None]):
    """A persona prompt carries an identity: its daily life (C) alone about as well as all of it.

    After Lee et al. 2025, "SPeCtrum", arXiv 2502.08599, on synthetic people and not on characters of known shows, of
    whom a model has read. A person has a social identity (S: "Age: 47 years", "Job: baker"), a personal identity
    (P: "Extraversion: very high", "Values most: security, power, pleasure") and a daily life (C: "On a weekday: opens
    the shop at five and kneads dough until noon", "Loves: jazz, snow, ...").

    "verify" asks the model, as the person, of each statement: is this true of you? Half of the statements are another
    person's, because who accepts all of them accepts their own. "contained" statements have the words of the profile
    ("I work as a baker."), so that counting shared words tells them apart; "implied" ones have not ("Bread and rolls
    are my trade."). The AUC of shared words stands beside the model's. Controls: C with neutral sentences up to the
    length of all parts, the other person's profile (AUC below a half), and no profile. "identify" asks in four
    rotations which of four people makes five statements, written by rule or by the model as that person; "job from C"
    asks for the job. Chance is 1/4; rules answer on the same rows.

    Left out: essays judged by people, Twenty Statements verified against the model's memory of a show, and the
    questionnaires (BFI-2-S, PVQ-21): levels are drawn as words, and no item means are banded.

    Attributes:
        max_tokens: cap on the five statements that the model writes.
    """

    arms: Sequence[str] = (
        *(*PARTS, "C padded", "other person", "no profile"),
        *(f"identify {parts}" for parts in ("S", "P", "C", "SPC")),
        *("identify own words", "job from C", "rule: shared words", "rule: longest profile"),
    )
    max_tokens: Annotated[int, Ge(1)] = 160

    all_arms: ClassVar = {
        **{parts: View(task="verify", parts=parts) for parts in PARTS},
        "C padded": View(task="verify", parts="C", whose="own padded"),
        "other person": View(task="verify", parts="SPC", whose="other"),
        "no profile": View(task="verify", parts=""),
        **{f"identify {parts}": View(task="identify", parts=parts) for parts in ("S", "P", "C", "SPC")},
        "identify own words": View(task="identify", parts="SPC", whose="model"),
        "job from C": View(task="job", parts="C"),
        "rule: shared words": View(task="identify", parts="SPC", rule="shared words"),
        "rule: longest profile": View(task="identify", parts="SPC", rule="longest profile"),
    }
    texts: ClassVar = prompts.TEXTS
    papers: ClassVar = ("lee2025spectrum",)
    outcome: ClassVar = Identity
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
        *metrics.rates(identification="identified"),
        *metrics.means("p_true", "statements", option_mass="mass"),
    )
    gates: ClassVar = (option_mass("p_yes", "accepted", "identified", "p_true"),)
    figures: ClassVar = (Bars("accepted", by="arm", hue="own", where=ASKED), Bars("identified", by="task"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose"})
