"""A simulated subject of known calibration is recovered: intervals hold the truth about as often as they say.

`scripts/coverage.py` does this for every metric with hundreds of runs; here are few runs and the widest tolerance that
still tells 95 % from 80 %.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from harness.outcomes import Kind, Table
from harness.statistics.estimates import estimate_all
from scripts.coverage import Design, bound, simulated, tallied, truth

RUNS = 60
NAMES = (
    *("overconfidence", "ece_equal_width", "ece_debiased", "brier", "nll", "auroc", "auprc", "aurc"),
    *("accuracy_at_coverage", "calibration_slope", "calibration_in_the_large"),
)
TIED = ("overconfidence", "ece_equal_width", "ece_equal_count", "ece_adaptive", "ece_unweighted", "ece_debiased")


@pytest.mark.parametrize(
    ("design", "names"),
    [
        (Design("overconfident", 250), NAMES),
        (Design("stated .7-1, accuracy .34", 200), (*TIED, "ece_after_temperature")),
        (Design("accuracy .13", 200), (*TIED, "rmsce_equal_count", "mce")),
        (Design("templates", 40, 10), TIED),
    ],
    ids=str,
)
def test_intervals_hold_the_truth(design: Design, names: tuple[str, ...]) -> None:
    metrics = [m for m in bound() if m.name in names]
    assert len(metrics) == len(names)
    tallies = tallied(design, metrics, runs=RUNS, replicates=100)
    # 100 replicates cost about one point; of all these metrics all pass with 98 %.
    least = binom.ppf(0.001, RUNS, 0.93)
    for name, tally in tallies.items():
        assert tally.none == 0
        assert tally.held >= least, f"{name}: {tally.held} of {RUNS}"


def test_stated_confidences_have_intervals_as_narrow_as_in_fixed_bins() -> None:
    # Five levels, each with its own bin of any kind; made anew in every replicate, bins of equal count gave [0, 0.616].
    rng = np.random.default_rng(0)
    p = rng.choice([0.7, 0.8, 0.9, 0.95, 1.0], 200, p=[0.1, 0.25, 0.3, 0.25, 0.1])
    correct = (rng.random(200) < 0.35 + 0.2 * (p - 0.7)).astype(float)
    names = np.array([f"i{i:03}" for i in range(200)], dtype=object)
    text = {"item": names, "group": names, "arm": np.full(200, "a", dtype=object)}
    text["error"] = np.full(200, None, dtype=object)
    kinds: dict[str, Kind] = {**dict.fromkeys(text, "text"), "p": "probability", "correct": "label"}
    table = Table(kinds, {**text, "p": p, "correct": correct})
    found = {e.metric: e for e in estimate_all([m for m in bound() if m.name in TIED], table)}
    low, high = found["overconfidence"].low, found["overconfidence"].high
    assert low is not None
    assert high is not None
    for name in TIED[1:]:
        e = found[name]
        assert e.value == pytest.approx(0.552, abs=0.012), name
        # Counting a bin of twenty rows like one of sixty costs some width.
        assert e.low == pytest.approx(0.487, abs=0.03 if name == "ece_unweighted" else 0.015), name
        assert e.high == pytest.approx(0.617, abs=0.03 if name == "ece_unweighted" else 0.015), name
        if name != "ece_unweighted":
            assert e.low is not None
            assert e.high is not None
            assert e.low >= low - 1e-12
            assert e.high >= high - 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_an_error_never_contradicts_its_overconfidence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(2, 2, 120), 1 + seed % 2)
    correct = (rng.random(120) < np.clip(p - 0.02 * seed, 0, 1)).astype(float)
    names = np.array([f"i{i // (1 + seed % 3):03}" for i in range(120)], dtype=object)
    text = {"item": names, "group": names, "arm": np.full(120, "a", dtype=object)}
    text["error"] = np.full(120, None, dtype=object)
    kinds: dict[str, Kind] = {**dict.fromkeys(text, "text"), "p": "probability", "correct": "label"}
    table = Table(kinds, {**text, "p": p, "correct": correct})
    names_of = ("ece_equal_width", "ece_equal_count", "ece_adaptive", "rmsce_equal_width", "mce", "ece_debiased")
    found = estimate_all([m for m in bound() if m.name in ("overconfidence", *names_of)], table, replicates=200)
    (mean,) = (e for e in found if e.metric == "overconfidence")
    assert mean.low is not None
    assert mean.high is not None
    for e in found:
        if e.metric != "overconfidence" and e.low is not None:
            assert e.low >= max(mean.low, -mean.high) - 1e-9, e.metric


def test_too_few_right_answers_or_groups_have_no_interval_and_say_so() -> None:
    design = Design("accuracy .13", 60)
    metrics = [m for m in bound() if m.name in ("ece_equal_width", "ece_after_temperature")]
    notes = set()
    for seed in range(20):
        table = simulated(design, np.random.default_rng(seed))
        right = int(table.columns["correct"].sum())
        for e in estimate_all(metrics, table, replicates=50):
            assert e.value is not None
            if e.metric == "ece_after_temperature":
                assert e.note == "no interval: fewer than 100 groups, with which it would be wrong too often"
            else:
                assert (e.low is None) == (right < 10)
                notes.add(e.note.split(",")[0])
    assert notes == {"", "no interval: fewer than 10 right"}


def test_the_truths_are_those_of_the_subject() -> None:
    for name in ("overconfidence", "ece_equal_width", "ece_adaptive", "mce", "calibration_intercept"):
        assert truth("calibrated", name) == pytest.approx(0, abs=2e-4)
    assert truth("calibrated", "calibration_slope") == pytest.approx(1, abs=1e-6)
    assert truth("calibrated", "temperature") == pytest.approx(1, abs=1e-6)
    x = np.random.default_rng(0).normal(0.7, 1.2, 400_000)
    p = 1 / (1 + np.exp(-x))
    assert truth("calibrated", "brier") == pytest.approx((p * (1 - p)).mean(), abs=1e-3)
    assert truth("slightly off", "temperature") == pytest.approx(1 / 0.75, abs=1e-6)
