"""Self-critique of confidence: asked to reconsider answer and score, is the model better calibrated?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from experiments.calibration.self_critique_confidence.prompts import ask, read
from experiments.shared.confidence import Instrument
from harness import (
    Experiment,
    HarnessError,
    Item,
    Metric,
    Outcome,
    Probability,
    Reliability,
    Subject,
    Transitions,
    metrics,
)
from harness.calls.calls import Capability
from harness.tasks.refusals import refuses


@dataclass(frozen=True, kw_only=True)
class CritiqueOutcome(Outcome):
    """One reply: one instrument, before or after the critique.

    Attributes:
        instrument: "confidence" or "uncertainty"; stage: "vanilla" or "critique"; kind: "choice" or "open" question.
        reply: the whole reply; answer: as read, "" without one.
        correct: whether the answer is right; None without a readable one. right: the same, with None as wrong.
        confidence: as stated, an uncertainty u as 1 - u; None when there is none.
        half: `confidence`, with 0.5 where it is missing.
        adversarial: `confidence`, where it is missing 1 for a wrong and 0 for a right answer.
        in_form: whether the score stood in the form asked for, and not merely as the last percentage of the reply.
        refused, cut: whether the reply refuses to answer; was cut off before it stated both.
        no_answer, no_score: whether answer or score cannot be read.
        before, after: `correct` before and after the critique; right_before, right_after: `right`; of the critique
            only.
    """

    instrument: str
    stage: str
    kind: str
    reply: str
    answer: str
    correct: bool | None
    right: bool
    confidence: Probability | None
    half: Probability
    adversarial: Probability
    in_form: bool | None
    refused: bool
    cut: bool
    no_answer: bool
    no_score: bool
    before: bool | None = None
    after: bool | None = None
    right_before: bool | None = None
    right_after: bool | None = None


PAIR = ("confidence", "correct")
SCORES = (metrics.ece_equal_width, metrics.brier, metrics.auroc)
LATER = {"stage": "critique"}


@dataclass(frozen=True, kw_only=True)
class SelfCritiqueConfidence(Experiment):
    """Claim: asked for its confidence a model does better on multiple choice, for its uncertainty on open questions;
    shown its own reply and asked to reconsider, it hardly does better.

    Zong et al. 2025, "CritiCal", arXiv 2510.24505; the tuning on critiques is not done here.
    Item: "What is the capital of France?" The model says "The answer is Paris, and the confidence is 90%", and, shown
    these words, "The refined answer is Paris, and the confidence is 95%".

    Arms: instrument/stage. An uncertainty is converted (1 - u), but the two are different instruments and no number
    pools them. The critique is an independent request of one user turn, which holds the first reply letter for letter.

    Missing scores, three policies side by side: the plain metrics drop them; `..._half` puts 0.5; `..._adversarial`,
    the paper's, puts 1 for a wrong and 0 for a right answer, with a missing answer as wrong. The latter two are of all
    rows and mostly measure `no_score_rate`; never compare across policies.

    The critique changes the answer as well as the score: see the transitions, and `..._on_old`, the new score on the
    old answers. Old and new score on the same, old answers tell a better score from better answers.

    Differs from the paper: shorter wording; greedy, where the paper leaves the temperature to the server; without
    reasoning by default, the reply begun by "The answer is"; the task's grader, not containment. A number that is
    stated on the other instrument counts as none, in place of the last percentage.

    Attributes:
        instruments: which are asked for.
        reason: whether the model reasons first, as in the paper; then raise max_tokens (the paper: 4096).
        temperature, top_p: of all requests.
        max_tokens: cap on each reply.
        system: the system message; "" is none.

    Raises:
        HarnessError: an unknown or no instrument.
    """

    instruments: Sequence[Instrument] = ("confidence", "uncertainty")
    reason: bool = False
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 24
    system: str = "You are a helpful assistant."

    outcome: ClassVar = CritiqueOutcome
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy),
        Metric("right_rate", metrics.accuracy, ("right",)),
        *metrics.rates("cut", "no_answer", "no_score", "in_form", suffix="_rate", refusal_rate="refused"),
        *metrics.means("confidence", prefix="mean_"),
        *metrics.each(PAIR, metrics.overconfidence, *SCORES),
        *metrics.each(("half", "right"), *SCORES, suffix="_half"),
        *metrics.each(("adversarial", "right"), *SCORES, suffix="_adversarial"),
        *metrics.each(PAIR, metrics.ece_equal_width, metrics.auroc, suffix="_by_kind", by=("arm", "kind")),
        *metrics.each(("confidence", "before"), metrics.overconfidence, *SCORES, suffix="_on_old", where=LATER),
        *metrics.transitions(where=LATER),
        Metric("delta_all", metrics.delta, ("right_before", "right_after"), where=LATER),
    )
    figures: ClassVar = (Reliability("confidence", "correct"), Transitions("before", "after"))

    def __post_init__(self) -> None:
        if not self.instruments or set(self.instruments) - {"confidence", "uncertainty"}:
            raise HarnessError(f"experiment.instruments={list(self.instruments)}; give confidence, uncertainty or both")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[CritiqueOutcome]:
        pairs = await asyncio.gather(*(self._pair(item, subject, instrument) for instrument in self.instruments))
        return [row for pair in pairs for row in pair]

    async def _pair(self, item: Item, subject: Subject, instrument: Instrument) -> list[CritiqueOutcome]:
        """The reply and, in a request of its own, its critique."""
        first = await self._stage(item, subject, instrument, None)
        second = await self._stage(item, subject, instrument, first.reply)
        moved = replace(
            second,
            before=first.correct,
            after=second.correct,
            right_before=first.right,
            right_after=second.right,
        )
        return [first, moved]

    async def _stage(self, item: Item, subject: Subject, instrument: Instrument, first: str | None) -> CritiqueOutcome:
        prompt = ask(item, instrument, first, reason=self.reason, system=self.system)
        stop = [] if self.reason else ["\n"]
        reply = await subject.generate(
            prompt, max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, stop=stop
        )
        text, answer, confidence, in_form = read(prompt, reply, instrument)
        refused = bool(refuses(answer or text))
        correct = item.grade(answer).correct if answer and not refused else None
        right, missing = bool(correct), confidence is None
        stage = "vanilla" if first is None else "critique"
        return CritiqueOutcome(
            arm=f"{instrument}/{stage}",
            instrument=instrument,
            stage=stage,
            kind="choice" if "choices" in item.fields else "open",
            reply=text,
            answer=answer,
            correct=correct,
            right=right,
            confidence=confidence,
            half=Probability(0.5) if confidence is None else confidence,
            adversarial=Probability(float(not right)) if confidence is None else confidence,
            in_form=None if missing else in_form,
            refused=refused,
            cut=reply.finish == "length" and (missing or not answer),
            no_answer=correct is None,
            no_score=missing,
        )
