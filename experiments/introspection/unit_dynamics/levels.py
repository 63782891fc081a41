"""From activities of units at each step to rows: the pushed unit, the others, and what a push changes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.unit_dynamics.rows import Moment
from experiments.introspection.unit_dynamics.units import poles
from harness import Probability, metrics
from harness.metrics.columns import Ordered


@dataclass(frozen=True)
class Activity:
    """The units at one step.

    Attributes:
        units: mean activity of each over the answers; empty where no answer could be read.
        answered: share of the answers that could be; cut: share that met their limit of tokens.
    """

    units: Mapping[str, float]
    answered: float = 1.0
    cut: float = 0.0


def step_of(answers: Sequence[Mapping[str, float] | None], cut: float) -> Activity:
    """The mean of the activities in the answers of a step, over those that could be read."""
    read = [one for one in answers if one is not None]
    names = read[0] if read else ()
    return Activity({name: fmean(one[name] for one in read) for name in names}, len(read) / len(answers), cut)


def moments(
    followed: Sequence[Activity], plain: Sequence[Activity], unit: str, pushed_steps: int, auroc: float
) -> list[Moment]:
    """The rows of a dialogue, beside the same dialogue without a push."""
    rows = []
    for i, (one, other) in enumerate(zip(followed, plain, strict=True)):
        phase: Literal["on", "off"] = "on" if i < pushed_steps else "off"
        row = Moment(
            unit=unit,
            step=str(i + 1),
            phase=phase,
            moment="pushed" if i + 1 == pushed_steps else "end" if i + 1 == len(followed) else "between",
            axis_auroc=Probability(auroc),
            answered=Probability(one.answered),
            cut=Probability(one.cut),
            reason="" if one.units and other.units else "no answer of this step has words that can be read",
        )
        if one.units:
            found = parts(one.units, unit, poles())
            row = replace(row, **found._asdict())
            if other.units:
                base = parts(other.units, unit, poles())
                names = ("own", "others", "same_pole", "other_pole")
                shifts = {f"{name}_shift": getattr(found, name) - getattr(base, name) for name in names}
                row = replace(row, **shifts, pole_shift=shifts["same_pole_shift"] - shifts["other_pole_shift"])
        rows.append(row)
    return with_next(rows)


LEAST_ROOM = 0.25
"""Activity that a unit is taken to lack at least, so that one that is there anyway does not divide by nothing."""


def by_likeness(
    followed: Sequence[Activity], plain: Sequence[Activity], unit: str, sentences: Mapping[str, float]
) -> list[Activity]:
    """All units as they would be if answers had only come to be like the pushed unit's sentences.

    The answers without a push are moved towards these sentences, until the unit has risen as far as it did.

    Args:
        sentences: activities in the unit's own sentences, see `Axes.in_sentences_of`.
    """

    def implied(one: Activity, base: Activity) -> Activity:
        if not (one.units and base.units):
            return one
        share = (one.units[unit] - base.units[unit]) / max(sentences[unit] - base.units[unit], LEAST_ROOM)
        moved = {name: x + share * (sentences[name] - x) for name, x in base.units.items()}
        return replace(one, units=moved)

    return [implied(one, base) for one, base in zip(followed, plain, strict=True)]


class Parts(NamedTuple):
    """Activity of a unit, and the means over the others, over those of its pole, of the other pole, and over all."""

    own: float
    others: float
    same_pole: float
    other_pole: float
    level: float


def parts(units: Mapping[str, float], unit: str, pole: Mapping[str, str]) -> Parts:
    """The parts of a step; whatever has no pole (a topic) is left out."""
    others = {name: units[name] for name in pole if name != unit}
    same, other = (
        [x for name, x in others.items() if (pole[name] == pole[unit]) is is_same] for is_same in (True, False)
    )
    everything = [units[unit], *others.values()]
    return Parts(units[unit], fmean(others.values()), fmean(same), fmean(other), fmean(everything))


def with_next(rows: Sequence[Moment]) -> list[Moment]:
    """The rows with `next_others`, where the next one is of the same phase."""
    after = [*rows[1:], None]
    return [
        replace(row, next_others=then.others) if then is not None and then.phase == row.phase else row
        for row, then in zip(rows, after, strict=True)
    ]


def lagged_coupling(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b of each unit with each other one a step later, pooled over all dialogues: [units, units].

    The paper's coupling is the mean of the absolute values. Steps follow each other closely, so that no p-value means
    anything here.

    Args:
        series: activities [dialogues, steps, units].
    """
    units = series.shape[2]
    now, then = ([Ordered(x) for x in part.reshape(-1, units).T] for part in (series[:, :-1], series[:, 1:]))
    one = np.ones((1, len(now[0].values)))
    return np.array([[metrics.kendall(x, y, w=one)[0] for y in then] for x in now])
