"""States claims between the runs of a study, and judges them by paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.config import Job
from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_texts
from harness.metrics.metric import Metric
from harness.runs.loaded import Loaded
from harness.statistics.claims import Relation, Verdict, absent, check_level, find, rule
from harness.statistics.estimates import Estimate
from harness.statistics.gates import held_back
from harness.statistics.pairs import check_comparable, contrast


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a claim: a metric of a run, or its mean over several.

    Attributes:
        run: the name of the run in the study; or
        runs: their names; several are compared as one, like seeds.
        level: the values of the metric's `by` columns, native (1, true) or as text; they become text.
        metric: where it has another name than on the other side.

    Raises:
        HarnessError: not exactly one of run and runs.
    """

    run: str | None = None
    runs: tuple[str, ...] = ()
    level: Mapping[str, LevelValue] = field(default_factory=dict)
    metric: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", level_texts(self.level))
        if (self.run is None) == (not self.runs):
            raise HarnessError("give exactly one of 'run' (a name) and 'runs' (a list of names)")

    @property
    def names(self) -> tuple[str, ...]:
        """The runs."""
        return self.runs if self.run is None else (self.run,)

    @property
    def text(self) -> str:
        """Runs and level in words."""
        level = ", ".join(f"{column}={value}" for column, value in self.level.items())
        return f"{' + '.join(self.names)}{f' [{level}]' if level else ''}"


@dataclass(frozen=True, kw_only=True)
class RunClaim:
    """A statement about two runs: a number of the first lies above (below) the same number of the second.

    Attributes:
        text: the claim in words.
        metric: its name in both runs, unless a side says otherwise.
        source: paper and section.
    """

    text: str
    metric: str
    first: Side
    second: Side
    relation: Relation
    source: str = ""

    @property
    def sides(self) -> tuple[Side, Side]:
        """First and second."""
        return self.first, self.second

    def metrics(self, jobs: Mapping[str, Job]) -> tuple[Metric, Metric]:
        """The metric of either side.

        Raises:
            HarnessError: an unknown run or metric, or runs of one side that define it in different ways.
        """
        one, two = (self._metric(side, jobs) for side in self.sides)
        return one, two

    def _metric(self, side: Side, jobs: Mapping[str, Job]) -> Metric:
        found: list[Metric] = []
        name = side.metric or self.metric
        for run in side.names:
            if run not in jobs:
                raise HarnessError(f"there is no run {run!r}{nearest(run, jobs)}")
            metrics = {metric.name: metric for metric in jobs[run].all_metrics}
            if name not in metrics:
                raise HarnessError(f"run {run!r} has no metric {name!r}{nearest(name, metrics)}")
            found.append(metrics[name])
        for run, metric in zip(side.names, found, strict=True):
            if metric != found[0]:
                raise HarnessError(f"metric {name!r} of run {run!r} is another than that of {side.names[0]!r}")
        return found[0]


def check(claim: RunClaim, jobs: Mapping[str, Job]) -> None:
    """Checks, before anything runs, what does not need the results. Which levels occur only they tell.

    Raises:
        HarnessError: an unknown run, metric or level column, metrics that are not the same measure, or a side compared
            with itself.
    """
    try:
        metrics = claim.metrics(jobs)
        check_comparable(*metrics)
        for side, metric in zip(claim.sides, metrics, strict=True):
            check_level(side.text, side.level, metric)
        if claim.first == claim.second:
            raise HarnessError(f"compares {claim.first.text} with itself")
    except HarnessError as error:
        raise HarnessError(f"claim {claim.text!r}: {error}") from error


def judge(
    claim: RunClaim, jobs: Mapping[str, Job], runs: Mapping[str, Loaded], missing: Mapping[str, str], replicates: int
) -> Verdict:
    """Judges a claim by the 95 % interval of the paired difference, first less second, on items that all runs have.

    Args:
        runs: the finished runs by name.
        missing: why there is no result, by name.
    """
    metrics = claim.metrics(jobs)
    reasons = [f"run {name!r} {missing[name]}" for side in claim.sides for name in side.names if name in missing]
    numbers: list[list[tuple[Metric, Estimate]]] = [[], []]
    held: list[str] = []
    for side, metric, found in zip(claim.sides, metrics, numbers, strict=True):
        for name in [name for name in side.names if name in runs]:
            estimates = runs[name].record.estimates
            one = find(estimates, metric.name, side.level)
            if one is None:
                reasons.append(f"{name}: {absent(estimates, metric.name, side.level)}")
            else:
                found.append((metric, one))
                low = held_back(jobs[name].experiment.gates, metric, one.level, estimates)
                held += [f"{name}: {low}"] if low else []
    if reasons:
        return Verdict("not comparable", claim.text, None, None, "; ".join(dict.fromkeys(reasons)), claim.source)
    if held:
        return Verdict("undecided", claim.text, None, None, f"held back, {'; '.join(held)}", claim.source)
    ours, theirs = ([runs[name].table for name in side.names] for side in claim.sides)
    try:
        apart = contrast(
            metrics[1],
            claim.second.level,
            theirs,
            ours,
            other=claim.first.level,
            other_metric=metrics[0],
            replicates=replicates,
        )
    except HarnessError as error:  # no item that all runs have
        return Verdict("not comparable", claim.text, None, None, str(error), claim.source)
    runs_of = {"run": f"{' + '.join(claim.first.names)} - {' + '.join(claim.second.names)}"}
    level = (runs_of if claim.first.names != claim.second.names else {}) | dict(apart.level)
    measured = replace(apart.estimate, metric=claim.metric, level=level)
    ruling = rule(claim.relation, measured, *numbers, p=measured.p)
    return Verdict(ruling.kind, claim.text, measured, None, ruling.reason, claim.source, ruling.p)
