"""P(True): the model samples answers, then says of each how probably it is right (card parts B and C)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.calibration.sampling import MAX_TOKENS, TEMPERATURE, sample
from harness import (
    Experiment,
    HarnessError,
    Item,
    Message,
    Metric,
    Outcome,
    Probability,
    Prompt,
    Reliability,
    RiskCoverage,
    Subject,
)
from harness.metrics.accuracy import accuracy, coverage, mean, selective_accuracy
from harness.metrics.calibration import (
    brier,
    brier_reliability,
    brier_resolution,
    brier_uncertainty,
    ece_equal_count,
    ece_equal_width,
)
from harness.metrics.ranking import aurc, auroc


@dataclass(frozen=True, kw_only=True)
class PTrueOutcome(Outcome):
    """One judged draw of one item in one arm.

    Attributes:
        draw: index of the sampled answer.
        answer: the answer as sampled.
        correct: whether the task's grader accepts it; None when it holds no answer.
        p_true: p(A) / (p(A) + p(B)).
        mass: p(A) + p(B), before renormalising.
    """

    draw: int
    answer: str
    correct: bool | None
    p_true: Probability | None
    mass: Probability | None


PAIR = ("p_true", "correct")
Blocks = dict[str, tuple[Message, ...]]
"""The few-shot messages of every arm; none for the zero-shot ones."""


@dataclass(frozen=True, kw_only=True)
class PTrue(Experiment):
    """Models know whether their own answers are right: P(True) separates right from wrong samples, and is calibrated.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 3 and 4.
    Item: "What is the capital of France?" The model samples five answers at temperature 1; for each it is asked
    whether the answer is (A) True or (B) False, and P(True) = p(A) / (p(A) + p(B)), raw and before temperature.

    Arms: zero-shot and few-shot (blocks with the labels of the model's own graded answers to other items, in
    their natural proportion), each with and without all samples shown first as "brainstormed ideas". A model
    with a chat template sees every block as an exchange of its own; a base model sees the paper's plain text.

    Attributes:
        draws: sampled answers per item, all of them judged (the paper: 5, at temperature 1).
        shots: blocks of the few-shot arms (the paper: 20); 0 leaves these arms out.
        brainstorm: whether the arms with brainstormed ideas are run.
        max_tokens: cap on the answer; it ends at a line break anyway.
        parenthesis: end the prompt with " (" and read the letter. Set it to False for a tokenizer that merges
            "(A" into one token: then " (A" and " A" are read after the colon.
    """

    draws: int = 5
    shots: int = 20
    brainstorm: bool = True
    temperature: float = TEMPERATURE
    max_tokens: int = MAX_TOKENS
    parenthesis: bool = True

    outcome: ClassVar = PTrueOutcome
    metrics: ClassVar = (
        Metric("accuracy", accuracy, ("correct",)),
        Metric("auroc", auroc, PAIR),
        Metric("ece_equal_count", ece_equal_count, PAIR),
        Metric("ece_equal_width", ece_equal_width, PAIR),
        Metric("brier", brier, PAIR),
        Metric("brier_reliability", brier_reliability, PAIR),
        Metric("brier_resolution", brier_resolution, PAIR),
        Metric("brier_uncertainty", brier_uncertainty, PAIR),
        Metric("aurc", aurc, PAIR),
        Metric("selective_accuracy", selective_accuracy, PAIR),
        Metric("coverage", coverage, ("p_true",)),
        Metric("option_mass", mean, ("mass",)),
    )
    figures: ClassVar = (Reliability("p_true", "correct"), RiskCoverage("p_true", "correct"))

    def train_items(self) -> int:
        return self.shots

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Blocks:
        """The labelled blocks of the few-shot arms, one per training item; which draw is judged goes round."""
        sampled = await asyncio.gather(*(self.sample(item, subject) for item in train))
        blocks: Blocks = {"zero-shot": (), "zero-shot brainstorm": ()}
        if self.shots == 0:
            return blocks
        for ideas in (False, True):
            messages: list[Message] = []
            for i, (item, answers) in enumerate(zip(train, sampled, strict=True)):
                answer = answers[i % self.draws]
                correct = item.grade(answer).correct
                if correct is not None:
                    said = f"{lead(ideas)} ({'A' if correct else 'B'})"
                    asked = question(item, answer, answers if ideas else None)
                    messages += [Message("user", asked), Message("assistant", said)]
            if not messages:
                raise HarnessError("none of the training answers could be graded; raise experiment.max_tokens")
            blocks["few-shot brainstorm" if ideas else "few-shot"] = tuple(messages)
        return blocks

    async def protocol(self, item: Item, subject: Subject, fitted: Blocks) -> list[PTrueOutcome]:
        answers = await self.sample(item, subject)
        arms = [arm for arm in fitted if self.brainstorm or not arm.endswith("brainstorm")]
        judged = (self.judge(item, subject, arm, fitted[arm], answers, i) for arm in arms for i in range(self.draws))
        return await asyncio.gather(*judged)

    async def sample(self, item: Item, subject: Subject) -> list[str]:
        """The model's own answers at temperature 1."""
        texts = await sample(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens)
        return [text.text.strip() for text in texts]

    async def judge(  # noqa: PLR0917
        self, item: Item, subject: Subject, arm: str, blocks: tuple[Message, ...], answers: list[str], draw: int
    ) -> PTrueOutcome:
        """P(True) of one sampled answer."""
        ideas, answer = arm.endswith("brainstorm"), answers[draw]
        correct = item.grade(answer).correct
        if correct is None:
            return PTrueOutcome(arm=arm, draw=draw, answer=answer, correct=None, p_true=None, mass=None)
        ask = Message("user", question(item, answer, answers if ideas else None))
        end, forms = (" (", ("{}",)) if self.parenthesis else ("", (" ({}", " {}"))
        options = {name: [form.format(letter) for form in forms] for name, letter in (("True", "A"), ("False", "B"))}
        choice = await subject.choose(Prompt((*blocks, ask), lead(ideas) + end), options)
        p_true, mass = Probability(choice.p["True"]), Probability(choice.mass)
        return PTrueOutcome(arm=arm, draw=draw, answer=answer, correct=correct, p_true=p_true, mass=mass)


def question(item: Item, answer: str, ideas: Sequence[str] | None) -> str:
    """The paper's question about one answer; with ideas, all samples are listed first, the judged one among them."""
    noun = "possible" if ideas else "proposed"
    listed = "Here are some brainstormed ideas: " + "\n".join(ideas) + "\n" if ideas else ""
    asked = f"{noun.capitalize()} Answer: {answer}\nIs the {noun} answer:\n (A) True\n (B) False"
    return f"Question: {item.fields['question']}\n{listed}{asked}"


def lead(ideas: bool) -> str:
    """The words before the letter."""
    return f"The {'possible' if ideas else 'proposed'} answer is:"
