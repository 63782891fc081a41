"""Temporal cognition: do a model's judgements of years follow their distance from a present of its own?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le

from experiments.introspection.temporal_cognition.distances import distances, from_reference
from experiments.introspection.temporal_cognition.neurons import Neurons, found_neurons, side
from experiments.introspection.temporal_cognition.rows import METRICS, TEXTS, VIEWS, Apart, View
from harness import (
    ArmedExperiment,
    Capability,
    Curve,
    Grid,
    HarnessError,
    Item,
    ItemError,
    Probability,
    Prompt,
    Subject,
    option_mass,
    together,
)
from harness.metrics import Floats

DIGITS = {digit: [digit] for digit in "0123456789"}
Share = Annotated[float, Gt(0), Le(1)]


@dataclass(frozen=True, kw_only=True)
class TemporalCognition(ArmedExperiment[View, tuple[Neurons, ...]]):
    """Models judge how alike two years are by the logarithm of their distances from a subjective present.

    Li et al. 2025, "The Other Mind: How Language Models Exhibit Human Temporal Cognition", arXiv 2507.15851.
    Item: the years 1990 and 2020, rated from 0 (completely dissimilar) to 1 (completely similar).

    years: the rating is the expectation over the ten digits behind "0.", by exact probability, so that none fails to
    be read; the mean of both orders. numbers: the same digits called numbers. shuffled years: the ratings of two other
    years, which shows what any distance explains by chance. states of years (of numbers, of shuffled years): one less
    the cosine of the residual streams at the last digit of "Year: 1-9-9-0", by layer. neurons: those of the MLPs that
    respond to a year more than to the number, there, their mean response by year; neurons on numbers: the same on the
    number; random neurons: as many others of the layer.

    Distances: linear, logarithmic, of the digits (Levenshtein), through the reference year R, and how much likelier the
    model says one year than the other (frequency). Through R the distance is |f(i) - f(j)|, f(x) = sign(x - R)
    ln(|x - R| + 1): a difference of logarithms on one side of R, their sum across it. A free R fits plain logarithmic
    data well, too, so that it is judged on pairs of which both years were left out of the fit, and the set of years
    that fit about as well is shown. Pairs share years: intervals draw years.

    Neurons are taken by a paired t test over the training years, which lie between those under test (Bonferroni over
    all neurons that are read). The chosen layer is the one whose neurons follow R best there.

    Differs from the paper: 18 years, dense about our time, in place of 1,000; a digit by exact probability and not a
    written number, so that a rating of 1 cannot be given; the operator in the distance through R was not verified, and
    the one here is minus on one side and plus across; its test and threshold for neurons are not known. Left out:
    embedding models, the thousand strongest neurons, linear probes.

    Attributes:
        reference: the year R of the fixed reference distance, and of past and future.
        depths: layers whose states and neurons are read, as shares of the model's depth.
        train: training years, on which neurons and their layer are chosen, at most.

    Raises:
        HarnessError: a depth is named twice, or none is although states or neurons are asked for.
    """

    arms: Sequence[str] = tuple(VIEWS)
    reference: Annotated[int, Ge(1)] = 2025
    depths: Sequence[Share] = (0.2, 0.4, 0.6, 0.8, 1.0)
    train: Annotated[int, Ge(3)] = 16

    all_arms: ClassVar = VIEWS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("li2025other",)
    outcome: ClassVar = Apart
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("dissimilarity"),)
    figures: ClassVar = (Grid("state_r_squared", x="depth", y="distance"), Curve("neuron_r_squared", x="depth"))
    item_fields: ClassVar = ("kind",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.depths)) < len(self.depths) or (self.reads and not self.depths):
            raise HarnessError(f"experiment.depths={list(self.depths)}: name one share of the depth or more, each once")

    @property
    def reads(self) -> set[str]:
        """What is read inside the model."""
        return {str(arm.of) for arm in self.chosen.values()} - {"ratings"}

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose", "score", "read"} if self.reads else {"choose", "score"})

    def train_items(self) -> int:
        return self.train if "neurons" in self.reads else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Neurons, ...]:
        if "neurons" not in self.reads:
            return ()
        years = [item.fields["year"] for item in train if item.fields["kind"] == "year"]
        if len(years) < 3:
            raise HarnessError(
                f"{len(years)} training years are too few for neurons; use task=year_pairs, 3 years or more"
            )
        seen = {
            noun: np.stack(await together(self.inside(subject, noun, year, "mlp_act") for year in years), axis=1)
            for noun in ("year", "number")
        }
        of_years, of_numbers = (dict(zip(self.depths, seen[noun], strict=True)) for noun in ("year", "number"))
        rng = subject.random("random neurons")
        return found_neurons(years, of_years, of_numbers, reference=self.reference, rng=rng)

    async def begin(self, item: Item, subject: Subject, fitted: tuple[Neurons, ...]) -> None:
        if item.fields["kind"] not in {"pair", "year"}:
            raise ItemError(f"an item of kind {item.fields['kind']!r} is no pair of years and no year; task=year_pairs")

    async def ask(
        self, arm: View, common: None, item: Item, subject: Subject, fitted: tuple[Neurons, ...]
    ) -> list[Apart]:
        if (item.fields["kind"] == "year") != (arm.of == "neurons"):
            return []
        if arm.of == "neurons":
            return await self.responses(arm, item.fields["year"], subject, fitted)
        first, second = item.fields["first"], item.fields["second"]
        asked = item.fields["shuffled"] if arm.shuffled else (first, second)
        said = await together(self.frequency(subject, arm.noun, year) for year in (first, second))
        by_distance = {**distances(first, second, self.reference), "frequency": abs(said[0] - said[1])}
        found = await (self.rated if arm.of == "ratings" else self.states)(arm, asked, subject)
        return [
            replace(row, first=first, second=second, distance=name, d=d)
            for row in found
            for name, d in by_distance.items()
        ]

    async def rated(self, arm: View, years: Sequence[int], subject: Subject) -> list[Apart]:
        """The rating of two years in both orders."""
        named, lead = self.named(arm.noun), self.text("rating")
        texts = [self.text("rate", **named, first=one, second=two) for one, two in (years, years[::-1])]
        choices = await together(subject.choose(Prompt.user(text, lead), DIGITS) for text in texts)
        ratings = [sum(int(digit) * p for digit, p in choice.p.items()) / 10 for choice in choices]
        mass = Probability(sum(choice.mass for choice in choices) / 2)
        row = Apart(first=0, distance="", d=0.0, dissimilarity=1 - sum(ratings) / 2, mass=mass)
        return [replace(row, order_gap=abs(ratings[0] - ratings[1]))]

    async def states(self, arm: View, years: Sequence[int], subject: Subject) -> list[Apart]:
        """How far the states of two years are apart, in each layer."""
        one, two = await together(self.inside(subject, arm.noun, year, "resid_post") for year in years)
        cosine = (one * two).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
        return [
            Apart(first=0, distance="", d=0.0, dissimilarity=float(1 - c), depth=depth)
            for depth, c in zip(self.depths, cosine, strict=True)
        ]

    async def responses(self, arm: View, year: int, subject: Subject, fitted: Sequence[Neurons]) -> list[Apart]:
        """The mean response of each layer's neurons to a year."""
        seen = await self.inside(subject, arm.noun, year, "mlp_act")
        row = Apart(first=year, distance="reference", d=abs(from_reference(year, self.reference)))
        made = []
        for one, values in zip(fitted, seen, strict=True):
            neurons = one.selected if arm.which == "selected" else one.random
            row = replace(row, depth=one.depth, share=len(one.selected) / one.width, chosen=one.chosen)
            row = replace(row, side=side(year, self.reference), reason="" if neurons else "no neuron prefers years")
            made.append(replace(row, response=float(values[[*neurons]].mean()) if neurons else None))
        return made

    async def inside(self, subject: Subject, noun: str, year: int, site: str) -> Floats:
        """Activations at the last digit of a year or number, [depths, width]."""
        spelt = self.text("spelt", **self.named(noun), digits="-".join(str(year)))
        prompt = Prompt.user(self.text("spell", **self.named(noun)), spelt)
        layers = [subject.layers_at([depth])[0] for depth in self.depths]
        read = await subject.read(prompt, layers=sorted({*layers}), positions=[-1], site=site)  # type: ignore[arg-type]
        found = dict(zip(sorted({*layers}), read.numpy().astype(np.float64)[:, 0], strict=True))
        return np.stack([found[layer] for layer in layers])

    async def frequency(self, subject: Subject, noun: str, year: int) -> float:
        """The log-probability that the model names a year."""
        prompt = Prompt.user(self.text("say", **self.named(noun)), self.text("said", **self.named(noun)))
        return (await subject.score(prompt, f" {year}")).logprob

    def named(self, noun: str) -> dict[str, str]:
        """The noun in the forms that the texts have places for."""
        return {"noun": noun, "nouns": f"{noun}s", "Noun": noun.capitalize()}
