"""Probit regressions of many replicates: closed forms, statsmodels, and where there is no maximum."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.probit import probit_fit


def test_one_intercept_is_the_quantile_of_the_mean() -> None:
    from scipy.special import ndtri

    yes = np.array([0.9, 0.5, 0.4, 0.8])
    w = np.array([[1.0, 1, 1, 1], [1, 0, 0, 3]])
    fitted, _ = probit_fit(np.ones((4, 1)), yes, w)
    means = (w @ yes) / w.sum(axis=1)
    assert fitted[:, 0] == pytest.approx(ndtri(means), abs=1e-12)


def test_the_likelihood_is_that_of_the_fit() -> None:
    _, best = probit_fit(np.ones((2, 1)), np.array([1.0, 0.0]), np.array([[3.0, 1.0]]))
    assert best[0] == pytest.approx(3 * np.log(0.75) + np.log(0.25), abs=1e-12)


@pytest.mark.parametrize("hard", [False, True])
def test_agrees_with_statsmodels(hard: bool) -> None:
    sm = pytest.importorskip("statsmodels.api")
    from scipy.special import ndtr

    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(200), rng.normal(size=(200, 2)) * [1.0, 50.0]])
    soft = ndtr(x @ [0.3, -0.8, 0.02])
    yes = (rng.random(200) < soft).astype(float) if hard else np.clip(soft + rng.normal(size=200) * 0.05, 0, 1)
    w = rng.integers(0, 3, (4, 200)).astype(float)
    fitted, best = probit_fit(x, yes, w)
    for row, (b, likelihood) in zip(w, zip(fitted, best, strict=True), strict=True):
        family = sm.families.Binomial(link=sm.families.links.Probit())
        known = sm.GLM(yes, x, family=family, freq_weights=row).fit(maxiter=200, tol=1e-14)
        assert b == pytest.approx(known.params, rel=1e-7, abs=1e-9)
        mu = ndtr(x @ known.params)
        assert likelihood == pytest.approx(row @ (yes * np.log(mu) + (1 - yes) * np.log(1 - mu)), rel=1e-10)


def test_extreme_probabilities_lose_nothing() -> None:
    from scipy.special import ndtr

    x = np.column_stack([np.ones(41), np.linspace(-8, 8, 41)])
    fitted, _ = probit_fit(x, ndtr(x @ [0.5, 1.0]), np.ones((1, 41)))
    assert fitted[0] == pytest.approx([0.5, 1.0], abs=1e-9)


@pytest.mark.parametrize(
    ("x", "yes"),
    [
        ([[1.0, -1], [1, -2], [1, 1], [1, 2]], [0.0, 0, 1, 1]),  # separated
        ([[1.0, 2], [1, 2], [1, 2], [1, 2]], [0.2, 0.4, 0.6, 0.5]),  # columns that depend on each other
        ([[1.0, 0], [1, 0], [1, 0], [1, 0]], [0.2, 0.4, 0.6, 0.5]),  # an empty column
        ([[1.0], [1], [1], [1]], [1.0, 1, 1, 1]),  # one kind of answer
    ],
    ids=["separated", "dependent", "empty column", "one kind"],
)
def test_no_single_finite_maximum_is_nan(x: list[list[float]], yes: list[float]) -> None:
    fitted, best = probit_fit(np.array(x), np.array(yes), np.ones((2, 4)))
    assert np.isnan(fitted).all()
    assert np.isnan(best).all()


def test_a_replicate_without_rows_of_a_column_is_nan_and_the_others_are_not() -> None:
    x = np.array([[1.0, 0], [1, 0], [1, 1], [1, 1]])
    w = np.array([[1.0, 1, 1, 1], [2, 2, 0, 0]])
    fitted, _ = probit_fit(x, np.array([0.3, 0.5, 0.6, 0.8]), w)
    assert np.isfinite(fitted[0]).all()
    assert np.isnan(fitted[1]).all()


def test_no_rows() -> None:
    fitted, best = probit_fit(np.zeros((0, 2)), np.zeros(0), np.ones((3, 0)))
    assert fitted.shape == (3, 2)
    assert np.isnan(best).all()
