"""Skill against the base rate: closed forms, scikit-learn's numbers, and intervals that a base rate does not fool."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import brier_score_loss, d2_log_loss_score, log_loss

from harness.metrics.calibration import brier, brier_uncertainty
from harness.metrics.columns import Floats, Labels, Probabilities
from harness.metrics.likelihood import nll
from harness.metrics.metric import Measure, Metric
from harness.metrics.skill import brier_skill, log_skill
from harness.outcomes import Table
from harness.statistics.estimates import Estimate, estimate


def value(measure: Measure, p: Floats, correct: Floats, w: Floats | None = None) -> float:
    weights = np.ones(len(p)) if w is None else w
    return float(measure(Probabilities(p), Labels(correct), w=weights[None, :])[0])


def table(p: Floats, correct: Floats) -> Table:
    names = np.array([f"i{i:04}" for i in range(len(p))], dtype=object)
    kinds = {"item": "text", "group": "text", "error": "text", "arm": "text", "p": "probability", "correct": "label"}
    arm, error = np.full(len(p), "a", dtype=object), np.full(len(p), None, dtype=object)
    columns = {"item": names, "group": names, "error": error, "arm": arm, "p": p, "correct": correct}
    return Table(kinds, columns)  # type: ignore[arg-type]


def estimated(measure: Measure, p: Floats, correct: Floats, replicates: int = 1000, seed: int = 0) -> Estimate:
    return estimate(Metric("skill", measure, ("p", "correct")), table(p, correct), replicates=replicates, seed=seed)[0]


def test_skill_is_one_less_the_score_over_that_of_the_base_rate() -> None:
    rng = np.random.default_rng(5)
    p, correct = rng.uniform(0.05, 0.95, 400), (rng.random(400) < 0.3).astype(float)
    base = DummyClassifier(strategy="prior").fit(p[:, None], correct).predict_proba(p[:, None])[:, 1]
    ours, theirs = brier_score_loss(correct, p), brier_score_loss(correct, base)
    assert value(brier_skill, p, correct) == pytest.approx(1 - ours / theirs, abs=1e-12)
    assert value(brier_skill, p, correct) == pytest.approx(
        1 - value(brier, p, correct) / value(brier_uncertainty, p, correct), abs=1e-12
    )
    both = np.column_stack([1 - p, p])
    assert value(log_skill, p, correct) == pytest.approx(d2_log_loss_score(correct, both), abs=1e-12)
    assert value(log_skill, p, correct) == pytest.approx(1 - log_loss(correct, p) / log_loss(correct, base), abs=1e-12)


@pytest.mark.parametrize("measure", [brier_skill, log_skill])
def test_the_base_rate_has_none_and_certainty_all(measure: Measure) -> None:
    correct = np.repeat([1.0, 0.0], [20, 60])
    assert value(measure, np.full(80, 0.25), correct) == pytest.approx(0, abs=1e-12)
    assert value(measure, correct, correct) == pytest.approx(1, abs=1e-12)
    # A constant half, where the base rate is 1/4: Brier .25 against .1875, and ln 2 against .5623.
    halves = {brier_skill: 1 - 0.25 / 0.1875, log_skill: 1 - np.log(2) / 0.5623351446188083}
    assert value(measure, np.full(80, 0.5), correct) == pytest.approx(halves[measure], abs=1e-12)
    # Weights are counts.
    w = np.repeat([3.0, 1.0], [20, 60])
    assert value(measure, np.full(80, 0.5), correct, w) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("measure", [brier_skill, log_skill])
def test_with_one_class_there_is_no_base_rate_to_beat(measure: Measure) -> None:
    for kind in (0.0, 1.0):
        assert np.isnan(value(measure, np.full(5, 0.3), np.full(5, kind)))
        made = estimated(measure, np.full(5, 0.3), np.full(5, kind))
        assert made.value is None
        assert made.note.startswith("all rows are correct, or all are wrong")
    assert np.isnan(measure(Probabilities(np.zeros(0)), Labels(np.zeros(0)), w=np.ones((1, 0)))).all()


def test_infinite_losses_count_as_those_of_nll_and_are_told() -> None:
    p, correct = np.array([0.0, 0.5, 0.5, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])
    assert value(log_skill, p, correct) == pytest.approx(1 - value(nll, p, correct) / np.log(2), abs=1e-12)
    assert "1 wrong rows with p of exactly 0 or 1" in estimated(log_skill, p, correct).note
    assert value(brier_skill, p, correct) == pytest.approx(1 - (1 + 0.75) / 4 / 0.25)


@pytest.mark.parametrize("measure", [brier_skill, log_skill])
@pytest.mark.parametrize("rate", [0.139, 0.6])
def test_a_forecaster_that_says_the_true_base_rate_has_an_interval_around_0(measure: Measure, rate: float) -> None:
    # Its value is never above 0, nor is that of any replicate: percentiles alone would call it worse in every run.
    rng = np.random.default_rng(2)
    missed = 0
    for seed in range(100):
        correct = (rng.random(80) < rate).astype(float)
        made = estimated(measure, np.full(80, rate), correct, replicates=200, seed=seed)
        assert made.value is not None
        assert made.low is not None
        assert made.high is not None
        assert made.value <= 1e-12
        missed += not made.low <= 0 <= made.high
    assert missed <= 5


@pytest.mark.parametrize(("measure", "least"), [(brier_skill, 180), (log_skill, 180)])
def test_intervals_hold_the_skill_of_a_calibrated_forecaster(measure: Measure, least: int) -> None:
    rng = np.random.default_rng(3)
    said = 1 / (1 + np.exp(-rng.normal(-1, 1.2, 400_000)))
    truth = value(measure, said, (rng.random(400_000) < said).astype(float))
    held = 0
    for seed in range(200):
        p = rng.choice(said, 150)
        made = estimated(measure, p, (rng.random(150) < p).astype(float), replicates=200, seed=seed)
        assert made.low is not None
        assert made.high is not None
        held += made.low <= truth <= made.high
    assert held >= least
