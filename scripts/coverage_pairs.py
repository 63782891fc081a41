"""How often intervals hold the truth where rows are pairs that share years, drawn by years and in two other ways.

Years have an effect of their own on every pair that they are in, normal with a standard deviation, and so has every
pair. Estimated are the mean of all pairs, whose truth is 2/sqrt(pi), and the slope of a line on the distance of two
places, one for each year, whose truth is 1. Rows are put into groups by both years, each by itself, or by their first
year only.

    python scripts/coverage_pairs.py [--runs 400] [--replicates 300] [--years 20]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.items import group_text
from harness.metrics.correlation import slope
from harness.metrics.metric import Metric
from harness.metrics.shares import mean
from harness.outcomes import ItemResult, Outcome, Table
from harness.statistics.estimates import estimate

TRUTH: Mapping[str, float] = {"mean": 2 / np.sqrt(np.pi), "slope": 1.0}
METRICS = (Metric("mean", mean, ("y",)), Metric("slope", slope, ("x", "y")))
GROUPS: Mapping[str, Callable[[tuple[str, str]], tuple[str, ...]]] = {
    "two-way": lambda years: years,
    "by pair": lambda years: ("-".join(years),),
    "by first year": lambda years: years[:1],
}
DESIGNS = ((1.0, 0.0), (1.0, 1.0), (0.3, 1.0), (0.0, 1.0))
"""Standard deviations of what a year adds, and of what a pair adds."""


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    """A pair: how far two places are apart, and that plus what both years and the pair add."""

    x: float
    y: float


def made(years: int, of_year: float, of_pair: float, rng: np.random.Generator) -> list[tuple[tuple[str, str], Row]]:
    """All pairs of so many years, each with its row."""
    effect, place = of_year * rng.normal(size=years), rng.normal(size=years)
    pairs = list(combinations(range(years), 2))
    x = [abs(place[i] - place[j]) for i, j in pairs]
    y = [at + effect[i] + effect[j] + of_pair * rng.normal() for at, (i, j) in zip(x, pairs, strict=True)]
    names = [(f"year {i}", f"year {j}") for i, j in pairs]
    return [(name, Row(arm="a", x=one, y=two)) for name, one, two in zip(names, x, y, strict=True)]


def tallied(
    years: int, of_year: float, of_pair: float, *, runs: int, replicates: int
) -> dict[tuple[str, str], tuple[int, float]]:
    """By metric and grouping, how many runs have an interval with the truth in it, and the mean width."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for run in range(runs):
        rows = made(years, of_year, of_pair, np.random.default_rng(run))
        for grouping, groups in GROUPS.items():
            results = [ItemResult(f"{i:05}", group_text(groups(name)), (row,)) for i, (name, row) in enumerate(rows)]
            table = Table.build(Row, results)
            for metric in METRICS:
                (e,) = estimate(metric, table, replicates=replicates, seed=run)
                held, width = found.get((metric.name, grouping), (0, 0.0))
                if e.low is not None and e.high is not None:
                    truth = TRUTH[metric.name]
                    found[metric.name, grouping] = held + (e.low <= truth <= e.high), width + (e.high - e.low) / runs
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--years", type=int, default=20)
    options = parser.parse_args()
    heads = [(metric.name, grouping) for metric in METRICS for grouping in GROUPS]
    print(f"{options.runs} runs, all pairs of {options.years} years: intervals that hold the truth, and their width")
    print(" " * 20 + "".join(f"{f'{metric}, {grouping}':>22}" for metric, grouping in heads))
    for of_year, of_pair in DESIGNS:
        found = tallied(options.years, of_year, of_pair, runs=options.runs, replicates=options.replicates)
        told = [f"{found[head][0] / options.runs:.1%} {found[head][1]:.2f}" for head in heads]
        print(f"{f'years {of_year:g}, pairs {of_pair:g}':20}" + "".join(f"{text:>22}" for text in told), flush=True)


if __name__ == "__main__":
    main()
