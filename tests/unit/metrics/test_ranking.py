"""Ranking metrics: parity with scikit-learn, brute force over pairs and over orders of ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.metrics.columns import Floats, Labels, Probabilities, Scores, Units
from harness.metrics.metric import Measure
from harness.metrics.ranking import auprc, auprc_wrong, aurc, auroc, auroc_within, excess_aurc, prr, prr_retained


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


def within(score: list[float], y: list[float], unit: list[int], w: list[float]) -> float:
    columns = Scores(np.array(score)), Labels(np.array(y)), Units(np.array(unit))
    return float(auroc_within(*columns, w=np.array([w]))[0])


def test_auroc_within_units_is_the_mean_over_units_that_have_both_kinds() -> None:
    # Unit 0: 1 of 2 pairs won. Unit 1: one pair, tied. Unit 2 has right rows only.
    score, y, unit = [3.0, 2, 1, 9, 9, 5], [0.0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 2]
    assert within(score, y, unit, [1.0] * 6) == pytest.approx((0.5 + 0.5) / 2)
    score[3] = 10.0
    assert within(score, y, unit, [1.0] * 6) == pytest.approx((0.5 + 1) / 2)
    assert within(score, y, unit, [3.0] * 3 + [1.0] * 2 + [7.0]) == pytest.approx((3 * 0.5 + 1) / 4)


def test_auroc_within_units_knows_nothing_of_easy_questions() -> None:
    """Scores tell units of right rows from units of wrong ones, and nothing within a unit."""
    score, y, unit = [2.0, 2, 2, 1, 1, 1], [1.0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1]
    assert value(auroc, np.array(score), np.array(y)) > 0.6
    assert within(score, y, unit, [1.0] * 6) == 0.5
    assert np.isnan(within([1.0, 2.0], [1.0, 1.0], [0, 0], [1.0, 1.0]))
    with pytest.raises(ValueError, match="different weights"):
        within([1.0, 2.0], [1.0, 0.0], [0, 0], [1.0, 2.0])


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


def test_auprc_closed_forms() -> None:
    # From the top: right, wrong, right. Precision 1 at the first hit, 2/3 at the second.
    score, y = np.array([3.0, 2, 1]), np.array([1.0, 0, 1])
    assert value(auprc, score, y) == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)
    assert value(auprc_wrong, score, y) == pytest.approx(1 / 2, abs=1e-15)
    # All tied: one step at the accuracy.
    assert value(auprc, np.zeros(10), np.repeat([1.0, 0], [7, 3])) == pytest.approx(0.7, abs=1e-15)
    assert value(auprc_wrong, np.zeros(10), np.repeat([1.0, 0], [7, 3])) == pytest.approx(0.3, abs=1e-15)
    assert np.isnan(value(auprc, score, np.zeros(3)))
    assert np.isnan(value(auprc_wrong, score, np.ones(3)))


def test_excess_aurc_is_above_the_best_order_of_the_same_rows() -> None:
    rng = np.random.default_rng(1)
    score, y = rng.normal(size=100), rng.integers(0, 2, 100).astype(float)
    best = value(aurc, y, y)
    # The best order has no ties: right rows first, errors last; y itself as the score ties them, to the same end.
    distinct = value(aurc, y + score / 1000, y)
    assert best == pytest.approx(distinct, abs=1e-12)
    assert value(excess_aurc, score, y) == pytest.approx(value(aurc, score, y) - best, abs=1e-12)
    assert value(excess_aurc, y, y) == pytest.approx(0, abs=1e-12)
    assert value(excess_aurc, score, np.ones(100)) == value(excess_aurc, score, np.zeros(100)) == 0
    # Of many rows the limit of Geifman et al. (2019), e + (1 - e) ln(1 - e).
    y = np.repeat([1.0, 0], [70_000, 30_000])
    assert value(aurc, y, y) == pytest.approx(0.3 + 0.7 * np.log(0.7), abs=1e-4)


def rejection_area(y: Floats) -> float:
    """Area below the straight line of random rejection, of rows rejected from the last to the first and set right."""
    n = len(y)
    errors_left = np.append(0, np.cumsum(1 - y))[::-1] / n
    line = errors_left[0] * (1 - np.arange(n + 1) / n)
    return float(np.trapezoid(line - errors_left) / n)


def test_prr_is_a_ratio_of_areas_of_rejection_curves() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 200).astype(float)
    score = y + rng.normal(size=200)
    ratio = rejection_area(y[np.argsort(-score)]) / rejection_area(np.sort(y)[::-1])
    assert value(prr, score, y) == pytest.approx(ratio, abs=1e-12)
    assert value(prr, y, y) == 1
    assert value(prr, -y, y) == -1


def test_prr_of_kept_rows_compares_risks() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 200).astype(float)
    score = y + rng.normal(size=200)

    def area(ranked: Floats) -> float:
        return float((np.cumsum(1 - ranked) / np.arange(1, 201)).mean())

    error = 1 - y.mean()
    expected = (error - area(y[np.argsort(-score)])) / (error - area(np.sort(y)[::-1]))
    assert value(prr_retained, score, y) == pytest.approx(expected, abs=1e-12)
    assert value(prr_retained, y, y) == pytest.approx(1, abs=1e-12)
    assert value(prr_retained, np.zeros(200), y) == pytest.approx(0, abs=1e-12)
    assert np.isnan(value(prr_retained, score, np.ones(200)))
