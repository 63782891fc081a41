"""Claims and published numbers as data, and the verdict of a run's estimates on them."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric, refuse_twins
from harness.outcomes import Table
from harness.statistics.estimates import Estimate
from harness.statistics.pairs import difference

Relation = Literal["above", "below"]
Certainty = Literal["seen", "second-hand", "memory"]
VerdictKind = Literal["supported", "contradicted", "undecided", "not comparable"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A published number.

    Attributes:
        metric, level: which estimate it is comparable with; values may be native (1, true) or text, and become text.
        value: the number, in the metric's own unit (a share of 0.753, never 75.3).
        model, task: what it was measured on, by the names that model and task configs have.
        source: paper and table.
        certainty: whether the number was seen in the paper, in another text about it, or is from memory; one from
            memory is shown but never judged.
        n: items behind it, where the paper tells.
        tolerance: the largest difference that still counts as the same number, fixed before the run.

    Raises:
        HarnessError: an unknown certainty, or a negative tolerance.
    """

    metric: str
    level: Mapping[str, LevelValue]
    value: float
    model: str
    task: str
    source: str
    certainty: Certainty
    n: int | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", level_texts(self.level))
        _known(f"reference of {self.metric!r}: certainty", self.certainty, typing.get_args(Certainty))
        if self.tolerance < 0:
            raise HarnessError(f"reference of {self.metric!r}: tolerance {self.tolerance} is negative")

    @property
    def text(self) -> str:
        """The published number in words."""
        items = f", {self.n} items" if self.n else ""
        return f"{self.metric}{_shown(self.level)} = {self.value:g} for {self.model} on {self.task}{items}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement that a run can support or contradict: a number lies above (below) a constant or another level.

    Attributes:
        text: the claim in words.
        metric, level: the number it is about; values may be native (1, true) or text, and become text.
        relation: "above" or "below".
        value: the constant, in the metric's own unit; or
        than: the other level of the same metric.
        source: paper and section.

    Raises:
        HarnessError: not exactly one of value and than, or an unknown relation.
    """

    text: str
    metric: str
    level: Mapping[str, LevelValue]
    relation: Relation
    value: float | None = None
    than: Mapping[str, LevelValue] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", level_texts(self.level))
        object.__setattr__(self, "than", None if self.than is None else level_texts(self.than))
        _known(f"claim {self.text!r}: relation", self.relation, typing.get_args(Relation))
        if (self.value is None) == (self.than is None):
            raise HarnessError(f"claim {self.text!r}: give exactly one of 'value' (a constant) and 'than' (a level)")


@dataclass(frozen=True)
class Verdict:
    """What a run says about a claim or a published number.

    Attributes:
        text: the claim.
        measured: the estimate that decided; of a claim about two levels, their paired difference.
        published: the published number; None for a claim.
        reason: why this verdict, with the numbers.
        source: where the claim or number comes from.
    """

    kind: VerdictKind
    text: str
    measured: Estimate | None
    published: float | None
    reason: str
    source: str


def check_claims(claims: Iterable[Claim], references: Iterable[Reference], metrics: Sequence[Metric]) -> None:
    """Checks, before a run, everything about claims that does not need one.

    Raises:
        HarnessError: two claims of one text; a claim or reference whose metric or level column does not exist (the
            nearest is named), whose constant the metric cannot reach, or that asks too much of a p-value.
    """
    by_name = {metric.name: metric for metric in metrics}
    claims = list(claims)
    refuse_twins("claims", (claim.text for claim in claims), "give one of them another text")
    for claim in claims:
        what = f"claim {claim.text!r}"
        metric = by_name[_known(f"{what}: metric", claim.metric, by_name)]
        for level in (claim.level, claim.than):
            if level is not None:
                check_level(what, level, metric)
        if claim.than is not None and dict(claim.than) == dict(claim.level):
            raise HarnessError(f"{what}: compares level {dict(claim.level)} with itself")
        if claim.value is not None:
            _check_range(what, claim.value, metric)
        if not metric.measure.interval and (claim.than is not None or claim.relation == "above"):
            raise HarnessError(f"{what}: a p-value ({metric.name!r}) can only be claimed to lie below a value")
    for reference in references:
        what = f"reference {reference.text!r}"
        metric = by_name[_known(f"{what}: metric", reference.metric, by_name)]
        check_level(what, reference.level, metric)
        _check_range(what, reference.value, metric)


def judge_claim(
    claim: Claim,
    estimates: Sequence[Estimate],
    metrics: Sequence[Metric],
    table: Table,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> Verdict:
    """Judges a claim by the 95 % interval.

    Supported when the whole interval lies on the claimed side, contradicted when it lies wholly on the other, else
    undecided. A comparison of levels goes by the paired difference of the two. A p-value has no interval: below the
    claimed value it supports the claim, otherwise it decides nothing. Not comparable when a level does not occur
    in the run or the number is undefined.

    Raises:
        HarnessError: the metric does not exist.
    """
    by_name = {metric.name: metric for metric in metrics}
    metric = by_name[_known(f"claim {claim.text!r}: metric", claim.metric, by_name)]
    for level in (claim.level, claim.than):
        if level is not None and find(estimates, claim.metric, level) is None:
            reason = absent(estimates, claim.metric, level)
            return Verdict("not comparable", claim.text, None, None, reason, claim.source)
    if claim.than is None:
        measured = find(estimates, claim.metric, claim.level)
    else:
        measured = difference(metric, table, claim.level, claim.than, replicates=replicates, seed=seed)
    assert measured is not None
    if metric.measure.interval:
        kind, reason = against_bound(measured, claim.relation, claim.value)
    else:
        kind, reason = _p_value(claim, measured)
    return Verdict(kind, claim.text, measured, None, reason, claim.source)


def judge_reference(reference: Reference, estimates: Sequence[Estimate], *, model: str, task: str) -> Verdict:
    """Compares a published number with the estimate of the same metric and level.

    With the band value ± tolerance: supported when the whole 95 % interval lies within the band (the data exclude
    a larger difference), contradicted when interval and band do not meet, else undecided. A tolerance of 0 therefore
    never supports. The published number's own sampling error is not allowed for; the tolerance has to be.
    Not comparable when the model or the task is another, the number is from memory, or the run lacks it.
    """
    measured = find(estimates, reference.metric, reference.level)
    others = [
        f"the published {what} is {theirs!r}, this run's is {ours!r}"
        for what, theirs, ours in (("model", reference.model, model), ("task", reference.task, task))
        if theirs != ours
    ]
    if reference.certainty == "memory":
        others.append("the published number is from memory, not seen in a source")
    if measured is None:
        others.append(absent(estimates, reference.metric, reference.level))
    kind: VerdictKind = "not comparable"
    reason = "; ".join(others)
    if measured is not None and not others:
        kind, reason = _against_band(reference, measured)
    return Verdict(kind, reference.text, measured, reference.value, reason, reference.source)


def against_bound(measured: Estimate, relation: Relation, value: float | None = None) -> tuple[VerdictKind, str]:
    """The verdict of an interval on the claim that the number lies above (below) a value, and why.

    Args:
        value: None where the number is a difference, which is to lie above (below) 0.
    """
    bound = 0.0 if value is None else value
    name = "a difference of 0" if value is None else f"{bound:g}"
    if measured.value is None:
        return "not comparable", f"the number is undefined: {measured.note}"
    numbers = _numbers(measured)
    if measured.doubt:
        return "undecided", f"{measured.doubt}: {numbers}"
    if measured.low is None or measured.high is None:
        return "undecided", f"{numbers}: {measured.note}"
    if measured.low <= bound <= measured.high:
        return "undecided", f"the interval of {numbers} contains {name}"
    side: Relation = "above" if measured.low > bound else "below"
    return "supported" if side == relation else "contradicted", f"{numbers} lies wholly {side} {name}"


def _p_value(claim: Claim, measured: Estimate) -> tuple[VerdictKind, str]:
    if measured.value is None or claim.value is None:
        return "not comparable", f"the number is undefined: {measured.note}"
    if measured.doubt:
        return "undecided", f"{measured.doubt}: {_numbers(measured)}"
    if measured.value < claim.value:
        return "supported", f"{_numbers(measured)} is below {claim.value:g}"
    return "undecided", f"{_numbers(measured)} is not below {claim.value:g}, which shows nothing"


def _against_band(reference: Reference, measured: Estimate) -> tuple[VerdictKind, str]:
    if measured.value is None:
        return "not comparable", f"the number is undefined: {measured.note}"
    numbers = _numbers(measured)
    if measured.low is None or measured.high is None:
        return "undecided", f"{numbers}: {measured.note or 'it has no interval'}"
    low, high = reference.value - reference.tolerance, reference.value + reference.tolerance
    band = f"{reference.value:g} ± {reference.tolerance:g}"
    if measured.low > high or measured.high < low:
        return "contradicted", f"the interval of {numbers} does not meet {band}"
    if low <= measured.low and measured.high <= high:
        return "supported", f"the interval of {numbers} lies within {band}"
    return "undecided", f"the interval of {numbers} meets {band} but reaches beyond it"


def find(estimates: Sequence[Estimate], metric: str, level: Mapping[str, LevelValue]) -> Estimate | None:
    """The estimate of a metric at a level, if there is one."""
    return next((e for e in estimates if e.metric == metric and dict(e.level) == dict(level)), None)


def absent(estimates: Sequence[Estimate], metric: str, level: Mapping[str, LevelValue]) -> str:
    """The message that a run has no estimate of a metric at a level, with those that it has."""
    levels = [_shown(e.level) for e in estimates if e.metric == metric]
    more = f" and {len(levels) - 5} more" if len(levels) > 5 else ""
    return f"the run has no {metric}{_shown(level)} (it has: {', '.join(levels[:5]) or 'none'}{more})"


def _numbers(measured: Estimate) -> str:
    interval = "" if measured.low is None else f" [{measured.low:.4g}, {measured.high:.4g}]"
    failed = f", {measured.n_failed} failed" if measured.n_failed else ""
    return f"{measured.value:.4g}{interval} (n = {measured.n}, {measured.n_groups} groups{failed})"


def _shown(level: Mapping[str, LevelValue]) -> str:
    return f"[{', '.join(f'{column}={value}' for column, value in level.items())}]" if level else ""


def _known(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    raise HarnessError(f"{what} {name!r} does not exist{nearest(name, names)}")


def check_level(what: str, level: Mapping[str, LevelValue], metric: Metric) -> None:
    """Raises HarnessError: the level does not name exactly the columns by which the metric is estimated."""
    for column in level:
        _known(f"{what}: level column", column, metric.keys)
    for column in metric.keys:
        if column not in level:
            raise HarnessError(f"{what}: level {dict(level)} lacks {column!r}, by which {metric.name!r} is estimated")


def _check_range(what: str, value: float, metric: Metric) -> None:
    low, high = metric.measure.low, metric.measure.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise HarnessError(f"{what}: {value:g} lies outside the range [{low}, {high}] of {metric.name!r}")
