"""P(True): the model samples answers, then says of each how probably it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.shared.answers import TEMPERATURE, own_answers
from experiments.shared.demonstrations import TEXTS, fixed, judgement
from experiments.shared.surface import Surface, beyond_surface, surface
from experiments.shared.thoughts import ThoughtArm
from harness import (
    ArmedExperiment,
    Graded,
    Item,
    JudgedAnswer,
    Message,
    Metric,
    Prompt,
    Reliability,
    RiskCoverage,
    Subject,
    metrics,
    option_mass,
    together,
)

Own = Mapping[str, tuple[Message, ...]]
"""The model's own demonstrations: plain, with ideas, and plain with the labels shuffled among them."""


@dataclass(frozen=True, kw_only=True)
class Shown(ThoughtArm):
    """How the question is asked.

    Attributes:
        demonstrations: before the question: none, six fixed ones, the model's own, or these with shuffled labels.
        ideas: whether all samples are listed as ideas.
        swapped: whether (A) is False and (B) True.
    """

    demonstrations: Literal["none", "fixed", "own", "shuffled"] = "none"
    ideas: bool = False
    swapped: bool = False


@dataclass(frozen=True, kw_only=True)
class Judged(Surface, JudgedAnswer):
    """One sampled answer: p is p(True) / (p(True) + p(False)), mass is their sum.

    Attributes:
        draw: index of the sampled answer.
    """

    draw: int


POOL = 3
"""Training items for each one that is shown: a single set of examples would be a fixed part of every result."""


@dataclass(frozen=True, kw_only=True)
class PTrue(ArmedExperiment[Shown, Own]):
    """Models know whether their own answers are right: P(True) separates right from wrong samples, and is calibrated.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 3 and 4.
    Item: "What is the capital of France?" The model samples five answers at temperature 1. For each it is asked whether
        the answer is (A) True or (B) False, and P(True) = p(A) / (p(A) + p(B)), raw and before temperature.

    Own demonstrations (few-shot) hold the true labels of the model's answers to training items, in their natural
    proportion; six hand-written ones (fixed) are balanced. Labels also tell how often the model is right at all. The
    arm with the same labels shuffled tells as much and nothing more: what few-shot has beyond it is knowledge of
    answers. The arm with swapped letters shows the effect of the letter A. A P(True) that follows the kind of question,
    or the length of an answer, ranks answers, too: it is compared with lengths among questions of one kind. A model
    with a chat template sees every demonstration as an exchange of its own, a base model the paper's plain text.

    Of a model that thinks, two more arms are worth a run: its judgement after no thought, and after its own thought
    about the answer. The paper has no such models.

    The temperature by which the paper mends a tuned model changes no decision and no ranking. Here it is fitted on
    four fifths of the items and judged on the fifth held out, for each arm; the paper has one for all tasks.

    Attributes:
        draws: sampled answers per item (the paper: 5, at temperature 1).
        judged: how many of them are judged, from the first on (the paper: 1); None judges all.
        shots: training items behind the model's own demonstrations (the paper: 20). The run seed draws them from three
            times as many, so runs of other seeds show how much the result hangs on these examples.
        temperature: temperature of the sampled answers.
        max_tokens: cap on a sampled answer; None takes the room that the task gives.
    """

    arms: Sequence[str] = (
        *("zero-shot", "zero-shot swapped", "fixed"),
        *("few-shot", "few-shot shuffled", "few-shot brainstorm"),
    )
    draws: Annotated[int, Ge(1)] = 5
    judged: Annotated[int, Ge(1)] | None = 1
    shots: Annotated[int, Ge(1)] = 20
    temperature: Annotated[float, Ge(0)] = TEMPERATURE
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = {
        "zero-shot": Shown(),
        "zero-shot swapped": Shown(swapped=True),
        "fixed": Shown(demonstrations="fixed"),
        "few-shot": Shown(demonstrations="own"),
        "few-shot shuffled": Shown(demonstrations="shuffled"),
        "zero-shot no thought": Shown(thought="none"),
        "zero-shot own thought": Shown(thought="own"),
        "zero-shot brainstorm": Shown(ideas=True),
        "fixed brainstorm": Shown(demonstrations="fixed", ideas=True),
        "few-shot brainstorm": Shown(demonstrations="own", ideas=True),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("kadavath2022language",)
    outcome: ClassVar = Judged
    metrics: ClassVar = (
        *metrics.judged(),
        *beyond_surface(),
        *metrics.brier_parts(),
        *metrics.recalibrated(),
        *metrics.each(("p", "correct"), metrics.selective_accuracy),
        Metric("coverage", metrics.coverage, ("p",)),
        *metrics.mean_probabilities(option_mass="mass"),
    )
    gates: ClassVar = (option_mass(),)
    figures: ClassVar = (Reliability("p", "correct"), RiskCoverage("p", "correct"))

    def train_items(self) -> int:
        shown = any(arm.demonstrations in {"own", "shuffled"} for arm in self.chosen.values())
        return POOL * self.shots if shown else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Own:
        """The model's own demonstrations, one a training item; which draw is judged goes round."""
        own: dict[str, list[Message]] = {"plain": [], "ideas": [], "shuffled": []}
        shown = subject.random("demonstrations").sample(train, min(self.shots, len(train)))
        sampled = await together(self.begin(item, subject) for item in shown)
        judged = [answers[i % self.draws] for i, answers in enumerate(sampled)]
        labels = [answer.correct for answer in judged]
        mixed = subject.random("labels").sample(labels, len(labels))
        for item, answers, answer, other in zip(shown, sampled, judged, mixed, strict=True):
            question, ideas = item.fields["question"], [one.text for one in answers]
            plain = judgement(self.wording, question, answer.text)
            own["plain"] += plain.labelled(answer.correct)
            own["shuffled"] += plain.labelled(other)
            own["ideas"] += judgement(self.wording, question, answer.text, ideas).labelled(answer.correct)
        return {name: tuple(shown) for name, shown in own.items()}

    async def begin(self, item: Item, subject: Subject, fitted: object = None) -> list[Graded]:
        """The model's own answers, which all arms judge."""
        return await own_answers(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens)

    async def ask(self, arm: Shown, common: list[Graded], item: Item, subject: Subject, fitted: Own) -> list[Judged]:
        before = {
            "none": (),
            "fixed": fixed(self.wording, item, ideas=arm.ideas),
            "own": fitted["ideas" if arm.ideas else "plain"],
            "shuffled": fitted["shuffled"],
        }[arm.demonstrations]

        # The place of the judged answer among the ideas goes round, as it does in the demonstrations.
        order = subject.random("ideas").sample(common, len(common)) if arm.ideas else []

        async def judge(draw: int) -> Judged:
            answer, ideas = common[draw], [one.text for one in order]
            asked = judgement(self.wording, item.fields["question"], answer.text, ideas, swapped=arm.swapped)
            after = await arm.after(subject, Prompt(asked.asked(before)))
            p, mass = await asked.p_true(subject, before, thought=after.thought)
            known = surface(item, answer.text)
            return Judged(
                answer=answer.text, correct=answer.correct, fate=answer.fate, **known, p=p, mass=mass, draw=draw
            )

        return await together(judge(draw) for draw in range(self.draws)[: self.judged])
