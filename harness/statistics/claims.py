"""Claims as data, and the verdict of a run's estimates on them."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics import left_out
from harness.statistics.estimates import Estimate, p_against
from harness.statistics.gates import Gate, held_back
from harness.statistics.intervals import IntervalKind
from harness.statistics.left_out import Side
from harness.statistics.pairs import difference

Relation = Literal["above", "below"]
VerdictKind = Literal[
    "supported",
    "contradicted",
    "undecided",
    "compatible",
    "incompatible",
    "too few items to tell",
    "undefined",
    "not comparable",
]
"""The first three are of claims, the next three of published numbers. The last two are of either. undefined: the run
has no value of the number. not comparable: it lacks the number, or measured it in another way."""

LEVEL = 0.05
"""Chance of a false verdict on one claim."""

SHOWS_NOTHING = "held back, it shows nothing"
"""The beginning of the reason of a claim that another one holds back, see `Claim.provided`."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement that a run can support or contradict: a number lies above (below) a constant or other numbers.

    Attributes:
        text: the claim in words.
        metric, level: the number it is about; values may be native (1, true) or text, and become text.
        relation: "above" or "below".
        value: the constant, in the metric's own unit; or
        than: the level of the number to compare with. Of several levels, the claim must hold against each: best of
            several baselines; and/or
        than_metric: the metric to compare with, on the same rows: brier below brier_uncertainty is below the base rate.
        source: paper and section.
        provided: another claim without which this one shows nothing. That confidence is well calibrated says little of
            a constant; that it ranks answers says little where their lengths rank them as well. This claim is supported
            only where that one is.

    Raises:
        HarnessError: neither or both of value and than (or than_metric), or an unknown relation.
    """

    text: str
    metric: str
    level: Mapping[str, LevelValue]
    relation: Relation
    value: float | None = None
    than: Mapping[str, LevelValue] | tuple[Mapping[str, LevelValue], ...] | None = None
    than_metric: str | None = None
    source: str = ""
    provided: Claim | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", level_texts(self.level))
        if isinstance(self.than, Mapping):
            object.__setattr__(self, "than", level_texts(self.than))
        elif self.than is not None:
            object.__setattr__(self, "than", tuple(level_texts(level) for level in self.than))
        known_name(f"claim {self.text!r}: relation", self.relation, typing.get_args(Relation))
        compares = self.than is not None or self.than_metric is not None
        if (self.value is None) != compares or self.than == ():
            raise HarnessError(
                f"claim {self.text!r}: give exactly one of 'value' (a constant) and 'than' (a level, or a list of "
                "levels); 'than_metric' (another metric) may stand beside 'than', or in its place"
            )

    @property
    def rivals(self) -> tuple[tuple[str, Mapping[str, LevelValue]], ...]:
        """Metric and level of each number that the claim compares with; none where that is a constant."""
        if self.value is not None:
            return ()
        levels = self.than if isinstance(self.than, tuple) else (self.level if self.than is None else self.than,)
        return tuple((self.than_metric or self.metric, level) for level in levels)

    @property
    def sides(self) -> tuple[tuple[str, Mapping[str, LevelValue]], ...]:
        """Metric and level of every number that the claim is about."""
        return ((self.metric, self.level), *self.rivals)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim or on a published number.

    Attributes:
        text: the claim.
        measured: the estimate that decided; of a claim that compares numbers, their paired difference.
        published: the published number; None for a claim.
        reason: why this verdict, with the numbers.
        source: source of the claim or number.
        p: two-sided, against the claimed border; None for a published number, and where no test was made.
        p_holm, kind_holm: p and kind of a claim as one of its family, see `family`; None for a published number.
    """

    kind: VerdictKind
    text: str
    measured: Estimate | None
    published: float | None
    reason: str
    source: str
    p: float | None = None
    p_holm: float | None = None
    kind_holm: VerdictKind | None = None

    @property
    def kinds(self) -> str:
        """The verdict, and its family's where that is another."""
        other = self.kind_holm is not None and self.kind_holm != self.kind
        return f"{self.kind} ({self.kind_holm} in the family)" if other else self.kind


