"""Cohen's d against the t statistic of scipy, closed forms, undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.meta_analysis import effectsize_smd

from harness.metrics.columns import Floats, Labels, Numbers
from harness.metrics.effects import cohens_d


def d(x: Floats, condition: Floats, w: Floats | None = None) -> float:
    weights = np.ones(len(x)) if w is None else w
    return float(cohens_d(Numbers(x), Labels(condition), w=weights[None, :])[0])


def test_a_closed_form() -> None:
    # Means 4 and 1, sums of squares 2 and 2 over 6 - 2: pooled variance 1.
    assert d(np.array([3.0, 4, 5, 0, 1, 2]), np.array([1.0, 1, 1, 0, 0, 0])) == pytest.approx(3, abs=1e-12)
    assert d(np.array([3.0, 4, 5, 0, 1, 2]), np.array([0.0, 0, 0, 1, 1, 1])) == pytest.approx(-3, abs=1e-12)


@pytest.mark.parametrize("far", [0.0, 1e7])
def test_it_is_the_t_of_two_samples_less_their_sizes_also_with_weights_as_copies(far: float) -> None:
    rng = np.random.default_rng(0)
    x, condition, k = rng.normal(size=50) + far, (rng.random(50) < 0.4).astype(float), rng.integers(0, 4, 50)
    x += condition
    copies, side = x.repeat(k), condition.repeat(k) > 0
    n, m = int(side.sum()), int((~side).sum())
    t = scipy.stats.ttest_ind(copies[side], copies[~side]).statistic
    assert d(x, condition, k.astype(float)) == pytest.approx(t * np.sqrt(1 / n + 1 / m), abs=1e-6 if far else 1e-12)


def test_it_is_hedges_g_without_its_factor() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(1, 2, 12), rng.normal(0, 1, 9)
    g, _ = effectsize_smd(one.mean(), one.std(ddof=1), 12, two.mean(), two.std(ddof=1), 9)
    found = d(np.concatenate([one, two]), np.repeat([1.0, 0.0], [12, 9]))
    assert found * (1 - 3 / (4 * 21 - 9)) == pytest.approx(g, abs=1e-12)


def test_there_is_no_d_of_one_condition_or_without_a_spread() -> None:
    x = np.array([0.1, 0.1, 0.7, 0.7])
    assert np.isnan(d(x, np.array([1.0, 1, 0, 0])))
    assert np.isnan(d(x, np.ones(4)))
    assert np.isnan(d(x, np.array([1.0, 0, 1, 0]), np.array([1.0, 1, 0, 0])))
    assert np.isnan(d(np.array([]), np.array([])))
