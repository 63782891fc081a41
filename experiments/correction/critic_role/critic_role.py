"""The critic's role: does an actor write better solutions because of a critic's words about its first ones?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

from annotated_types import Ge, Gt

from experiments.correction.chains import READABLE_AFTER, answered_after, pooled, revision
from experiments.correction.critic_role.feedback import Feedback, Solution, Stage, given_with
from experiments.correction.critic_role.prompts import TEXTS
from experiments.correction.critic_role.rows import ARMS, Refined, Refining
from experiments.shared.critique import READABLE, Critique
from experiments.shared.other_critiques import Other, collected
from harness import ArmedExperiment, Bars, Capability, Item, Part, Subject, Transitions, metrics, option_mass
from harness.arms import Shared, together

JUDGED, WRITTEN = {"judged": True}, {"written": True}
PAIR, SAID, RIGHT = ("before", "after"), ("says_wrong", "wrong"), ("verdict_right", "wrong")
CLOSED = ("p_wrong", "wrong")
BY_DIFFICULTY = ("arm", "difficulty")
CALLS = 3
"""Of the arm real: the solution, its critique and the refined solution."""
BINS = ("0", "(0, .25]", "(.25, .5]", "(.5, .75]", "(.75, 1]")


class Asked(NamedTuple):
    """The parts that the arms of an item share: the actor's own solutions (None: greedy; else by draw), and how hard it
    is."""

    stage: Stage
    own: Shared[int | None, Solution]
    difficulty: Shared[None, str]


@dataclass(frozen=True, kw_only=True)
class CriticRole(ArmedExperiment[Refining, tuple[Other, ...]]):
    """Claim: step-by-step critiques by a critic make an actor's solutions better, most of all on hard questions.

    Xi et al. 2024 (AutoMathCritique), arXiv 2411.16579: at test time; no training of critic or actor.
    Item: "Ivo has 52 shells. Then Ivo finds 14 more. [...]" The actor solves it; the critic goes through its steps and
    judges the final answer ("Correctness of the final answer: Wrong"); the actor solves it again with the critique.

    The claim is about the content of critiques: real is set against the same request without a critique (empty), with
    the critique of another item that has the same verdict (shuffled), and with a bare verdict (always wrong). "vote
    equal calls" is a vote over three sampled answers. gold verdict and oracle routing (only wrong solutions are
    criticised, the default of the paper's code) take the answer key: never set them beside the others. Arms that begin
    with "given" refine the solutions that came with the item, whose first wrong step is known. The critic is the actor
    itself, as in self, unless +model@roles.critic.model=... names another model.

    Many critiques end without a verdict, or with a formula in its place. So each is closed by force, too: behind its
    words stands "Correctness of the final answer:", and the exact probability of Wrong is read (`auroc_wrong`). The
    actor sees the critique as it was written.

    Look at `false_alarm_rate`, the share of right solutions that are said to be wrong, before any accuracy. `leak_rate`
    is the share of critiques of wrong solutions that name the right answer; `fix_rate_without_leak` leaves them out.
    Critiques of other items (shuffled) show how often that, and a hit of the first error, happen by chance.

    Differs: a chat prompt without "Human" and "Assistant" as stop words, which cut word problems; votes over parsed
    answers and not over strings; one grader for everything; short answers for small models (the paper: 1,024 and 1,536
    tokens); difficulty from 4 draws. Left out: sequences of several critiques, training.

    Attributes:
        draws: sampled answers behind the difficulty of an item.
        others: training items whose critiques are shown in the arms shuffled.
        temperature: of sampled answers.
        max_tokens, critique_tokens: caps on a solution and on a critique. A critique that is cut has no verdict.
        close: whether critiques are closed by force, which needs the engine's probabilities; false where a server gives
            none.
    """

    arms: Sequence[str] = tuple(ARMS)
    draws: Annotated[int, Ge(1)] = 4
    others: Annotated[int, Ge(1)] = 8
    temperature: Annotated[float, Gt(0)] = 0.7
    max_tokens: Annotated[int, Ge(1)] = 96
    critique_tokens: Annotated[int, Ge(1)] = 192
    close: bool = True

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    parts: ClassVar[Mapping[str, Part]] = {"critic": Part()}
    papers: ClassVar = ("xi2024enhancing",)
    outcome: ClassVar = Refined
    metrics: ClassVar = (
        *metrics.each(SAID, metrics.f1, where=JUDGED),
        *metrics.each(RIGHT, metrics.balanced_accuracy, where=JUDGED),
        *metrics.each(CLOSED, metrics.auroc, metrics.ece_equal_width, suffix="_wrong", where=JUDGED),
        *metrics.mean_probabilities(option_mass="mass", where=JUDGED),
        *metrics.rates(false_alarm_rate="says_wrong", where={**JUDGED, "wrong": False}),
        *metrics.rates("parse_failed", suffix="_rate", where=JUDGED),
        *metrics.rates("first_error_hit", suffix="_rate", where={**WRITTEN, "solutions": "given"}),
        *metrics.rates("leak", suffix="_rate", where=WRITTEN),
        *metrics.transitions(),
        *answered_after(),
        *metrics.each(PAIR, metrics.fix_rate, suffix="_without_leak", where={**WRITTEN, "leak": False}),
        *metrics.each(PAIR, metrics.accuracy_after, metrics.delta, suffix="_by_difficulty", by=BY_DIFFICULTY),
        *metrics.rates("same_verdict", suffix="_rate", where={"feedback": "other"}),
        *metrics.means("calls", "prompt_tokens", "new_tokens", "similarity", prefix="mean_"),
        *metrics.means("critique_tokens", prefix="mean_", where=WRITTEN),
    )
    gates: ClassVar = (READABLE, READABLE_AFTER, option_mass("p_wrong"))
    figures: ClassVar = (Transitions("before", "after"), Bars("after", by="difficulty"))

    def capabilities(self) -> frozenset[Capability]:
        closes = self.close and any(arm.judged for arm in self.chosen.values())
        return frozenset[Capability]({"generate", "choose"} if closes else {"generate"})

    def needed_parts(self) -> Mapping[str, Part]:
        asks = any(arm.feedback in ("critic", "other") for arm in self.chosen.values())
        return {"critic": Part(self.capabilities())} if asks else {}

    def train_items(self) -> int:
        return self.others if any(arm.feedback == "other" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Other, ...]:
        """The critic's critiques of the actor's own solutions of training items, and of those given with them."""

        async def criticised(stage: Stage) -> list[Critique]:
            shown = [await stage.own(None), *given_with(stage.item)]
            return [made for made, _ in await together(stage.critique(stage.critic, one.text) for one in shown)]

        return await collected(criticised(self.stage(item, subject)) for item in train)

    def stage(self, item: Item, subject: Subject) -> Stage:
        critic = subject.role("critic") if self.needed_parts() else subject
        return Stage(
            subject, critic, item, self.wording, self.max_tokens, self.critique_tokens, self.temperature, self.close
        )

    async def begin(self, item: Item, subject: Subject, fitted: tuple[Other, ...]) -> Asked:
        stage = self.stage(item, subject)
        own = Shared(stage.own)

        async def difficulty(_: None) -> str:
            drawn = await together(own.get(draw) for draw in range(self.draws))
            right = sum(not one.wrong for one in drawn) / self.draws
            return BINS[-int(-4 * right // 1)]

        return Asked(stage, own, Shared(difficulty))

    async def ask(
        self, arm: Refining, common: Asked, item: Item, subject: Subject, fitted: tuple[Other, ...]
    ) -> list[Refined]:
        solutions = given_with(item) if arm.solutions == "given" else [await common.own.get(None)]
        asked = (self.refined(arm, solution, common, fitted) for solution in solutions)
        difficulty, rows = await asyncio.gather(common.difficulty.get(None), together(asked))
        return [replace(row, chain=at, difficulty=difficulty) for at, row in enumerate(rows)]

    async def refined(self, arm: Refining, solution: Solution, common: Asked, fitted: Sequence[Other]) -> Refined:
        """The row of one solution."""
        stage, told, after = common.stage, Feedback(None), solution.state
        if arm.feedback == "vote":
            # Not the draws behind the difficulty: in the bin of those all wrong, a vote over these is never right.
            drawn = range(self.draws, self.draws + CALLS)
            after = pooled([one.state for one in await together(map(common.own.get, drawn))])
        elif solution.wrong or not arm.routed:
            told = await stage.feedback(arm, solution, fitted)
            after = await stage.refine(solution, told)
        columns = told.columns(stage.item, solution)
        return Refined(**asdict(revision(solution.state, after, turn=2)), wrong=solution.wrong, **columns)
