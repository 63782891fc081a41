"""A second opinion: P(True) of answers that another run gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.shared.demonstrations import TEXTS, fixed, judgement
from experiments.shared.surface import Surface, beyond_surface, surface
from harness import (
    Arm,
    ArmedExperiment,
    Capability,
    Item,
    JudgedAnswer,
    Metric,
    Reliability,
    RiskCoverage,
    Subject,
    graded,
    metrics,
    option_mass,
)


@dataclass(frozen=True, kw_only=True)
class Shown(Arm):
    """An arm with or without demonstrations.

    Attributes:
        demonstrations: whether six hand-written demonstrations precede the question.
    """

    demonstrations: bool


@dataclass(frozen=True, kw_only=True)
class Opinion(Surface, JudgedAnswer):
    """The judgement of one answer."""


@dataclass(frozen=True, kw_only=True)
class SecondOpinion(ArmedExperiment[Shown, None]):
    """A model can tell which of somebody else's answers are right: P(True) of given answers separates right from wrong.

    After Kadavath et al. 2022, arXiv 2207.05221, section 3, where the judged answers are the model's own. Here they
    come from an earlier run of the same or of another model (task=run), so that two judges can be compared on the same
    answers.
    Item: "What is the capital of Australia?" with the answer "Sydney". The model is asked whether it is (A) True or
    (B) False, and p = p(A) / (p(A) + p(B)).

    The item fields are "question" and "answer". Whether the answer is right, the task's grader says; one that it cannot
    grade is wrong. Where a field "fate" says that the answer was cut, it is wrong as in the run that it is of. The
    words are experiment pTrue's: judged by the model that gave it and without demonstrations, an answer has the
    same p there and here.
    """

    arms: Sequence[str] = ("zero-shot", "fixed")

    all_arms: ClassVar[Mapping[str, Shown]] = {
        "zero-shot": Shown(demonstrations=False),
        "fixed": Shown(demonstrations=True),
    }
    texts: ClassVar = {name: TEXTS[name] for name in ("judgement", "judgement_lead")}
    item_fields: ClassVar = ("question", "answer")
    papers: ClassVar = ("kadavath2022language",)
    outcome: ClassVar = Opinion
    metrics: ClassVar = (
        *metrics.judged(),
        *beyond_surface(),
        Metric("coverage", metrics.coverage, ("p",)),
        Metric("option_mass", metrics.mean_probability, ("mass",)),
    )
    gates: ClassVar = (option_mass(),)
    figures: ClassVar = (Reliability("p", "correct"), RiskCoverage("p", "correct"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose"})

    async def ask(self, arm: Shown, common: None, item: Item, subject: Subject, fitted: None) -> Opinion:
        answer = str(item.fields["answer"])
        given = graded(item, answer, cut=item.fields.get("fate") == "cut")
        before = fixed(self.wording, item) if arm.demonstrations else ()
        asked = judgement(self.wording, item.fields["question"], answer)
        p, mass = await asked.p_true(subject, before)
        on_surface = surface(item, answer)
        return Opinion(answer=answer, correct=given.correct, fate=given.fate, **on_surface, p=p, mass=mass)
