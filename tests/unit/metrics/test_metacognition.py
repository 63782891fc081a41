"""Metacognition: subjects of known insight come back, an ideal observer has an M-ratio of 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from harness.metrics.columns import Floats, Labels, Ordered, Scores
from harness.metrics.meta_fit import fit_meta_d
from harness.metrics.metacognition import criterion, d_prime, m_ratio, meta_d, type2_auroc
from harness.metrics.metric import Measure
from harness.metrics.ranking import auroc


def observer(n: int, d: float, c: float, noise: float = 0.0, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Stimulus, response, and confidence that reads the evidence again, with that much noise added."""
    rng = np.random.default_rng(seed)
    stimulus = rng.integers(0, 2, n).astype(float)
    evidence = rng.normal(size=n) + d * (stimulus - 0.5)
    response = (evidence > c).astype(float)
    # Confidence that has forgotten why it chose may find evidence against the choice: it is then the lowest.
    seen = (evidence + noise * rng.normal(size=n) - c) * (2 * response - 1)
    return stimulus, response, np.maximum(seen, 0)


def value(measure: Measure, stimulus: Floats, response: Floats, confidence: Floats, **options: int) -> float:
    columns = (Labels(stimulus), Labels(response), Ordered(confidence))
    return float(measure(*columns, w=np.ones((1, len(stimulus))), **options)[0])


def test_d_prime_and_criterion_closed_forms() -> None:
    # 30 of 40 hits, 10 of 40 false alarms: (30.5/41, 10.5/41), mirror images.
    stimulus, response = np.repeat([1.0, 0], 40), np.repeat([1.0, 0, 1, 0], [30, 10, 10, 30])
    w = np.ones((1, 80))
    assert d_prime(Labels(stimulus), Labels(response), w=w)[0] == pytest.approx(2 * norm.ppf(30.5 / 41), abs=1e-12)
    assert criterion(Labels(stimulus), Labels(response), w=w)[0] == pytest.approx(0, abs=1e-12)
    always = np.ones(80)
    assert d_prime(Labels(stimulus), Labels(always), w=w)[0] == pytest.approx(0, abs=1e-12)
    assert criterion(Labels(stimulus), Labels(always), w=w)[0] == pytest.approx(-norm.ppf(40.5 / 41), abs=1e-12)
    assert np.isnan(d_prime(Labels(always), Labels(response), w=w)[0])


@pytest.mark.parametrize(("d", "c"), [(1.5, 0.0), (1.0, 0.4), (2.0, -0.3)])
def test_an_ideal_observer_has_meta_d_of_d(d: float, c: float) -> None:
    stimulus, response, confidence = observer(200_000, d, c)
    labels = Labels(stimulus), Labels(response)
    w = np.ones((1, len(stimulus)))
    assert d_prime(*labels, w=w)[0] == pytest.approx(d, abs=0.02)
    assert criterion(*labels, w=w)[0] == pytest.approx(c, abs=0.01)
    for levels in (2, 5):
        assert value(meta_d, stimulus, response, confidence, levels=levels) == pytest.approx(d, abs=0.04)
        assert value(m_ratio, stimulus, response, confidence, levels=levels) == pytest.approx(1, abs=0.025)