def of_dry_run(verdict: Verdict) -> Verdict:
    """The verdict of a dry run in place of one that its numbers would have: they are drawn, and no model's.

    One that says why there is no number stays.
    """
    if verdict.kind in ("not comparable", "undefined"):
        return verdict
    reason = "dry run: no model was asked"
    in_family: VerdictKind | None = None if verdict.kind_holm is None else "undecided"
    return replace(verdict, kind="undecided", kind_holm=in_family, reason=reason, p=None, p_holm=None)


def judge_claim(
    claim: Claim,
    estimates: Sequence[Estimate],
    metrics: Sequence[Metric],
    table: Table,
    *,
    gates: Sequence[Gate] = (),
    replicates: int = 1000,
    seed: int = 0,
    interval: IntervalKind = "percentile",
) -> Verdict:
    """Judges a claim by the 95 % interval.

    Supported when the whole interval lies on the claimed side, contradicted when it lies wholly on the other, else
    undecided. A comparison of numbers goes by their paired difference, one with several levels by each of them, see
    `_of_all`. A p-value has no interval: below the claimed value it supports the claim, otherwise it decides nothing.
    Undefined when a number of it is, not comparable when a level does not occur in the run.

    A verdict that is held back is undecided, too: by a gate, by `Estimate.doubt`, because rows without a value could
    turn it round (see `left_out`), or because the claim that it is provided with is not supported.

    Raises:
        HarnessError: the metric does not exist.
    """

    def judge(one: Claim) -> Verdict:
        verdict = _judged(
            one, estimates, metrics, table, gates=gates, replicates=replicates, seed=seed, interval=interval
        )
        if one.provided is None or verdict.kind != "supported":
            return verdict
        return _provided(verdict, judge(one.provided))

    return judge(claim)


def _provided(verdict: Verdict, condition: Verdict) -> Verdict:
    """A supported claim after the verdict on the one without which it shows nothing.

    Both together are one claim, which is false where either is: an intersection-union test again, see `_of_all`. It
    stays a test of its family where the condition is not supported, or the family would shrink by chance.
    """
    p = None if verdict.p is None or condition.p is None else max(verdict.p, condition.p)
    if condition.kind == "supported":
        return replace(verdict, p=p)
    reason = (
        f"{SHOWS_NOTHING} while this is {condition.kind}: {condition.text} ({condition.reason}); "
        f"by itself: {verdict.reason}"
    )
    # The p of a contradicted condition is small for the other side.
    return replace(
        verdict, kind="undecided", reason=reason, p=p if p is None or condition.kind != "contradicted" else 1.0
    )


def _judged(
    claim: Claim,
    estimates: Sequence[Estimate],
    metrics: Sequence[Metric],
    table: Table,
    *,
    gates: Sequence[Gate],
    replicates: int,
    seed: int,
    interval: IntervalKind,
) -> Verdict:
    """The verdict on a claim by itself."""
    by_name = {metric.name: metric for metric in metrics}
    for name, level in claim.sides:
        known_name(f"claim {claim.text!r}: metric", name, by_name)
        if find(estimates, name, level) is None:
            reason = absent(estimates, name, level)
            return Verdict("not comparable", claim.text, None, None, reason, claim.source)
    sides = [(by_name[name], one) for name, level in claim.sides if (one := find(estimates, name, level)) is not None]
    told = (held_back(gates, metric, one.level, estimates) for metric, one in sides)
    if held := "; ".join(dict.fromkeys(filter(None, told))):
        measured = None if claim.rivals else sides[0][1]
        return Verdict("undecided", claim.text, measured, None, f"held back, {held}", claim.source)
    own, bootstrap = sides[0], {"replicates": replicates, "seed": seed}
    if claim.value is not None:
        p = p_against(own[0], table, claim.level, claim.value, interval=interval, **bootstrap)
        found = _against_value(claim, own, p)
    else:
        found = _of_all(claim, [_against(claim, own, rival, table, **bootstrap) for rival in sides[1:]])
    return Verdict(found.kind, claim.text, found.measured, None, found.reason, claim.source, found.p)


