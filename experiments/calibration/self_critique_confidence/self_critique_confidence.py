"""Self-critique of confidence: asked to reconsider answer and score, is the model better calibrated?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from experiments.calibration.self_critique_confidence.prompts import TEXTS, Stage, kind_of, prompt_for, read
from experiments.shared.confidence import Instrument
from experiments.shared.surface import Surface, beyond_surface, surface
from harness import (
    Arm,
    ArmedExperiment,
    Capability,
    Fate,
    Item,
    Probability,
    Reliability,
    Subject,
    Transitions,
    graded,
    metrics,
)
from harness.tasks.fates import ungraded


@dataclass(frozen=True, kw_only=True)
class Request(Arm):
    """An arm: the kind of score, and the stage at which it is asked for.

    Attributes:
        instrument: confidence in the answer, or uncertainty about the question.
        stage: asked with the answer (vanilla), when answer and score are reconsidered (critique), or when the question
            is asked again without a critique.
        later: whether the model is shown its first reply.
    """

    instrument: Instrument
    stage: Stage
    later: bool = False


@dataclass(frozen=True, kw_only=True)
class Scored(Surface):
    """One reply.

    Attributes:
        kind: "choice" or "open" question.
        reply: the whole reply; answer: as read, "" without one.
        correct: whether the answer is right. One that is missing, refused or unreadable is wrong.
        fate: the fate of the answer.
        confidence: the stated one; an uncertainty u counts as 1 - u; None if none was stated.
        half: `confidence`, with 0.5 where it is missing.
        adversarial: `confidence`, where it is missing 1 for a wrong and 0 for a right answer.
        in_form: whether the score stood in the form asked for, and not merely as the last percentage of the reply.
        no_score: whether no score can be read.
        before, after, fate_before, fate_after: `correct` and `fate` before and after the critique, or when asked again;
            not of the first reply.
    """

    kind: str
    reply: str
    answer: str
    correct: bool
    fate: Fate
    confidence: Probability | None
    half: Probability
    adversarial: Probability
    in_form: bool | None
    no_score: bool
    before: bool | None = None
    after: bool | None = None
    fate_before: Fate | None = None
    fate_after: Fate | None = None


Replies = Mapping[Instrument, asyncio.Task[Scored]]
"""The first reply of each instrument, on its way."""

PAIR = ("confidence", "correct")
LATER = {"later": True}
SCORES = (metrics.ece_equal_width, metrics.brier, metrics.auroc)


@dataclass(frozen=True, kw_only=True)
class SelfCritiqueConfidence(ArmedExperiment[Request, None]):
    """Claim: asked for its confidence a model does better on multiple choice, for its uncertainty on open questions;
    shown its own reply and asked to reconsider, it hardly does better.

    Zong et al. 2025, "CritiCal", arXiv 2510.24505; the tuning on critiques is not done here.
    Item: "What is the capital of France?" The model says "The answer is Paris, and the confidence is 90%", and, shown
    these words, "The refined answer is Paris, and the confidence is 95%".

    An uncertainty is converted (1 - u), but the two are different instruments and no number pools them. The critique
    is an independent request of one user turn. It changes the answer as well as the score: see the transitions, and
    `..._on_old`, the new score on the old answers, which tells a better score from better answers. Who is asked again
    may answer otherwise for no reason: arms with "again" have the same request without a word of critique.

    Missing scores, three policies side by side: the plain metrics drop them; `..._half` puts 0.5; `..._adversarial`,
    the paper's, puts 1 for a wrong and 0 for a right answer. A missing answer is wrong in all three. The latter two are
    of all rows and mostly measure `no_score_rate`; never compare across policies.

    Differs from the paper: shorter wording; greedy, where the paper leaves the temperature to the server; without
    reasoning by default, the reply begun by "The answer is"; the task's grader, not containment. A number that is
    stated on the other instrument counts as none, in place of the last percentage.

    Attributes:
        reason: whether the model reasons first, as in the paper; then raise max_tokens (the paper: 4096).
        temperature, top_p: of all requests.
        max_tokens: cap on each reply.
    """

    arms: Sequence[str] = tuple(
        f"{instrument}{stage}" for instrument in ("confidence", "uncertainty") for stage in ("", " critique", " again")
    )
    reason: bool = False
    temperature: Annotated[float, Ge(0)] = 0.0
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    max_tokens: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = {
        "confidence": Request(instrument="confidence", stage="vanilla"),
        "confidence critique": Request(instrument="confidence", stage="critique", later=True),
        "confidence again": Request(instrument="confidence", stage="again", later=True),
        "uncertainty": Request(instrument="uncertainty", stage="vanilla"),
        "uncertainty critique": Request(instrument="uncertainty", stage="critique", later=True),
        "uncertainty again": Request(instrument="uncertainty", stage="again", later=True),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("zong2025critical",)
    outcome: ClassVar = Scored
    metrics: ClassVar = (
        *metrics.judged(PAIR),
        *beyond_surface(PAIR),
        *metrics.each((*PAIR, "domain"), metrics.brier_skill_same_kind),
        *metrics.each(("half", "correct"), *SCORES, suffix="_half"),
        *metrics.each(("adversarial", "correct"), *SCORES, suffix="_adversarial"),
        *metrics.each(PAIR, metrics.ece_equal_width, metrics.auroc, suffix="_by_kind", by=("arm", "kind")),
        *metrics.each(("confidence", "before"), metrics.overconfidence, *SCORES, suffix="_on_old", where=LATER),
        *metrics.rates("no_score", "in_form", suffix="_rate"),
        *metrics.mean_probabilities("confidence", prefix="mean_"),
        *metrics.transitions(where=LATER),
    )
    figures: ClassVar = (Reliability("confidence", "correct"), Transitions("before", "after", where=LATER))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Replies:
        """Asks for the first replies. They are tasks, so that one which fails takes the arms of its instrument only."""
        instruments = dict.fromkeys(arm.instrument for arm in self.chosen.values())
        vanilla = (Request(instrument=name, stage="vanilla") for name in instruments)
        return {arm.instrument: asyncio.create_task(self.reply(arm, None, item, subject)) for arm in vanilla}

    async def ask(self, arm: Request, common: Replies, item: Item, subject: Subject, fitted: None) -> Scored:
        first = await common[arm.instrument]
        if not arm.later:
            return first
        second = await self.reply(arm, first.reply, item, subject)
        return replace(
            second,
            before=first.correct,
            after=second.correct,
            fate_before=first.fate,
            fate_after=second.fate,
        )

    async def reply(self, arm: Request, first: str | None, item: Item, subject: Subject) -> Scored:
        """The first reply, or with the first one given a later one, as read and graded."""
        prompt = prompt_for(self.wording, item, arm.instrument, arm.stage, first, reason=self.reason)
        stop = [] if self.reason else ["\n"]
        reply = await subject.generate(
            prompt, max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, stop=stop
        )
        text, answer, confidence, in_form = read(prompt, reply, arm.instrument)
        # Without an answer in the form asked for there is nothing to grade.
        grade = graded(item, answer) if answer else ungraded(reply)
        missing = confidence is None
        return Scored(
            kind=kind_of(item),
            reply=text,
            answer=answer,
            **surface(item, answer),
            correct=grade.correct,
            fate=grade.fate,
            confidence=confidence,
            half=Probability(0.5) if confidence is None else confidence,
            adversarial=Probability(float(not grade.correct)) if confidence is None else confidence,
            in_form=None if missing else in_form,
            no_score=missing,
        )
