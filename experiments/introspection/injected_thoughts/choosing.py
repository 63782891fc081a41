"""Chooses layer and strength on training concepts, before any test concept is asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from experiments.introspection.injected_thoughts.trials import Cell, Trial, YesNo, log_odds
from experiments.introspection.injected_thoughts.vectors import Space
from experiments.shared.judge_reliability import JudgeReliability
from harness import HarnessError, Item, ItemError, Subject, together

LEAST_MASS = 0.5
"""A cell is chosen only if yes and no keep this share of the probability that they have without injection."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What one cell does to the training concepts.

    Attributes:
        question: the question that was asked.
        lead: mean log-odds of yes under the concept's vector, less those under a random vector of equal length.
        mass: mean probability of yes and no together under the concept's vector.
    """

    question: str
    cell: Cell
    lead: float
    mass: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What training concepts decide.

    Attributes:
        space: the baseline words at the layers.
        tried: every cell that was asked about.
        cells: the cell chosen for a question.
        control: the layer at which thinking of a word shows most in the stream.
        judge: how far the judge can be relied on; None where it is not asked.
    """

    space: Space
    tried: tuple[Tried, ...]
    cells: Mapping[str, Cell]
    control: int
    judge: JudgeReliability | None

    @property
    def by_judge(self) -> dict[str, Any]:
        """The judge's columns, for each row that rests on the judge."""
        return self.judge.columns if self.judge else {}


async def training(subject: Subject, wording: Mapping[str, str], space: Space, items: Sequence[Item]) -> list[Trial]:
    """The trials of training concepts; a concept that cannot be asked about is left out.

    Raises:
        HarnessError: none of them can.
    """

    async def one(item: Item) -> Trial | ItemError:
        try:
            return await Trial.begin(subject.for_item(item.id), wording, space, item)
        except ItemError as error:
            return error

    begun = await together(map(one, items))
    trials = [trial for trial in begun if isinstance(trial, Trial)]
    if not trials:
        raise HarnessError(f"no training concept can be asked about; the first: {begun[0]}")
    return trials


async def try_cells(trials: Sequence[Trial], question: YesNo, cells: Sequence[Cell]) -> tuple[list[Tried], Cell]:
    """Asks a yes/no question about training concepts in every cell; a single cell needs no question.

    Returns:
        Every cell with its numbers, and the one of the largest lead among those in which the model still answers.
    """
    if len(cells) == 1:
        return [], cells[0]
    plain = fmean(one.mass for one in await together(trial.yes_no(question, "none", cells[0]) for trial in trials))

    async def one(cell: Cell) -> Tried:
        own, noise = await together(
            [
                together(trial.yes_no(question, "concept", cell) for trial in trials),
                together(trial.yes_no(question, "random vector", cell) for trial in trials),
            ]
        )
        lead = fmean(log_odds(a) - log_odds(b) for a, b in zip(own, noise, strict=True))
        return Tried(question, cell, lead, fmean(choice.mass for choice in own))

    tried = await together(map(one, cells))
    kept = [one for one in tried if one.mass >= LEAST_MASS * plain] or tried
    return tried, max(kept, key=lambda one: one.lead).cell


async def control_layer(trials: Sequence[Trial]) -> int:
    """The layer at which the cosine with a concept differs most between thinking of it and not thinking of it."""
    layers = trials[0].space.layers
    if len(layers) == 1:
        return layers[0]
    told = await together([together(trial.control(tells) for trial in trials) for tells in ("think", "do not think")])
    gains = [fmean(a[0][i] - b[0][i] for a, b in zip(*told, strict=True)) for i in range(len(layers))]
    return layers[gains.index(max(gains))]
