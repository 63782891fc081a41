"""Calibration metrics: closed forms, reference values, parity with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from harness.metrics.bins import bin_codes
from harness.metrics.calibration import (
    brier,
    brier_reliability,
    brier_resolution,
    brier_uncertainty,
    ece_adaptive,
    ece_debiased,
    ece_equal_count,
    ece_equal_width,
    ece_unweighted,
    mce,
    overconfidence,
    rmsce_equal_count,
    rmsce_equal_width,
)
from harness.metrics.columns import Floats, Labels, Probabilities
from harness.metrics.metric import Measure

ERRORS = [
    *(ece_equal_width, ece_equal_count, ece_adaptive, ece_unweighted, ece_debiased),
    *(rmsce_equal_width, rmsce_equal_count, mce),
]
EVERY_ERROR = pytest.mark.parametrize("error", ERRORS, ids=lambda m: m.function.__name__)
BOTH_ECE = pytest.mark.parametrize("ece", [ece_equal_width, ece_equal_count], ids=["width", "count"])


def value(measure: Measure, p: Floats, y: Floats, w: Floats | None = None, **options: int) -> float:
    weights = np.ones(len(p)) if w is None else w
    return float(measure(Probabilities(np.asarray(p)), Labels(np.asarray(y)), w=weights[None, :], **options)[0])


def calibrated(n: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    return p, (rng.random(n) < p).astype(float)


def test_edges_belong_to_the_bin_below() -> None:
    p = np.array([0.0, 1e-9, 0.1, 0.1 + 1e-9, 0.3, 0.7, 0.9, 1.0])
    assert bin_codes(p, 10).tolist() == [0, 0, 0, 1, 2, 6, 8, 9]
    assert bin_codes(np.array([0.29, 0.57, 0.58]), 100).tolist() == [28, 56, 57]


@BOTH_ECE
def test_no_bins_is_refused(ece: Measure) -> None:
    with pytest.raises(ValueError, match="bins must be at least 1"):
        value(ece, np.array([0.5]), np.array([1.0]), bins=0)


@BOTH_ECE
def test_perfect_predictions_have_no_error(ece: Measure) -> None:
    y = np.array([0.0, 1, 1, 0, 1])
    assert value(ece, y, y) == 0
    assert value(ece, 1 - y, y) == 1


def test_equal_width_closed_form() -> None:
    # Bin ]0.1, 0.2]: two rows, confidence 0.15, accuracy 1/2. Bin ]0.8, 0.9]: three rows, 0.85, accuracy 1.
    p = np.array([0.12, 0.18, 0.85, 0.84, 0.86])
    y = np.array([1.0, 0, 1, 1, 1])
    assert value(ece_equal_width, p, y) == pytest.approx(2 / 5 * 0.35 + 3 / 5 * 0.15, abs=1e-15)


def test_equal_count_is_the_plain_definition_when_rows_divide_evenly() -> None:
    p, y = calibrated(1000, seed=1)
    order = np.argsort(p)
    bins = [np.abs(y[rows].mean() - p[rows].mean()) for rows in np.split(order, 10)]
    assert value(ece_equal_count, p, y) == pytest.approx(np.mean(bins), abs=1e-12)


def test_equal_count_divides_a_row_across_a_border() -> None:
    # Three rows in two bins of 1.5 rows each: the middle row is halved. Gaps y - p: -0.2, 0.5, 0.1.
    p, y = np.array([0.2, 0.5, 0.9]), np.array([0.0, 1, 1])
    expected = (abs(-0.2 + 0.25) + abs(0.25 + 0.1)) / 1.5 / 2
    assert value(ece_equal_count, p, y, bins=2) == pytest.approx(expected, abs=1e-15)


def test_equal_count_of_one_tied_value_is_its_gap() -> None:
    # Sorting labels within the tie would give bins of accuracy 0 and 1 and a far larger error.
    y = np.repeat([0.0, 1.0], [4, 6])
    assert value(ece_equal_count, np.full(10, 0.5), y) == pytest.approx(0.1, abs=1e-15)


@BOTH_ECE
def test_an_overconfident_model_is_seen(ece: Measure) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(5000) < 0.51).astype(float)
    assert value(ece, np.full(5000, 0.9), y) == pytest.approx(0.9 - y.mean(), abs=1e-12)
    exact = np.repeat([1.0, 0.0], [507, 493])
    assert value(ece, np.full(1000, 0.9), exact) == pytest.approx(0.393, abs=1e-12)


@BOTH_ECE
def test_a_calibrated_model_has_a_small_error_that_shrinks_with_n(ece: Measure) -> None:
    small = [np.mean([value(ece, *calibrated(n, seed)) for seed in range(30)]) for n in (500, 5000, 50_000)]
    # The expected |accuracy - confidence| of a bin of n/10 rows is about sqrt(2/pi) mean(sqrt(p(1-p))) / sqrt(n/10).
    for n, mean in zip((500, 5000, 50_000), small, strict=True):
        assert mean == pytest.approx(np.sqrt(2 / np.pi) * np.pi / 8 / np.sqrt(n / 10), rel=0.1)
    assert all(0.005 < value(ece, *calibrated(5000, seed)) < 0.03 for seed in range(30))


def test_brier_of_a_constant_half_is_a_quarter_and_parity() -> None:
    p, y = calibrated(500, seed=2)
    w = np.random.default_rng(5).random(500)
    assert value(brier, np.full(500, 0.5), y) == 0.25
    assert value(brier, p, y, w) == pytest.approx(brier_score_loss(y, p, sample_weight=w), abs=1e-9)


@pytest.mark.parametrize("bins", [1, 7, 10, 1000])
def test_the_three_parts_of_brier_add_up(bins: int) -> None:
    p, y = calibrated(700, seed=4)
    w = np.random.default_rng(6).integers(0, 3, 700).astype(float)
    parts = (
        value(brier_reliability, p, y, w, bins=bins)
        - value(brier_resolution, p, y, w, bins=bins)
        + value(brier_uncertainty, p, y, w)
    )
    assert parts == pytest.approx(value(brier, p, y, w), abs=1e-14)


def test_with_one_forecast_a_bin_the_parts_are_murphys() -> None:
    # 0.2 three times (one hit), 0.8 twice (two hits); base rate 3/5.
    p, y = np.array([0.2, 0.2, 0.2, 0.8, 0.8]), np.array([1.0, 0, 0, 1, 1])
    assert value(brier_reliability, p, y) == pytest.approx(3 / 5 * (1 / 3 - 0.2) ** 2 + 2 / 5 * 0.2**2, abs=1e-15)
    assert value(brier_resolution, p, y) == pytest.approx(3 / 5 * (4 / 15) ** 2 + 2 / 5 * 0.4**2, abs=1e-15)
    assert value(brier_uncertainty, p, y) == pytest.approx(0.24, abs=1e-15)


def test_resolution_within_one_bin_is_counted() -> None:
    # One bin, forecasts 0 and 1, always right: reliability 0, resolution is all of the uncertainty.
    y = np.array([0.0, 1.0, 1.0, 0.0])
    assert value(brier_reliability, y, y, bins=1) == 0
    assert value(brier_resolution, y, y, bins=1) == pytest.approx(0.25, abs=1e-15)
    assert value(brier_resolution, 1 - y, y, bins=1) == pytest.approx(-0.75, abs=1e-15)


@EVERY_ERROR
def test_every_error_of_one_constant_gap_is_the_gap(error: Measure) -> None:
    # p = 0.9, 507 of 1000 right; debiased, the variance of that share is taken off its square.
    y = np.repeat([1.0, 0.0], [507, 493])
    noise = 0.507 * 0.493 / 999 if error is ece_debiased else 0.0
    assert value(error, np.full(1000, 0.9), y) == pytest.approx(np.sqrt(0.393**2 - noise), abs=1e-12)
    assert value(overconfidence, np.full(1000, 0.9), y) == pytest.approx(0.393, abs=1e-12)


@EVERY_ERROR
def test_every_error_of_sure_and_right_is_zero_and_of_sure_and_wrong_one(error: Measure) -> None:
    y = np.array([0.0, 1, 1, 0, 1])
    assert value(error, y, y) == pytest.approx(0, abs=1e-12)
    assert value(error, 1 - y, y) == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="bins must be at least 1"):
        value(error, y, y, bins=0)


def test_errors_of_two_bins_differ_in_how_a_bin_counts() -> None:
    # Gap 0.2 in two rows (p = 0.3, half right), gap 0.1 in eight (p = 0.9, all right).
    p, y = np.repeat([0.3, 0.9], [2, 8]), np.repeat([1.0, 0, 1], [1, 1, 8])
    assert value(ece_equal_width, p, y) == pytest.approx(0.2 * 0.2 + 0.8 * 0.1, abs=1e-15)
    assert value(rmsce_equal_width, p, y) == pytest.approx(np.sqrt(0.2 * 0.04 + 0.8 * 0.01), abs=1e-15)
    assert value(mce, p, y) == pytest.approx(0.2, abs=1e-15)
    assert value(ece_unweighted, p, y) == pytest.approx(0.15, abs=1e-15)
    assert value(ece_adaptive, p, y) == pytest.approx(0.12, abs=1e-15)
    # Five bins of two rows each: one of gap 0.2, four of gap 0.1.
    assert value(ece_equal_count, p, y, bins=5) == pytest.approx(0.12, abs=1e-15)
    assert value(rmsce_equal_count, p, y, bins=5) == pytest.approx(np.sqrt((0.04 + 4 * 0.01) / 5), abs=1e-15)
    # The variance of one right of two is 1/4.
    assert value(ece_debiased, p, y) == pytest.approx(np.sqrt(max(0, 0.2 * (0.04 - 0.25) + 0.8 * 0.01)), abs=1e-15)


def test_tied_rows_stay_in_the_bin_of_the_lowest() -> None:
    # Four bins of eight rows: the tie of five begins in the first bin and stays there; bins two and three are empty.
    p = np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 0.9])
    y = np.array([0.0, 1, 1, 1, 1, 1, 1, 1])
    first, last = abs(5 - 2.6) / 6, abs(2 - 1.7) / 2
    assert value(ece_adaptive, p, y, bins=4) == pytest.approx(6 / 8 * first + 2 / 8 * last, abs=1e-15)
    assert value(ece_unweighted, p, y, bins=4) == pytest.approx((first + last) / 2, abs=1e-15)


def test_debiasing_takes_the_bias_off() -> None:
    # Miscalibrated by 0.1 everywhere: the mean of the squares is 0.01 at every n, the plain one is noise besides.
    rng = np.random.default_rng(7)
    squares, plain = [], []
    for _ in range(400):
        p = rng.uniform(0.2, 0.8, 200)
        y = (rng.random(200) < p + 0.1).astype(float)
        squares.append(value(ece_debiased, p, y) ** 2)
        plain.append(value(rmsce_equal_count, p, y) ** 2)
    # Few of the squares are cut at 0.
    assert np.mean(squares) == pytest.approx(0.01, abs=3 * float(np.std(squares)) / 20 + 0.0003)
    assert np.mean(plain) > 0.018


@pytest.mark.parametrize(
    "error",
    [ece_equal_count, ece_adaptive, ece_unweighted, ece_debiased],
    ids=lambda measure: measure.function.__name__,
)
def test_held_bins_are_those_of_the_data_whatever_the_weights(error: Measure) -> None:
    # 4, 3 and 3 rows of three levels, in two bins: the middle one is divided, or stays below where ties stay together.
    p = Probabilities(np.repeat([0.2, 0.5, 0.8], [4, 3, 3]))
    y = Labels(np.array([0.0, 0, 0, 1, 0, 1, 1, 1, 1, 0]))
    held = error.held(p, y, w=np.ones(10), bins=2)
    w = np.ones((1, 10))
    assert held(w) == pytest.approx(error(p, y, w=w, bins=2), abs=1e-15)
    # Four times the highest level: bins made anew would put it alone into the upper one.
    w[:, 7:] = 4
    part = 1 / 3 if error is ece_equal_count else 1.0
    shares = np.array([[4, 3 * part, 0], [0, 3 * (1 - part), 12]])
    gap = shares @ (np.array([0.25, 2 / 3, 2 / 3]) - [0.2, 0.5, 0.8])
    size = shares.sum(axis=1)
    if error is ece_debiased:
        right = shares @ [0.25, 2 / 3, 2 / 3] / size
        noise = right * (1 - right) / (size - 1)
        expected = np.sqrt(max(0.0, (size * ((gap / size) ** 2 - noise)).sum() / size.sum()))
    elif error is ece_unweighted:
        expected = np.abs(gap / size).mean()
    else:
        expected = np.abs(gap).sum() / size.sum()
    assert held(w)[0] == pytest.approx(expected, abs=1e-12)
