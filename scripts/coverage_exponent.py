"""How often the 95 % interval of perceptualScale's exponent holds the truth, in simulated runs of several designs.

The observer's scale is s^p, with noise sigma in units of its range. Every comparison of three numbers also has a liking
of its own for one of the pairs, normal with standard deviation tau on the scale of probits, and is answered in both
orders: by exact probabilities, or each by one drawn letter.

    python scripts/coverage_exponent.py [--runs 300] [--replicates 300]
"""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import NamedTuple

import numpy as np

from experiments.introspection.perceptual_scale.magnitudes import DOMAINS
from experiments.introspection.perceptual_scale.measures import exponent
from experiments.introspection.perceptual_scale.power import power_scale
from experiments.introspection.perceptual_scale.rows import READ
from harness.metrics.metric import Metric
from harness.outcomes import Kind, Table
from harness.statistics.estimates import estimate

METRIC = Metric("exponent", exponent, READ, by=())
TRIADS = np.array([(a, b, b, c) for a, b, c in combinations(range(10), 3)])


class Design(NamedTuple):
    """An observer, and how many comparisons of which numbers it is asked for."""

    domain: str
    p: float
    sigma: float
    tau: float
    drawn: bool = False

    def table(self, comparisons: int, rng: np.random.Generator) -> Table:
        """The rows of one run."""
        from scipy.special import ndtr

        magnitudes = np.array([*DOMAINS[self.domain].levels.values()])
        chosen = TRIADS[rng.choice(len(TRIADS), comparisons, replace=False)]
        psi = power_scale(magnitudes, np.array([self.p]))[0]
        gap = psi[chosen] @ np.array([1, -1, -1, 1])
        upper = ndtr(
            gap[:, None] / self.sigma + np.array([0.5, -0.5]) + self.tau * rng.standard_normal((comparisons, 1))
        )
        if self.drawn:
            upper = (rng.random(upper.shape) < upper).astype(float)
        names = np.repeat([f"{n:03}" for n in range(comparisons)], 2).astype(object)
        frames = np.array(["lower first", "upper first"] * comparisons, dtype=object)
        texts = {"item": names, "group": names, "error": np.full(2 * comparisons, None, dtype=object), "frame": frames}
        numbers = {f"s{k + 1}": np.repeat(magnitudes[chosen[:, k]], 2) for k in range(4)}
        kinds: dict[str, Kind] = {**dict.fromkeys(texts, "text"), **dict.fromkeys(numbers, "number")}
        return Table({**kinds, "upper": "probability"}, {**texts, **numbers, "upper": upper.ravel()})


DESIGNS = {
    "numbers, linear, likings of .5": Design("numbers", 1.0, 0.2, 0.5),
    "numbers, cube root, likings of 1": Design("numbers", 1 / 3, 0.15, 1.0),
    "numbers, linear, nearly certain": Design("numbers", 1.0, 0.08, 0.3),
    "numbers, square root, drawn letters": Design("numbers", 0.5, 0.2, 0.0, drawn=True),
    "years, linear, likings of .7": Design("years", 1.0, 0.2, 0.7),
}


def held(design: Design, comparisons: int, runs: int, replicates: int) -> tuple[float, float, float]:
    """Shares: of the printed intervals those that hold the truth, and of all runs those that print one; mean width."""
    found = []
    for run in range(runs):
        table = design.table(comparisons, np.random.default_rng([comparisons, run]))
        (one,) = estimate(METRIC, table, replicates=replicates, seed=run)
        if one.low is not None and one.high is not None:
            found.append((one.low <= design.p <= one.high, one.high - one.low))
    inside, widths = zip(*found, strict=True) if found else ((np.nan,), (np.nan,))
    return float(np.mean(inside)), len(found) / runs, float(np.mean(widths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--comparisons", type=int, nargs="+", default=[45, 60, 100])
    asked = parser.parse_args()
    print("| Design | comparisons | held | printed | width |")
    print("| --- | --- | --- | --- | --- |")
    for name, design in DESIGNS.items():
        for n in asked.comparisons:
            inside, printed, width = held(design, n, asked.runs, asked.replicates)
            print(f"| {name} | {n} | {inside:.0%} | {printed:.0%} | {width:.2f} |", flush=True)


if __name__ == "__main__":
    main()
