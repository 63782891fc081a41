"""Intrinsic self-correction: does a model that is asked to revise its own answer get better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.correction.chains import (
    READABLE_AFTER,
    STANDING,
    Revision,
    Speaker,
    State,
    answered_after,
    pooled,
    revision,
    total,
)
from experiments.correction.self_correction.arms import ARMS, Revising, Way
from experiments.correction.self_correction.prompts import SECOND_TURNS, TEXTS
from experiments.shared.thoughts import ThoughtArm
from harness import Bars, HarnessError, Item, Prompt, Subject, Transitions, metrics
from harness.arms import ArmedExperiment, Shared, together
from harness.calls.calls import Capability

BY = ("arm", "turn")


@dataclass(frozen=True, slots=True)
class Asked:
    """Calls that the arms of an item share: the first answers of each way, and chains by style and way."""

    firsts: Shared[Way, list[State]]
    chains: Shared[tuple[str, Way], list[list[State]]]


@dataclass(frozen=True, kw_only=True)
class SelfCorrection(ArmedExperiment[Revising, None]):
    """Asked to revise its answer without being told whether it is wrong, a model stays flat or gets worse.

    SCoRe (Kumar et al., arXiv 2409.12917, Table 2): delta -11.2 points on MATH. Huang et al. (arXiv 2310.01798):
    review, then improve, lowers accuracy on GSM8K; a vote over as many answers (Wang et al., 2203.11171) does better.
    Item (GSM8K): "James decides to run 3 sprints 3 times a week. He runs 60 meters each sprint. How many total meters
    does he run a week?" Gold 540. Turn 2 speaks to right and wrong answers alike.

    resample is the null model: an item that is solved with probability p has i2c = c2i = p(1-p). An oracle uses the
    gold answer: never set it beside the others. score has no vote beside one chain, as a vote of two is a toss.

    Of a model that thinks, most arms have two more, in which every turn is answered after no thought ("score greedy no
    thought"), or after its own ("score greedy own thought").

    Differs: short texts, for small models (+wording/selfCorrection=math is SCoRe's, boxed Huang's); SCoRe has two
    turns, more repeat the second. An answer that cannot be graded is wrong, as in both papers; `delta_answered`
    leaves such rows out, `delta_lower` and `delta_upper` are bounds.

    Attributes:
        turns: answers in a chain (SCoRe: 2; Huang: 3).
        chains: sampled chains an item; with more than one, `mcnemar_p` counts each as an item of its own.
        temperature: temperature of the sampled arms, in every turn (SCoRe's figure and self-consistency 0.7, Huang 1).
        max_tokens: cap on every call.
    """

    arms: Sequence[str] = (
        *("score greedy", "huang greedy", "neutral greedy", "again greedy", "repeat greedy"),
        *("score greedy oracle", "huang greedy oracle", "neutral greedy oracle"),
        *("score sampled", "huang sampled", "neutral sampled", "again sampled", "repeat sampled"),
        *("score sampled oracle", "huang sampled oracle", "neutral sampled oracle"),
        *("vote beside huang", "resample"),
    )
    turns: Annotated[int, Ge(2)] = 2
    chains: Annotated[int, Ge(1)] = 1
    temperature: Annotated[float, Gt(0)] = 0.7
    max_tokens: Annotated[int, Ge(1)] = 64

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("kumar2024training", "huang2023large", "wang2022self")
    outcome: ClassVar = Revision
    metrics: ClassVar = (
        *metrics.transitions(by=BY),
        *metrics.each(("fate_before",), metrics.answered, suffix="_before", by=BY),
        *answered_after(BY),
        *metrics.rates("unchanged", suffix="_rate", by=BY),
        *metrics.means("similarity", "tokens_before", "tokens_after", prefix="mean_", by=BY),
        *metrics.means("calls", "prompt_tokens", "new_tokens", prefix="mean_", by=BY),
    )
    gates: ClassVar = (READABLE_AFTER,)
    figures: ClassVar = (Transitions("before", "after", where={"turn": 2}), Bars("after", "arm", "turn"))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, arm in self.chosen.items():
            if arm.kind == "within" and self.turns < 3:
                raise HarnessError(f"experiment.arms: {name!r} votes within a chain; set experiment.turns to 3 or more")
            if arm.chains and self.chains < 2:
                raise HarnessError(f"experiment.arms: {name!r} takes many chains; set experiment.chains to 2 or more")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    def first_answers(self, arm: Revising, turn: int) -> int:
        """How many first answers an arm needs up to a turn."""
        calls = 1 + (turn - 1) * len(SECOND_TURNS.get(arm.style, ()))
        if arm.kind == "vote":
            return calls * (self.chains if arm.chains else 1)
        return 2 if arm.kind == "resample" else self.chains if arm.decoding == "sampled" else 1

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Asked:
        """First answers and chains, each asked when an arm wants it."""
        question = Prompt.user(self.text("first", question=item.fields["question"]))
        needed: dict[Way, int] = {}
        for arm in self.chosen.values():
            needed[arm.way] = max(needed.get(arm.way, 0), self.first_answers(arm, self.turns))
        speakers = {way: [self.speaker(item, subject, way, draw) for draw in range(n)] for way, n in needed.items()}

        async def first(way: Way) -> list[State]:
            return await together(one.answer(question) for one in speakers[way])

        async def chains(of: tuple[str, Way]) -> list[list[State]]:
            style, way = of
            told = [self.text(name) for name in SECOND_TURNS[style]]
            begun = list(zip(speakers[way], await firsts.get(way), strict=True))[: self.chains]
            return await together(one.chain(question, first, told, self.turns) for one, first in begun)

        firsts = Shared(first)
        return Asked(firsts, Shared(chains))

    def speaker(self, item: Item, subject: Subject, way: Way, draw: int) -> Speaker:
        """The subject, which answers with the draw of a number in every turn."""
        decoding, thought = way
        temperature = self.temperature if decoding == "sampled" else 0.0
        before = ThoughtArm(thought=thought)
        return Speaker(subject, item, before, max_tokens=self.max_tokens, temperature=temperature, draw=draw)

    async def ask(self, arm: Revising, common: Asked, item: Item, subject: Subject, fitted: None) -> list[Revision]:
        firsts, turns = await common.firsts.get(arm.way), range(2, self.turns + 1)
        if arm.kind == "resample":
            return [revision(firsts[0], replace(firsts[1], cost=total(firsts[:2])), turn=2)]
        if arm.kind == "vote":
            return [revision(firsts[0], pooled(firsts[: self.first_answers(arm, k)]), turn=k) for k in turns]
        chains = await common.chains.get((arm.style, arm.way))
        if arm.chains:
            return [revision(firsts[0], pooled([chain[k - 1] for chain in chains]), turn=k) for k in turns]
        if arm.kind == "within":
            turns = turns[1:]  # a vote of two is the first parsable answer
        stands = STANDING[arm.kind]
        return [revision(chain[0], stands(chain[:k]), turn=k, chain=i) for k in turns for i, chain in enumerate(chains)]
