"""How often intervals of few groups hold the truth, and how often two equal arms are called different.

The subject is known. A group (a template) has a difficulty of its own, normal with standard deviation 0.8 in log-odds,
an item another, 1.2; the subject is right with the probability that these make, and says a noisy version of it, 0.5 too
high in log-odds. In comparisons both arms answer the same items, and each arm has a taste of its own for each group,
0.6: there is no difference over all groups, but one in any few. Sizes of unequal groups vary by a factor of 2 either
way. The truth of a metric is its value on 300,000 simulated groups of one row.

    python scripts/coverage_groups.py [--runs 400] [--replicates 300] [--groups 12 20] [--accuracy high low]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.metrics import calibration, ranking, shares
from harness.metrics.columns import Floats
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.estimates import estimate_all
from harness.statistics.pairs import difference
from harness.statistics.rows import sample

GROUP, ITEM, TASTE, NOISE, TOO_HIGH = 0.8, 1.2, 0.6, 0.8, 0.5
CENTRES = {"high": 0.5, "low": -2.5}
"""Mean log-odds of being right: accuracies of .59 and .13."""

METRICS = [
    Metric("accuracy", shares.accuracy, ("correct",)),
    Metric("brier", calibration.brier, ("p", "correct")),
    Metric("auroc", ranking.auroc, ("p", "correct")),
    Metric("aurc", ranking.aurc, ("p", "correct")),
    Metric("overconfidence", calibration.overconfidence, ("p", "correct")),
]
ARMS = ("a", "b")


@dataclass(frozen=True)
class Design:
    """Groups, rows in each on average, whether their sizes differ, and the mean log-odds of being right."""

    groups: int
    rows: int
    unequal: bool
    centre: float

    def __str__(self) -> str:
        return f"{self.groups:3} of {self.rows:2}{', unequal' if self.unequal else ''}"


def answers(design: Design, arms: Sequence[str], rng: np.random.Generator) -> Table:
    """The outcomes of a run: every item once in every arm."""
    size = np.full(design.groups, design.rows)
    if design.unequal:
        size = np.maximum(1, np.round(size * np.exp(rng.normal(0, np.log(2), design.groups)))).astype(int)
    group = np.repeat(np.arange(design.groups), size)
    n = len(group)
    item = rng.normal(design.centre, ITEM, n) + rng.normal(0, GROUP, design.groups)[group]
    taste = TASTE if len(arms) > 1 else 0.0
    odds = np.concatenate([item + rng.normal(0, taste, design.groups)[group] for _ in arms])
    text = {
        "item": np.tile(np.array([f"item-{i}" for i in range(n)], dtype=object), len(arms)),
        "group": np.tile(np.array([f"group-{g}" for g in group], dtype=object), len(arms)),
        "error": np.full(n * len(arms), None, dtype=object),
        "arm": np.repeat(np.array(arms, dtype=object), n),
    }
    numbers = {
        "p": sigmoid(TOO_HIGH + odds + rng.normal(0, NOISE, len(odds))),
        "correct": (rng.random(len(odds)) < sigmoid(odds)).astype(float),
    }
    return Table({**dict.fromkeys(text, "text"), "p": "probability", "correct": "label"}, {**text, **numbers})


def sigmoid(x: Floats) -> Floats:
    """1/(1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def truths(centre: float) -> dict[str, float]:
    """The value of each metric over all groups."""
    table = answers(Design(300_000, 1, False, centre), ARMS[:1], np.random.default_rng(0))
    return {m.name: sample(m, table, {"arm": ARMS[0]}).value() for m in METRICS}


def held(design: Design, expected: dict[str, float], runs: int, replicates: int) -> dict[str, tuple[int, int]]:
    """For each metric how many intervals hold the truth, of how many that there are."""
    found = {metric.name: (0, 0) for metric in METRICS}
    for run in range(runs):
        table = answers(design, ARMS[:1], np.random.default_rng(run))
        for e in estimate_all(METRICS, table, replicates=replicates, seed=run):
            if e.low is not None and e.high is not None:
                k, n = found[e.metric]
                found[e.metric] = k + (e.low <= expected[e.metric] <= e.high), n + 1
    return found


def alarms(design: Design, runs: int, replicates: int) -> dict[str, tuple[int, int]]:
    """For each metric how many comparisons of equal arms have p below 0.05, of how many that have one."""
    found = {metric.name: (0, 0) for metric in METRICS}
    for run in range(runs):
        table = answers(design, ARMS, np.random.default_rng(run))
        for metric in METRICS:
            one, two = ({"arm": arm} for arm in ARMS)
            p = difference(metric, table, one, two, replicates=replicates, seed=run).p
            if p is not None:
                k, n = found[metric.name]
                found[metric.name] = k + (p < 0.05), n + 1
    return found


def designs(groups: Sequence[int], centre: float) -> Iterator[Design]:
    """Groups of 1, 5 and 10 rows, and unequal ones."""
    for n in groups:
        for rows, unequal in ((1, False), (5, False), (10, False), (10, True)):
            yield Design(n, rows, unequal, centre)


def shown(counts: dict[str, tuple[int, int]]) -> str:
    """Shares in per cent, each with its standard error."""
    cells = []
    for k, n in counts.values():
        share = k / n if n else float("nan")
        cells.append(f"{share:7.1%} ±{np.sqrt(share * (1 - share) / max(1, n)):4.1%}")
    return " ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--groups", type=int, nargs="+", default=[8, 12, 20, 39])
    parser.add_argument("--accuracy", nargs="+", choices=CENTRES, default=list(CENTRES))
    options = parser.parse_args()
    heads = " ".join(f"{metric.name:>14}" for metric in METRICS)
    for name in options.accuracy:
        expected = truths(CENTRES[name])
        print(f"\naccuracy {expected['accuracy']:.2f}: intervals that hold the truth\n{'groups':18}{heads}")
        for design in designs(options.groups, CENTRES[name]):
            print(f"{design!s:18}{shown(held(design, expected, options.runs, options.replicates))}", flush=True)
        print(f"\naccuracy {expected['accuracy']:.2f}: equal arms called different\n{'groups':18}{heads}")
        for design in designs(options.groups, CENTRES[name]):
            print(f"{design!s:18}{shown(alarms(design, options.runs, options.replicates))}", flush=True)


if __name__ == "__main__":
    main()
