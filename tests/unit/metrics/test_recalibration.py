"""Recalibration: known distortions come back, fits that do not exist are undefined, temperatures are held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.columns import FOLDS, Floats, Folds, Labels, Probabilities
from harness.metrics.likelihood import nll
from harness.metrics.metric import Measure, Metric
from harness.metrics.recalibration import (
    brier_after_temperature,
    calibration_in_the_large,
    calibration_intercept,
    calibration_slope,
    ece_after_temperature,
    logit,
    nll_after_temperature,
    scales,
    temperature,
)
from harness.statistics.estimates import estimate
from tests.support.simulated import arms

REGRESSIONS = [calibration_slope, calibration_intercept, calibration_in_the_large]
AFTER = pytest.mark.parametrize(
    ("after", "plain"),
    [(ece_after_temperature, ece_equal_width), (nll_after_temperature, nll), (brier_after_temperature, brier)],
    ids=["ece", "nll", "brier"],
)


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def value(measure: Measure, p: Floats, y: Floats, *more: Any, w: Floats | None = None) -> float:
    weights = np.ones((1, len(p))) if w is None else w
    return float(measure(Probabilities(p), Labels(y), *more, w=weights)[0])


def distorted(n: int, intercept: float, slope: float, seed: int) -> tuple[Floats, Floats]:
    """Rows whose log-odds of being correct are intercept + slope times those said."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return sigmoid(x), (rng.random(n) < sigmoid(intercept + slope * x)).astype(float)


def test_known_slope_and_intercept_come_back() -> None:
    p, y = distorted(200_000, -0.4, 0.6, seed=1)
    assert value(calibration_slope, p, y) == pytest.approx(0.6, abs=0.02)
    assert value(calibration_intercept, p, y) == pytest.approx(-0.4, abs=0.02)
    p, y = distorted(200_000, -0.4, 1.0, seed=2)
    assert value(calibration_in_the_large, p, y) == pytest.approx(-0.4, abs=0.02)
    p, y = distorted(200_000, 0.0, 0.5, seed=3)
    assert value(temperature, p, y) == pytest.approx(2, abs=0.05)


def test_two_values_of_p_give_the_log_odds_of_the_shares() -> None:
    # 3 of 4 right at p = 0.5, 9 of 10 at p = 0.8: the fit goes through both.
    p, y = np.repeat([0.5, 0.8], [4, 10]), np.repeat([1.0, 0, 1, 0], [3, 1, 9, 1])
    assert value(calibration_intercept, p, y) == pytest.approx(np.log(3), abs=1e-9)
    assert value(calibration_slope, p, y) == pytest.approx((np.log(9) - np.log(3)) / np.log(4), abs=1e-9)
    # One value: the temperature that makes 0.8 into 0.9.
    assert value(temperature, np.full(10, 0.8), y[4:]) == pytest.approx(np.log(4) / np.log(9), abs=1e-9)
    assert value(calibration_in_the_large, np.full(10, 0.8), y[4:]) == pytest.approx(np.log(9 / 4), abs=1e-9)


@pytest.mark.parametrize(
    ("p", "y"),
    [
        ([0.2, 0.4, 0.6, 0.9], [0.0, 0, 1, 1]),
        ([0.2, 0.4, 0.4, 0.9], [0.0, 0, 1, 1]),
        ([0.2, 0.4, 0.6, 0.9], [1.0, 1, 0, 0]),
        ([0.3, 0.3, 0.3, 0.3], [1.0, 1, 0, 0]),
        ([0.2, 0.4, 0.6, 0.9], [1.0, 1, 1, 1]),
    ],
    ids=["separated", "touching", "reversed", "one value", "one kind"],
)
def test_where_no_finite_fit_exists_there_is_none(p: list[float], y: list[float]) -> None:
    for measure in (calibration_slope, calibration_intercept):
        assert np.isnan(value(measure, np.array(p), np.array(y)))


@pytest.mark.parametrize("seed", range(20))
def test_fits_settle_on_few_rows_and_far_probabilities(seed: int) -> None:
    # Just not separable, with p to the sixth decimal: where plain Newton steps leave for infinity.
    rng = np.random.default_rng(seed)
    x = np.append(rng.normal(size=8) * 6, [-13, 13])
    p, y = sigmoid(x), np.append((x[:8] > 0).astype(float), [1.0, 0.0])
    weight = rng.integers(1, 50, 10)[None, :].astype(float)
    a, b = value(calibration_intercept, p, y, w=weight), value(calibration_slope, p, y, w=weight)
    residual = weight[0] * (y - sigmoid(a + b * logit(p)))
    assert abs(residual.sum()) < 1e-6 * weight.sum()
    assert abs(residual @ logit(p)) < 1e-6 * weight.sum()


def test_probabilities_without_log_odds_are_clipped_and_said() -> None:
    p, y = np.array([0.0, 1.0, 1.0, 0.3, 0.6]), np.array([0.0, 1, 0, 1, 0])
    assert logit(np.array([0.0, 1.0])) == pytest.approx([-13.8155, 13.8155], abs=1e-4)
    for measure in (*REGRESSIONS, temperature):
        assert measure.remark is not None
        remark = measure.remark(Probabilities(p), Labels(y))
        assert remark == "3 rows with p within 1e-06 of 0 or 1 count as p = 1e-06 or 1 - 1e-06"
        assert measure.remark(Probabilities(p[3:]), Labels(y[3:])) == ""


