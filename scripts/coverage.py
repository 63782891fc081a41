"""How often the 95 % interval of each metric holds the truth, over many simulated runs of several designs.

A design says how probabilities and right answers come about, in groups of rows. The truth of a metric is its value on
the design itself: very many rows, right and wrong with their exact shares as weights. That of a binned error is in bins
of the same kind made of all these rows. Where a run fits temperatures, it is the error of the run's own temperatures.
Choices between two stimuli are an ideal observer's, whose meta-d' is its d'; rank correlations are a normal pair's.

    python scripts/coverage.py [--runs 300] [--replicates 300] [--design WORD ...] [--metric NAME ...] [--all]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import get_args

import numpy as np

from harness.metrics import (
    calibration,
    correlation,
    effects,
    likelihood,
    metacognition,
    ranking,
    recalibration,
    selective,
    shares,
    skill,
)
from harness.metrics.columns import Floats, Folds, Labels, Ordered, Probabilities, Scores
from harness.metrics.metric import Measure, Metric
from harness.outcomes import Kind, Table
from harness.statistics.estimates import Estimate, estimate_all
from harness.statistics.intervals import IntervalKind

OPTIONS = {"coverage_at_accuracy": {"accuracy": 0.7}}
SENSITIVITY, CRITERION, CORRELATION = 1.5, 0.2, 0.5

BINNED: list[Measure] = [
    *(shares.accuracy, calibration.overconfidence, calibration.brier, ranking.auroc),
    *(calibration.ece_equal_width, calibration.ece_equal_count, calibration.ece_adaptive, calibration.ece_unweighted),
    *(calibration.ece_debiased, calibration.rmsce_equal_width, calibration.rmsce_equal_count, calibration.mce),
    *(calibration.brier_reliability, recalibration.ece_after_temperature, recalibration.nll_after_temperature),
    recalibration.brier_after_temperature,
]
OTHERS: list[Measure] = [
    *(shares.selective_accuracy, shares.coverage, calibration.brier_resolution, calibration.brier_uncertainty),
    *(likelihood.nll, ranking.auprc, ranking.auprc_wrong, ranking.aurc, ranking.excess_aurc, ranking.prr),
    *(ranking.prr_retained, selective.accuracy_at_coverage, selective.coverage_at_accuracy),
    *(recalibration.calibration_slope, recalibration.calibration_intercept, recalibration.calibration_in_the_large),
    *(recalibration.temperature, skill.brier_skill, skill.log_skill),
]
CHOSEN: dict[Measure, float] = {
    metacognition.d_prime: SENSITIVITY,
    metacognition.criterion: CRITERION,
    metacognition.meta_d: SENSITIVITY,
    metacognition.m_ratio: 1.0,
}
PAIRED: dict[Measure, float] = {
    correlation.spearman: 6 / np.pi * np.arcsin(CORRELATION / 2),
    correlation.kendall: 2 / np.pi * np.arcsin(CORRELATION),
    correlation.pearson: CORRELATION,
    correlation.r_squared: CORRELATION**2,
    correlation.slope: CORRELATION,
}
APART: dict[Measure, float] = {effects.cohens_d: SENSITIVITY}

Law = Callable[[np.random.Generator, int, int], tuple[Floats, Floats]]
"""Draws so many groups of so many rows: what is said and the probability of being right, each [groups, rows]."""


def sigmoid(x: Floats) -> Floats:
    """1/(1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def normal(intercept: float, slope: float, rng: np.random.Generator, groups: int, each: int) -> tuple[Floats, Floats]:
    """Log-odds said are x, normal; those of being right are intercept + slope x."""
    x = rng.normal(0.7, 1.2, (groups, each))
    return sigmoid(x), sigmoid(intercept + slope * x)


def templates(rng: np.random.Generator, groups: int, each: int) -> tuple[Floats, Floats]:
    """Half of the spread of what is said, and an error of it, are a group's own."""
    own, off = rng.normal(0.7, 0.85, (groups, 1)), rng.normal(-0.5, 0.6, (groups, 1))
    x = own + rng.normal(0, 0.85, (groups, each))
    return sigmoid(x), sigmoid(0.6 * x + off)


def unlucky(rng: np.random.Generator, groups: int, each: int) -> tuple[Floats, Floats]:
    """P between 0.3 and 0.5, right in 13 of 100."""
    p = 0.3 + 0.2 * rng.beta(2, 2, (groups, each))
    return p, 0.13 + 0.3 * (p - 0.4)


def stated(
    levels: dict[float, float], right: Callable[[Floats], Floats], rng: np.random.Generator, groups: int, each: int
) -> tuple[Floats, Floats]:
    """A few levels of confidence, each with its share."""
    p = rng.choice(list(levels), (groups, each), p=list(levels.values()))
    return p, right(p)


HIGH = {0.7: 0.1, 0.8: 0.25, 0.9: 0.3, 0.95: 0.25, 1.0: 0.1}
HALF = {0.5: 0.1, 0.6: 0.15, 0.7: 0.2, 0.8: 0.25, 0.9: 0.2, 1.0: 0.1}
LAWS: dict[str, Law] = {
    "calibrated": partial(normal, 0.0, 1.0),
    "slightly off": partial(normal, 0.0, 0.75),
    "overconfident": partial(normal, -0.35, 0.6),
    "accuracy .13": unlucky,
    "stated .7-1, accuracy .34": partial(stated, HIGH, lambda p: 0.35 + 0.2 * (p - 0.7) - 0.05),
    "stated .5-1, calibrated": partial(stated, HALF, lambda p: p),
    "stated .5-1, too high": partial(stated, HALF, lambda p: 0.1 + 0.7 * p),
    "templates": templates,
}


@dataclass(frozen=True)
class Design:
    """Runs of so many groups of so many rows under a law."""

    law: str
    groups: int
    each: int = 1

    def __str__(self) -> str:
        return f"{self.law}, {self.groups} groups of {self.each}"


DESIGNS = [
    *(Design(law, n) for law in ("calibrated", "slightly off", "overconfident") for n in (50, 200, 2000)),
    *(Design("accuracy .13", n) for n in (72, 200, 400)),
    *(Design("stated .7-1, accuracy .34", n) for n in (50, 200, 2000)),
    *(Design(f"stated .5-1, {how}", n) for how in ("calibrated", "too high") for n in (50, 200, 2000)),
    *(Design("templates", groups, 10) for groups in (12, 40, 200)),
]


def simulated(design: Design, rng: np.random.Generator) -> Table:
    """One run's outcomes."""
    p, right = (values.ravel() for values in LAWS[design.law](rng, design.groups, design.each))
    rows = len(p)
    stimulus = rng.integers(0, 2, rows).astype(float)
    evidence = rng.normal(size=rows) + SENSITIVITY * (stimulus - 0.5) - CRITERION
    first = rng.normal(size=rows)
    text = {
        "item": np.array([f"item-{i}" for i in range(rows)], dtype=object),
        "group": np.array([f"group-{i // design.each}" for i in range(rows)], dtype=object),
        "error": np.full(rows, None, dtype=object),
        "arm": np.full(rows, "a", dtype=object),
    }
    numbers: dict[str, tuple[Kind, Floats]] = {
        "p": ("probability", p),
        "correct": ("label", (rng.random(rows) < right).astype(float)),
        "stimulus": ("label", stimulus),
        "response": ("label", (evidence > 0).astype(float)),
        "evidence": ("number", evidence),
        "confidence": ("number", np.abs(evidence)),
        "first": ("number", first),
        "second": ("number", CORRELATION * first + np.sqrt(1 - CORRELATION**2) * rng.normal(size=rows)),
    }
    return Table(
        {**dict.fromkeys(text, "text"), **{name: kind for name, (kind, _) in numbers.items()}},
        {**text, **{name: values for name, (_, values) in numbers.items()}},
    )


def bound() -> list[Metric]:
    """All metrics, bound to the columns of `simulated`."""
    said = {Probabilities: "p", Scores: "p", Labels: "correct", Folds: "group"}
    metrics = []
    for measure in (*BINNED, *OTHERS):
        name = measure.function.__name__
        metrics.append(Metric(name, measure, tuple(said[t] for t in measure.parameters), options=OPTIONS.get(name, {})))
    for measure in CHOSEN:
        columns = ("stimulus", "response", "confidence")[: len(measure.parameters)]
        metrics.append(Metric(measure.function.__name__, measure, columns))
    metrics += [Metric(m.function.__name__, m, ("evidence", "stimulus")) for m in APART]
    return metrics + [Metric(m.function.__name__, m, ("first", "second")) for m in PAIRED]


@cache
def population(law: str, points: int) -> tuple[Floats, Floats]:
    """What is said, and the probability of being right, in so many groups of one row."""
    p, right = LAWS[law](np.random.default_rng(0), points, 1)
    return p.ravel(), right.ravel()


def exact(measure: Measure, p: Floats, right: Floats, share: Floats, options: Mapping[str, float]) -> float:
    """The value of a measure where rows of p, of these shares, are right with these probabilities."""
    # 100 rows a point, so that what depends on the number of rows is at its limit.
    w = 100 * len(p) * np.concatenate([share * right, share * (1 - right)])[None, :]
    columns: dict[type, Floats] = {Probabilities: np.tile(p, 2), Labels: np.repeat([1.0, 0.0], len(p))}
    columns |= dict.fromkeys((Scores, Ordered), columns[Probabilities])
    return float(measure(*(t(columns[t]) for t in measure.parameters), w=w, **options)[0])


@cache
def truth(law: str, metric: str) -> float:
    """The value of a metric under a law."""
    known = {m.function.__name__: truth for m, truth in (CHOSEN | APART | PAIRED).items()}
    if metric in known:
        return known[metric]
    measure = next(m for m in (*BINNED, *OTHERS) if m.function.__name__ == metric)
    points = 400_000
    return exact(measure, *population(law, points), np.full(points, 1 / points), OPTIONS.get(metric, {}))


AFTER = {
    "ece_after_temperature": calibration.ece_equal_width,
    "nll_after_temperature": likelihood.nll,
    "brier_after_temperature": calibration.brier,
}


def truth_after(law: str, metric: str, table: Table) -> float:
    """The truth of a metric of a run after scaling: of its own temperatures, each on the share of rows in its fold."""
    folds = np.array([Folds.of(group) for group in table.columns["group"]])
    said, correct = table.columns["p"], table.columns["correct"]
    by_fold = recalibration.scales(Probabilities(said), Labels(correct), Folds(folds), np.ones(len(folds)))
    p, right = population(law, 10_000)
    after = np.concatenate([sigmoid(scale * recalibration.logit(p)) for scale in by_fold.values()])
    share = np.repeat([(folds == fold).mean() / len(p) for fold in by_fold], len(p))
    return exact(AFTER[metric], after, np.tile(right, len(by_fold)), share, {})


IN_DATA = ("ece_equal_count", "ece_adaptive", "ece_unweighted", "ece_debiased", "rmsce_equal_count")


def truth_in_bins(law: str, metric: str, table: Table) -> float:
    """The truth of an error in the bins that a run's data make."""
    measure = next(m for m in BINNED if m.function.__name__ == metric)
    assert measure.gaps is not None
    said, correct = Probabilities(table.columns["p"]), Labels(table.columns["correct"])
    bins = measure.gaps.binned(said, correct, w=np.ones(len(table.columns["p"])))
    distinct, first = np.unique(bins.p, return_index=True)
    p, right = population(law, 10_000)
    nearest = np.searchsorted((distinct[1:] + distinct[:-1]) / 2, p)
    members = bins.members[first[nearest]]
    gaps = measure.gaps.scaled(members.sum(axis=0)[None, :], (members * (right - p)[:, None]).sum(axis=0)[None, :])
    return float(measure.gaps.size(gaps)[0])


@dataclass
class Tally:
    """What happened to one metric: intervals below, above, and with the truth; and runs without an interval."""

    below: int = 0
    above: int = 0
    held: int = 0
    none: int = 0
    value: float = 0.0
    truth: float = 0.0
    width: float = 0.0

    def add(self, e: Estimate, truth: float) -> None:
        """Counts one run."""
        if e.value is None or e.low is None or e.high is None:
            self.none += 1
            return
        self.below += e.high < truth - 1e-9
        self.above += e.low > truth + 1e-9
        self.held += e.low - 1e-9 <= truth <= e.high + 1e-9
        self.value += e.value
        self.truth += truth
        self.width += e.high - e.low

    @property
    def printed(self) -> int:
        """Runs with an interval."""
        return self.held + self.below + self.above

    @property
    def share(self) -> float:
        """The share of intervals that hold the truth."""
        return self.held / max(1, self.printed)


def tallied(
    design: Design, metrics: Sequence[Metric], *, runs: int, replicates: int, interval: IntervalKind = "percentile"
) -> dict[str, Tally]:
    """Estimates metrics of `bound` in each of `runs` simulated runs and compares with the truth."""
    tallies = {metric.name: Tally() for metric in metrics}
    for run in range(runs):
        table = simulated(design, np.random.default_rng(run))
        for e in estimate_all(metrics, table, replicates=replicates, seed=run, interval=interval):
            if e.metric in AFTER and e.value is not None:
                expected = truth_after(design.law, e.metric, table)
            elif e.metric in IN_DATA:
                expected = truth_in_bins(design.law, e.metric, table)
            else:
                expected = truth(design.law, e.metric)
            tallies[e.metric].add(e, expected)
    return tallies


HEADER = (
    f"{'metric':24} {'truth':>7} {'value':>7} {'held':>7} {'+-':>4} {'below':>6} {'above':>6} {'with':>5} {'width':>7}"
)


def line(name: str, t: Tally, runs: int) -> str:
    """Truth, mean value, share held with its Monte Carlo error, intervals wholly below and above the truth, share of
    runs with an interval, mean width."""
    n = t.printed
    if not n:
        return f"{name:24} no interval in any run"
    error = 100 * np.sqrt(max(t.share * (1 - t.share), 0.5 / n) / n)
    mark = "" if 0.92 <= t.share <= 0.98 else "  short" if t.share < 0.92 else "  wide"
    return (
        f"{name:24} {t.truth / n:7.4f} {t.value / n:7.4f} {t.share:7.1%} {error:4.1f} {t.below / n:6.1%} "
        f"{t.above / n:6.1%} {t.printed / runs:5.0%} {t.width / n:7.4f}{mark}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--interval", choices=get_args(IntervalKind), default="percentile")
    parser.add_argument("--design", nargs="+", default=[], help="only designs whose name has one of these in it")
    parser.add_argument("--metric", nargs="+", default=[], help="only these metrics")
    parser.add_argument("--all", action="store_true", help="also metrics without bins")
    options = parser.parse_args()
    names = options.metric or [m.function.__name__ for m in BINNED]
    metrics = [m for m in bound() if options.all or m.name in names]
    print(f"{options.runs} runs, {options.replicates} replicates")
    for design in DESIGNS:
        if options.design and not any(word in str(design) for word in options.design):
            continue
        tallies = tallied(design, metrics, runs=options.runs, replicates=options.replicates, interval=options.interval)
        print(f"\n{design}\n{HEADER}")
        for name, tally in tallies.items():
            print(line(name, tally, options.runs), flush=True)


if __name__ == "__main__":
    main()
