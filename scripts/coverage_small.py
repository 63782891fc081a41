"""How often intervals of 20 to 90 single rows hold the truth, of metrics near the end of their range.

Log-odds said are normal around a difference between right and wrong rows, which gives AUROCs of .86 and .98. A win has
a probability of 0.9, or else is drawn among a loss and a tie. The truth of a metric is its value on 200,000 rows.

    python scripts/coverage_small.py [--runs 200] [--rows 40 60] [--border 40]
"""

from __future__ import annotations

import argparse

import numpy as np

from harness import metrics
from harness.outcomes import Table
from harness.statistics import few_groups, intervals
from harness.statistics.estimates import estimate_all
from harness.statistics.rows import sample

KINDS = {
    **dict.fromkeys(("item", "group", "error", "arm"), "text"),
    "p": "probability",
    **dict.fromkeys(("correct", "said"), "label"),
    "win": "number",
}
METRICS = (
    *metrics.each(("p", "correct"), metrics.auroc, metrics.brier_skill, metrics.overconfidence),
    *metrics.each(("said", "correct"), metrics.f1, metrics.balanced_accuracy),
    *metrics.each(("win",), metrics.win_rate),
    *metrics.each(("correct",), metrics.accuracy),
)
DESIGNS = ((1.5, 0.5), (2.9, 0.7), (1.5, 0.9))
"""How far right and wrong rows are apart, and the share of right ones."""


def answers(apart: float, share: float, n: int, seed: int) -> Table:
    """The outcomes of one run of n rows."""
    rng = np.random.default_rng(seed)
    correct = (rng.random(n) < share).astype(float)
    odds = rng.normal(apart * (correct - 0.5), 1) + np.log(share / (1 - share))
    names = np.array([f"i{i:06}" for i in range(n)], dtype=object)
    text = {"item": names, "group": names, "error": np.full(n, None, dtype=object)}
    numbers = {
        "p": 1 / (1 + np.exp(-odds)),
        "correct": correct,
        "said": (odds > 0).astype(float),
        "win": np.where(rng.random(n) < 0.9, 1.0, rng.choice([0, 0.5], n)),
    }
    return Table(KINDS, {**text, "arm": np.full(n, "a", dtype=object), **numbers})  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 40, 60, 90])
    parser.add_argument("--border", type=int, default=few_groups.FEW, help="groups below which Student's t is taken")
    options = parser.parse_args()
    vars(intervals)["FEW"] = options.border
    print(f"{'accuracy, rows':18}" + " ".join(f"{metric.name:>18}" for metric in METRICS))
    for apart, share in DESIGNS:
        everything = answers(apart, share, 200_000, 0)
        truth = {metric.name: sample(metric, everything, {"arm": "a"}).value() for metric in METRICS}
        for n in options.rows:
            held: dict[str, list[bool]] = {metric.name: [] for metric in METRICS}
            for seed in range(1, options.runs + 1):
                for e in estimate_all(METRICS, answers(apart, share, n, seed), replicates=200, seed=seed):
                    if e.low is not None and e.high is not None:
                        held[e.metric].append(e.low <= truth[e.metric] <= e.high)
            shares = (f"{np.mean(one):10.0%} of {len(one):4}" if one else f"{'none':>18}" for one in held.values())
            print(f"{share:8.1f}, {n:3}      " + " ".join(shares), flush=True)


if __name__ == "__main__":
    main()
