"""The interval of a calibration error, inverted from tests on the noise in its gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi, norm, t

from harness.cli.listing import measures
from harness.metrics.bins import absolute, length, squares
from harness.metrics.columns import Floats, Folds, Labels, Probabilities
from harness.metrics.metric import Metric
from harness.outcomes import Kind, Table
from harness.statistics.estimates import estimate_all
from harness.statistics.inversion import GapReplicates, inverted

SD = 0.05


ROWS = 1e6
"""So many rows in a bin that what is said of a share without a right answer plays no part."""


def noise(k: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, SD, (200_000, k))


def gaps(means: list[float], drawn: np.ndarray, off: float = 0.0) -> GapReplicates:
    """Gaps of bins with as many rows each, all saying 0.5."""
    k = len(means)
    weight, sums = np.full(k, ROWS), ROWS * np.array(means)
    return GapReplicates(
        weight=weight,
        sums=sums,
        said=np.full(k, 0.5),
        weight_drawn=np.broadcast_to(weight, drawn.shape),
        sums_drawn=sums + ROWS * drawn,
        even=np.full(k, 1 / k),
        off=off,
    )


def ends(size: Callable[[Floats], Floats], of: GapReplicates) -> tuple[float, float]:
    """The interval without the mean gap's part in it, of very many groups."""
    return inverted(size, of, 10**9)


def spread(mean: float, gap: float) -> float:
    """The standard deviation of a gap where the truth is `mean`, SD where it is `gap`."""
    return SD * float(np.sqrt((0.25 - mean**2) / (0.25 - gap**2)))


def folded(limit: float, mean: float) -> float:
    """P(|N(mean, its spread)| <= limit)."""
    sd = spread(mean, limit)
    return float(norm.cdf((limit - mean) / sd) - norm.cdf((-limit - mean) / sd))


@pytest.mark.parametrize("gap", [0.3, -0.3])
def test_far_from_zero_it_is_wilsons_interval_of_the_share(gap: float) -> None:
    # Saying 0.5 and right with 0.8, with a standard error of 0.05: as 51.2 of 64, whose interval by Wilson (1927) ends
    # at 0.8797 with z = 1.960, and begins at 0.6625 with z = 2.326.
    assert ends(absolute, gaps([gap], noise(1))) == pytest.approx((0.1625, 0.3797), abs=1e-3)


@pytest.mark.parametrize("gap", [0.02, 0.05, 0.1, 0.13])
def test_of_one_gap_near_zero_it_inverts_the_folded_normal(gap: float) -> None:
    expected = [
        brentq(lambda mean, share=share: folded(gap, mean) - share, 0, 0.4) if folded(gap, 0) > share else 0.0
        for share in (0.99, 0.025)
    ]
    assert ends(absolute, gaps([gap], noise(1))) == pytest.approx(tuple(expected), abs=1.5e-3)


def test_a_size_that_noise_alone_would_pass_reaches_up_to_what_noise_makes() -> None:
    low, high = ends(length, gaps([0.0] * 4, noise(4)))
    assert low == 0
    assert high == pytest.approx(SD / 4 * chi.ppf(0.975, 4), rel=0.01)


def test_the_square_of_a_size_has_the_squares_of_its_ends() -> None:
    of = gaps([0.1, -0.2, 0.05], noise(3))
    roots, whole = ends(length, of), ends(squares, of)
    assert whole == pytest.approx((roots[0] ** 2, roots[1] ** 2), abs=1e-4)


def test_what_steps_take_off_is_put_back() -> None:
    drawn = noise(2)
    plain = ends(absolute, gaps([0.1, 0.2], drawn))
    moved = ends(absolute, gaps([0.1, 0.2], drawn, 0.01))
    assert moved == pytest.approx((plain[0] + 0.01, plain[1] + 0.01), abs=1e-12)


