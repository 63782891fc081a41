"""The arms and the rows of unit dynamics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm, Outcome, Probability, metrics


@dataclass(frozen=True, kw_only=True)
class Push(Arm):
    """What is pushed, and what the model sees of its own answers.

    Attributes:
        pushed: "unit" pushes the item's unit, "random" random directions, "topic" a topic that is no unit.
        context: "own" shows the answers of the step before, "fresh" shows none.
        likeness: whether all units are not measured, but are what they would be if answers had only come to be like the
            pushed unit's sentences, see `levels.by_likeness`.
    """

    pushed: Literal["none", "unit", "random", "topic"]
    context: Literal["own", "fresh"] = "own"
    likeness: bool = False


PUSHES: Mapping[str, Push] = {
    "none": Push(pushed="none"),
    "unit": Push(pushed="unit"),
    "random vector": Push(pushed="random"),
    "unrelated topic": Push(pushed="topic"),
    "unit, fresh context": Push(pushed="unit", context="fresh"),
    "rule: likeness": Push(pushed="unit", likeness=True),
}


MomentName = Literal["between", "start", "pushed", "end"]


@dataclass(frozen=True, kw_only=True)
class Moment(Outcome):
    """The units at one step of a dialogue of the model with itself, or of a released one.

    Activities are those of the answers of the step: 0 as sentences of other units, 1 as the unit's own sentences.

    Attributes:
        unit: the unit that is pushed, in control arms too, where something else is.
        step: number of the step, from 1 on; of released data, as they count.
        phase: "on" while something is pushed (in the arm none: in the others), "off" afterwards, "start" before.
        moment: "start", "pushed" and "end" at the last step of each phase; else "between".
        own: activity of the unit.
        others: mean activity of all other units; same_pole, other_pole: of those of one pole alone.
        level: mean activity of all units.
        own_shift, others_shift, same_pole_shift, other_pole_shift: the same, less those of the arm that pushes nothing,
            with the same random numbers and the same context. pole_shift: same_pole_shift less other_pole_shift.
        next_others: `others` at the next step of the phase.
        axis_auroc: how well the unit's direction tells its own sentences from others, on sentences that it has not
            seen.
        answered: share of the answers that have words; cut: share that met their limit of tokens.
        reason: why the numbers are missing.
    """

    unit: str
    step: str
    phase: Literal["start", "on", "off"]
    moment: MomentName = "between"
    own: float | None = None
    others: float | None = None
    same_pole: float | None = None
    other_pole: float | None = None
    level: float | None = None
    own_shift: float | None = None
    others_shift: float | None = None
    same_pole_shift: float | None = None
    other_pole_shift: float | None = None
    pole_shift: float | None = None
    next_others: float | None = None
    axis_auroc: Probability | None = None
    answered: Probability | None = None
    cut: Probability | None = None
    reason: str = ""


BY = ("arm", "moment")
METRICS = (
    *metrics.means("own", "level", by=BY),
    *metrics.means("own_shift", by=BY),
    *metrics.means(
        spread="others_shift",
        same_pole_spread="same_pole_shift",
        other_pole_spread="other_pole_shift",
        pole_spread="pole_shift",
        by=BY,
    ),
    *metrics.means(level_by_step="level", by=("arm", "step")),
    *metrics.each(("own", "next_others"), metrics.kendall, by=("arm", "phase")),
    *metrics.mean_probabilities("axis_auroc", "answered", "cut"),
)
"""How far a push spreads and lasts."""
