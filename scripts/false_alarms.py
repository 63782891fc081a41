"""How often a paired comparison of two runs sees a difference: where there is none, and where there is one.

Both runs answer the same items, whose difficulty varies, so that the runs agree more often than chance. Under "none"
they have one distribution; under "some" the second is right more often, by a share that the comparison itself calls
the smallest difference that it would find with 80 % power. "family" counts runs in which any of the metrics is called
different after Holm's adjustment. With --seeds each side is the mean of several runs, whose own skill varies.

    python scripts/false_alarms.py [--runs 1000] [--items 200] [--draws 1] [--seeds 1] [--replicates 500]
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.shares import accuracy
from harness.outcomes import Table
from harness.statistics.pairs import Contrast, contrast, holm

PAIR = ("p", "correct")
METRICS = (
    Metric("accuracy", accuracy, ("correct",)),
    Metric("brier", brier, PAIR),
    Metric("auroc", auroc, PAIR),
    Metric("ece_equal_width", ece_equal_width, PAIR),
)
SEED_SPREAD = 0.3
"""Standard deviation of a run's skill, in log-odds, where a side has several seeds."""


def run(difficulty: np.ndarray, draws: int, shift: float, rng: np.random.Generator) -> Table:
    """A run: log-odds of being right are minus the item's difficulty plus `shift`; the confidence knows half of it."""
    x = np.repeat(shift - difficulty, draws)
    n = len(x)
    said = 0.5 * x + rng.normal(0, 0.7, n) + 0.3
    items = np.repeat([f"item-{i}" for i in range(len(difficulty))], draws).astype(object)
    text = {
        "item": items,
        "group": items,
        "error": np.full(n, None, dtype=object),
        "arm": np.full(n, "a", dtype=object),
    }
    numbers = {"p": 1 / (1 + np.exp(-said)), "correct": (rng.random(n) < 1 / (1 + np.exp(-x))).astype(float)}
    return Table(
        {**dict.fromkeys(text, "text"), "p": "probability", "correct": "label"},
        {**text, **numbers},
    )


def compared(options: argparse.Namespace, shift: float, seed: int) -> list[Contrast]:
    """One comparison of two sides in every metric."""
    rng = np.random.default_rng([seed, int(1000 * shift)])
    difficulty = rng.normal(0, 1.2, options.items)
    skill = SEED_SPREAD if options.seeds > 1 else 0.0
    sides = [
        [run(difficulty, options.draws, move + rng.normal(0, skill), rng) for _ in range(options.seeds)]
        for move in (0.0, shift)
    ]
    return [contrast(m, {"arm": "a"}, *sides, replicates=options.replicates, seed=seed) for m in METRICS]


def shares(options: argparse.Namespace, shift: float) -> tuple[Counter[str], dict[str, float]]:
    """How many comparisons call a metric different at the 5 % level, and the mean smallest difference of each."""
    found: Counter[str] = Counter()
    smallest: dict[str, list[float]] = {m.name: [] for m in METRICS}
    for i in range(options.runs):
        contrasts = compared(options, shift, i)
        found.update(c.metric for c in contrasts if c.p is not None and c.p < 0.05)
        found["exact"] += contrasts[0].p_exact is not None and contrasts[0].p_exact < 0.05
        found["family"] += any(p is not None and p < 0.05 for p in holm([c.p for c in contrasts]))
        for c in contrasts:
            smallest[c.metric].append(c.smallest or 0.0)
    return found, {name: float(np.mean(values)) for name, values in smallest.items()}


def shift_for(difference: float) -> float:
    """The shift in log-odds that raises the accuracy by so much."""
    x = np.random.default_rng(0).normal(0, 1.2, 200_000)
    low, high = 0.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        gain = float((1 / (1 + np.exp(x - middle))).mean() - (1 / (1 + np.exp(x))).mean())
        low, high = (middle, high) if gain < difference else (low, middle)
    return low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("runs", 1000), ("items", 200), ("draws", 1), ("seeds", 1), ("replicates", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    none, smallest = shares(options, 0.0)
    some, _ = shares(options, shift_for(smallest["accuracy"]))
    print(
        f"{options.runs} comparisons of {options.items} items, {options.draws} draws, {options.seeds} runs a side; "
        f"'some' is a difference in accuracy of {smallest['accuracy']:.3f}"
    )
    print(f"{'called different':20} {'none':>7} {'some':>7}")
    for name in (*(m.name for m in METRICS), "exact", "family"):
        print(f"{name:20} {none[name] / options.runs:7.1%} {some[name] / options.runs:7.1%}")


if __name__ == "__main__":
    main()
