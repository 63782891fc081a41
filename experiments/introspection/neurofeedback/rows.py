"""The rows of reports and of control, and the measures of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.introspection.neurofeedback.fitting import Target
from harness import Curve, Grid, Metric, Outcome, Probability, metrics, option_mass
from harness.metrics import Floats, Labels, Numbers, Units, Weights


@dataclass(frozen=True, kw_only=True)
class Trial(Outcome):
    """A sentence and an axis: a report of its label, or its score under a request.

    Attributes:
        axis: the axis whose labels the examples have. depth: of its layer, in words; layer: counted from 0.
        shots: examples before the sentence; most: whether they are as many as ever.
        order: the order of the examples, of which every group has one.
        variance: share of the fitted sentences' variance along the axis; largest_dimension: share of the one dimension
            of the layer that varies most.
        label: the label that is right; agrees_with_gold: whether it is 1 for a good or true sentence, 0 for another.
        p: probability of label 1; correct: whether the more probable label is right; mass: probability of 0 and 1.
        shown_ones: share of label 1 among the examples; None without any.
        target: whether score 1 is requested, of control; measured: the axis along which z is read; on_target:
            whether that is `axis`.
        z: score along `measured`. shift: z under the request for 1 less that under the request for 0; on the rows of
            the request for 1 only.
        written: what the model wrote, of explicit control.
        reason: why z or shift is missing.
    """

    axis: str
    depth: str
    layer: int
    shots: int
    most: bool
    order: int
    variance: Probability
    largest_dimension: Probability
    label: bool | None = None
    agrees_with_gold: bool | None = None
    p: Probability | None = None
    correct: bool | None = None
    mass: Probability | None = None
    shown_ones: Probability | None = None
    target: bool = False
    measured: str = "none"
    on_target: bool = False
    z: float | None = None
    shift: float | None = None
    written: str = ""
    reason: str = ""


def about(target: Target, *, shots: int, most: bool, order: int) -> dict[str, Any]:
    """The columns that say which axis a row is about, and behind how many examples."""
    return {
        "axis": target.name,
        "depth": target.depth,
        "layer": target.layer,
        "shots": shots,
        "most": most,
        "order": order,
        "variance": Probability(min(1.0, target.axis.variance)),
        "largest_dimension": Probability(min(1.0, target.largest)),
    }


@metrics.measure(low=0, high=None, better="higher", min_groups=10, undefined="no axis moved at all")
def precision(shift: Numbers, measured: Units, on_target: Labels, *, w: Weights) -> Floats:
    """|mean shift along the target axis| over the mean of |mean shift| along all measured axes (Ji-An et al. 2025).

    1 where the target moves no more than the other axes, k where it alone of k axes moves. Noise moves every mean away
    from 0, so that without any effect it is near 1, too.
    """
    codes = range(int(measured.values.max()) + 1) if len(measured.values) else range(0)
    moved = [_size(shift.values, w * (measured.values == code)) for code in codes]
    on = _size(shift.values, w * on_target.values)
    if not moved:
        return np.full(len(w), np.nan)
    whole = np.nanmean(np.stack(moved), axis=0)
    return np.asarray(np.divide(on, whole, out=np.full(len(w), np.nan), where=whole > 0))


def _size(values: Floats, w: Weights) -> Floats:
    total = w.sum(axis=1)
    mean = np.divide(w @ values, total, out=np.full(len(w), np.nan), where=total > 0)
    return np.asarray(np.abs(mean))


AXIS, DEPTH, SHOTS = ("arm", "axis"), ("arm", "axis", "depth"), ("arm", "axis", "shots")
REPORTS: metrics.Where = {"task": "report", "most": True}
OWN: metrics.Where = {**REPORTS, "by": "self", "labels": "own"}
SCORES: metrics.Where = {"on_target": True, "most": True}
SHIFTS: metrics.Where = {**SCORES, "target": True}

METRICS = (
    Metric("accuracy", metrics.accuracy, ("correct",), AXIS, REPORTS),
    Metric("accuracy_by_shots", metrics.accuracy, ("correct",), SHOTS, {"task": "report"}),
    Metric("accuracy_along", metrics.accuracy, ("correct",), ("axis", "shots"), {"task": "conversation"}),
    Metric("accuracy_by_depth", metrics.accuracy, ("correct",), DEPTH, REPORTS),
    *metrics.each(("p", "label"), metrics.auroc, metrics.nll, by=AXIS, where=REPORTS),
    Metric("auroc_by_shots", metrics.auroc, ("p", "label"), SHOTS, {"task": "report"}),
    *metrics.rates(base_rate="label", by=AXIS, where=REPORTS),
    *metrics.mean_probabilities("shown_ones", by=AXIS, where=REPORTS),
    *metrics.mean_probabilities(option_mass="mass", where={"asked": True}),
    *metrics.rates("agrees_with_gold", by=("axis", "depth"), where=OWN),
    *metrics.mean_probabilities("variance", "largest_dimension", by=("axis", "depth"), where=OWN),
    *metrics.means("shift", by=AXIS, where=SHIFTS),
    Metric("effect", metrics.cohens_d, ("z", "target"), AXIS, SCORES),
    *metrics.means(shift_by_shots="shift", by=SHOTS, where={"on_target": True, "target": True}),
    *metrics.means(shift_by_depth="shift", by=DEPTH, where=SHIFTS),
    Metric("precision", precision, ("shift", "measured", "on_target"), AXIS, {"most": True, "target": True}),
)
GATES = (option_mass("p", "correct"),)
FIGURES = (
    Grid("accuracy", "axis", "arm"),
    Curve("accuracy_by_shots", "shots"),
    Curve("accuracy_along", "shots"),
    Grid("effect", "axis", "arm"),
    Curve("shift_by_shots", "shots"),
)
