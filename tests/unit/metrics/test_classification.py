"""Precision, recall, F1 and Fleiss' kappa: closed forms, and the numbers of scikit-learn and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from statsmodels.stats.inter_rater import fleiss_kappa as theirs_kappa

from harness.metrics.agreement import conger_kappa, fleiss_kappa
from harness.metrics.classification import balanced_accuracy, f1, precision, recall, specificity
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


def conger(votes: Any, w: Any = None) -> float:
    """Of votes [rows, judgements], the first half of which is asked one way and the second the other."""
    votes = np.asarray(votes, dtype=float)
    half = votes.shape[1] // 2
    weights = np.ones(len(votes)) if w is None else np.asarray(w, dtype=float)
    direct, turned = (Probabilities(part.mean(axis=1)) for part in (votes[:, :half], votes[:, half:]))
    return float(conger_kappa(direct, turned, w=weights[None, :], votes=half)[0])


def brute_conger(votes: Any) -> float:
    """Conger (1980): over all pairs of judges, the agreement seen and that of their own shares."""
    votes = np.asarray(votes, dtype=float)
    p = votes.mean(axis=0)
    pairs = [(i, j) for i in range(votes.shape[1]) for j in range(i)]
    seen = np.mean([(votes[:, i] == votes[:, j]).mean() for i, j in pairs])
    chance = np.mean([p[i] * p[j] + (1 - p[i]) * (1 - p[j]) for i, j in pairs])
    return float((seen - chance) / (1 - chance))


@pytest.mark.parametrize("votes", [2, 3, 4, 7])
def test_congers_kappa_is_that_of_judges_with_shares_of_their_own(votes: int) -> None:
    rng = np.random.default_rng(votes)
    truth = rng.random(400)
    # Judges of one half share their mean exactly where every row is there in all orders of its votes.
    rows = (rng.random((400, 2 * votes)) < np.where(np.arange(2 * votes) < votes, 0.7, 0.2) * truth[:, None]).astype(
        int
    )
    turns = [np.concatenate([np.roll(r[:votes], k), np.roll(r[votes:], k)]) for r in rows for k in range(votes)]
    assert conger(turns) == pytest.approx(brute_conger(turns), abs=1e-12)
    assert conger(rows) == pytest.approx(conger(turns), abs=1e-12)
    k = rng.integers(0, 3, len(rows))
    assert conger(rows, k) == pytest.approx(conger(rows.repeat(k, axis=0)), abs=1e-12)


def test_congers_kappa_tells_a_liking_for_no_from_inconsistency() -> None:
    # "No" to everything decides for the class where it is asked one way, and against it the other.
    no = np.tile([1, 1, 1, 1, 0, 0, 0, 0], (40, 1))
    assert conger(no) == pytest.approx(0, abs=1e-12)
    assert kappa(8, no.sum(axis=1)) == pytest.approx(-1 / 7)
    # Half of the rows decided, the others answered by "No": P = (3/7 + 1)/2, P_e = 3/7 5/8 + 4/7 3/8.
    mixed = np.concatenate([no, np.tile([1] * 8, (20, 1)), np.tile([0] * 8, (20, 1))])
    assert conger(mixed) == pytest.approx(brute_conger(mixed))
    assert conger(mixed) == pytest.approx((5 / 7 - 27 / 56) / (1 - 27 / 56))
    coins = np.random.default_rng(0).integers(0, 2, (4000, 8))
    assert conger(coins) == pytest.approx(0, abs=0.01)
    assert conger(np.repeat([[1] * 8, [0] * 8], 20, axis=0)) == 1
    assert np.isnan(conger(np.ones((20, 8))))
    with pytest.raises(ValueError, match="two judgements of a kind"):
        conger([[1, 0]])


def test_always_saying_the_same_is_half_right_when_balanced() -> None:
    positive = np.repeat([1, 0], [7, 93])
    for said in (np.ones(100), np.zeros(100)):
        assert value(balanced_accuracy, said == positive, positive) == 1 / 2
    # An answer that is neither is wrong: 3 of 7 and 31 of 93 are right.
    correct = np.concatenate([np.arange(7) < 3, np.arange(93) < 31])
    assert value(balanced_accuracy, correct, positive) == pytest.approx((3 / 7 + 1 / 3) / 2)
    assert np.isnan(value(balanced_accuracy, [1, 0], [1, 1]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_balanced_accuracy_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive, said, w = rng.random(300) < 0.2, rng.random(300) < 0.4, rng.integers(0, 4, 300)
    theirs = sklearn.metrics.balanced_accuracy_score(positive, said, sample_weight=w)
    assert value(balanced_accuracy, said == positive, positive, w) == pytest.approx(theirs, abs=1e-12)
