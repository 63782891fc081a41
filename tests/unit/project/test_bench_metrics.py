"""scripts/bench_metrics.py times every measure that there is, each with a value."""

from __future__ import annotations

import numpy as np

from harness.cli.listing import measures
from harness.statistics.rows import sample
from scripts.bench_metrics import bound, simulated


def test_every_measure_finds_its_columns() -> None:
    table = simulated(600, 2)
    for name, measure in measures().items():
        metric = bound(name, measure)
        metric.check(table.kinds)
        values = sample(metric, table, {"arm": "a"}).values_of_points()
        assert np.isfinite(values[:1]).all(), name
