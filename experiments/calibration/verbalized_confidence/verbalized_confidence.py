"""Verbalized confidence: the model says in words or numbers how sure it is of its own answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, get_args

from annotated_types import Ge, Gt, Le

from experiments.calibration.verbalized_confidence.elicitation import Elicitation
from experiments.calibration.verbalized_confidence.outcome import StatedConfidence, as_row
from experiments.calibration.verbalized_confidence.prompts import TEXTS, Manner, Requests
from experiments.shared import judging
from experiments.shared.confidence import PHRASES, Scale
from experiments.shared.stated_confidence import CONFIDENCE_TOKENS, Scaled, example
from experiments.shared.surface import beyond_surface
from experiments.shared.thoughts import THOUGHTS
from harness import (
    ArmedExperiment,
    Bars,
    Capability,
    Gate,
    HarnessError,
    Item,
    Metric,
    Outcome,
    Part,
    Reliability,
    RiskCoverage,
    Subject,
    metrics,
    together,
)
from harness.outcomes import Failed

PAIR = ("confidence", "correct")
PAPER = (metrics.auroc, metrics.ece_equal_width)
BY = ("arm", "forced")
STATED, COMMON, ATTEMPTED = {"forced": False}, {"common": True}, {"attempted": True}


@dataclass(frozen=True, kw_only=True)
class VerbalizedConfidence(ArmedExperiment[Manner, None]):
    """Claim: models can say how sure they are, say too much, and are better calibrated where they reason.

    Zeng et al. 2025, "Thinking Out Loud", EMNLP, arXiv 2504.06564: verbalized confidence of instruct models, of the
    same models tuned on reasoning traces, and after reinforcement learning.
    Item: "What is the capital of France?" The reply "<answer>Paris</answer> <confidence>90%</confidence>" is right
    with a confidence of 0.9.

    An answer that is missing, refused or unreadable is wrong, and one outside of the tags is graded as well. ECE, AUROC
    and their like leave out replies without a confidence. The paper's numbers are of attempted replies only
    (`..._attempted`), which rewards abstention: read them beside `attempted_rate`, or on the items that all arms
    attempted (`..._common`). At low accuracy most of an ECE is `overconfidence`, the signed gap. Both
    AUPRCs move with accuracy. Stated and forced replies are never pooled.

    Differs from the paper: shorter prompts of our own words, greedy by default, small budgets. No example of an answer,
    and another example of a confidence for each item: a model that copies it (`echo_rate`) cannot look calibrated.
    Without reasoning the reply is begun by the opening tag. Answers are graded by the task, or by a judge with
    SimpleQA's three grades.

    Of a model that thinks, two arms show what its thought is worth: the same requests after no thought, and after its
    own, "percent one no thought" and "percent one own thought".

    Attributes:
        begun: whether the reply of an arm without reasoning is begun by "<answer>", and after the answer continued by
            "<confidence>". Small models do not keep to the form of their own accord. A chat endpoint that cannot go on
            with a reply needs false.
        reasoning_tokens: of arms with reasoning. The model is told, and a reply is cut at these and the room for answer
            and confidence.
        forced: whether a reply that is not begun and in which answer or confidence is missing is also continued after
            "<answer>" and "<confidence>". A refusal stays one, and an answer outside of the tags stays the answer.
        phrases: probability of each phrase of the scale "words", in [0, 1].
        draws: replies per item; their rows belong to one group, so that intervals are over items.
        temperature, top_p: of all requests. The paper's appendix: 0.7 and 0.8 for Qwen's instruct models, 0.6 and 0.95
            for reasoning models.
        max_tokens: cap on an answer, the reasoning apart; None takes the room that the task gives.
        confidence_tokens: cap on a confidence.
        judge: whether the judge (`+model@roles.judge.model=...`) grades, and not the task.

    Raises:
        HarnessError: a probability outside of [0, 1], greedy draws, or no tokens to reason in.
    """

    arms: Sequence[str] = ("percent one", "percent two")
    begun: bool = True
    reasoning_tokens: Annotated[int, Ge(1)] = 256
    forced: bool = True
    phrases: Mapping[str, float] = field(default_factory=lambda: dict(PHRASES))
    draws: int = 1
    temperature: Annotated[float, Ge(0)] = 0.0
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    max_tokens: Annotated[int, Ge(1)] | None = None
    confidence_tokens: Annotated[int, Ge(1)] = CONFIDENCE_TOKENS
    judge: bool = False

    all_arms: ClassVar = {
        f"{scale} {('one', 'two')[steps - 1]}{' reasoned' if reasoned else ''}{end}": Manner(
            scale=scale, steps=steps, reasoned=reasoned, thought=thought
        )
        for scale in get_args(Scale)
        for steps in (1, 2)
        for reasoned, ends in ((False, THOUGHTS), (True, {"": THOUGHTS[""]}))
        for end, thought in ends.items()
    }
    texts: ClassVar = {**TEXTS, **judging.TEXTS}
    parts: ClassVar = {"judge": Part()}
    papers: ClassVar = ("zeng2025thinking",)
    outcome: ClassVar = StatedConfidence
    metrics: ClassVar = (
        *metrics.judged(PAIR, by=BY),
        *beyond_surface(PAIR, by=BY),
        *metrics.each(PAIR[1:], metrics.accuracy, suffix="_attempted", by=BY, where=ATTEMPTED),
        *metrics.each(PAIR, *PAPER, suffix="_attempted", by=BY, where=ATTEMPTED),
        *metrics.each(PAIR, metrics.auprc, metrics.auprc_wrong, by=BY),
        *metrics.rates("attempted", "in_form", "ungraded", "echo", suffix="_rate", refusal_rate="refused", by=BY),
        *metrics.mean_probabilities("confidence", prefix="mean_", by=BY),
        *metrics.judged(PAIR, fate=None, suffix="_common", by=BY, where=COMMON),
        *metrics.means("tokens", prefix="mean_", where=STATED),
        Metric("length_correlation", metrics.spearman, ("tokens", "confidence"), where=STATED),
        Metric("accuracy_by_length", metrics.accuracy, ("correct",), by=("arm", "length"), where=STATED),
        Metric("confidence_by_length", metrics.mean_probability, ("confidence",), by=("arm", "length"), where=STATED),
        Metric("ece_by_length", metrics.ece_equal_width, PAIR, by=("arm", "length"), where=STATED),
    )
    gates: ClassVar = (
        Gate(metric="echo_rate", most=0.2, columns=("confidence",), why="the model copies the prompt's example"),
    )
    figures: ClassVar = (
        Reliability("confidence", "correct", where=STATED),
        Reliability("confidence", "correct", where={"forced": True}),
        RiskCoverage("confidence", "correct", where=STATED),
        RiskCoverage("confidence", "correct", where={"forced": True}),
        Bars("correct", by="length", where=STATED),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.phrases or not all(0 <= p <= 1 for p in self.phrases.values()):
            raise HarnessError(f"experiment.phrases={dict(self.phrases)}; give each phrase a probability in [0, 1]")
        if self.draws < 1 or (self.draws > 1 and self.temperature == 0):
            raise HarnessError(f"experiment.draws={self.draws}: give 1, or set experiment.temperature above 0")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    def needed_parts(self) -> Mapping[str, Part]:
        return self.parts if self.judge else {}

    async def protocol(self, item: Item, subject: Subject, fitted: None) -> list[Outcome]:
        """All arms; afterwards each row is told whether all arms attempted the item in its draw."""
        rows = await super().protocol(item, subject, fitted)
        replies = [row for row in rows if isinstance(row, StatedConfidence)]
        missed = {(row.draw, row.forced) for row in replies if not row.attempted}
        failed = [row for row in rows if isinstance(row, Failed)]
        told = [replace(row, common=not failed and (row.draw, row.forced) not in missed) for row in replies]
        return [*told, *failed]

    async def ask(
        self, arm: Manner, common: None, item: Item, subject: Subject, fitted: None
    ) -> list[StatedConfidence]:
        shown = example(subject, arm.scale, self.phrases)
        scaled = Scaled(wording=self.wording, scale=arm.scale, phrases=self.phrases, example=shown)
        requests = Requests(item=item, arm=arm, scaled=scaled, tokens=self.reasoning_tokens)
        draws = await together(self.elicit(requests, subject, draw) for draw in range(self.draws))
        return [row for rows in draws for row in rows]

    async def elicit(self, requests: Requests, subject: Subject, draw: int) -> list[StatedConfidence]:
        """The statement of one draw and, if parts are missing, the forced one."""
        elicitation = Elicitation(
            requests=requests,
            subject=subject,
            begun=self.begun and not requests.arm.reasoned,
            answer_tokens=self.max_tokens or requests.item.form.max_tokens,
            confidence_tokens=self.confidence_tokens,
            sampling={"temperature": self.temperature, "top_p": self.top_p, "draw": draw},
        )
        stated = await elicitation.stated()

        async def forced() -> StatedConfidence:
            return await as_row(elicitation, await elicitation.forced(stated), draw, forced=True, judge=self.judge)

        asked = [as_row(elicitation, stated, draw, forced=False, judge=self.judge)]
        return await together([*asked, *([forced()] if self.forced and not elicitation.begun else [])])
