"""Belief updating: do a model's probabilities over a volatile series of draws move as an adaptive learner's do?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from experiments.introspection.belief_updating.fits import MOST_SINCE
from experiments.introspection.belief_updating.prompts import TEXTS, Belief, Scene, fault, implied, log_odds, stated
from experiments.introspection.belief_updating.rows import ARMS, METRICS, Reading, Way, row, rows
from experiments.introspection.belief_updating.rules import forecasts
from harness import (
    ArmedExperiment,
    Capability,
    Curve,
    Gate,
    HarnessError,
    Item,
    ItemError,
    Subject,
    option_mass,
)
from harness.arms import Shared, together


@dataclass(frozen=True, kw_only=True)
class BeliefUpdating(ArmedExperiment[Way, tuple[tuple[float, ...], ...]]):
    """Claim: a Gaussian filter explains a model's probabilities of the next draw better than simpler learners do.

    An analogue of studies of people, after Mathys et al. 2011 (the filter) and Behrens et al. 2007 (volatility), with
    the filter as in Legrand et al. 2024, "pyhgf", arXiv 2410.09206. None of them asks language models.
    Item: "A bag holds red and blue marbles. A marble is drawn at random, its colour is written down, and the marble is
    put back." The model's list goes on "Draw 1: red", "Draw 2: red", ... and the chance of the next colour is read.

    implied: the probability of either colour as the next word of the list, before every draw. stated: a percentage that
    is asked for, the mean over the exact probabilities of eleven steps, before every `stated_every`-th draw. Both are
    read a second time with the colours exchanged, and the log-odds are averaged: no liking for a word is left. implied,
    told: the text says that the bag may be exchanged. This and percentages are asked about volatile sequences only.
    Controls: no story (the reading before the first draw, for all), shuffled story (the readings of another sequence
    beside these draws), forecasts by rule, and sequences that are steady, even or alternate.

    Readings are logit(q) = b0 + b1 x + noise, x being a learner's belief, with one b0, b1 and noise for all volatile
    sequences. b1 must be above 0: a model that expects alternation is fitted well by a filter upside down. Learners are
    compared by held-out sequences (`held_out`) and by BIC. `omega` is given where agents simulated with the fitted
    noise give it back with r above .7 (`omega_recovery`). A good fit does not show that the model computes a filter.

    Attributes:
        at_once: one reading of a sequence gives the probabilities before all its draws, which engine=transformers can.
            Without it each draw has a prompt of its own, with equal results, on any engine.
        stated_every: at which draws the percentage is asked for; 6 is before draw 1, 7, 13, ...
        others: training sequences, of which the volatile ones are the shuffled stories.
    """

    arms: Sequence[str] = tuple(ARMS)
    at_once: bool = True
    stated_every: Annotated[int, Ge(1), Le(MOST_SINCE)] = 6
    others: Annotated[int, Ge(1)] = 6

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("legrand2024pyhgf", "mathys2011bayesian", "behrens2007learning")
    outcome: ClassVar = Reading
    item_fields: ClassVar = ("place", "thing", "first", "second", "kind", "draws", "chances", "volatile")
    metrics: ClassVar = METRICS
    gates: ClassVar = (
        option_mass("q", "logit", "squared_error", "repeats"),
        Gate(metric="distinct_stated", least=5, columns=("q", "logit"), why="stated percentages pile up on few values"),
    )
    figures: ClassVar = (Curve("recency", x="lag"),)

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        needed: set[Capability] = {"choose"} if asked else set()
        if self.at_once and asked:
            needed.add("choose_at")
        return frozenset(needed)

    def train_items(self) -> int:
        other = any(arm.shows == "other" or arm.reading == "stated" for arm in self.chosen.values())
        return self.others if other else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[tuple[float, ...], ...]:
        """The implied log-odds before the draws of volatile sequences among the training items."""
        chosen = [item for item in train if item.fields["kind"] == "volatile" and not fault(item)]
        if train and not chosen:
            raise HarnessError("no training sequence is volatile; raise experiment.others")
        found = await together(self.implied(item, subject, told=False) for item in chosen)
        return tuple(tuple(belief.logit for belief in beliefs) for beliefs in found)

    async def begin(self, item: Item, subject: Subject, fitted: object) -> Shared[bool, list[Belief]]:
        if why := fault(item):
            raise ItemError(why)
        return Shared(lambda told: self.implied(item, subject, told=told))

    async def implied(self, item: Item, subject: Subject, *, told: bool) -> list[Belief]:
        """The belief before each draw, by the next word."""
        scenes = [Scene(self.wording, item, told, swapped) for swapped in (False, True)]
        read = await together(implied(scene, subject, at_once=self.at_once) for scene in scenes)
        return [Belief.of(*both) for both in zip(*read, strict=True)]

    async def ask(
        self,
        arm: Way,
        common: Shared[bool, list[Belief]],
        item: Item,
        subject: Subject,
        fitted: tuple[tuple[float, ...], ...],
    ) -> list[Reading]:
        if arm.rule != "none":
            told = forecasts(arm.rule, item.fields["draws"])
            return [row(item, t, t - 1, log_odds(q), q) for t, q in enumerate(told)]
        if item.fields["kind"] != "volatile" and (arm.told or arm.reading == "stated"):
            return []
        if arm.reading == "stated":
            return await self.stated(item, subject, common, self.other(item, subject, fitted))
        beliefs = await common.get(arm.told)
        if arm.shows == "other":
            beliefs = [
                replace(one, logit=x) for one, x in zip(beliefs, self.other(item, subject, fitted), strict=False)
            ]
        if arm.shows == "none":
            beliefs = [beliefs[0]] * len(beliefs)
        return rows(item, dict(enumerate(beliefs)))

    def other(self, item: Item, subject: Subject, fitted: tuple[tuple[float, ...], ...]) -> list[float]:
        """The log-odds before the draws of another sequence, or with the colours exchanged, at random."""
        rng = subject.random("another sequence")
        other, sign = rng.choice(fitted), rng.choice((1, -1))
        return [sign * logit for logit in other]

    async def stated(
        self, item: Item, subject: Subject, common: Shared[bool, list[Belief]], other: Sequence[float]
    ) -> list[Reading]:
        """The rows of stated percentages, with the implied log-odds before the same draws."""
        trials = range(0, len(item.fields["draws"]), self.stated_every)
        scenes = [Scene(self.wording, item, swapped=swapped) for swapped in (False, True)]
        asked = together(stated(scene, subject, trials) for scene in scenes)
        beside, read = await asyncio.gather(common.get(False), asked)
        beliefs = dict(zip(trials, (Belief.of(*both) for both in zip(*read, strict=True)), strict=True))
        return [
            replace(
                one,
                said=float(beliefs[t].best),
                implied=beside[t].logit,
                other=other[t] if t < len(other) else None,
            )
            for t, one in zip(trials, rows(item, beliefs), strict=True)
        ]
