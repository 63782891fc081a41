"""Ranking metrics: parity with scikit-learn, brute force over pairs and over orders of ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.metrics.columns import Floats, Labels, Probabilities, Scores
from harness.metrics.metric import Measure
from harness.metrics.ranking import aurc, auroc


def value(measure: Measure, score: Floats, y: Floats, w: Floats | None = None) -> float:
    weights = np.ones(len(score)) if w is None else w
    return float(measure(Scores(np.asarray(score)), Labels(np.asarray(y)), w=weights[None, :])[0])


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_auroc_agrees_with_scikit_learn(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    score, y, w = rng.normal(size=800).round(decimals), rng.integers(0, 2, 800).astype(float), rng.random(800)
    assert value(auroc, score, y) == pytest.approx(roc_auc_score(y, score), abs=1e-9)
    assert value(auroc, score, y, w) == pytest.approx(roc_auc_score(y, score, sample_weight=w), abs=1e-9)


def test_auroc_ties_count_one_half() -> None:
    assert value(auroc, np.array([1.0, 1.0]), np.array([1.0, 0.0])) == 0.5
    # Pairs: (2,1) won, (2,2) tied, (3,1) and (3,2) won.
    assert value(auroc, np.array([2.0, 3, 1, 2]), np.array([1.0, 1, 0, 0])) == 3.5 / 4


def test_auroc_of_infinite_scores_and_of_probabilities() -> None:
    assert value(auroc, np.array([-np.inf, -np.inf, 0.0]), np.array([0.0, 1, 1])) == 0.75
    assert auroc(Probabilities(np.array([0.1, 0.9])), Labels(np.array([0.0, 1.0])), w=np.ones((1, 2)))[0] == 1


def test_auroc_of_one_class_is_undefined() -> None:
    assert np.isnan(value(auroc, np.array([1.0, 2.0]), np.ones(2)))
    assert np.isnan(value(auroc, np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.array([1.0, 0.0])))


def test_aurc_closed_forms() -> None:
    # Best order of three: risks 0, 0, 1/3. Worst: 1, 1/2, 1/3.
    assert value(aurc, np.array([3.0, 2, 1]), np.array([1.0, 1, 0])) == pytest.approx(1 / 9, abs=1e-15)
    assert value(aurc, np.array([1.0, 2, 3]), np.array([1.0, 1, 0])) == pytest.approx(11 / 18, abs=1e-15)
    assert value(aurc, np.array([1.0, 2, 3]), np.ones(3)) == 0
    assert value(aurc, np.array([1.0, -np.inf]), np.zeros(2)) == 1


def test_aurc_is_the_mean_risk_over_coverages() -> None:
    rng = np.random.default_rng(0)
    score, y = rng.normal(size=300), rng.integers(0, 2, 300).astype(float)
    risks = np.cumsum(1 - y[np.argsort(-score)]) / np.arange(1, 301)
    assert value(aurc, score, y) == pytest.approx(risks.mean(), abs=1e-12)


def test_aurc_of_tied_rows_is_the_mean_over_their_orders() -> None:
    score, y = np.array([5.0, 3, 3, 3, 3, 1]), np.array([0.0, 1, 0, 0, 1, 1])
    means = []
    for order in permutations(range(1, 5)):
        ranked = y[[0, *order, 5]]
        means.append((np.cumsum(1 - ranked) / np.arange(1, 7)).mean())
    assert value(aurc, score, y) == pytest.approx(np.mean(means), abs=1e-14)


def test_aurc_of_a_constant_score_is_the_error_rate() -> None:
    assert value(aurc, np.zeros(10), np.repeat([0.0, 1.0], [3, 7])) == pytest.approx(0.3, abs=1e-15)


def test_aurc_grows_smoothly_with_a_weight() -> None:
    score, y = np.array([3.0, 2, 1]), np.array([1.0, 0, 1])
    values = [value(aurc, score, y, np.array([1.0, x, 1.0])) for x in (1, 1.25, 1.5, 1.75, 2)]
    assert np.all(np.diff(values) > 0)
