"""What every metric must obey: a weight k is k rows, a weight 0 is no row, the order of rows is nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.listing import measures
from harness.metrics.columns import (
    FOLDS,
    Classes,
    Fates,
    Floats,
    Folds,
    Labels,
    Numbers,
    Ordered,
    Probabilities,
    Quantities,
    Scores,
    Units,
    Wins,
)
from harness.metrics.joint import joint_accuracy
from harness.metrics.metric import Measure
from harness.metrics.shares import points_included

# Every measure there is: a new one is tested without being named here.
MEASURES = [m for _, m in sorted(measures().items()) if Units not in m.parameters]
OF_UNITS = [m for _, m in sorted(measures().items()) if Units in m.parameters]
# Fits stop when they have settled, which leaves a rounding of their own.
FITTED = 1e-6
BY_ROWS = pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.function.__name__)
BY_UNITS = pytest.mark.parametrize("measure", OF_UNITS, ids=lambda m: m.function.__name__)
EVERY = pytest.mark.parametrize("measure", [*MEASURES, *OF_UNITS], ids=lambda m: m.function.__name__)

# Few distinct values, some on bin borders: ties and edges are where metrics go wrong.
ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 1 / 3, 0.5, 0.7, 0.85, 1.0]), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=25,
)

# Units of one to six rows, each with a weight of its own.
UNITS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.booleans()), min_size=1, max_size=6),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)

_MAKE: dict[type, Callable[[Floats, Floats], Any]] = {
    Labels: lambda _, y: Labels(y),
    Probabilities: lambda x, _: Probabilities(x),
    Scores: lambda x, _: Scores(x),
    Numbers: lambda x, _: Numbers(x),
    Quantities: lambda x, _: Quantities(x),
    Wins: lambda x, _: Wins(x),
    Units: lambda x, _: Units(np.arange(len(x))),
    Ordered: lambda x, _: Ordered(x),
    Fates: lambda x, _: Fates((x > 0.3).astype(np.float64)),
    Folds: lambda x, _: Folds((100 * x).astype(np.int64) % FOLDS),
    Classes: lambda x, _: Classes((10 * x).astype(np.int64) // 3),
}


def close(measure: Measure) -> float:
    """How near two computations of a measure must come to each other."""
    fits = ("calibration_", "temperature", "_temperature", "meta_d", "m_ratio", "at_equal_length")
    return FITTED if any(part in measure.function.__name__ for part in fits) else 1e-12


def columns(measure: Measure, x: Floats, y: Floats) -> list[Any]:
    """Columns of the types that a measure takes; a second column of labels or numbers is made from the others."""
    made = [_MAKE[parameter](x, y) for parameter in measure.parameters]
    if measure.parameters[:2] == (Labels, Labels):
        made[1] = Labels((x > 0.4).astype(float))
    if measure.parameters == (Ordered, Ordered):
        made[1] = Ordered(y + (x * 7) % 2)
    if measure.parameters == (Classes, Classes):
        made[1] = Classes(y.astype(np.int64) + (x > 0.8))
    return made


def split(rows: list[tuple[float, bool, int]]) -> tuple[Floats, Floats, np.ndarray]:
    x, y, k = zip(*rows, strict=True)
    return np.array(x), np.array(y, dtype=float), np.array(k)


@BY_ROWS
@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_weight_k_is_the_row_repeated_k_times(measure: Measure, rows: list[tuple[float, bool, int]]) -> None:
    x, y, k = split(rows)
    weighted = measure(*columns(measure, x, y), w=k[None, :].astype(float))
    repeated = measure(*columns(measure, x.repeat(k), y.repeat(k)), w=np.ones((1, k.sum())))
    np.testing.assert_allclose(weighted, repeated, rtol=0, atol=close(measure))


@BY_ROWS
@settings(max_examples=15, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_row_order_changes_nothing(measure: Measure, rows: list[tuple[float, bool, int]], seed: int) -> None:
    x, y, k = split(rows)
    turn = np.random.default_rng(seed).permutation(len(x))
    there = measure(*columns(measure, x, y), w=k[None, :].astype(float))
    back = measure(*columns(measure, x[turn], y[turn]), w=k[None, turn].astype(float))
    np.testing.assert_allclose(there, back, rtol=0, atol=close(measure))


@BY_ROWS
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_values_lie_in_the_declared_range(measure: Measure, rows: list[tuple[float, bool, int]]) -> None:
    x, y, k = split(rows)
    value = measure(*columns(measure, x, y), w=k[None, :].astype(float))
    assert measure.low is None or not (value < measure.low - 1e-12).any()
    assert measure.high is None or not (value > measure.high + 1e-12).any()


@BY_ROWS
def test_replicates_do_not_see_each_other(measure: Measure) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.choice([0.1, 0.2, 0.6, 0.9], 40), rng.integers(0, 2, 40).astype(float)
    w = rng.integers(0, 4, (5, 40)).astype(float)
    w[2] = 0
    together = measure(*columns(measure, x, y), w=w)
    alone = [measure(*columns(measure, x, y), w=w[b : b + 1])[0] for b in range(5)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=close(measure))
    assert together.shape == ((5,) if measure.names is None else (5, len(measure.points())))
    assert np.isnan(together[2]).all()


@EVERY
def test_no_rows_is_undefined_without_a_warning(measure: Measure) -> None:
    none = np.zeros(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = measure(*columns(measure, none, none), w=np.ones((2, 0)))
    assert np.isnan(values).all()
    assert values.shape == ((2,) if measure.names is None else (2, len(measure.points())))


@BY_ROWS
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_and_zero_weights_raise_no_warning(measure: Measure, label: float) -> None:
    x = np.array([0.0, 0.2, 0.2, 1.0])
    w = np.array([[1.0, 1, 1, 1], [0, 0, 0, 0], [0, 2, 0, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = measure(*columns(measure, x, np.full(4, label)), w=w)
    assert np.isnan(values[1]).all()


def rows_of(measure: Measure, units: list[tuple[list[tuple[float, bool]], int]]) -> tuple[list[Any], Floats]:
    """The columns of a measure of units, and the weight of each row."""
    x, y = np.array([row for rows, _ in units for row in rows], dtype=float).reshape(-1, 2).T
    sizes = [len(rows) for rows, _ in units]
    made = columns(measure, x, y)
    made[measure.parameters.index(Units)] = Units(np.repeat(np.arange(len(units)), sizes))
    return made, np.repeat([float(k) for _, k in units], sizes)


@BY_UNITS
@settings(max_examples=40, deadline=None)
@given(units=UNITS, seed=st.integers(0, 99))
def test_a_unit_of_weight_k_is_k_units_in_whatever_order(
    measure: Measure, units: list[tuple[list[tuple[float, bool]], int]], seed: int
) -> None:
    made, weights = rows_of(measure, units)
    weighted = measure(*made, w=weights[None, :])
    repeated, ones = rows_of(measure, [(rows, 1) for rows, k in units for _ in range(k)])
    np.testing.assert_allclose(weighted, measure(*repeated, w=ones[None, :]), rtol=0, atol=1e-12)
    turn = np.random.default_rng(seed).permutation(len(weights))
    turned = [type(column)(column.values[turn]) for column in made]
    np.testing.assert_allclose(weighted, measure(*turned, w=weights[None, turn]), rtol=0, atol=1e-12)
    assert not ((weighted < 0) | (weighted > 1)).any()


@BY_UNITS
def test_replicates_of_units_do_not_see_each_other(measure: Measure) -> None:
    made, _ = rows_of(measure, [([(0.1 * i, i % 2 > 0), (0.5, True), (0.5, False)] * 3, 1) for i in range(10)])
    w = np.random.default_rng(1).integers(0, 3, (5, 10)).astype(float).repeat(9, axis=1)
    w[2] = 0
    together = measure(*made, w=w)
    alone = [measure(*made, w=w[b : b + 1])[0] for b in range(5)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    assert np.isnan(together[2]).all()


def test_joint_accuracy_counts_a_repeated_unit_as_so_many_units() -> None:
    correct, unit = np.array([1.0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 2])
    w = np.array([[3.0, 3, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    values = joint_accuracy(Labels(correct), Units(unit), w=w)
    repeated = joint_accuracy(
        Labels(np.array([1.0] * 6 + [1, 0])), Units(np.array([0, 0, 1, 1, 2, 2, 3, 3])), w=np.ones((1, 8))
    )
    np.testing.assert_array_equal(values, [repeated[0], 2 / 3, np.nan])
    assert repeated[0] == 0.75


def test_points_included_are_a_ratio_of_sums() -> None:
    """Answers count by their points: 1 of 4, 2 of 2 and 0 of 3 are 3 of 9, not the mean of their shares."""
    included, points = Numbers(np.array([1.0, 2, 0])), Numbers(np.array([4.0, 2, 3]))
    w = np.array([[1.0, 1, 1], [0, 1, 0], [2, 0, 1], [0, 0, 0]])
    assert points_included(included, points, w=w)[:3] == pytest.approx([3 / 9, 1, 2 / 11])
    assert np.isnan(points_included(included, points, w=w)[3])
    assert np.isnan(points_included(Numbers(np.zeros(2)), Numbers(np.zeros(2)), w=np.ones((1, 2))))[0]


def test_joint_accuracy_by_guessing_is_the_product() -> None:
    # Units of four questions with three options each, answered at random: 3^-4.
    rng = np.random.default_rng(0)
    correct = (rng.integers(0, 3, 400_000) == 0).astype(float)
    value = joint_accuracy(Labels(correct), Units(np.arange(400_000) // 4), w=np.ones((1, 400_000)))[0]
    assert value == pytest.approx(3**-4, abs=4 * np.sqrt(3**-4 / 100_000))


def test_joint_accuracy_refuses_a_unit_of_two_weights() -> None:
    with pytest.raises(ValueError, match="one unit have different weights"):
        joint_accuracy(Labels(np.ones(2)), Units(np.zeros(2, dtype=np.int64)), w=np.array([[1.0, 2.0]]))