@dataclass(frozen=True)
class Ruling:
    """The ruling of one number on a claim: verdict, reason, number, and p; None where no test was made."""

    kind: VerdictKind
    reason: str
    measured: Estimate
    p: float | None


def rule(
    relation: Relation, measured: Estimate, first: Sequence[Side], second: Sequence[Side] = (), *, p: float | None
) -> Ruling:
    """The verdict of the interval of a paired difference, held back where rows without a value could turn it round.

    Args:
        measured: the difference; p: against 0.
        first, second: the numbers on either side of it, of several seeds one each.
    """
    return _after_missing(relation, None, Ruling(*against_bound(measured, relation), measured, p), first, second)


def _against_value(claim: Claim, own: Side, p: float | None) -> Ruling:
    (metric, measured), value = own, claim.value
    assert value is not None
    if not metric.measure.interval:
        return Ruling(*_p_value(claim, measured), measured, None if measured.doubt else measured.value)
    ruling = Ruling(*against_bound(measured, claim.relation, value), measured, p)
    return _after_missing(claim.relation, value, ruling, [own], [])


def _after_missing(
    relation: Relation, value: float | None, ruling: Ruling, first: Sequence[Side], second: Sequence[Side]
) -> Ruling:
    if ruling.measured.doubt:
        ruling = replace(ruling, p=None)
    missing = left_out.told([*first, *second])
    if not missing:
        return ruling
    above = (ruling.kind == "supported") == (relation == "above")
    if ruling.kind in ("supported", "contradicted") and left_out.turns(first, second, above, value):
        reason = f"held back, {missing}, and at their worst would turn the verdict round: {ruling.reason}"
        return replace(ruling, kind="undecided", reason=reason, p=None)
    return replace(ruling, reason=f"{ruling.reason}; {missing}")


def _against(claim: Claim, own: Side, rival: Side, table: Table, *, replicates: int, seed: int) -> Ruling:
    """The verdict of the paired difference of two numbers of a run."""
    (metric, one), (other, two) = own, rival
    found = difference(metric, table, one.level, two.level, other_metric=other, replicates=replicates, seed=seed)
    if metric.name != other.name:
        found = replace(found, metric=f"{metric.name} - {other.name}")
    return rule(claim.relation, found, [own], [rival], p=found.p)


def _of_all(claim: Claim, found: Sequence[Ruling]) -> Ruling:
    """The verdict on a claim that must hold against each of k numbers, from the verdict against each.

    Supported when it holds against each by its own interval. That needs no correction for their number: to support a
    claim that is false, the one number that it fails against has to fall (an intersection-union test, Berger 1982).
    Contradicted when it fails against any, which has k chances to happen by luck, so that the p of that one is
    multiplied by k (Bonferroni). The p of the claim is the smaller of two numbers: the largest p in its favour, and k
    times the least p against it.
    """
    lost = next((one for one in found if one.kind == "undefined"), None)
    if lost is not None or len(found) == 1:
        return lost or found[0]
    k, sign = len(found), 1 if claim.relation == "above" else -1
    found = sorted(found, key=lambda one: sign * (one.measured.value or 0.0))  # the strongest rival first
    known = [(one.p, sign * (one.measured.value or 0.0) > 0) for one in found if one.p is not None]
    fails = min(1.0, k * min((1.0 if favours else p for p, favours in known), default=1.0))
    holds = max((p if favours else 1.0 for p, favours in known), default=1.0)
    against = [one for one in found if one.kind == "contradicted"]
    kind: VerdictKind
    if all(one.kind == "supported" for one in found):
        kind, told = "supported", found[0]
    elif against and fails <= LEVEL:
        kind, told = "contradicted", against[0]
    else:
        kind, told = "undecided", next(one for one in found if one.kind != "supported")
    reason = f"{told.reason} ({', '.join(told.measured.level.values())}: one of {k} to be compared with)"
    if told.kind != kind:
        reason += f", which one of {k} may do by luck: {k} times its p is {fails:.2g}"
    return Ruling(kind, reason, told.measured, None if len(known) < k else min(holds, fails))


