"""Published numbers with the conditions of their measurement, and the verdicts of a run on them."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import HarnessError, nearest
from harness.metrics.columns import Labels, Units
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric
from harness.statistics.claims import (
    Verdict,
    VerdictKind,
    absent,
    check_level,
    check_range,
    find,
    known_name,
    numbers_of,
    shown_level,
)
from harness.statistics.conditions import Wanted, condition_texts, unmet
from harness.statistics.equivalence import Difference, Ends, share_ends, share_tolerance
from harness.statistics.estimates import Estimate

Certainty = Literal["seen", "second-hand", "memory"]

_BY_KIND = ("task", "engine", "tracker", "roles")
"""Parts of a run whose settings depend on which one was chosen: one that lacks a setting is another, and no mistake."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A published number.

    Attributes:
        metric, level: which estimate it is comparable with; values may be native (1, true) or text, and become text.
        value: the number, in the metric's own unit (a share of 0.753, never 75.3).
        model, task: the published model and task, by the names of model and task configs.
        source: paper and table.
        certainty: whether the number was seen in the paper, in another text about it, or is from memory; one from
            memory is shown but never judged.
        n: items behind it, where the paper tells; its own sampling error follows from them.
        tolerance: the largest difference that still counts as the same number, fixed before the run and above 0. None
            is for a share the least that a second sample of n items could show, see `equivalence.share_tolerance`;
            other numbers need one.
        requires: what the settings of a run must be, by dotted key: {"experiment.temperature": 0,
            "experiment.max_tokens": ">=1024", "wording": "math"}. `wording` names a file of conf/wording/EXPERIMENT.

    Raises:
        HarnessError: an unknown certainty, a tolerance or an n that is not above 0, or a bound that is no number.
    """

    metric: str
    level: Mapping[str, LevelValue]
    value: float
    model: str
    task: str
    source: str
    certainty: Certainty
    n: int | None = None
    tolerance: float | None = None
    requires: Mapping[str, Wanted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        what = f"reference of {self.metric!r}"
        object.__setattr__(self, "level", level_texts(self.level))
        object.__setattr__(self, "requires", condition_texts(what, self.requires))
        known_name(f"{what}: certainty", self.certainty, typing.get_args(Certainty))
        for name, number in (("tolerance", self.tolerance), ("n", self.n)):
            if number is not None and not (0 < number < math.inf):
                raise HarnessError(f"{what}: {name} {number} is no number above 0")

    @property
    def text(self) -> str:
        """The published number in words."""
        items = f", {self.n} items" if self.n else ""
        return f"{self.metric}{shown_level(self.level)} = {self.value:g} for {self.model} on {self.task}{items}"


def check_references(references: Iterable[Reference], metrics: Sequence[Metric], settings: Mapping[str, str]) -> None:
    """Checks, before a run, everything about published numbers that does not need one.

    Args:
        settings: all of the run's by dotted key.

    Raises:
        HarnessError: one whose metric, level column or required setting does not exist (the nearest is named), or whose
            value the metric cannot reach.
    """
    by_name = {metric.name: metric for metric in metrics}
    for reference in references:
        what = f"reference {reference.text!r}"
        metric = by_name[known_name(f"{what}: metric", reference.metric, by_name)]
        check_level(what, reference.level, metric)
        check_range(what, reference.value, metric)
        for key in reference.requires:
            if key not in settings and key.partition(".")[0] not in _BY_KIND:
                raise HarnessError(f"{what}: requires {key!r}, but there is no such setting{nearest(key, settings)}")


def judge_reference(
    reference: Reference, estimates: Sequence[Estimate], metrics: Sequence[Metric], settings: Mapping[str, str]
) -> Verdict:
    """Compares a published number with the estimate of the same metric and level.

    Both are samples, and the verdict rests on the 95 % interval of their difference, see `equivalence`. Compatible:
    it lies within the tolerance, so that the data exclude a larger difference. Incompatible: else, if it excludes 0.
    Too few items to tell: else; the reason says how many would be enough, or that no number is, as the published number
    errs too much itself. Undefined: the run's number is. Not comparable: model, task or a required setting is another,
    the number is from memory, the run lacks it or has no interval of it, or there is no tolerance.

    The error of a share of n independent items is Wilson's, of the published one and of the run's. Other published
    numbers have the run's own error, as it would be with n rows in place of its own. Where n is not known only the
    run's error counts, and the reason says so.

    Args:
        settings: all of the run's by dotted key, `model.name` and `task.name` among them.
    """
    measured = find(estimates, reference.metric, reference.level)
    metric = next((metric for metric in metrics if metric.name == reference.metric), None)
    if metric is None or measured is None:
        others = [*_others(reference, settings), absent(estimates, reference.metric, reference.level)]
        kind, reason = _not_comparable(others)
    else:
        kind, reason = _judged(reference, measured, metric, _others(reference, settings))
    return Verdict(kind, reference.text, measured, reference.value, reason, reference.source)


def _not_comparable(reasons: Sequence[str]) -> tuple[VerdictKind, str]:
    return "not comparable", "; ".join(reasons)


def _others(reference: Reference, settings: Mapping[str, str]) -> list[str]:
    """The settings in which a run differs from the published measurement."""
    found = [
        f"the published {what} is {theirs!r}, this run's is {settings[f'{what}.name']!r}"
        for what, theirs in (("model", reference.model), ("task", reference.task))
        if theirs != settings[f"{what}.name"]
    ]
    found += unmet(reference.requires, settings)
    if reference.certainty == "memory":
        found.append("the published number is from memory, not seen in a source")
    return found


def _judged(reference: Reference, measured: Estimate, metric: Metric, others: Sequence[str]) -> tuple[VerdictKind, str]:
    """The verdict, and why."""
    tolerance = reference.tolerance
    if tolerance is None and reference.n is not None and _is_share(metric):
        tolerance = share_tolerance(reference.value, reference.n)
    if others:
        return _not_comparable(others)
    if measured.value is None:
        return "undefined", f"the number is undefined: {measured.note}"
    if not metric.measure.interval:
        return _not_comparable([f"{metric.name} has no interval: {measured.note or 'it is a p-value'}"])
    if tolerance is None:
        needs = "its n" if _is_share(metric) else "a tolerance, as only a share has one by default"
        return _not_comparable([f"nothing says how large a difference counts as none: the number needs {needs}"])
    if measured.low is None or measured.high is None:
        return "too few items to tell", f"{numbers_of(measured)}: {measured.note or 'it has no interval'}"
    own = (measured.low, measured.high)
    if _is_share(metric) and measured.n == measured.n_groups and not measured.crossed:
        own = share_ends(measured.value, measured.n)  # the bootstrap's is short where few rows count
    theirs = _ends(reference, measured.value, own, measured.n, metric)
    difference = Difference(measured.value, own, measured.n, reference.value, theirs)
    kind, reason = _verdict(difference, tolerance, reference)
    unknown = "" if reference.n else "; n of the published number is not known, and only this run's error counts"
    return kind, f"{numbers_of(measured)}: {reason}{unknown}"


def _verdict(difference: Difference, tolerance: float, reference: Reference) -> tuple[VerdictKind, str]:
    low, high = difference.ends
    apart = f"the difference {difference.value:.3g} [{low:.3g}, {high:.3g}]"
    within = f"± {tolerance:.2g}"
    if -tolerance <= low and high <= tolerance:
        return "compatible", f"{apart} lies within {within}"
    if low > 0 or high < 0:
        return "incompatible", f"{apart} excludes 0 and reaches beyond {within}"
    needed = difference.needed(tolerance)
    if needed is None:
        least = math.ceil(difference.least_tolerance * 1000) / 1000
        enough = f"the published number's own n = {reference.n} is too small for it (it needs a tolerance of {least:g})"
    else:
        enough = f"to show that there is none takes about n = {needed:,}"
    return "too few items to tell", f"{apart} holds 0 but reaches beyond {within}; {enough}"


def _ends(reference: Reference, measured: float, own: Ends, n: int, metric: Metric) -> Ends:
    """The 95 % interval of the published number, from its own n items."""
    if reference.n is None:
        return reference.value, reference.value
    if _is_share(metric):
        return share_ends(reference.value, reference.n)
    scale = math.sqrt(n / reference.n)
    return reference.value - scale * (measured - own[0]), reference.value + scale * (own[1] - measured)


def _is_share(metric: Metric) -> bool:
    """Whether a metric is a share of rows or units, each of which counts or does not."""
    measure = metric.measure
    return measure.average and (measure.low, measure.high) == (0, 1) and {*measure.parameters} <= {Labels, Units}
