"""The interval of a calibration error, inverted from tests on the noise in its gaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi, norm

from harness.intervals import GapReplicates, inverted
from harness.metrics.bins import absolute, length, squares

SD = 0.05


def noise(k: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, SD, (200_000, k))


def folded(limit: float, mean: float) -> float:
    """P(|N(mean, SD)| <= limit)."""
    return float(norm.cdf((limit - mean) / SD) - norm.cdf((-limit - mean) / SD))


@pytest.mark.parametrize("gap", [0.3, -0.3])
def test_far_from_zero_it_is_the_normal_interval_of_the_gap(gap: float) -> None:
    low, high = inverted(absolute, GapReplicates(np.array([gap]), noise(1), 0.0))
    assert (low, high) == pytest.approx((0.3 - 1.96 * SD, 0.3 + 1.96 * SD), abs=1e-3)


@pytest.mark.parametrize("gap", [0.02, 0.05, 0.1, 0.13])
def test_of_one_gap_near_zero_it_inverts_the_folded_normal(gap: float) -> None:
    low, high = inverted(absolute, GapReplicates(np.array([gap]), noise(1), 0.0))
    expected = [
        brentq(lambda mean, share=share: folded(gap, mean) - share, 0, 1) if folded(gap, 0) > share else 0.0
        for share in (0.975, 0.025)
    ]
    assert (low, high) == pytest.approx(tuple(expected), abs=1.5e-3)


def test_a_size_that_noise_alone_would_pass_reaches_up_to_what_noise_makes() -> None:
    low, high = inverted(length, GapReplicates(np.zeros(4), noise(4), 0.0))
    assert low == 0
    assert high == pytest.approx(SD * chi.ppf(0.975, 4), rel=0.01)


def test_the_square_of_a_size_has_the_squares_of_its_ends() -> None:
    gaps = GapReplicates(np.array([0.1, -0.2, 0.05]), noise(3), 0.0)
    roots, whole = inverted(length, gaps), inverted(squares, gaps)
    assert whole == pytest.approx((roots[0] ** 2, roots[1] ** 2), abs=1e-4)


def test_what_steps_take_off_is_put_back_and_replicates_without_gaps_are_left_out() -> None:
    drawn = noise(2)
    plain = inverted(absolute, GapReplicates(np.array([0.1, 0.2]), drawn, 0.0))
    drawn = np.concatenate([drawn, [[np.nan, 0.1]]])
    moved = inverted(absolute, GapReplicates(np.array([0.1, 0.2]), drawn, 0.01))
    assert moved == pytest.approx((plain[0] + 0.01, plain[1] + 0.01), abs=1e-12)