def test_blind_confidence_has_no_meta_d_and_noise_takes_it_away() -> None:
    stimulus, response, _ = observer(200_000, 1.5, 0.0)
    random = np.random.default_rng(9).integers(0, 4, 200_000).astype(float)
    assert value(m_ratio, stimulus, response, random) == pytest.approx(0, abs=0.03)
    ratios = [value(m_ratio, *observer(200_000, 1.5, 0.0, noise)) for noise in (0, 0.5, 1, 2)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 0.6


def test_confidence_of_the_wrong_sign_is_negative() -> None:
    stimulus, response, confidence = observer(100_000, 1.5, 0.0)
    assert value(meta_d, stimulus, response, -confidence) < -0.5


def test_levels_are_the_values_themselves_or_bins_of_them() -> None:
    stimulus, response, confidence = observer(5000, 1.2, 0.1)
    stated = np.digitize(confidence, [0.3, 0.8, 1.4]).astype(float)
    as_words = np.array([0.5, 0.8, 0.9, 0.99])[stated.astype(int)]
    assert value(meta_d, stimulus, response, stated) == value(meta_d, stimulus, response, as_words)
    assert value(meta_d, stimulus, response, stated, levels=9) == value(meta_d, stimulus, response, stated)
    quarters = np.searchsorted(np.sort(confidence)[[1250, 2500, 3750]], confidence, side="right").astype(float)
    assert value(meta_d, stimulus, response, confidence) == pytest.approx(
        value(meta_d, stimulus, response, quarters), abs=1e-9
    )
    with pytest.raises(ValueError, match="levels must be at least 2"):
        value(meta_d, stimulus, response, confidence, levels=1)


def test_no_sensitivity_or_one_level_is_undefined() -> None:
    stimulus, response, confidence = observer(500, 1.5, 0.0)
    assert np.isnan(value(meta_d, stimulus, 1 - response, confidence))
    assert np.isnan(value(m_ratio, stimulus, response, np.ones(500)))
    assert np.isnan(value(m_ratio, np.ones(500), response, confidence))


def likelihood(parameters: Floats, n: Floats, rho: float) -> float:
    """Minus the log-likelihood, written plainly: cuts of each side as positive distances from the criterion."""
    levels = n.shape[-1]
    total = 0.0
    for side in (0, 1):
        gaps = np.exp(parameters[1 + side * (levels - 1) : 1 + (side + 1) * (levels - 1)])
        cuts = np.concatenate([[0.0], np.cumsum(gaps), [np.inf]])
        for stimulus in (0, 1):
            mean = (2 * side - 1) * parameters[0] * (stimulus - 0.5 - rho)
            p = np.diff(norm.cdf(cuts, loc=mean)) / norm.sf(0, loc=mean)
            total -= float(n[stimulus, side] @ np.log(np.maximum(p, 1e-300)))
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_fit_is_the_greatest_likelihood_that_a_general_optimiser_finds(seed: int) -> None:
    stimulus, response, confidence = observer(300, 1.3, 0.3, noise=0.7, seed=seed)
    stated = np.digitize(confidence, [0.2, 0.7, 1.3])
    n = np.zeros((2, 2, 4))
    np.add.at(n, (stimulus.astype(int), response.astype(int), stated), 1)
    d, meta = fit_meta_d(n[None])
    padded = n + 1 / 8
    z = norm.ppf(padded[:, 1].sum(axis=1) / padded.sum(axis=(1, 2)))
    assert d[0] == pytest.approx(z[1] - z[0], abs=1e-12)
    rho = -z.mean() / d[0]
    start = np.append(1.0, np.full(6, -0.7))
    found = minimize(likelihood, start, (padded, rho), method="BFGS", options={"gtol": 1e-5})
    assert meta[0] == pytest.approx(found.x[0], abs=1e-4)
    # Nothing near is likelier.
    assert likelihood(np.append(meta[0], found.x[1:]), padded, rho) == pytest.approx(found.fun, abs=1e-6)


def test_a_published_example_comes_back() -> None:
    # Counts of the example in Maniscalco and Lau's code, from surely 0 to surely 1; the fit of their code's translation
    # (metadpy 0.1.2) with 1/6 added to each.
    of_0, of_1 = np.array([100.0, 50, 20, 10, 5, 1]), np.array([3.0, 7, 8, 12, 27, 89])
    counts = np.array([[[row[2::-1], row[3:]] for row in (of_0, of_1)]])
    d, meta = fit_meta_d(counts)
    assert d[0] == pytest.approx(2.497931, abs=1e-6)
    assert meta[0] == pytest.approx(2.302142, abs=1e-6)


def test_all_replicates_of_scarce_data_settle() -> None:
    rng = np.random.default_rng(2)
    counts = rng.multinomial(40, np.full(16, 1 / 16), size=2000).reshape(2000, 2, 2, 4).astype(float)
    counts[:, 0, 0] += rng.integers(0, 9, (2000, 4))
    counts[:, 1, 1] += rng.integers(0, 9, (2000, 4))
    d, meta = fit_meta_d(counts)
    assert np.isnan(d).mean() < 0.1
    np.testing.assert_array_equal(np.isnan(meta), np.isnan(d))


def test_type_2_auroc_is_that_of_confidence_and_correctness() -> None:
    stimulus, response, confidence = observer(1000, 1.5, 0.0)
    correct, w = Labels((stimulus == response).astype(float)), np.ones((1, 1000))
    assert type2_auroc(Scores(confidence), correct, w=w)[0] == auroc(Scores(confidence), correct, w=w)[0]
