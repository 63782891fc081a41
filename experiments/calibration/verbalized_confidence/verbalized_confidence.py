"""Verbalized confidence: the model says in words or numbers how sure it is of its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from experiments.calibration.verbalized_confidence.elicitation import Asking, Said
from experiments.calibration.verbalized_confidence.prompts import Arm
from experiments.shared.confidence import PHRASES
from experiments.shared.judging import judge, judge_name
from harness import (
    Bars,
    Experiment,
    HarnessError,
    Item,
    Metric,
    Outcome,
    Part,
    Probability,
    Reliability,
    RiskCoverage,
    Subject,
    metrics,
)
from harness.calls.calls import Capability


@dataclass(frozen=True, kw_only=True)
class VerbalizedOutcome(Outcome):
    """One reply in one arm. Exactly one of the five fates is true of it.

    Attributes:
        asked: "stated", or "forced" for an arm with the fallback.
        draw: index of the draw.
        reply: the latest reply, without thinking; answer: as read, "" without one; graded_by: the grader or judge.
        attempted: answer, confidence and grade are there, and the answer is no refusal.
        refused: it says that it does not know; truncated: it was cut off before all was said; unparsed: answer or
            confidence is not in the form; ungraded: the judge gave no verdict.
        solved: the answer is right, whatever the fate; None when ungraded.
        correct, confidence: of attempted replies only.
        tokens: length of the reply that gave the answer; length: its bin.
        common: whether all arms attempted this item in this draw.
    """

    asked: str
    draw: int
    reply: str
    answer: str
    graded_by: str
    attempted: bool
    refused: bool
    truncated: bool
    unparsed: bool
    ungraded: bool
    solved: bool | None
    correct: bool | None
    confidence: Probability | None
    tokens: int
    length: str
    common: bool = False


PAIR = ("confidence", "correct")
STATED, COMMON = {"asked": "stated"}, {"common": True}
BY_LENGTH: dict[str, Any] = {"by": ("arm", "length"), "where": STATED}


@dataclass(frozen=True, kw_only=True)
class VerbalizedConfidence(Experiment):
    """Claim: models can say how sure they are, say too much, and are better calibrated where they reason.

    Zeng et al. 2025, "Thinking Out Loud", EMNLP, arXiv 2504.06564: verbalized confidence of instruct models, of the
    same models tuned on reasoning traces, and after reinforcement learning.
    Item: "What is the capital of France?" The reply "<answer>Paris</answer> <confidence>90%</confidence>" is right
    with a confidence of 0.9.

    Arms are named scale/steps or scale/steps/budget:
        scale: percent (0% to 100%), probability (0.0 to 1.0), words (phrases, whose probabilities are a setting).
        steps: one reply with answer and confidence; or two requests, the second of which holds the question and the
            whole first reply ("self-reflection"). Without reasoning, the first is the short answer that other
            experiments ask for, too.
        budget: tokens of reasoning before the answer. The model is told, and the reply is cut at budget + max_tokens.
        ...+forced: the same replies; where answer or confidence is missing, the reply is continued after "<answer>" and
            "<confidence>", the latter for a handful of tokens. A refusal stays one. Never to be merged with the arm
            of what was stated.

    ECE, AUROC and their like are of attempted replies only, which rewards abstention: read them beside
    `attempted_rate`, or on the items that all arms attempted (`..._common`). At low accuracy most of an ECE is
    `overconfidence`, the signed gap. Both AUPRCs move with accuracy.

    Differs from the paper: shorter prompts of our own words, greedy by default, small budgets; an example of a
    confidence but none of an answer. Answers are graded by the task, or by a judge with SimpleQA's three grades in our
    words.

    Attributes:
        arms: see above.
        forced: whether the arms with the fallback are there.
        phrases: probability of each phrase of the scale "words", in [0, 1].
        draws: replies per item; their rows belong to one group, so that intervals are over items.
        temperature, top_p: of all requests. The paper's appendix: 0.7 and 0.8 for Qwen's instruct models, 0.6 and 0.95
            for reasoning models.
        max_tokens: cap on a reply, the reasoning apart.
        judge: whether the judge (`+model@roles.judge.model=...`) grades, and not the task.

    Raises:
        HarnessError: an unknown or no arm, a probability outside of [0, 1], greedy draws.
    """

    arms: Sequence[str] = ("percent/one", "percent/two")
    forced: bool = True
    phrases: Mapping[str, float] = field(default_factory=lambda: dict(PHRASES))
    draws: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 32
    judge: bool = False

    parts: ClassVar = {"judge": Part()}
    outcome: ClassVar = VerbalizedOutcome
    metrics: ClassVar = (
        *metrics.rates("attempted", suffix="_rate"),
        *metrics.rates(
            refusal_rate="refused", truncation_rate="truncated", parse_failure_rate="unparsed", ungraded_rate="ungraded"
        ),
        Metric("solved_rate", metrics.accuracy, ("solved",)),
        *metrics.means("confidence", prefix="mean_"),
        *metrics.each(("correct",), metrics.accuracy),
        *metrics.each(PAIR, metrics.overconfidence, metrics.ece_equal_width, metrics.ece_equal_count, metrics.brier),
        *metrics.each(PAIR, metrics.auroc, metrics.auprc, metrics.auprc_wrong, metrics.aurc),
        *metrics.each(("correct",), metrics.accuracy, suffix="_common", where=COMMON),
        *metrics.each(PAIR, metrics.overconfidence, metrics.ece_equal_width, suffix="_common", where=COMMON),
        *metrics.means("tokens", prefix="mean_", where=STATED),
        Metric("length_correlation", metrics.spearman, ("tokens", "confidence"), where=STATED),
        Metric("accuracy_by_length", metrics.accuracy, ("correct",), **BY_LENGTH),
        Metric("confidence_by_length", metrics.mean, ("confidence",), **BY_LENGTH),
        Metric("ece_by_length", metrics.ece_equal_width, PAIR, **BY_LENGTH),
    )
    figures: ClassVar = (
        Reliability("confidence", "correct"),
        RiskCoverage("confidence", "correct"),
        Bars("correct", by="length"),
    )

    def __post_init__(self) -> None:
        if not self.arms:
            raise HarnessError("experiment.arms is empty; give for example [percent/one]")
        for name in self.arms:
            Arm.named(name)
        if not self.phrases or not all(0 <= p <= 1 for p in self.phrases.values()):
            raise HarnessError(f"experiment.phrases={dict(self.phrases)}; give each phrase a probability in [0, 1]")
        if self.draws < 1 or (self.draws > 1 and self.temperature == 0):
            raise HarnessError(f"experiment.draws={self.draws}: give 1, or set experiment.temperature above 0")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[VerbalizedOutcome]:
        """All arms of all draws."""
        rows = await asyncio.gather(*(self._draw(item, subject, draw) for draw in range(self.draws)))
        return [row for some in rows for row in some]

    async def _draw(self, item: Item, subject: Subject, draw: int) -> list[VerbalizedOutcome]:
        asking = Asking(
            item=item,
            subject=subject,
            phrases=self.phrases,
            max_tokens=self.max_tokens,
            sampling={"temperature": self.temperature, "top_p": self.top_p, "draw": draw},
        )

        async def forced(arm: Arm, said: Said) -> VerbalizedOutcome:
            return await self._row(asking, arm, await asking.forced(arm, said), draw, "forced")

        async def ask(arm: Arm) -> list[VerbalizedOutcome]:
            said = await asking.stated(arm)
            rows = [self._row(asking, arm, said, draw, "stated")]
            return await asyncio.gather(*rows, *([forced(arm, said)] if self.forced else []))

        arms = await asyncio.gather(*(ask(Arm.named(name)) for name in self.arms))
        rows = [row for some in arms for row in some]
        attempted = {a: all(row.attempted for row in rows if row.asked == a) for a in ("stated", "forced")}
        return [replace(row, common=attempted[row.asked]) for row in rows]

    async def _row(self, asking: Asking, arm: Arm, said: Said, draw: int, asked: str) -> VerbalizedOutcome:
        fate = said.fate(arm)
        correct: bool | None = False
        if said.answer is not None and fate != "refused":
            correct = asking.item.grade(said.answer).correct
            if self.judge:
                verdict = await judge(asking.item, asking.subject, said.answer)
                correct = None if verdict is None else verdict == "right"
                fate = "refused" if verdict == "not attempted" else fate
            if correct is None and fate == "attempted":
                fate = "ungraded" if self.judge else "unparsed"
        attempted = fate == "attempted"
        return VerbalizedOutcome(
            arm=arm.name if asked == "stated" else f"{arm.name}+forced",
            asked=asked,
            draw=draw,
            reply=said.text,
            answer=said.answer or "",
            graded_by=judge_name(asking.subject) if self.judge else asking.item.grader.__name__,
            attempted=attempted,
            refused=fate == "refused",
            truncated=fate == "truncated",
            unparsed=fate == "unparsed",
            ungraded=fate == "ungraded",
            solved=None if fate == "ungraded" else bool(correct),
            correct=correct if attempted else None,
            confidence=said.confidence if attempted else None,
            tokens=said.tokens,
            length=length_bin(said.tokens),
        )


def length_bin(tokens: int) -> str:
    """The bin of a length: "0000-0007" up to 7 tokens, then from each power of two to the next."""
    low = 0 if tokens < 8 else 1 << (tokens.bit_length() - 1)
    return f"{low:04d}-{max(8, 2 * low) - 1:04d}"
