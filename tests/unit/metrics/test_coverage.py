"""A simulated subject of known calibration is recovered: intervals hold the truth about as often as they say.

`scripts/coverage.py` does this for every metric with a thousand runs; here are few runs and the widest tolerance that
still tells 95 % from 80 %.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scripts.coverage import SUBJECTS, bound, tallied, truths

RUNS = 60
NAMES = (
    *("overconfidence", "ece_equal_width", "ece_debiased", "brier", "nll", "auroc", "auprc", "aurc"),
    *("accuracy_at_coverage", "calibration_slope", "calibration_in_the_large"),
)


def test_intervals_hold_the_truth() -> None:
    metrics = [m for m in bound() if m.name in NAMES]
    assert len(metrics) == len(NAMES)
    tallies = tallied(SUBJECTS["overconfident"], metrics, runs=RUNS, rows=250, replicates=100)
    # 100 replicates cost about one point; of 11 metrics all pass with 99 %.
    least = binom.ppf(0.001, RUNS, 0.93)
    for name, tally in tallies.items():
        assert tally.none == 0
        assert tally.held >= least, f"{name}: {tally.held} of {RUNS}"


def test_the_truths_are_those_of_the_subject() -> None:
    known = truths(SUBJECTS["calibrated"])
    for name in ("overconfidence", "ece_equal_width", "ece_adaptive", "mce", "calibration_intercept"):
        assert known[name] == pytest.approx(0, abs=2e-4)
    assert known["calibration_slope"] == pytest.approx(1, abs=1e-6)
    assert known["temperature"] == pytest.approx(1, abs=1e-6)
    x = np.random.default_rng(0).normal(0.7, 1.2, 400_000)
    p = 1 / (1 + np.exp(-x))
    assert known["brier"] == pytest.approx((p * (1 - p)).mean(), abs=1e-3)
    assert truths(SUBJECTS["overconfident"])["temperature"] == pytest.approx(1 / 0.6, abs=0.2)
