"""The arms of the experiment, the row of one reading, and the numbers over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from experiments.introspection.belief_updating import measures
from experiments.introspection.belief_updating.fits import packed
from experiments.introspection.belief_updating.learners import sigmoid
from experiments.introspection.belief_updating.prompts import Belief
from experiments.introspection.belief_updating.rules import RULES
from harness import Arm, Item, Metric, Outcome, Probability, metrics


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """Whose belief it is, and how it is read.

    Attributes:
        reading: from the next word (implied), or as a percentage (stated).
        told: whether the text says that the urn may be exchanged.
        shows: the item's own draws; those of another sequence, whose readings are set beside them; or none, so that
            the reading before the first draw is taken for all.
        rule: a rule of `rules.RULES` that forecasts in the model's place; "none" asks the model.
    """

    reading: Literal["implied", "stated"] = "implied"
    told: bool = False
    shows: Literal["own", "other", "none"] = "own"
    rule: str = "none"


ARMS: Mapping[str, Way] = {
    "implied": Way(),
    "implied, told": Way(told=True),
    "stated": Way(reading="stated"),
    "shuffled story": Way(shows="other"),
    "no story": Way(shows="none"),
    **{f"rule: {rule}": Way(rule=rule) for rule in RULES},
}


@dataclass(frozen=True, kw_only=True)
class Reading(Outcome):
    """The belief before one draw.

    Attributes:
        kind: of the sequence; phase: whether the draw lies in the part that changes often ("volatile") or not.
        trial: number of the draw, from 1 on; since: the draws since the sequence's row before, see `fits.packed`.
        q: chance of the first colour, as read; chance: as it is; first: whether the first colour came.
        squared_error: of q about the true chance.
        repeats: chance that the last colour comes again; None before the first draw.
        logit: log-odds of q. implied, other: in the arm "stated", those read from the next word before the same draw,
            and in another sequence.
        bias: half the difference of the log-odds with the colours as they are and exchanged.
        mass: probability on the options; None for a rule.
        said: the most probable percentage; None where none was asked for.
    """

    kind: str
    phase: str
    trial: int
    since: int
    q: Probability
    chance: Probability
    first: bool
    squared_error: float
    repeats: Probability | None
    logit: float
    implied: float | None = None
    other: float | None = None
    bias: float | None = None
    mass: Probability | None = None
    said: float | None = None


def row(item: Item, trial: int, before: int, logit: float, q: float | None = None) -> Reading:
    """The row of a belief before a draw, counted from 0, where the row before it is of draw `before` (-1: there is
    none)."""
    draws, volatile = item.fields["draws"], item.fields["volatile"]
    p = float(sigmoid(np.array(logit))) if q is None else q
    chance, start = float(item.fields["chances"][trial]), max(before, 0)
    return Reading(
        kind=str(item.fields["kind"]),
        phase="volatile" if volatile[trial] else "steady",
        trial=trial + 1,
        since=packed(draws[start:trial], volatile[start:trial]),
        q=Probability(p),
        chance=Probability(chance),
        first=bool(draws[trial]),
        squared_error=(p - chance) ** 2,
        repeats=Probability(p if draws[trial - 1] else 1 - p) if trial else None,
        logit=logit,
    )


def rows(item: Item, beliefs: Mapping[int, Belief]) -> list[Reading]:
    """The rows of beliefs by the draw that each is about, counted from 0 and ascending."""
    found, before = [], -1
    for trial, belief in beliefs.items():
        one = row(item, trial, before, belief.logit)
        found.append(replace(one, bias=belief.bias, mass=Probability(belief.mass)))
        before = trial
    return found


ASKED: metrics.Where = {"rule": "none"}
VOLATILE: metrics.Where = {**ASKED, "kind": "volatile"}
SERIES = ("q", "trial", "since", "item")
BY_KIND = ("arm", "kind")


def _fit(name: str, *columns: str, index: str = "") -> Metric:
    return Metric(name, getattr(measures, name), (*SERIES, *columns), where=VOLATILE, index=index)


METRICS = (
    _fit("held_out", "group", index="learner"),
    _fit("bic", index="learner"),
    _fit("explained"),
    _fit("omega"),
    _fit("omega_recovery"),
    _fit("volatility_effect"),
    _fit("recency", index="lag"),
    *metrics.each(("q", "first"), metrics.brier, by=BY_KIND),
    *metrics.means("squared_error", by=BY_KIND),
    *metrics.mean_probabilities("repeats", by=BY_KIND),
    Metric("agreement", metrics.pearson, ("logit", "implied"), where={"kind": "volatile", "reading": "stated"}),
    Metric("agreement_other", metrics.pearson, ("logit", "other"), where={"kind": "volatile", "reading": "stated"}),
    Metric("distinct_stated", measures.distinct, ("said",), where={"kind": "volatile", "reading": "stated"}),
    *metrics.means(word_bias="bias", where=ASKED),
    *metrics.mean_probabilities(option_mass="mass", where=ASKED),
)
"""Fits are of volatile sequences; forecasts are scored on every kind."""
