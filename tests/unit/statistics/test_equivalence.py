"""The difference of a measured and a published number: intervals and sizes in closed form."""

import math

import pytest

from harness.statistics.equivalence import POWER, Difference, Z, error, share_ends, share_tolerance


def test_the_interval_of_a_share_is_wilsons_with_a_continuity_correction() -> None:
    # Newcombe 1998 (two-sided intervals for the single proportion), table I, method 4.
    assert share_ends(81 / 263, 263) == pytest.approx((0.2535, 0.3682), abs=5e-5)
    assert share_ends(15 / 148, 148) == pytest.approx((0.0598, 0.1644), abs=5e-5)
    assert share_ends(0.0, 20) == pytest.approx((0.0, 0.2005), abs=5e-5)
    assert share_ends(1 / 29, 29) == pytest.approx((0.0018, 0.1963), abs=5e-5)
    assert share_ends(1.0, 20) == pytest.approx((1 - 0.2005, 1.0), abs=5e-5)


def test_the_interval_of_a_difference_of_shares_is_newcombes() -> None:
    # Newcombe 1998 (intervals for the difference), table II, method 11, example (a).
    found = Difference(56 / 70, share_ends(56 / 70, 70), 70, 48 / 80, share_ends(48 / 80, 80))
    assert found.value == pytest.approx(0.2)
    assert found.ends == pytest.approx((0.0428, 0.3422), abs=5e-5)


def test_without_an_error_of_its_own_a_published_number_is_a_constant() -> None:
    assert Difference(0.5, (0.4, 0.7), 100, 0.45, (0.45, 0.45)).ends == pytest.approx((-0.05, 0.25))


def test_rows_needed_and_the_least_tolerance() -> None:
    assert pytest.approx((1.959964, 3.241516), abs=1e-6) == (Z, POWER)
    se = 0.02
    ends = (0.5 - Z * se, 0.5 + Z * se)
    same = Difference(0.5, ends, 500, 0.5, ends)
    # At a tolerance of 3.24 sqrt(2) standard errors the run's own 500 rows are what it takes.
    assert same.needed(POWER * math.sqrt(2) * se) == 500
    assert same.needed(POWER * 2 * se) == 167  # 500 / (2^2 - 1)
    assert same.least_tolerance == pytest.approx(POWER * se)
    assert same.needed(0.999 * POWER * se) is None
    assert Difference(0.5, ends, 500, 0.5, (0.5, 0.5)).needed(POWER * se) == 500


def test_the_default_tolerance_is_what_a_second_sample_of_as_many_can_show() -> None:
    ends = share_ends(0.526, 500)
    assert error(ends) == pytest.approx(math.sqrt(0.526 * 0.474 / 500), rel=0.03)
    assert share_tolerance(0.526, 500) == pytest.approx(0.1043, abs=5e-5)
    assert Difference(0.526, ends, 500, 0.526, ends).needed(share_tolerance(0.526, 500)) == 500