def test_an_error_is_at_least_what_the_mean_gap_is_for_certain() -> None:
    # Ten bins: the mean gap of -0.04 has a standard error of SD / sqrt(10), and its interval ends at -0.009.
    of = gaps([-0.04] * 10, noise(10))
    assert ends(absolute, of)[0] == 0
    assert of.overall(1000) == pytest.approx((0.04 - 1.96 * SD / 10**0.5, 0.04 + 1.96 * SD / 10**0.5), abs=3e-4)
    assert gaps([0.04] * 10, noise(10)).overall(1000) == pytest.approx(of.overall(1000), abs=3e-4)
    # Of few groups they are those of the t interval, of the same number.
    few, error = of.overall(12), SD / 10**0.5 * (12 / 11) ** 0.5
    half = t.ppf(0.975, 11) * error
    assert few == pytest.approx((0.04 - half, 0.04 + half), abs=3e-4)


def test_few_groups_widen_it_as_students_t_does() -> None:
    of = gaps([0.2], noise(1)[:100_000])
    wide, narrow = (np.subtract(*inverted(absolute, of, n)[::-1]) for n in (10, 10**9))
    assert wide / narrow == pytest.approx(t.ppf(0.975, 9) / 1.96 * (10 / 9) ** 0.5, rel=0.02)


def test_likely_gaps_keep_the_overall_one_and_what_noise_does_not_explain() -> None:
    drawn = noise(2) - noise(2).mean(axis=0)
    # The two differ from their mean by d either way; noise alone would make that SD^2 / 2 in the mean square.
    for d in (0.02, 0.2):
        left = max(0.0, 1 - SD**2 / 2 / d**2) ** 0.5
        found = gaps([0.1 - d, 0.1 + d], drawn).likely
        assert found == pytest.approx([0.1 - left * d, 0.1 + left * d], abs=1e-3)
    # A bin without rows has no gap; one with three times the rows counts three times.
    some = gaps([0.3, 0.0, 0.1], drawn[:, [0, 1, 1]] * [1, 0, 1])
    factor = np.array([1.0, 0, 3])
    some = replace(
        some,
        weight=some.weight * factor,
        sums=some.sums * factor,
        weight_drawn=some.weight_drawn * factor,
        sums_drawn=some.sums_drawn * factor,
    )
    found = some.likely
    assert found[1] == 0
    assert found[0] * 0.25 + found[2] * 0.75 == pytest.approx(0.15, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_rows_the_interval_holds_the_value_within_its_range(seed: int) -> None:
    columns = {Probabilities: "p", Labels: "correct", Folds: "group"}
    errors = [
        Metric(name, measure, tuple(columns[parameter] for parameter in measure.parameters))
        for name, measure in measures().items()
        if measure.gaps is not None
    ]
    assert len(errors) == 10
    for i in range(10):
        rng = np.random.default_rng([seed, i])
        n = int(rng.integers(2, 14))
        p = rng.choice([0.0, 0.1, 0.5, 1.0], n) if i % 2 else np.full(n, rng.random())
        correct = (rng.random(n) < p).astype(float) if i % 3 else (p > 0.5).astype(float)
        for e in estimate_all(errors, table(p, correct, rng.integers(0, n, n)), replicates=50, seed=i):
            if e.value is not None and e.low is not None and e.high is not None:
                assert 0 <= e.low <= e.value <= e.high <= 1


def table(p: np.ndarray, correct: np.ndarray, groups: np.ndarray) -> Table:
    text = {
        "item": np.array([f"i{k}" for k in range(len(p))], dtype=object),
        "group": np.array([f"g{k}" for k in groups], dtype=object),
        "error": np.full(len(p), None, dtype=object),
        "arm": np.full(len(p), "a", dtype=object),
    }
    kinds: dict[str, Kind] = {**dict.fromkeys(text, "text"), "p": "probability", "correct": "label"}
    return Table(kinds, {**text, "p": p, "correct": correct})