def against_bound(measured: Estimate, relation: Relation, value: float | None = None) -> tuple[VerdictKind, str]:
    """The verdict of an interval on the claim that the number lies above (below) a value, and why.

    Args:
        value: None where the number is a difference, which is to lie above (below) 0.
    """
    bound = 0.0 if value is None else value
    name = "a difference of 0" if value is None else f"{bound:g}"
    if measured.value is None:
        return "undefined", f"the number is undefined: {measured.note}"
    numbers = numbers_of(measured, " pairs" if value is None else "")
    if measured.doubt:
        return "undecided", f"held back, {measured.doubt}: {numbers}"
    if measured.low is None or measured.high is None:
        return "undecided", f"{numbers}: {measured.note}"
    if measured.low <= bound <= measured.high:
        return "undecided", f"the interval of {numbers} contains {name}"
    side: Relation = "above" if measured.low > bound else "below"
    return "supported" if side == relation else "contradicted", f"{numbers} lies wholly {side} {name}"


def _p_value(claim: Claim, measured: Estimate) -> tuple[VerdictKind, str]:
    if measured.value is None or claim.value is None:
        return "undefined", f"the number is undefined: {measured.note}"
    if measured.doubt:
        return "undecided", f"held back, {measured.doubt}: {numbers_of(measured)}"
    if measured.value < claim.value:
        return "supported", f"{numbers_of(measured)} is below {claim.value:g}"
    return "undecided", f"{numbers_of(measured)} is not below {claim.value:g}, which shows nothing"


def find(estimates: Sequence[Estimate], metric: str, level: Mapping[str, LevelValue]) -> Estimate | None:
    """The estimate of a metric at a level, if there is one."""
    return next((e for e in estimates if e.metric == metric and dict(e.level) == dict(level)), None)


def absent(estimates: Sequence[Estimate], metric: str, level: Mapping[str, LevelValue]) -> str:
    """The message that a run has no estimate of a metric at a level, with the levels that it has."""
    levels = [shown_level(e.level) for e in estimates if e.metric == metric]
    more = f" and {len(levels) - 5} more" if len(levels) > 5 else ""
    return f"the run has no {metric}{shown_level(level)} (it has: {', '.join(levels[:5]) or 'none'}{more})"


def numbers_of(measured: Estimate, of: str = "") -> str:
    """An estimate in words: value, interval, n, and the rows without a value."""
    interval = "" if measured.low is None else f" [{measured.low:.4g}, {measured.high:.4g}]"
    missing = f", {measured.n_failed} without a value" if measured.n_failed else ""
    unmatched = f", {measured.n_unmatched} unmatched" if measured.n_unmatched else ""
    return f"{measured.value:.4g}{interval} (n = {measured.n}{of}, {measured.n_groups} groups{missing}{unmatched})"


def shown_level(level: Mapping[str, LevelValue]) -> str:
    """A level in words, "[arm=few-shot]"; "" of an empty one."""
    return f"[{', '.join(f'{column}={value}' for column, value in level.items())}]" if level else ""


def known_name(what: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is known. Raises HarnessError, beginning with `what`, if it is not."""
    names = list(known)
    if name in names:
        return name
    raise HarnessError(f"{what} {name!r} does not exist{nearest(name, names)}")


def check_level(what: str, level: Mapping[str, LevelValue], metric: Metric) -> None:
    """Raises HarnessError: the level does not name exactly the columns by which the metric is estimated."""
    for column in level:
        known_name(f"{what}: level column", column, metric.keys)
    for column in metric.keys:
        if column not in level:
            raise HarnessError(f"{what}: level {dict(level)} lacks {column!r}, by which {metric.name!r} is estimated")


def check_range(what: str, value: float, metric: Metric) -> None:
    """Raises HarnessError: a value that the metric cannot have."""
    low, high = metric.measure.low, metric.measure.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise HarnessError(f"{what}: {value:g} lies outside the range [{low}, {high}] of {metric.name!r}")
