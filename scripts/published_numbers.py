"""How often each verdict on a published share falls, where the run's model is the published one, and where it is not.

Both numbers are drawn: the published one from n items, the run's from m, with the same chance of a right answer or with
one that is lower by --apart.

    python scripts/published_numbers.py [--runs 10000] [--apart 0]
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy
from harness.statistics.equivalence import share_ends
from harness.statistics.estimates import Estimate
from harness.statistics.references import Reference, judge_reference

METRIC = Metric("accuracy", accuracy, ("correct",), by=())
SETTINGS = {"model.name": "m", "task.name": "t"}
CASES: tuple[tuple[int, float, int, float | None], ...] = (
    *((n, share, m * n, None) for n, share in ((60, 0.467), (500, 0.526), (1000, 0.75)) for m in (1, 10)),
    (500, 0.526, 500, 0.03),
    (500, 0.526, 5000, 0.1),
)
"""Items of the published number, its true share, items of the run, and tolerance; None is the default."""
KINDS = ("compatible", "incompatible", "too few items to tell")


def kind(published: float, n: int, measured: float, m: int, tolerance: float | None) -> str:
    """The verdict on a published share of n items, where a run finds another share of m items."""
    low, high = share_ends(measured, m)
    found = Estimate(
        metric="accuracy",
        level={},
        value=measured,
        low=low,
        high=high,
        n=m,
        n_groups=m,
        n_failed=0,
        method="given",
        better="higher",
    )
    asked = Reference(
        metric="accuracy",
        level={},
        value=published,
        n=n,
        tolerance=tolerance,
        model="m",
        task="t",
        source="drawn",
        certainty="seen",
    )
    return judge_reference(asked, [found], [METRIC], SETTINGS).kind


def main() -> None:
    """Prints the shares of the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10000)
    parser.add_argument("--apart", type=float, default=0.0)
    options = parser.parse_args()
    print(f"{'n':>6} {'share':>6} {'m':>6} {'tolerance':>9}  {'  '.join(KINDS)}")
    for n, share, m, tolerance in CASES:
        rng = np.random.default_rng(0)
        published = rng.binomial(n, share, options.runs) / n
        measured = rng.binomial(m, share - options.apart, options.runs) / m
        kinds = Counter(kind(float(a), n, float(b), m, tolerance) for a, b in zip(published, measured, strict=True))
        told = "  ".join(f"{kinds[k] / options.runs:>{len(k)}.1%}" for k in KINDS)
        print(f"{n:>6} {share:>6} {m:>6} {'default' if tolerance is None else tolerance:>9}  {told}")


if __name__ == "__main__":
    main()
