"""Precision, recall, F1 and Fleiss' kappa: closed forms, and the numbers of scikit-learn and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from statsmodels.stats.inter_rater import fleiss_kappa as theirs_kappa

from harness.metrics.agreement import fleiss_kappa
from harness.metrics.classification import f1, precision, recall, specificity
from harness.metrics.columns import Floats, Labels, Probabilities
from harness.metrics.metric import Measure


def value(measure: Measure, said: Any, positive: Any, w: Any = None) -> float:
    columns = Labels(np.asarray(said, dtype=float)), Labels(np.asarray(positive, dtype=float))
    weights = np.ones(len(said)) if w is None else np.asarray(w, dtype=float)
    return float(measure(*columns, w=weights[None, :])[0])


def kappa(votes: int, yes: Any, w: Any = None) -> float:
    share = np.asarray(yes) / votes
    weights = np.ones(len(share)) if w is None else np.asarray(w, dtype=float)
    return float(fleiss_kappa(Probabilities(share), w=weights[None, :], votes=votes)[0])


def test_three_hits_one_false_alarm_two_misses_four_passes() -> None:
    said, positive = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert value(precision, said, positive) == 3 / 4
    assert value(recall, said, positive) == 3 / 5
    assert value(specificity, said, positive) == 4 / 5
    assert value(f1, said, positive) == 6 / 9


def test_always_and_never_saying_positive_have_closed_forms() -> None:
    # The shares of SelfAware: 1,032 of 3,369 questions are unanswerable.
    positive = np.repeat([1, 0], [1032, 2337])
    pi = 1032 / 3369
    always, never = np.ones(3369), np.zeros(3369)
    assert value(precision, always, positive) == pytest.approx(pi, abs=1e-12)
    assert (value(recall, always, positive), value(specificity, always, positive)) == (1, 0)
    assert value(f1, always, positive) == pytest.approx(2 * pi / (1 + pi), abs=1e-12)
    assert value(f1, always, positive) == pytest.approx(0.469, abs=5e-4)
    assert np.isnan(value(precision, never, positive))
    assert (value(recall, never, positive), value(f1, never, positive)) == (0, 0)


def test_what_has_no_positives_is_undefined() -> None:
    assert np.isnan([value(m, [0, 0], [0, 0]) for m in (precision, recall, f1)]).all()
    assert np.isnan(value(specificity, [1, 0], [1, 1]))
    assert value(f1, [1, 0], [0, 0]) == 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_numbers_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.integers(0, 2, 500)
    said = np.where(rng.random(500) < 0.7, positive, 1 - positive)
    for w in (np.ones(500), rng.random(500)):
        for measure, theirs in (
            (precision, sklearn.metrics.precision_score),
            (recall, sklearn.metrics.recall_score),
            (f1, sklearn.metrics.f1_score),
        ):
            expected = theirs(positive, said, sample_weight=w)
            assert value(measure, said, positive, w) == pytest.approx(expected, abs=1e-9)
        expected = sklearn.metrics.recall_score(1 - positive, 1 - said, sample_weight=w)
        assert value(specificity, said, positive, w) == pytest.approx(expected, abs=1e-9)


def test_kappa_is_one_for_agreement_and_its_least_for_even_splits() -> None:
    assert kappa(8, [8, 0, 8, 0]) == pytest.approx(1, abs=1e-12)
    assert kappa(8, [4, 4, 4]) == pytest.approx(-1 / 7, abs=1e-12)
    assert kappa(2, [1, 1]) == pytest.approx(-1, abs=1e-12)
    # Two rows of four votes, 3 and 1 of them yes: each has 3 of 6 agreeing pairs, as many as chance.
    assert kappa(4, [3, 1]) == pytest.approx(0, abs=1e-12)


def test_a_judge_who_always_says_the_same_has_no_kappa() -> None:
    assert np.isnan([kappa(8, [8, 8, 8]), kappa(8, [0, 0])]).all()


def test_kappa_takes_two_votes_or_more() -> None:
    with pytest.raises(ValueError, match="at least two judgements a row, not 1"):
        kappa(1, [1, 0])


@pytest.mark.parametrize("votes", [2, 5, 8])
def test_kappa_is_that_of_statsmodels(votes: int) -> None:
    rng = np.random.default_rng(votes)
    yes = rng.binomial(votes, rng.beta(0.6, 0.9, 300))
    table: Floats = np.stack([yes, votes - yes], axis=1)
    assert kappa(votes, yes) == pytest.approx(theirs_kappa(table, method="fleiss"), abs=1e-9)
    k = rng.integers(0, 4, 300)
    assert kappa(votes, yes, k) == pytest.approx(theirs_kappa(table.repeat(k, axis=0), method="fleiss"), abs=1e-9)
