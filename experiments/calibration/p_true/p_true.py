"""P(True): the model samples answers, then says of each how probably it is right (card parts B and C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.shared.answers import TEMPERATURE, own_answers
from experiments.shared.demonstrations import TEXTS, fixed, judgement
from harness import (
    Arm,
    ArmedExperiment,
    Graded,
    Item,
    JudgedAnswer,
    Message,
    Metric,
    Reliability,
    RiskCoverage,
    Subject,
    metrics,
    together,
)

Own = Mapping[bool, tuple[Message, ...]]
"""The model's own demonstrations, without and with ideas."""


@dataclass(frozen=True, kw_only=True)
class Shown(Arm):
    """What stands before the question: demonstrations (none, fixed, or the model's own), and all samples as ideas."""

    demonstrations: Literal["none", "fixed", "own"] = "none"
    ideas: bool = False


@dataclass(frozen=True, kw_only=True)
class Judged(JudgedAnswer):
    """One sampled answer, by the index of its draw: p is p(A) / (p(A) + p(B)), mass is p(A) + p(B)."""

    draw: int


@dataclass(frozen=True, kw_only=True)
class PTrue(ArmedExperiment[Shown, Own]):
    """Models know whether their own answers are right: P(True) separates right from wrong samples, and is calibrated.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 3 and 4.
    Item: "What is the capital of France?" The model samples five answers at temperature 1; for each it is asked
    whether the answer is (A) True or (B) False, and P(True) = p(A) / (p(A) + p(B)), raw and before temperature.

    Own demonstrations (few-shot) hold the true labels of the model's answers to training items, in their natural
    proportion; six hand-written ones (fixed) are balanced. A model with a chat template sees every demonstration as an
    exchange of its own, a base model the paper's plain text. The temperature by which the paper mends a tuned model
    changes no decision and no ranking; here it is fitted on four fifths of the items and judged on the fifth held out,
    for each arm; the paper has one for all tasks.

    Attributes:
        draws: sampled answers per item (the paper: 5, at temperature 1).
        judged: the first how many of them are judged (the paper: 1); None judges all.
        shots: training items behind the model's own demonstrations (the paper: 20).
        max_tokens: cap on a sampled answer; None takes the room that the task gives.
    """

    arms: Sequence[str] = ("zero-shot", "fixed", "few-shot", "few-shot brainstorm")
    draws: Annotated[int, Ge(1)] = 5
    judged: Annotated[int, Ge(1)] | None = 1
    shots: Annotated[int, Ge(1)] = 20
    temperature: float = TEMPERATURE
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = {
        "zero-shot": Shown(),
        "fixed": Shown(demonstrations="fixed"),
        "few-shot": Shown(demonstrations="own"),
        "zero-shot brainstorm": Shown(ideas=True),
        "fixed brainstorm": Shown(demonstrations="fixed", ideas=True),
        "few-shot brainstorm": Shown(demonstrations="own", ideas=True),
    }
    texts: ClassVar = TEXTS
    outcome: ClassVar = Judged
    metrics: ClassVar = (
        *metrics.judged(),
        *metrics.brier_parts(),
        *metrics.recalibrated(),
        *metrics.each(("p", "correct"), metrics.selective_accuracy),
        Metric("coverage", metrics.coverage, ("p",)),
        *metrics.means(option_mass="mass"),
    )
    figures: ClassVar = (Reliability("p", "correct"), RiskCoverage("p", "correct"))

    def train_items(self) -> int:
        return self.shots if any(arm.demonstrations == "own" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Own:
        """The model's own demonstrations, without and with ideas, one a training item; which draw is judged goes
        round."""
        own: dict[bool, list[Message]] = {False: [], True: []}
        sampled = await together(self.begin(item, subject) for item in train)
        for i, (item, answers) in enumerate(zip(train, sampled, strict=True)):
            answer, all_texts = answers[i % self.draws], [one.text for one in answers]
            for ideas, shown in own.items():
                asked = judgement(self.wording, item.fields["question"], answer.text, all_texts if ideas else ())
                shown.extend(asked.labelled(answer.correct))
        return {ideas: tuple(shown) for ideas, shown in own.items()}

    async def begin(self, item: Item, subject: Subject, fitted: object = None) -> list[Graded]:
        """The model's own answers, which all arms judge."""
        return await own_answers(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens)

    async def ask(self, arm: Shown, common: list[Graded], item: Item, subject: Subject, fitted: Own) -> list[Judged]:
        before = {"none": (), "fixed": fixed(self.wording, item, ideas=arm.ideas), "own": fitted[arm.ideas]}

        async def judge(draw: int) -> Judged:
            answer, ideas = common[draw], [one.text for one in common] if arm.ideas else []
            asked = judgement(self.wording, item.fields["question"], answer.text, ideas)
            p, mass = await asked.p_true(subject, before[arm.demonstrations])
            return Judged(answer=answer.text, correct=answer.correct, fate=answer.fate, p=p, mass=mass, draw=draw)

        return await together(judge(draw) for draw in range(self.draws)[: self.judged])
