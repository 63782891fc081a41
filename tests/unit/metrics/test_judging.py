"""Measures of judges against closed forms: preference beside a third party, sections, the spread of scores."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from harness.metrics.columns import Classes, Labels, Numbers, Wins
from harness.metrics.correlation import pearson
from harness.metrics.preference import dbg, excess_dbg, win_rate_at_equal_length, wrong_vote_gap
from harness.metrics.sections import section_mean
from harness.metrics.spread import answer_entropy

RNG = np.random.default_rng(3)


def ones(n: int) -> np.ndarray:
    return np.ones((1, n))


def wins(*values: float) -> Wins:
    return Wins(np.array(values, dtype=float))


def numbers(*values: float) -> Numbers:
    return Numbers(np.array(values, dtype=np.float64))


def labels(*values: float) -> Labels:
    return Labels(np.array(values, dtype=float))


def test_pearson_is_that_of_scipy_also_with_weights_as_copies() -> None:
    x, y = RNG.normal(size=30), RNG.normal(size=30)
    copies = RNG.integers(0, 4, size=30)
    weights = np.stack([np.ones(30), copies.astype(float)])
    got = pearson(Numbers(x), Numbers(y), w=weights)
    wanted = [scipy.stats.pearsonr(x, y)[0], scipy.stats.pearsonr(np.repeat(x, copies), np.repeat(y, copies))[0]]
    assert got == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 3.0, 1e8])
def test_a_constant_judge_has_no_correlation(level: float) -> None:
    constant, rising = numbers(*[level] * 9), numbers(*range(9))
    assert np.isnan(pearson(constant, rising, w=ones(9))).all()
    assert np.isnan(pearson(rising, constant, w=ones(9))).all()


def test_pearson_of_large_numbers_keeps_its_digits() -> None:
    x, y = (numbers(*(n * by + 1e9 for n in range(20))) for by in (1, 2))
    assert pearson(x, y, w=ones(20)) == pytest.approx([1.0])


def test_a_coin_has_a_dbg_and_no_excess_over_another_coin() -> None:
    gold, coin = wins(0, 0, 0, 1), wins(0.5, 0.5, 0.5, 0.5)
    assert dbg(coin, gold, w=ones(4)) == pytest.approx([0.5 - 0.25])
    assert dbg(gold, gold, w=ones(4)) == pytest.approx([0.0])
    assert excess_dbg(coin, coin, w=ones(4)) == pytest.approx([0.0])


def test_excess_is_the_difference_of_two_dbg_whatever_the_gold() -> None:
    judge, third, gold = (Wins(RNG.choice([0, 0.5, 1], size=40)) for _ in range(3))
    w = RNG.uniform(0.1, 2, size=(5, 40))
    assert excess_dbg(judge, third, w=w) == pytest.approx(dbg(judge, gold, w=w) - dbg(third, gold, w=w))


def test_votes_for_wrong_answers_are_counted_by_author() -> None:
    own, other = labels(0, 0, 0, 0, 1, 1, 1, 0), labels(1, 1, 1, 1, 0, 0, 1, 0)
    # Three of four own wrong answers win; one of two others' wrong ones does; the last two pairs do not count.
    win = wins(1, 1, 1, 0, 1, 0, 0, 1)
    assert wrong_vote_gap(win, own, other, w=ones(8)) == pytest.approx([0.75 - 0.5])
    coin = wins(*[0.5] * 8)
    assert wrong_vote_gap(coin, own, other, w=ones(8)) == pytest.approx([0.0])
    assert np.isnan(wrong_vote_gap(wins(1, 0), labels(1, 0), labels(1, 0), w=ones(2))).all()


def test_a_judge_that_goes_by_length_alone_has_no_preference_at_equal_length() -> None:
    # The longer answer wins 3 of 4 times, whoever it is of; the own one is longer in 12 of 16 pairs.
    longer = np.array([1.0] * 12 + [-1.0] * 4)
    win = wins(*([1, 1, 1, 0] * 3), *([0, 0, 0, 1] * 1))
    assert win_rate_at_equal_length(win, Numbers(longer), w=ones(16)) == pytest.approx([0.5], abs=1e-6)
    # A preference of log-odds ln 3 beside no effect of length.
    own = wins(*([1, 1, 1, 0] * 4))
    assert win_rate_at_equal_length(own, Numbers(longer), w=ones(16)) == pytest.approx([0.75], abs=1e-6)
    level = numbers(*[0.0] * 16)
    assert win_rate_at_equal_length(own, level, w=ones(16)) == pytest.approx([0.75])
    assert np.isnan(win_rate_at_equal_length(own, numbers(*[1.0] * 16), w=ones(16))).all()
    always = wins(*((longer + 1) / 2))
    assert np.isnan(win_rate_at_equal_length(always, Numbers(longer), w=ones(16))).all()


def names(*texts: str) -> Classes:
    return Classes(np.array([Classes.of(text) for text in texts]))


def sections(weights: dict[str, float], rows: list[tuple[str, str, float]]) -> float:
    weight = numbers(*(weights[subset] for _, subset, _ in rows))
    won = wins(*(row[2] for row in rows))
    (value,) = section_mean(
        won, weight, names(*(row[1] for row in rows)), names(*(row[0] for row in rows)), w=ones(len(rows))
    )
    return float(value)


def test_sections_count_alike_and_subsets_by_their_released_weights() -> None:
    rows = [("R", "math", 1.0)] * 2 + [("R", "code", 0.0)] * 6 + [("C", "easy", 1.0), ("C", "easy", 0.0)]
    # math is right and weighs as much as code, though it has a third of the rows; C is half right.
    assert sections({"math": 984, "code": 984, "easy": 5}, rows) == pytest.approx((0.5 + 0.5) / 2)
    assert sections({"math": 300, "code": 100, "easy": 5}, rows) == pytest.approx((0.75 + 0.5) / 2)
    assert sections({"math": 1, "code": 3, "easy": 1}, rows[:8]) == pytest.approx(0.25)


def test_a_subset_without_weight_in_a_replicate_is_left_out() -> None:
    win, weight = wins(1, 0, 1), Numbers(np.array([9.0, 1.0, 1.0]))
    subset, section = names("a", "b", "c"), names("R", "R", "C")
    w = np.array([[1.0, 1, 1], [0, 1, 1], [0, 1, 0], [0, 0, 0]])
    assert section_mean(win, weight, subset, section, w=w) == pytest.approx(
        [(0.9 + 1) / 2, 0.5, 0.0, np.nan], nan_ok=True
    )


def test_entropy_of_scores() -> None:
    said = names(*"1123")
    q = np.array([0.5, 0.25, 0.25])
    assert answer_entropy(said, w=ones(4)) == pytest.approx([-(q * np.log(q)).sum()])
    assert answer_entropy(said, w=np.array([[1.0, 1, 0, 0], [0, 0, 0, 0]])) == pytest.approx([0.0, np.nan], nan_ok=True)
