"""How often the 95 % interval of each calibration metric holds the truth, over many simulated runs.

The subject is known: it says p = sigmoid(x), x normal, and is right with probability sigmoid(a + b x). The truth of a
metric is its value on that distribution itself, a fine grid of x with the right and wrong share of each point as
weights; that of a binned error is with the same bins. Choices between two stimuli are an ideal observer's, whose
meta-d' is its d'; rank correlations are those of a normal pair.

    python scripts/coverage.py [--runs 1000] [--rows 500] [--replicates 500] [--subject overconfident] [--interval bca]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from harness.metrics import (
    calibration,
    correlation,
    likelihood,
    metacognition,
    ranking,
    recalibration,
    selective,
    shares,
    skill,
)
from harness.metrics.columns import FOLDS, Floats, Folds, Labels, Ordered, Probabilities, Scores
from harness.metrics.metric import Measure, Metric
from harness.outcomes import Kind, Table
from harness.statistics.estimates import estimate_all
from harness.statistics.intervals import IntervalKind

CENTRE, SPREAD = 0.7, 1.2
OPTIONS = {"coverage_at_accuracy": {"accuracy": 0.7}}
SENSITIVITY, CRITERION, CORRELATION = 1.5, 0.2, 0.5

SAID: list[Measure] = [
    *(shares.accuracy, shares.selective_accuracy, shares.coverage),
    *(calibration.overconfidence, calibration.ece_equal_width, calibration.ece_equal_count, calibration.ece_adaptive),
    *(calibration.ece_unweighted, calibration.ece_debiased, calibration.rmsce_equal_width),
    *(calibration.rmsce_equal_count, calibration.mce, calibration.brier, calibration.brier_reliability),
    *(calibration.brier_resolution, calibration.brier_uncertainty, likelihood.nll),
    *(ranking.auroc, ranking.auprc, ranking.auprc_wrong, ranking.aurc, ranking.excess_aurc, ranking.prr),
    *(ranking.prr_retained, selective.accuracy_at_coverage, selective.coverage_at_accuracy),
    *(recalibration.calibration_slope, recalibration.calibration_intercept, recalibration.calibration_in_the_large),
    *(recalibration.temperature, recalibration.ece_after_temperature, recalibration.nll_after_temperature),
    *(recalibration.brier_after_temperature, skill.brier_skill, skill.log_skill),
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
}


@dataclass(frozen=True)
class Subject:
    """Log-odds of being right are intercept + slope * x, where those said are x."""

    intercept: float
    slope: float

    def right(self, x: Floats) -> Floats:
        """The probability of being right."""
        return sigmoid(self.intercept + self.slope * x)


SUBJECTS = {"overconfident": Subject(-0.1, 0.6), "calibrated": Subject(0.0, 1.0)}


def sigmoid(x: Floats) -> Floats:
    """1/(1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def simulated(subject: Subject, rows: int, rng: np.random.Generator) -> Table:
    """One run's outcomes, each row a group of its own."""
    x = rng.normal(CENTRE, SPREAD, rows)
    stimulus = rng.integers(0, 2, rows).astype(float)
    evidence = rng.normal(size=rows) + SENSITIVITY * (stimulus - 0.5) - CRITERION
    first = rng.normal(size=rows)
    text = {
        "item": np.array([f"item-{i}" for i in range(rows)], dtype=object),
        "group": np.array([f"group-{i}" for i in range(rows)], dtype=object),
        "error": np.full(rows, None, dtype=object),
        "arm": np.full(rows, "a", dtype=object),
    }
    numbers: dict[str, tuple[Kind, Floats]] = {
        "p": ("probability", sigmoid(x)),
        "correct": ("label", (rng.random(rows) < subject.right(x)).astype(float)),
        "stimulus": ("label", stimulus),
        "response": ("label", (evidence > 0).astype(float)),
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
    for measure in SAID:
        name = measure.function.__name__
        columns = tuple(said[t] for t in measure.parameters)
        metrics.append(Metric(name, measure, columns, options=OPTIONS.get(name, {})))
    for measure in CHOSEN:
        columns = ("stimulus", "response", "confidence")[: len(measure.parameters)]
        metrics.append(Metric(measure.function.__name__, measure, columns))
    return metrics + [Metric(m.function.__name__, m, ("first", "second")) for m in PAIRED]


def truths(subject: Subject) -> dict[str, float]:
    """The value of each metric on the subject itself."""
    from scipy.special import ndtri

    points = 8_000
    x = CENTRE + SPREAD * ndtri((np.arange(points) + 0.5) / points)
    share = subject.right(x)
    # 100 rows a point, so that what depends on the number of rows is at its limit.
    w = 100 * np.concatenate([share, 1 - share])[None, :]
    said, labels = np.tile(sigmoid(x), 2), np.repeat([1.0, 0.0], points)
    folds: NDArray[np.int64] = np.tile(np.arange(points) % FOLDS, 2)
    columns = {Probabilities: said, Scores: said, Labels: labels, Folds: folds, Ordered: said}
    found = {}
    for measure in SAID:
        name = measure.function.__name__
        found[name] = float(measure(*(t(columns[t]) for t in measure.parameters), w=w, **OPTIONS.get(name, {}))[0])
    return found | {m.function.__name__: truth for m, truth in (CHOSEN | PAIRED).items()}


@dataclass
class Tally:
    """What happened to one metric: intervals below, above, and with the truth; and runs without an interval."""

    below: int = 0
    above: int = 0
    held: int = 0
    none: int = 0
    total: float = 0.0
    width: float = 0.0

    @property
    def share(self) -> float:
        """The share of intervals that hold the truth."""
        return self.held / max(1, self.held + self.below + self.above)


def tallied(
    subject: Subject,
    metrics: list[Metric],
    *,
    runs: int,
    rows: int,
    replicates: int,
    interval: IntervalKind = "percentile",
) -> dict[str, Tally]:
    """Estimates metrics of `bound` in each of `runs` simulated runs and compares with the truth."""
    expected = truths(subject)
    tallies = {metric.name: Tally() for metric in metrics}
    for run in range(runs):
        table = simulated(subject, rows, np.random.default_rng(run))
        for e in estimate_all(metrics, table, replicates=replicates, seed=run, interval=interval):
            tally = tallies[e.metric]
            if e.value is None or e.low is None or e.high is None:
                tally.none += 1
                continue
            tally.below += e.high < expected[e.metric] - 1e-12
            tally.above += e.low > expected[e.metric] + 1e-12
            tally.held += e.low - 1e-12 <= expected[e.metric] <= e.high + 1e-12
            tally.total += e.value
            tally.width += e.high - e.low
    return tallies


def printed(expected: Mapping[str, float], tallies: Mapping[str, Tally]) -> None:
    """The table: truth, mean estimate, share held, intervals wholly below and above the truth, mean width."""
    print(f"{'metric':26} {'truth':>9} {'mean':>9} {'held':>7} {'below':>6} {'above':>6} {'none':>5} {'width':>8}")
    for name, t in tallies.items():
        n = max(1, t.held + t.below + t.above)
        mark = "" if 0.93 <= t.share <= 0.97 else "  *"
        print(
            f"{name:26} {expected[name]:9.4f} {t.total / n:9.4f} {t.share:7.1%} {t.below / n:6.1%} {t.above / n:6.1%} "
            f"{t.none:5} {t.width / n:8.4f}{mark}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--subject", choices=SUBJECTS, default="overconfident")
    parser.add_argument("--interval", choices=get_args(IntervalKind), default="percentile")
    options = parser.parse_args()
    subject = SUBJECTS[options.subject]
    tallies = tallied(
        subject, bound(), runs=options.runs, rows=options.rows, replicates=options.replicates, interval=options.interval
    )
    print(f"{options.subject} subject, {options.runs} runs of {options.rows} rows, {options.replicates} replicates")
    printed(truths(subject), tallies)


if __name__ == "__main__":
    main()
