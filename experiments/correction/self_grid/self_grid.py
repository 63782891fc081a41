"""SELF's grid: direct answers and self-refined ones, alone and by vote, with gates and a filter by the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.correction.chains import READABLE_AFTER, State, pooled
from experiments.correction.self_grid.arms import ARMS, Cell
from experiments.correction.self_grid.prompts import TEXTS
from experiments.correction.self_grid.rows import METRICS, READABLE, Judgment, Refined, row
from experiments.correction.self_grid.turns import Sampling, Turns
from harness import Bars, HarnessError, Item, Subject, Transitions
from harness.arms import ArmedExperiment, together
from harness.calls.calls import Capability


@dataclass(frozen=True, kw_only=True)
class SelfGrid(ArmedExperiment[Cell, tuple[str, ...]]):
    """A model that gives feedback on its own answer, and refines it by that, answers better, alone and by vote.

    Lu et al. 2023, "SELF: Self-Evolution with Language Feedback", arXiv 2310.00533: the grid at inference and the
    filter of its training rounds, on any checkpoint.
    Item: "What is 47 + 12?" The model answers, assesses its answer in words that end "Judgment: correct" or "Judgment:
    incorrect", and gives an improved solution: where the judgment is "incorrect" ("refine gated"), or in any case
    ("refine always"). A last feedback, in a conversation of its own, on the answer that stands says if the filter keeps
    it: `filter_precision` means something only beside `filter_base_rate`, the accuracy of all answers with a verdict.

    vote of three, vote equal calls: votes over as many first answers as a chain, or all chains, that refine take calls.
    empty, shuffled: refined always, with feedback without content, and with feedback on another item. coin: one answer
    in two is refined. gated resample (and its vote): another first answer stands in place of a refined one, which is
    what a second attempt is worth where the first is doubted. always correct gate: nothing is refined, which is
    "direct" row by row. oracle gate: refines what is wrong by the gold answer; never set it beside the others.

    Differs: the fine-tuning rounds are left out, and with them the paper's models; our short texts, because the paper's
    are not known; `direct` is sampled as all other cells are, so that chains differ only after the answer.
    A refined answer without the form asked for is wrong, as any answer that cannot be graded; `delta_upper` counts it
    as right, and `delta_answered` leaves it out.

    Attributes:
        chains: sampled chains an item, which vote; at least 3.
        temperature: of every turn.
        max_tokens: cap on an answer; feedback_tokens: cap on feedback. Feedback that is cut has no verdict.
        others: training items whose feedback is the "shuffled" one.
    """

    arms: Sequence[str] = tuple(ARMS)
    chains: Annotated[int, Ge(3)] = 3
    temperature: Annotated[float, Gt(0)] = 0.7
    max_tokens: Annotated[int, Ge(1)] = 64
    feedback_tokens: Annotated[int, Ge(1)] = 96
    others: Annotated[int, Ge(1)] = 8

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("lu2023self",)
    outcome: ClassVar = Refined
    metrics: ClassVar = METRICS
    gates: ClassVar = (READABLE, READABLE_AFTER)
    figures: ClassVar = (Bars("after", "arm", "vote"), Transitions("before", "after"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    def train_items(self) -> int:
        return self.others if "shuffled" in self.arms else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[str, ...]:
        """Feedback on training items, for other items."""
        given = await together(self.turns(item, subject).feedback.get(0) for item in train)
        found = tuple(one.reply.text for one in given if one.text)
        if train and not found:
            raise HarnessError(
                "the model's feedback on training items is empty; leave 'shuffled' out (experiment.arms)"
            )
        return found

    def turns(self, item: Item, subject: Subject, others: Sequence[str] = ()) -> Turns:
        """The turns about an item."""
        caps = {"max_tokens": self.max_tokens, "feedback_tokens": self.feedback_tokens}
        return Turns(item, subject, self.wording, Sampling(temperature=self.temperature, **caps), others)

    async def begin(self, item: Item, subject: Subject, fitted: tuple[str, ...]) -> Turns:
        return self.turns(item, subject, fitted)

    async def ask(
        self, arm: Cell, common: Turns, item: Item, subject: Subject, fitted: tuple[str, ...]
    ) -> list[Refined]:
        n = self.chains
        firsts = await together(common.firsts.get(draw) for draw in range(n * arm.answers))
        if arm.answers > 1 and not arm.vote:
            return [row(firsts[i], pooled(firsts[i::n]), refined=False, chain=i) for i in range(n)]
        if arm.gate == "none":
            if arm.vote:
                return [row(firsts[0], pooled(firsts), refined=False)]
            return [row(first, first, refined=False, chain=i) for i, first in enumerate(firsts)]
        chosen = await together(self.refines(arm, common, draw, subject) for draw in range(n))
        last = await together(self.stands(arm, common, draw, chosen[draw]) for draw in range(n))
        if arm.vote:
            return [row(pooled(firsts), pooled(last), refined=any(chosen))]
        judged = await together(self.judgment(arm, common, draw, chosen[draw]) for draw in range(n))
        return [row(firsts[i], last[i], refined=chosen[i], chain=i, judgment=judged[i]) for i in range(n)]

    async def refines(self, arm: Cell, common: Turns, draw: int, subject: Subject) -> bool:
        """Whether the gate has the answer refined."""
        match arm.gate:
            case "own":
                return (await common.feedback.get(draw)).says_wrong is True
            case "oracle":
                return not (await common.firsts.get(draw)).grade.correct
            case "coin":
                return subject.random(f"coin {draw}").random() < 0.5
        return arm.gate == "always"

    async def stands(self, arm: Cell, common: Turns, draw: int, refined: bool) -> State:
        """The answer that stands: the refined one, or the first with the cost of the gate."""
        if refined and arm.feedback == "fresh":
            return await common.fresh(draw, draw + self.chains)
        if refined:
            return await common.refined.get((arm.feedback, draw))
        return await (common.judged(draw) if arm.gate == "own" else common.firsts.get(draw))

    async def judgment(self, arm: Cell, common: Turns, draw: int, refined: bool) -> Judgment | None:
        """The verdicts on the first answer and on the one that stands, where the arm filters."""
        if not arm.filtered:
            return None
        first = await common.feedback.get(draw)
        last = await common.last.get(draw) if refined else first
        said = [None if one.says_wrong is None else not one.says_wrong for one in (first, last)]
        return Judgment(*said)
