"""The numbers of other libraries, to 1e-9, wherever they compute the same thing."""

from __future__ import annotations

from typing import Any

import calibration as verified
import netcal.metrics
import numpy as np
import pytest
import scipy.stats
import statsmodels.api
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss
from torchmetrics.functional.classification import binary_calibration_error

from harness.metrics.calibration import (
    ece_adaptive,
    ece_debiased,
    ece_equal_width,
    mce,
    rmsce_equal_width,
)
from harness.metrics.columns import Floats, Labels, Ordered, Scores
from harness.metrics.correlation import kendall, spearman
from harness.metrics.likelihood import nll
from harness.metrics.metric import Measure
from harness.metrics.ranking import auprc, auprc_wrong
from harness.metrics.recalibration import (
    calibration_in_the_large,
    calibration_intercept,
    calibration_slope,
    logit,
    temperature,
)

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])
# Continuous p, and the clustered ones that models state.
DECIMALS = pytest.mark.parametrize("decimals", [12, 2, 1])


def data(seed: int, decimals: int = 12) -> tuple[Floats, Floats]:
    """A thousand overconfident rows, none with p of 0 or 1."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 1, 1000)
    correct = (rng.random(1000) < p**1.5).astype(float)
    return np.clip(p.round(decimals), 0.01, 0.99), correct


def ours(measure: Measure, p: Floats, y: Floats, w: Floats | None = None, **options: Any) -> float:
    columns = [Labels(y) if t is Labels else t(p) for t in measure.parameters]
    weights = np.ones(len(p)) if w is None else w
    return float(measure(*columns, w=weights[None, :], **options)[0])


@SEEDS
@DECIMALS
def test_errors_in_bins_of_equal_width_are_those_of_netcal_and_torchmetrics(seed: int, decimals: int) -> None:
    p, y = data(seed, decimals)
    if decimals < 12:
        # Off the edges, which belong to the bin below here and in netcal, and to the bin above in torchmetrics.
        p -= 0.003
    for bins in (5, 10, 15):
        theirs = netcal.metrics.ECE(bins).measure(p, y.astype(int))
        assert ours(ece_equal_width, p, y, bins=bins) == pytest.approx(theirs, abs=1e-9)
        assert ours(mce, p, y, bins=bins) == pytest.approx(netcal.metrics.MCE(bins).measure(p, y.astype(int)), abs=1e-9)
        for norm, measure in (("l1", ece_equal_width), ("l2", rmsce_equal_width), ("max", mce)):
            error = binary_calibration_error(torch.tensor(p), torch.tensor(y).int(), n_bins=bins, norm=norm)
            assert ours(measure, p, y, bins=bins) == pytest.approx(float(error), abs=1e-9)


@SEEDS
@DECIMALS
@pytest.mark.parametrize("bins", [5, 10, 20])
def test_adaptive_and_debiased_errors_are_those_of_uncertainty_calibration(seed: int, decimals: int, bins: int) -> None:
    p, y = data(seed, decimals)
    labels = y.astype(int)
    theirs = verified.lower_bound_scaling_ce(p, labels, p=1, debias=False, num_bins=bins)
    assert ours(ece_adaptive, p, y, bins=bins) == pytest.approx(theirs, abs=1e-9)
    theirs = verified.lower_bound_scaling_ce(p, labels, p=2, debias=True, num_bins=bins)
    assert ours(ece_debiased, p, y, bins=bins) == pytest.approx(theirs, abs=1e-9)


@SEEDS
def test_nll_is_the_log_loss_of_scikit_learn(seed: int) -> None:
    p, y = data(seed)
    w = np.random.default_rng(seed).random(1000)
    assert ours(nll, p, y, w) == pytest.approx(log_loss(y, p, sample_weight=w), abs=1e-9)
    # Sure rows, one of them wrong: the same rule for an infinite loss.
    p, y = np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0])
    assert ours(nll, p, y) == pytest.approx(log_loss(y, p), abs=1e-9)


@SEEDS
@DECIMALS
def test_auprc_is_average_precision(seed: int, decimals: int) -> None:
    p, y = data(seed, decimals)
    w = np.random.default_rng(seed).random(1000)
    assert ours(auprc, p, y, w) == pytest.approx(average_precision_score(y, p, sample_weight=w), abs=1e-9)
    assert ours(auprc_wrong, p, y, w) == pytest.approx(average_precision_score(1 - y, -p, sample_weight=w), abs=1e-9)


@SEEDS
@DECIMALS
def test_slope_and_intercepts_are_the_logistic_regressions_of_statsmodels(seed: int, decimals: int) -> None:
    p, y = data(seed, decimals)
    k = np.random.default_rng(seed).integers(0, 4, 1000)
    x, repeated = logit(p.repeat(k)), y.repeat(k)
    joint = statsmodels.api.Logit(repeated, statsmodels.api.add_constant(x)).fit(disp=0, method="newton", tol=1e-14)
    assert ours(calibration_intercept, p, y, k.astype(float)) == pytest.approx(joint.params[0], abs=1e-9)
    assert ours(calibration_slope, p, y, k.astype(float)) == pytest.approx(joint.params[1], abs=1e-9)
    family = statsmodels.api.families.Binomial()
    alone = statsmodels.api.GLM(repeated, np.ones_like(x), family, offset=x).fit(tol=1e-14, tol_criterion="params")
    assert ours(calibration_in_the_large, p, y, k.astype(float)) == pytest.approx(alone.params[0], abs=1e-9)


@SEEDS
def test_temperature_is_the_slope_without_an_intercept(seed: int) -> None:
    p, y = data(seed)
    slope = statsmodels.api.Logit(y, logit(p)[:, None]).fit(disp=0, method="newton", tol=1e-14).params[0]
    assert ours(temperature, p, y) == pytest.approx(1 / slope, abs=1e-9)
    other = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=1000).fit(logit(p)[:, None], y)
    assert 1 / other.coef_[0, 0] == pytest.approx(1 / slope, abs=1e-5)


@SEEDS
@pytest.mark.parametrize("decimals", [12, 1, 0])
def test_rank_correlations_are_those_of_scipy_with_rows_repeated(seed: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=300).round(decimals)
    y = (0.5 * x + rng.normal(size=300)).round(decimals)
    k = rng.integers(0, 4, 300)
    for a, b in ((x, y), (x, -y), (x, (y > 0).astype(float)), ((x > 0).astype(float), y)):
        for measure, theirs in ((spearman, scipy.stats.spearmanr), (kendall, scipy.stats.kendalltau)):
            weighted = measure(Ordered(a), Ordered(b), w=k[None, :].astype(float))[0]
            assert weighted == pytest.approx(theirs(a.repeat(k), b.repeat(k)).statistic, abs=1e-9)


def test_a_score_is_not_taken_for_a_probability() -> None:
    # Negative confidences once gave an ECE of 0 for everything.
    with pytest.raises(ValueError, match="probabilities must lie in"):
        ours(ece_equal_width, -np.ones(3), np.ones(3))
    assert Scores not in ece_equal_width.parameters
