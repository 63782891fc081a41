"""Seeds pooled: means that are known, intervals that hold the truth, rows that not all seeds have."""

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.statistics.estimates import estimate
from harness.statistics.pairs import contrast
from harness.statistics.pooled import pooled
from tests.unit.statistics.test_pairs import ACCURACY, ECE, LEVEL, table


def test_the_mean_of_seeds_is_that_of_their_values() -> None:
    found = pooled(ACCURACY, LEVEL, [table([True] * k + [False] * (40 - k)) for k in (10, 20, 18)])
    assert found.value == pytest.approx((10 + 20 + 18) / 120)
    assert (found.n, found.n_groups, found.seeds) == (40, 40, 3)
    assert found.spread == pytest.approx(np.std([0.25, 0.5, 0.45], ddof=1))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.4 < found.high


def test_seeds_that_agree_have_the_interval_of_one_of_them() -> None:
    rng = np.random.default_rng(0)
    one = table(rng.random(200) < 0.3)
    (alone,) = estimate(ACCURACY, one, replicates=4000)
    both = pooled(ACCURACY, LEVEL, [one, one], replicates=4000)
    assert both.value == alone.value
    assert both.spread == 0
    assert (both.low, both.high) == pytest.approx((alone.low, alone.high), abs=0.01)


def test_the_interval_is_wider_where_seeds_differ() -> None:
    rng = np.random.default_rng(1)
    alike = [table(rng.random(200) < 0.5) for _ in range(4)]
    apart = [table(rng.random(200) < p) for p in (0.2, 0.4, 0.6, 0.8)]
    widths = [(p.high or 0) - (p.low or 0) for p in (pooled(ACCURACY, LEVEL, side) for side in (alike, apart))]
    assert widths[1] > 2 * widths[0]


def test_a_difference_of_pooled_seeds_is_the_difference_of_their_means() -> None:
    rng = np.random.default_rng(2)
    first, second = ([table(rng.random(80) < p) for _ in range(3)] for p in (0.3, 0.6))
    one, two = (pooled(ACCURACY, LEVEL, side) for side in (first, second))
    found = contrast(ACCURACY, LEVEL, first, second)
    assert (found.first, found.second) == (one.value, two.value)


def test_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        chance = rng.random(120)
        found = pooled(ACCURACY, LEVEL, [table(rng.random(120) < chance) for _ in range(5)], replicates=300)
        missed += not (found.low or 0) <= 0.5 <= (found.high or 0)
    assert missed <= 22  # 5 % of 200, within four standard deviations


def test_rows_that_not_all_seeds_have_are_left_out_and_counted() -> None:
    found = pooled(ACCURACY, LEVEL, [table([True, None, False, True]), table([True, True, False, None])])
    assert (found.value, found.n, found.n_unmatched) == (0.5, 2, 2)
    assert "2 rows left out that not all seeds have" in found.note
    with pytest.raises(HarnessError, match="the seeds share no item that has a value"):
        pooled(ACCURACY, LEVEL, [table([True, True]), table([True, True], start=5)])


def test_the_mean_of_calibration_errors_is_reflected_as_those_of_other_biased_numbers_are() -> None:
    rng = np.random.default_rng(4)
    found = pooled(ECE, LEVEL, [table(rng.random(150) < 0.4) for _ in range(2)])
    assert found.method == "cluster bootstrap, 1000 replicates, basic"
    assert found.low is not None
    assert found.low <= (found.value or 0) <= (found.high or 0)
