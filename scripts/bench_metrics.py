"""What the estimates of all metrics cost: seconds and peak memory for a table of many rows.

Every measure of `harness.metrics` is estimated with its bootstrap interval on one simulated table, first all together,
as a run does, then each alone, so that the rows and replicates that they share count for each.

    python scripts/bench_metrics.py [--rows 100000] [--per-group 1] [--replicates 1000] [--each]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from harness.cli.listing import measures
from harness.metrics.columns import (
    Classes,
    Fates,
    Folds,
    Labels,
    Numbers,
    Ordered,
    Probabilities,
    Quantities,
    Scores,
    Units,
    Wins,
)
from harness.metrics.metric import Measure, Metric
from harness.outcomes import Kind, Table
from harness.statistics.estimates import estimate_all


def simulated(rows: int, per_group: int, seed: int = 0) -> Table:
    """A choice between two stimuli with a continuous probability of being right, and what a revision makes of it."""
    rng = np.random.default_rng(seed)
    stimulus = rng.integers(0, 2, rows).astype(float)
    evidence = rng.normal(size=rows) + 1.5 * (stimulus - 0.5)
    response = (evidence > 0).astype(float)
    said = 1 / (1 + np.exp(-1.5 * 0.7 * np.abs(evidence)))
    correct = (stimulus == response).astype(float)
    text = {
        "item": np.array([f"item-{i:07d}" for i in range(rows)], dtype=object),
        "group": np.array([f"group-{i // per_group:07d}" for i in range(rows)], dtype=object),
        "error": np.full(rows, None, dtype=object),
        "arm": np.full(rows, "a", dtype=object),
        "kind": np.array([f"kind-{i % 5}" for i in range(rows)], dtype=object),
        "fate": np.where(correct + rng.random(rows) < 0.1, "refused", "answered").astype(object),
    }
    numbers: dict[str, tuple[Kind, np.ndarray]] = {
        "p": ("probability", said),
        "length": ("number", np.round(300 * rng.gamma(2, size=rows) * (2 - said))),
        "correct": ("label", correct),
        "after": ("label", np.where(rng.random(rows) < 0.2, 1 - correct, correct)),
        "stimulus": ("label", stimulus),
        "response": ("label", response),
    }
    return Table(
        {**dict.fromkeys(text, "text"), **{name: kind for name, (kind, _) in numbers.items()}},
        {**text, **{name: values for name, (_, values) in numbers.items()}},
    )


def bound(name: str, measure: Measure) -> Metric:
    """A measure applied to the columns of the simulated table."""
    columns: dict[type, str] = dict.fromkeys((Probabilities, Scores, Ordered, Wins), "p")
    columns |= {Numbers: "length", Quantities: "length"}
    columns |= {Units: "group", Folds: "group", Classes: "kind", Fates: "fate"}
    labels = iter(("stimulus", "response") if Ordered in measure.parameters else ("correct", "after"))
    if name in ("d_prime", "criterion"):
        labels = iter(("stimulus", "response"))
    if measure.parameters == (Ordered, Ordered):
        return Metric(name, measure, ("p", "length"))
    taken = tuple(next(labels) if parameter is Labels else columns[parameter] for parameter in measure.parameters)
    return Metric(name, measure, taken, index="" if measure.names is None else "point")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--per-group", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--each", action="store_true", help="also time every metric alone")
    options = parser.parse_args()
    table = simulated(options.rows, options.per_group)
    metrics = [bound(name, measure) for name, measure in sorted(measures().items())]
    # What is imported at the first use, half a second, is no part of it.
    estimate_all(metrics, simulated(500, 1), replicates=10)
    begin = time.perf_counter()
    estimates = estimate_all(metrics, table, replicates=options.replicates)
    together = time.perf_counter() - begin
    by_name = {metric.name: metric for metric in metrics}
    for e in estimates:
        metric = by_name[e.metric]
        seconds = ""
        if options.each:
            begin = time.perf_counter()
            estimate_all([metric], table, replicates=options.replicates)
            seconds = f"{time.perf_counter() - begin:7.2f} s"
        ends = "no interval" if e.low is None else f"[{e.low:9.5f}, {e.high:9.5f}]"
        name = " ".join([e.metric, *(value for key, value in e.level.items() if key != "arm")])
        print(f"{name:26} {np.nan if e.value is None else e.value:10.5f} {ends:>24} {seconds}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = f"{options.rows} rows in {options.rows // options.per_group} groups"
    print(f"{len(metrics)} metrics, {rows}, {options.replicates} replicates: {together:.2f} s together, {peak:.2f} GiB")


if __name__ == "__main__":
    main()
