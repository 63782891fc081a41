"""Prompted ReVISE: does a model's own verification make votes better, and its revisions worth their cost?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from experiments.correction import one_shot
from experiments.correction.chains import Cost, Speaker, State, pooled, vote
from experiments.correction.revise import answers
from experiments.correction.revise.answers import Samples, Verified
from experiments.correction.revise.rows import Revised, of_sample, of_vote
from experiments.correction.revise.votes import ARMS, Threshold, Voting, fit_threshold
from experiments.shared.thoughts import ThoughtArm
from harness import ArmedExperiment, Bars, Item, Metric, Reliability, Subject, metrics, option_mass
from harness.arms import together

SAMPLES: metrics.Where = {"arm": "samples"}
VERIFIED: metrics.Where = {"arm": "samples", "verified": True}
REVISED: metrics.Where = {"weights": "none", "revised": 1}
PAIR, CHANGE = ("p", "before"), ("before", "correct")


@dataclass(frozen=True, kw_only=True)
class Revise(ArmedExperiment[Voting, Threshold]):
    """Claim: a model's confidence in its own answers makes a vote better, and revising doubtful ones better still.

    Prompted ReVISE, after Lee et al. 2025, "ReVISE: Learning to Refine at Test-Time via Intrinsic Self-Verification",
    arXiv 2502.14565. The paper trains the model to end an answer with a token for "done" or "refine"; here nothing is
    trained. Item: "What is 47 + 12?" (59). Five samples; of each "Is the proposed answer correct? (A) yes (B) no", read
    by exact probability in both orders of the letters: the confidence c. Where c is below the threshold, the model is
    asked to solve the problem again, and the new answer gets a confidence of its own.

    Arms: plain vote; weighted vote (the answer with the largest sum of c, ties to the first seen); refine (doubtful
    answers revised, plain vote); refine weighted (each answer weighs by the confidence in its own text). Controls:
    permuted weights (the same confidences, each with another sample of the item); vote by length and by shortness (each
    answer weighs as many tokens as its text has, or one over them: wrong texts may be longer); vote equal calls and
    refine vote equal calls (plain votes over as many first answers as weighted vote and refine weighted made calls);
    refine coin (as many answers revised, drawn by lot); refine resample and samples resampled (another first answer in
    place of each revision: doubted answers are mostly wrong, so that any other answer is better). refine oracle revises
    the wrong answers: it uses the gold answer, never set it beside the others. samples has each sample as a row, before
    and after.

    The threshold is the one with the largest Youden's J over samples of training items, kept in the run's fit. An
    answer that was cut or is empty has no confidence: it is neither revised nor counted in the AUROC, and abstains.

    Differs from the paper: no training, one request to revise and not up to three, arithmetic and not GSM8K and MATH
    (task=gsm8k), equal cost. Left out: MBPP (code). Its released code has no weighted vote.

    Attributes:
        samples: samples that vote (the paper: 5).
        temperature: of samples and revisions.
        fitted_on: training items behind the threshold.
        max_tokens: cap on an answer; None takes the room that the task gives.
    """

    arms: Sequence[str] = tuple(ARMS)
    samples: Annotated[int, Ge(2)] = 5
    temperature: Annotated[float, Gt(0)] = 0.7
    fitted_on: Annotated[int, Ge(1)] = 20
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = ARMS
    texts: ClassVar = {**one_shot.TEXTS, **answers.TEXTS}
    papers: ClassVar = ("lee2025revise", "wang2022self")
    outcome: ClassVar = Revised
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy),
        *metrics.each(("fate",), metrics.answered),
        Metric("gain", metrics.delta, CHANGE),
        *metrics.means("calls", "prompt_tokens", "new_tokens", "revised", prefix="mean_"),
        *metrics.each(PAIR, metrics.auroc, metrics.ece_equal_width, metrics.overconfidence, by=(), where=VERIFIED),
        *metrics.each(PAIR, metrics.auroc, by=(), where={**VERIFIED, "fate_before": "answered"}, suffix="_answered"),
        *metrics.each((*PAIR, "item"), metrics.auroc_within, by=(), where=VERIFIED),
        Metric("longer_auroc_within", metrics.auroc_within, ("length", "before", "item"), (), VERIFIED),
        Metric("shorter_auroc_within", metrics.auroc_within, ("shortness", "before", "item"), (), VERIFIED),
        *metrics.means(revised_rate="revised", by=("before",), where=VERIFIED),
        *metrics.each(CHANGE, metrics.fix_rate, metrics.break_rate, where=REVISED, suffix="_where_revised"),
        *metrics.each(CHANGE, metrics.delta, where=REVISED, suffix="_where_revised"),
        *metrics.rates(verified_rate="verified", by=(), where=SAMPLES),
        *metrics.mean_probabilities(option_mass="mass", by=(), where=VERIFIED),
    )
    gates: ClassVar = (option_mass("p", "correct"),)
    figures: ClassVar = (Bars("correct", by="arm", hue="gate"), Reliability("p", "before", where=VERIFIED))

    def train_items(self) -> int:
        return self.fitted_on if any(arm.gate in {"confidence", "coin"} for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Threshold:
        """The threshold, from the confidences in the samples of training items."""
        per_item = await together(self.begin(item, subject) for item in train)
        found = await together(one.verified.get(i) for one in per_item for i in range(self.samples))
        read = [one for one in found if one.confidence is not None]
        return fit_threshold([float(one.confidence or 0) for one in read], [one.state.grade.correct for one in read])

    async def begin(self, item: Item, subject: Subject, fitted: Any = None) -> Samples:
        """The samples, none of which is asked before an arm wants it."""
        room = self.max_tokens or item.form.max_tokens
        speakers = [
            Speaker(subject, item, ThoughtArm(), max_tokens=room, temperature=self.temperature, draw=draw)
            # answer, verification, revision and verification of each; and another answer in place of a revision
            for draw in range(5 * self.samples)
        ]
        asked = one_shot.one_shot(self.wording, item.fields["question"])
        return Samples(self.wording, speakers, asked, fresh=4 * self.samples)

    async def ask(self, arm: Voting, common: Samples, item: Item, subject: Subject, fitted: Threshold) -> list[Revised]:
        firsts = await together(common.first.get(i) for i in range(self.samples))
        plain = pooled(firsts)
        if arm.weights == "one" and arm.gate == "none":
            calls = len(firsts)
            if arm.equal:
                calls = (await self.voted(ARMS[arm.equal], common, subject, fitted))[0].cost.calls
            more = await together(common.first.get(i) for i in range(calls))
            return [of_vote(plain, pooled(more), 0)]
        if arm.weights in {"length", "shortness"}:
            power = 1 if arm.weights == "length" else -1
            weights = [max(1, len(one.text.tokens)) ** power for one in firsts]
            return [of_vote(plain, vote(firsts, plain.cost, weights), 0)]
        if arm.weights == "none":
            pairs = await self.gated(arm, common, subject, fitted)
            return [of_sample(first, stands) for first, stands in pairs]
        stands, revised = await self.voted(arm, common, subject, fitted)
        return [of_vote(plain, stands, revised)]

    async def gated(
        self, arm: Voting, common: Samples, subject: Subject, fitted: Threshold
    ) -> list[tuple[Verified, Verified]]:
        """Each first answer, and the one that stands after the gate: the same object unless it was revised."""
        firsts = await together(common.verified.get(i) for i in range(self.samples))
        read = [i for i, one in enumerate(firsts) if one.confidence is not None]
        doubted = [i for i in read if float(firsts[i].confidence or 0) < fitted.value]
        chosen = {
            "none": [],
            "confidence": doubted,
            "coin": subject.random("coin").sample(read, len(doubted)),
            "oracle": [i for i in read if not firsts[i].state.grade.correct],
        }[arm.gate]
        redone = common.resampled if arm.redone == "resample" else common.revised
        revised = dict(zip(chosen, await together(redone.get(i) for i in chosen), strict=True))
        return [(one, revised.get(i, one)) for i, one in enumerate(firsts)]

    async def voted(self, arm: Voting, common: Samples, subject: Subject, fitted: Threshold) -> tuple[State, int]:
        """The answer of a vote over verified answers, and how many of them were revised."""
        pairs = await self.gated(arm, common, subject, fitted)
        stand = [stands for _, stands in pairs]
        revised = sum(stands is not first for first, stands in pairs)
        if arm.weights == "one":  # a revised answer need not be verified again
            costs = [stands.cost if stands is first else stands.state.cost for first, stands in pairs]
            return vote([one.state for one in stand], sum(costs, Cost(0, 0, 0))), revised
        weights = [float(one.confidence or 0) for one in stand]
        if arm.weights == "permuted":
            voting = [i for i, one in enumerate(stand) if one.confidence is not None]
            for i, j in zip(voting, subject.random("permuted weights").sample(voting, len(voting)), strict=True):
                weights[i] = float(stand[j].confidence or 0)
        cost = sum((one.cost for one in stand), Cost(0, 0, 0))
        return vote([one.state for one in stand], cost, weights), revised
