"""Settings and training questions of probes, shared by the experiments on P(IK)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from annotated_types import Ge, Gt, Le, MinLen

from experiments.calibration.p_ik.domain_probes import Example
from experiments.calibration.p_ik.forecasts import Asked, Forecast, percent, yes_no
from experiments.shared import answers
from harness import Arm, ArmedExperiment, Capability, Graded, HarnessError, Item, Subject, together


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """An arm: the way to P(IK).

    Attributes:
        asked: "probe" reads it from activations, "yes-no" and "percent" ask for it in words.
        swapped: whether "Yes" is (B) and not (A).
    """

    asked: Asked = "probe"
    swapped: bool = False


W = TypeVar("W", bound=Way)
F = TypeVar("F")
"""The type of the fit on training items."""


@dataclass(frozen=True, kw_only=True)
class Forecasting(ArmedExperiment[W, F], Generic[W, F]):
    """An experiment on P(IK). Arms of probes are left out where the engine cannot read activations, and the run says
    so; where no other arms run, such an engine is refused.

    Attributes:
        draws: sampled answers an item (the paper: 30, at temperature 1).
        train: training items (the paper: thousands).
        domain: item field that names the domain; items without it are of the domain "".
        depths: layers that a probe chooses from, as shares of the model's depth in (0, 1].
        folds: folds of the cross-validation, by groups, that chooses layer and penalty.
        temperature: temperature of the sampled answers.
        max_tokens: cap on a sampled answer; None takes the room that the task gives.
        spelled: percentages in words ("ninety"), one call; False is the paper's "90%", over 20 short calls.
    """

    draws: Annotated[int, Ge(1)] = 5
    train: Annotated[int, Ge(2)] = 150
    domain: str = "kind"
    depths: Annotated[Sequence[Annotated[float, Gt(0), Le(1)]], MinLen(1)] = (0.5, 0.75, 1.0)
    folds: Annotated[int, Ge(2)] = 5
    temperature: Annotated[float, Ge(0)] = answers.TEMPERATURE
    max_tokens: Annotated[int, Ge(1)] | None = None
    spelled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.probes and self.train < self.folds:
            raise HarnessError(
                f"experiment.train={self.train}: a probe needs at least experiment.folds={self.folds} training items"
            )

    @property
    def probes(self) -> bool:
        """Whether any arm that runs is one of a probe."""
        return any(arm.asked == "probe" for arm in self.chosen.values())

    def capabilities(self) -> frozenset[Capability]:
        words = any(arm.asked != "probe" for arm in self.chosen.values())
        return frozenset({"generate", "choose"} if words else {"generate", "read"})

    def domain_of(self, item: Item) -> str:
        """The domain of an item."""
        return str(item.fields.get(self.domain, ""))

    async def said(self, arm: W, item: Item, subject: Subject, before: str = "") -> Forecast:
        """P(IK) in an arm of words.

        Args:
            before: text before the question, with the line break that ends it.
        """
        if arm.asked == "yes-no":
            return await yes_no(item, subject, self.wording, before, swapped=arm.swapped)
        return await percent(item, subject, self.wording, before, spelled=self.spelled)

    async def graded(self, item: Item, subject: Subject) -> list[Graded]:
        """The model's own answers."""
        return await answers.own_answers(
            item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens
        )

    async def examples(self, train: Sequence[Item], subject: Subject) -> tuple[list[Example], list[int]]:
        """Training questions, and the layers that they were read at; nothing where no probe is asked or possible."""
        if not self.probes or "read" not in subject.engine.can:
            if self.probes:
                subject.renderer.note("this engine cannot read activations: there is no probe (engine=transformers)")
            return [], []
        layers = subject.layers_at(self.depths)

        async def example(item: Item) -> Example:
            graded, states = await asyncio.gather(
                self.graded(item, subject), subject.read(answers.ask(item), layers=layers, positions=[-1])
            )
            right = sum(answer.correct for answer in graded)
            return Example(states, right, len(graded) - right, self.domain_of(item), item.cluster)

        return await together(example(item) for item in train), layers
