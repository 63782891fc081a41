"""Ranking beyond the surface: within kinds of questions, and by lengths alone."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.classification import f1
from harness.metrics.columns import Classes, Floats, Folds, Labels, Numbers, Probabilities, Scores
from harness.metrics.ranking import auroc
from harness.metrics.skill import brier_skill
from harness.metrics.surface import auroc_same_kind, brier_skill_same_kind, length_auroc, length_f1, lengths_auroc

N = 200
RNG = np.random.default_rng(0)
KIND = RNG.integers(0, 3, N)
RIGHT = (RNG.random(N) < np.array([0.2, 0.5, 0.8])[KIND]).astype(float)
FOLD = Folds(np.arange(N) % 5)
W = np.ones((1, N))


def same_kind(score: Floats, w: Floats = W) -> Floats:
    return auroc_same_kind(Scores(score), Labels(RIGHT), Classes(KIND), w=w)


def by_length(length: Floats, right: Floats = RIGHT, w: Floats = W) -> Floats:
    return length_auroc(Numbers(np.asarray(length, float)), Labels(right), Classes(KIND), FOLD, w=w)


def test_a_score_that_tells_kinds_alone_ranks_nothing_within_them() -> None:
    assert auroc(Scores(KIND.astype(float)), Labels(RIGHT), w=W)[0] > 0.7
    assert same_kind(KIND.astype(float))[0] == 0.5


def test_it_counts_the_pairs_of_each_kind_with_their_weights() -> None:
    score, w = RNG.random(N), RNG.integers(0, 3, N).astype(float)
    won = pairs = 0.0
    for i in range(N):
        for j in range(N):
            if KIND[i] == KIND[j] and RIGHT[i] and not RIGHT[j]:
                won += w[i] * w[j] * (score[i] > score[j])
                pairs += w[i] * w[j]
    assert same_kind(score, w[None, :])[0] == pytest.approx(won / pairs)
    one = Classes(np.zeros(N, np.int64))
    assert auroc_same_kind(Scores(score), Labels(RIGHT), one, w=W)[0] == pytest.approx(
        auroc(Scores(score), Labels(RIGHT), w=W)[0]
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_the_rule_finds_whether_short_or_long_is_right_and_has_the_ranking_of_the_length(sign: int) -> None:
    length = 20 + sign * (4 * RIGHT + RNG.normal(0, 2, N))
    assert by_length(length)[0] == pytest.approx(same_kind(sign * length)[0])
    assert by_length(length)[0] > 0.8
    other = RNG.integers(5, 50, N).astype(float)
    for pair in ((length, other), (other, length)):
        numbers = (Numbers(one) for one in pair)
        found = lengths_auroc(*numbers, Labels(RIGHT), Classes(KIND), FOLD, w=W)[0]
        assert found == pytest.approx(same_kind(sign * length)[0])


def test_a_length_that_tells_nothing_gains_less_by_chance_than_the_better_direction_in_hindsight() -> None:
    found, hindsight = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        length, right = rng.integers(1, 40, N).astype(float), (rng.random(N) < 0.3).astype(float)
        found.append(by_length(length, right)[0])
        hindsight.append(0.5 + abs(auroc_same_kind(Scores(length), Labels(right), Classes(KIND), w=W)[0] - 0.5))
    assert min(found) == 0.5  # the coin takes the place of a rule that is worse
    assert np.mean(found) < np.mean(hindsight) - 0.005


def test_a_held_rule_keeps_its_choice_and_without_a_pair_there_is_no_number() -> None:
    length = 20 + 4 * RIGHT + RNG.normal(0, 2, N)
    held = length_auroc.held(Numbers(length), Labels(RIGHT), Classes(KIND), FOLD, w=W[0])
    w = RNG.integers(0, 3, (4, N)).astype(float)
    np.testing.assert_allclose(held(w), same_kind(length, w))
    assert np.isnan(by_length(length, np.ones(N))).all()
    nothing = np.empty(0)
    empty = (Numbers(nothing), Labels(nothing), Classes(nothing.astype(np.int64)), Folds(nothing.astype(np.int64)))
    assert np.isnan(length_auroc(*empty, w=np.ones((2, 0)))).all()


def test_the_base_rate_of_each_kind_has_no_skill_within_kinds_though_it_beats_that_of_all() -> None:
    rates = np.array([RIGHT[kind == KIND].mean() for kind in range(3)])[KIND]

    def skill(p: Floats, w: Floats = W) -> float:
        return float(brier_skill_same_kind(Probabilities(p), Labels(RIGHT), Classes(KIND), w=w)[0])

    assert brier_skill(Probabilities(rates), Labels(RIGHT), w=W)[0] > 0.1
    assert skill(rates) == pytest.approx(0)
    assert skill(RIGHT) == 1
    assert skill(np.full(N, RIGHT.mean())) < 0
    one = Classes(np.zeros(N, np.int64))
    p = RNG.random(N)
    assert brier_skill_same_kind(Probabilities(p), Labels(RIGHT), one, w=W)[0] == pytest.approx(
        brier_skill(Probabilities(p), Labels(RIGHT), w=W)[0]
    )


def decided(length: Floats, positive: Floats, w: Floats = W) -> Floats:
    return length_f1(Numbers(np.asarray(length, float)), Labels(positive), FOLD, w=w)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_decision_by_length_finds_side_and_border_on_other_folds(sign: int) -> None:
    length = 20.0 + sign * np.where(RIGHT > 0, 4 + RNG.integers(0, 3, N), RNG.integers(0, 3, N))
    assert decided(length, RIGHT)[0] == 1
    noisy = length + RNG.normal(0, 3, N)
    best = max(
        f1(Labels((side * noisy >= cut).astype(float)), Labels(RIGHT), w=W)[0]
        for side in (1, -1)
        for cut in side * noisy
    )
    always = 2 * RIGHT.mean() / (1 + RIGHT.mean())
    assert always < decided(noisy, RIGHT)[0] <= best
    w = RNG.integers(0, 3, (3, N)).astype(float)
    held = length_f1.held(Numbers(length), Labels(RIGHT), FOLD, w=W[0])
    np.testing.assert_allclose(held(w), 1)


def test_a_length_that_tells_nothing_decides_no_better_than_always() -> None:
    always = Labels(np.ones(N))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        positive = (rng.random(N) < 0.5).astype(float)
        found = decided(rng.integers(1, 40, N).astype(float), positive)[0]
        base = f1(always, Labels(positive), w=W)[0]
        assert base <= found < base + 0.05
        assert decided(np.full(N, 7.0), positive)[0] == base
    assert decided(np.arange(N, dtype=float), np.zeros(N))[0] == 0
    nothing = np.empty(0)
    assert np.isnan(
        length_f1(Numbers(nothing), Labels(nothing), Folds(nothing.astype(np.int64)), w=np.ones((2, 0)))
    ).all()
