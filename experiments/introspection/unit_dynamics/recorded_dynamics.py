"""Recorded dynamics: do units spread and stay in the dialogues that the authors recorded? No model is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.introspection.unit_dynamics.levels import parts, with_next
from experiments.introspection.unit_dynamics.released import NAMES, POLES
from experiments.introspection.unit_dynamics.rows import Moment, MomentName
from harness import Capability, Curve, Experiment, Item, Subject, metrics


@dataclass(frozen=True, kw_only=True)
class RecordedDynamics(Experiment[None]):
    """A unit that is pushed raises other units, and these stay up when the push has ended: the authors' own records.

    Lee et al. 2025, arXiv 2504.08016. Item: ten dialogues of a model with itself for each of twelve pushed units,
    their activities at 50 steps. No model is asked.

    The spread is `level`, the mean activity of all twelve units, at the last pushed step (moment pushed), and the
    sustenance the same at the last step (moment end), as in the paper. Both hold the pushed unit itself, activities are
    never below 0, and the release has no dialogue without a push: at the start, too, something is pushed, and only the
    questions of its dimension are asked. So the level is no evidence that others are raised. The claims compare the
    units of the pushed unit's pole with those of the other pole, in the same answers. The coupling is given for the
    pushed phase and the other one each, since autocorrelation alone makes it large. Left out: causal discovery.
    Intervals are over pushed units.
    """

    outcome: ClassVar = Moment
    item_fields: ClassVar = ("unit", "steps", "phases", "activity")
    papers: ClassVar = ("lee2025psychopathological",)
    metrics: ClassVar = (
        *metrics.means("level", "own", "others", "same_pole", "other_pole", by=("moment",)),
        *metrics.means(level_by_step="level", by=("step",)),
        *metrics.each(("own", "next_others"), metrics.kendall, by=("phase",)),
    )
    figures: ClassVar = (Curve("level_by_step", "step"),)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    async def protocol(self, item: Item, subject: Subject, fitted: None) -> list[Moment]:
        fields = item.fields
        names: Mapping[int, MomentName] = {last: name for name, last in _lasts(fields["phases"]).items()}
        rows = []
        for i, (step, phase) in enumerate(zip(fields["steps"], fields["phases"], strict=True)):
            found = parts(dict(zip(NAMES, fields["activity"][i], strict=True)), fields["unit"], POLES)
            rows.append(
                Moment(
                    unit=fields["unit"],
                    step=str(step),
                    phase=phase,
                    moment=names.get(i, "between"),
                    **found._asdict(),
                )
            )
        return with_next(rows)


def _lasts(phases: Sequence[str]) -> dict[MomentName, int]:
    """The place of the last step of each phase that there is."""
    names: Mapping[str, MomentName] = {"start": "start", "on": "pushed", "off": "end"}
    return {names[phase]: i for i, phase in enumerate(phases)}