def test_a_temperature_needs_probabilities_that_help() -> None:
    # On the wrong side more often than not: an infinite temperature. Never on it: zero.
    assert np.isnan(value(temperature, np.array([0.8, 0.8, 0.2]), np.array([0.0, 0, 1])))
    assert np.isnan(value(temperature, np.array([0.8, 0.9, 0.2]), np.array([1.0, 1, 0])))
    assert np.isnan(value(temperature, np.full(4, 0.5), np.array([1.0, 1, 0, 0])))
    # Right in 1,001 of 2,000 at p = 0.8: a temperature of 693 leaves 0.5005 of it.
    assert np.isnan(value(temperature, np.full(2000, 0.8), np.repeat([1.0, 0], [1001, 999])))


def test_the_interval_of_a_temperature_of_few_rows_is_one_of_temperatures() -> None:
    # p is worth little, so that replicates have temperatures up to infinity. On a scale without an upper end the
    # interval of such a run went up to 1e80.
    metric, intervals = Metric("temperature", temperature, ("p", "correct"), by=()), 0
    for seed in range(20):
        p, y = distorted(50, -0.2, 0.5, seed)
        found = estimate(metric, arms({"a": {"p": p, "correct": y}}), replicates=200)[0]
        intervals += found.high is not None
        assert found.high is None or found.high <= 100
    assert intervals


@AFTER
def test_each_fold_gets_the_temperature_of_the_others(after: Measure, plain: Measure) -> None:
    p, y = distorted(600, 0.0, 0.4, seed=4)
    folds = np.arange(600) % FOLDS
    scaled = np.empty(600)
    for f in range(FOLDS):
        t = value(temperature, p[folds != f], y[folds != f])
        scaled[folds == f] = sigmoid(logit(p[folds == f]) / t)
    assert value(after, p, y, Folds(folds)) == pytest.approx(value(plain, scaled, y), abs=1e-9)


@AFTER
def test_scaling_mends_an_overconfident_model_on_rows_not_seen(after: Measure, plain: Measure) -> None:
    p, y = distorted(20_000, 0.0, 0.4, seed=5)
    folds = Folds(np.arange(20_000) % FOLDS)
    mended = value(after, p, y, folds)
    assert mended < 0.99 * value(plain, p, y)
    # What the true temperature gives: fitted on 16,000 rows it costs next to nothing more.
    assert mended == pytest.approx(value(plain, sigmoid(0.4 * logit(p)), y), abs=0.005)


def test_held_out_scaling_does_not_pay_where_there_is_nothing_to_mend() -> None:
    # A calibrated model: on the same rows the best temperature always gains, on others it loses on average.
    gains = []
    for seed in range(200):
        p, y = distorted(60, 0.0, 1.0, seed)
        gains.append(value(nll, p, y) - value(nll_after_temperature, p, y, Folds(np.arange(60) % FOLDS)))
    assert np.mean(gains) < -3 * np.std(gains) / np.sqrt(200)


@AFTER
def test_one_fold_alone_is_undefined_and_far_probabilities_raise_no_warning(after: Measure, plain: Measure) -> None:
    p, y = np.array([0.0, 1.0, 0.4]), np.array([0.0, 1, 1])
    assert np.isnan(value(after, p, y, Folds(np.full(3, 2))))
    assert not np.isnan(value(after, p, y, Folds(np.array([0, 1, 2]))))


@AFTER
def test_rows_that_p_happens_to_separate_do_not_decide_the_number(after: Measure, plain: Measure) -> None:
    # Without the last row p separates right from wrong: its best temperature would be 0, and it stays as it is.
    p, y = np.array([0.6, 0.6, 0.4, 0.4, 0.6]), np.array([1.0, 1, 0, 0, 0])
    folds = np.arange(FOLDS)
    scaled = p.copy()
    for f in range(4):
        others = folds != f
        best = value(temperature, p[others], y[others])
        scaled[f] = sigmoid(logit(p[f : f + 1]) / best)[0]
    assert value(after, p, y, Folds(folds)) == pytest.approx(value(plain, scaled, y), abs=1e-6)
    # A wrong row that p hardly tells: T would be below 0.05, and is 0.05.
    p, y = np.array([0.6, 0.4, 0.5000001, 0.6, 0.6]), np.array([1.0, 0, 0, 1, 1])
    by_fold = scales(Probabilities(p), Labels(y), Folds(folds), np.ones(5))
    assert set(by_fold.values()) == {1.0, 20.0}


@AFTER
def test_held_temperatures_are_those_of_the_data(after: Measure, plain: Measure) -> None:
    p, y = distorted(600, 0.0, 0.4, seed=4)
    folds = np.arange(600) % FOLDS
    by_fold = scales(Probabilities(p), Labels(y), Folds(folds), np.ones(600))
    said = sigmoid(np.array([by_fold[int(f)] for f in folds]) * logit(p))
    w = np.random.default_rng(0).integers(0, 3, (20, 600)).astype(float)
    held = after.held(Probabilities(p), Labels(y), Folds(folds), w=np.ones(600))(w)
    assert held == pytest.approx(plain(Probabilities(said), Labels(y), w=w), abs=1e-12)
    # Fitted anew on the weighted rows, the temperatures are others.
    assert np.abs(held - after(Probabilities(p), Labels(y), Folds(folds), w=w)).max() > 1e-4


def test_the_fold_of_a_name_depends_on_nothing_else() -> None:
    folds = [Folds.of(f"group-{i}") for i in range(5000)]
    assert folds[:5] == [Folds.of(f"group-{i}") for i in range(5)]
    assert np.bincount(folds, minlength=FOLDS) == pytest.approx(np.full(FOLDS, 1000), abs=120)
