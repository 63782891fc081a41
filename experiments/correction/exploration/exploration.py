"""Monitors of self-training: how much a checkpoint explores, and how well it can pick from its finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from experiments.correction.chains import Speaker, State
from experiments.correction.exploration.rewards import ARMS, NAMES, Monitor, Rewards, Threshold, fit_threshold, rewards
from experiments.correction.exploration.rows import Monitored, exploited, explored
from experiments.correction.one_shot import TEXTS, one_shot
from experiments.shared.thoughts import ThoughtArm
from harness import ArmedExperiment, Curve, Gate, HarnessError, Item, Metric, Part, Subject, metrics
from harness.arms import Shared, together
from harness.calls.calls import Capability

BY = ("arm", "temperature")
EXPLORES: metrics.Where = {"picks": False}
PICKS: metrics.Where = {"picks": True}
Drawn = tuple[list[State], Rewards]
"""The draws of a question at one temperature, and their rewards."""


@dataclass(frozen=True, kw_only=True)
class Exploration(ArmedExperiment[Monitor, Sequence[Threshold]]):
    """Claim: hotter sampling explores more, and a reward that is no oracle picks worse from the finds.

    Zeng et al. 2024, "B-STaR: Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners",
    arXiv 2412.17256. Item: "What is 47 + 12?" (59), drawn 16 times at each temperature.

    Exploration (arm draws): Pass@1, Pass@K, and Pass@K-S, for which K draws hold S different right texts. Exploitation
    (arms named after a reward): the best of K by the reward (Reward@K-1), Reward@K-S (the S best of K are all right),
    and the balance score of the draws that it selects. All are means over every set of K of the n draws, without bias;
    K is below n, as Pass@K from exactly K draws is one set and no mean.

    The reward is the model's own mean log p of a token. Controls: permuted (the same numbers, each with another draw of
    the question); rule: shortest; and answer, which is an oracle: its best of K is Pass@K, and all that it selects is
    right. The threshold of a reward is the one with the best balance on training items (the paper searches on 600 of
    them), kept in the run's fit.

    Two checkpoints of one family (base and tuned, before and after self-training) are compared on the same items in one
    run: experiment.arms='[draws,likelihood,draws checkpoint,likelihood checkpoint]'
    +model@roles.checkpoint.model=ORG/NAME.

    Differs from the paper: no training, so that exploration is measured and not followed over iterations; the reward is
    log p in place of the answer plus a process reward model, with which selection by the answer alone makes the balance
    score a count; answers are graded, and not compared as strings; the gold solution is not among the candidates. Left
    out: the choice of temperature by the balance score at every iteration, and the share of distinct equations.

    Attributes:
        draws: samples of an item at each temperature (the paper: 32 and 64), more than K.
        temperatures: of the draws.
        k, s: K and S (the paper: 32 and 4).
        wanted: different right texts of a question that training wants, n* of the balance score (released code: 8).
        fitted_on: training items behind the thresholds.
        max_tokens: cap on an answer (the paper: 768); None takes the room that the task gives.

    Raises:
        HarnessError: as many draws as K, or fewer; S above K; a temperature that is named twice.
    """

    arms: Sequence[str] = tuple(NAMES)
    draws: Annotated[int, Ge(2)] = 16
    temperatures: Sequence[Annotated[float, Gt(0)]] = (0.5, 0.7, 0.9, 1.1)
    k: Annotated[int, Ge(1)] = 8
    s: Annotated[int, Ge(1)] = 2
    wanted: Annotated[int, Ge(1)] = 4
    fitted_on: Annotated[int, Ge(1)] = 8
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    parts: ClassVar = {"checkpoint": Part(capabilities=frozenset({"generate"}), stand_in=False)}
    papers: ClassVar = ("zeng2024bstar",)
    outcome: ClassVar = Monitored
    metrics: ClassVar = (
        *(Metric(one, metrics.mean_probability, (one,), BY, EXPLORES) for one in ("pass_1", "pass_k", "pass_k_s")),
        *(Metric(one, metrics.mean_probability, (one,), BY, PICKS) for one in ("best_k", "reward_k_s", "balance")),
        *metrics.means("selected", prefix="mean_", by=BY, where=PICKS),
        *metrics.means("different", "new_tokens", prefix="mean_", by=BY, where=EXPLORES),
        Metric("ended_rate", metrics.mean_probability, ("ended",), ("temperature", "who"), {}),
    )
    gates: ClassVar = (
        Gate(
            metric="ended_rate",
            least=0.5,
            advised=0.9,
            columns=("pass_1", "pass_k", "pass_k_s", "best_k", "reward_k_s", "balance"),
            why="most draws were cut; set experiment.max_tokens higher",
        ),
    )
    figures: ClassVar = tuple(Curve(one, "temperature") for one in ("pass_k", "best_k", "balance"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.s <= self.k < self.draws:
            raise HarnessError(f"experiment.s={self.s}, k={self.k}, draws={self.draws}; give s <= k < draws")
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            raise HarnessError(f"experiment.temperatures={list(self.temperatures)}; give different ones, at least one")

    @property
    def checkpoints(self) -> set[str]:
        """Who draws."""
        return {arm.who for arm in self.chosen.values()}

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    def needed_parts(self) -> Mapping[str, Part]:
        return self.parts if "checkpoint" in self.checkpoints else {}

    def train_items(self) -> int:
        return self.fitted_on if any(arm.picks for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Threshold, ...]:
        """The threshold of each reward at each temperature."""
        found = []
        drawn = await together(self.begin(item, subject) for item in train)
        for who in sorted(self.checkpoints) if train else ():
            of_items = await together(shared.get(who) for shared in drawn)
            for name in dict.fromkeys(arm.reward for arm in self.chosen.values() if arm.picks and arm.who == who):
                for t in self.temperatures:
                    ranked = [(of_item[t][0], of_item[t][1][name]) for of_item in of_items]
                    value, score = fit_threshold(ranked, self.wanted)
                    found.append(Threshold(who=who, reward=name, temperature=t, value=value, balance=score))
        return tuple(found)

    async def begin(self, item: Item, subject: Subject, fitted: Any = None) -> Shared[str, dict[float, Drawn]]:
        """The draws of each checkpoint by temperature, with their rewards, asked when an arm wants them."""
        asked = one_shot(self.wording, item.fields["question"])
        room = self.max_tokens or item.form.max_tokens

        async def drawn(who: str) -> dict[float, Drawn]:
            one = subject if who == "subject" else subject.role(who)

            async def at(t: float) -> Drawn:
                speakers = [
                    Speaker(one, item, ThoughtArm(), max_tokens=room, temperature=t, draw=i) for i in range(self.draws)
                ]
                states = await together(speaker.answer(asked) for speaker in speakers)
                return states, rewards(states, subject.random(f"permuted {who} {t} {item.id}"))

            return dict(zip(self.temperatures, await together(map(at, self.temperatures)), strict=True))

        return Shared(drawn)

    async def ask(
        self, arm: Monitor, common: Any, item: Item, subject: Subject, fitted: Sequence[Threshold]
    ) -> list[Monitored]:
        drawn = await common.get(arm.who)
        if not arm.picks:
            return [explored(drawn[t][0], t, self.k, self.s) for t in self.temperatures]
        tau = {one.temperature: one.value for one in fitted if (one.who, one.reward) == (arm.who, arm.reward)}
        if missing := [t for t in self.temperatures if t not in tau]:
            raise HarnessError(f"experiment.fitted: no threshold of {arm.reward!r} at temperature {missing[0]:g}")
        sizes = {"k": self.k, "s": self.s, "wanted": self.wanted}
        return [exploited(drawn[t][0], drawn[t][1][arm.reward], tau[t], t, **sizes) for t in self.temperatures]
