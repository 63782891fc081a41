"""Iterative deepening: do calls to start again, at growing numbers of tokens, make answers better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.correction.iterative_deepening.arms import ARMS, Placed, budgets, check_room, places
from experiments.correction.iterative_deepening.prompts import TEXTS, as_long, put, tokens_of
from experiments.correction.iterative_deepening.rows import METRICS, MOST, Deepened, enough, of_chain, of_vote
from experiments.correction.iterative_deepening.segments import Stage, Stop, Writer
from harness import Curve, Item, Prompt, Subject
from harness.arms import ArmedExperiment, Shared, together
from harness.calls.calls import Capability

Chains = Shared[tuple[Placed, int], list[Stage]]
"""The chains of an item, by arm and draw."""


@dataclass(frozen=True, kw_only=True)
class IterativeDeepening(ArmedExperiment[Placed, str]):
    """Calls to rethink, put into the answer at budgets that grow geometrically, solve more problems than sampling.

    Chen, Koenig and Dilkina 2025, "Iterative Deepening Sampling", arXiv 2502.05449.
    Item: "What is 47 + 12?" The model writes 32 tokens, then "Wait! Maybe I made some mistakes! I need to rethink from
    scratch." is put behind its last whole word; so again at 64 tokens. At 128 its turn is closed by "The final answer
    is". A turn that the model ends sooner waits for the next place without its end token, and goes on behind the words.

    plain same cap: nothing is put. plain same tokens: as many such chains vote as have at least the new tokens of an
    id chain, closing each included. once at end: only at the last budget. filler: neutral words of as many tokens,
    within one. random places: as many triggers elsewhere. All arms are asked for an answer at every budget, which has
    no effect on the rest: `accuracy_at_budget` is the curve against tokens, `new_tokens_at_budget` the tokens that
    it took. The answer at the end counts, never any right one on the way. `voted` rows are the majority over all
    chains. `best_of` takes the chain with the highest mean log-probability. `pass_at` knows the gold answer: never set
    it beside the others. A budget counts the words put; `new_tokens` are the model's own.

    Differs: the paper's trigger, first budget, gamma and reward model are not known to us. Without a reward model,
    log-probability ranks chains. A cut segment goes back to its last white space, so that no number is torn; the
    tokens cut off stay in the cost. Models that think answer after no thought, because they place triggers of their
    own there (`own_triggers` counts those in the answer). A hosted chat API cannot go on inside a turn.

    Attributes:
        first_budget, gamma, cap: tokens of the first budget, its growth, and the most tokens of a turn.
        chains: chains of each arm; with three or more, they vote.
        temperature: of the segments; the closing answer is greedy.
        close_tokens: cap on the answer behind the closing words.
    """

    arms: Sequence[str] = tuple(list(ARMS)[:6])
    first_budget: Annotated[int, Ge(1)] = 32
    gamma: Annotated[float, Gt(1)] = 2.0
    cap: Annotated[int, Ge(2)] = 128
    chains: Annotated[int, Ge(1)] = 3
    temperature: Annotated[float, Gt(0)] = 0.7
    close_tokens: Annotated[int, Ge(1)] = 32

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("chen2025iterative",)
    outcome: ClassVar = Deepened
    metrics: ClassVar = METRICS
    figures: ClassVar = (Curve("accuracy_at_budget", "budget"), Curve("new_tokens_at_budget", "budget"))

    def __post_init__(self) -> None:
        super().__post_init__()
        budgets(self.first_budget, self.gamma, self.cap)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    @property
    def steps(self) -> tuple[int, ...]:
        """The budgets, the cap last."""
        return budgets(self.first_budget, self.gamma, self.cap)

    async def prepare(self, train: Sequence[Item], subject: Subject) -> str:
        """The filler in the length of the trigger, by this model's tokens."""
        check_room(self.steps, tokens_of(subject, put(self.text("trigger"))) + 1)
        return as_long(subject, self.text("filler"), self.text("trigger"))

    async def begin(self, item: Item, subject: Subject, fitted: str) -> Chains:
        """The chains of each arm, asked when an arm wants them."""
        start = Prompt.user(self.text("question", question=item.fields["question"])).thinking("")
        words = {"trigger": put(self.text("trigger")), "filler": put(fitted)}
        length = tokens_of(subject, words["trigger"]) + 1  # one more, where it would merge with the text before it

        async def chain(of: tuple[Placed, int]) -> list[Stage]:
            arm, draw = of
            at = places(arm, self.steps, length, subject.random(f"places {draw}"))
            put_at = dict.fromkeys(at, words.get(arm.puts, ""))
            stops = [Stop(n, put_at.get(n, ""), n in self.steps) for n in sorted({*at, *self.steps})]
            closing = self.text("close"), self.close_tokens
            return await Writer(subject, item, self.temperature, *closing, arm.boundary, draw).chain(start, stops)

        return Shared(chain)

    async def ask(self, arm: Placed, common: Chains, item: Item, subject: Subject, fitted: str) -> list[Deepened]:
        if arm.equal_tokens:
            return await self.equal_tokens(arm, common)
        chains = await together(common.get((arm, draw)) for draw in range(self.chains))
        rows = [row for draw, stages in enumerate(chains) for row in of_chain(self.steps, stages, draw)]
        vote = of_vote(self.steps, chains, [self.chains] * len(self.steps), voted=True) if self.chains > 2 else []
        return [*rows, *vote]

    async def equal_tokens(self, arm: Placed, common: Chains) -> list[Deepened]:
        """Votes over plain chains with the tokens of each `id` chain, and with the tokens of all of them together."""
        plain = ARMS["plain same cap"]
        chains = await together(common.get((ARMS["id"], draw)) for draw in range(self.chains))
        tokens = [[stage.state.cost.new_tokens for stage in stages] for stages in chains]

        async def vote(wanted: Sequence[int], first: int, stride: int, voted: bool) -> list[Deepened]:
            found: list[list[Stage]] = []
            while (sizes := enough(found, wanted)) is None and len(found) < MOST:
                found.append(await common.get((plain, first + stride * len(found))))
            return of_vote(self.steps, found, sizes or [MOST] * len(self.steps), voted=voted, chain=first)

        beside = await together(vote(one, draw, self.chains, False) for draw, one in enumerate(tokens))
        pooled = [await vote([sum(some) for some in zip(*tokens, strict=True)], 0, 1, True)] if self.chains > 2 else []
        return [row for rows in (*beside, *pooled) for row in rows]
