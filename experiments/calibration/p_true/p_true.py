"""P(True): the model samples answers, then says of each how probably it is right (card parts B and C)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.shared.answers import MAX_TOKENS, TEMPERATURE, sample
from experiments.shared.demonstrations import block, fixed_blocks, judgement, lead, reading
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
    metrics,
)

Arm = Literal["zero-shot", "fixed", "few-shot", "zero-shot brainstorm", "fixed brainstorm", "few-shot brainstorm"]
BRAINSTORM = " brainstorm"


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
"""The messages of each few-shot arm."""


@dataclass(frozen=True, kw_only=True)
class PTrue(Experiment):
    """Models know whether their own answers are right: P(True) separates right from wrong samples, and is calibrated.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 3 and 4.
    Item: "What is the capital of France?" The model samples five answers at temperature 1; for each it is asked
    whether the answer is (A) True or (B) False, and P(True) = p(A) / (p(A) + p(B)), raw and before temperature.

    Arms: without demonstrations (zero-shot), with six hand-written ones (fixed) and with blocks that hold the true
    labels of the model's own answers to other items, in their natural proportion (few-shot); each also with all
    samples shown first as "brainstormed ideas". A model with a chat template sees every block as an exchange of its
    own; a base model sees the paper's plain text.

    The temperature by which the paper mends a tuned model divides both letters' log-odds: it changes neither which is
    the likelier nor any ranking. Here it is fitted on four fifths of the items and judged on the fifth held out
    (`ece_after_temperature`, `nll_after_temperature`), for each arm; the paper has one for all tasks.

    Attributes:
        draws: sampled answers per item (the paper: 5, at temperature 1).
        judged: how many of them are judged, the first ones (the paper: 1); None judges all.
        arms: which arms run.
        shots: blocks of the few-shot arms (the paper: 20); 0 leaves these arms out.
        max_tokens: cap on the answer; it ends at a line break anyway.
        parenthesis: end the prompt with " (" and read the letter. Set it to False for a tokenizer that merges
            "(A" into one token: then " (A" and " A" are read after the colon.

    Raises:
        HarnessError: no arm, or a number out of its range.
    """

    draws: int = 5
    judged: int | None = 1
    arms: Sequence[Arm] = ("zero-shot", "fixed", "few-shot", "few-shot brainstorm")
    shots: int = 20
    temperature: float = TEMPERATURE
    max_tokens: int = MAX_TOKENS
    parenthesis: bool = True

    outcome: ClassVar = PTrueOutcome
    metrics: ClassVar = (
        *metrics.judged(PAIR),
        *metrics.brier_parts(PAIR),
        *metrics.recalibrated(PAIR),
        Metric("selective_accuracy", metrics.selective_accuracy, PAIR),
        Metric("coverage", metrics.coverage, ("p_true",)),
        *metrics.means(option_mass="mass"),
    )
    figures: ClassVar = (Reliability("p_true", "correct"), RiskCoverage("p_true", "correct"))

    def __post_init__(self) -> None:
        judged = self.draws if self.judged is None else self.judged
        if not self._arms or not 1 <= judged <= self.draws or self.shots < 0:
            raise HarnessError(
                "experiment: arms must leave one to run (shots=0 takes the few-shot ones out), shots be 0 or more, and "
                "judged lie between 1 and draws"
            )

    @property
    def _arms(self) -> list[Arm]:
        return [arm for arm in self.arms if self.shots or not arm.startswith("few-shot")]

    def train_items(self) -> int:
        return self.shots if any(arm.startswith("few-shot") for arm in self._arms) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Blocks:
        """The labelled blocks of the few-shot arms, one per training item; which draw is judged goes round."""
        sampled = await asyncio.gather(*(self.sample(item, subject) for item in train))
        blocks: Blocks = {}
        for arm in ("few-shot", f"few-shot{BRAINSTORM}"):
            messages: list[Message] = []
            for i, (item, answers) in enumerate(zip(train, sampled, strict=True)):
                answer = answers[i % self.draws]
                correct = item.grade(answer).correct
                if correct is not None:
                    ideas = answers if arm.endswith(BRAINSTORM) else None
                    messages += block(item.fields["question"], answer, ideas, correct)
            blocks[arm] = tuple(messages)
        if train and not blocks["few-shot"]:
            raise HarnessError("none of the training answers could be graded; raise experiment.max_tokens")
        return blocks

    async def protocol(self, item: Item, subject: Subject, fitted: Blocks) -> list[PTrueOutcome]:
        answers = await self.sample(item, subject)
        judged = range(self.draws if self.judged is None else self.judged)
        return await asyncio.gather(
            *(self.judge(item, subject, arm, fitted, answers, draw) for arm in self._arms for draw in judged)
        )

    async def sample(self, item: Item, subject: Subject) -> list[str]:
        """The model's own answers at temperature 1."""
        texts = await sample(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens)
        return [text.text.strip() for text in texts]

    async def judge(  # noqa: PLR0917
        self, item: Item, subject: Subject, arm: Arm, fitted: Blocks, answers: list[str], draw: int
    ) -> PTrueOutcome:
        """P(True) of one sampled answer."""
        answer = answers[draw]
        correct = item.grade(answer).correct
        if correct is None:
            return PTrueOutcome(arm=arm, draw=draw, answer=answer, correct=None, p_true=None, mass=None)
        ideas = arm.endswith(BRAINSTORM)
        before = fixed_blocks(item, ideas=ideas) if arm.startswith("fixed") else fitted.get(arm, ())
        ask = Message("user", judgement(item.fields["question"], answer, answers if ideas else None))
        end, options = reading({"True": "A", "False": "B"}, parenthesis=self.parenthesis)
        choice = await subject.choose(Prompt((*before, ask), lead(ideas) + end), options)
        p_true, mass = Probability(choice.p["True"]), Probability(choice.mass)
        return PTrueOutcome(arm=arm, draw=draw, answer=answer, correct=correct, p_true=p_true, mass=mass)
