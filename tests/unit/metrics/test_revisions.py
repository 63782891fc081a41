"""Transitions: the tables of Kumar et al. (2024), conditional rates, and McNemar's test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from harness.metrics.columns import Floats, Labels
from harness.metrics.metric import Measure
from harness.metrics.revisions import (
    accuracy_after,
    accuracy_before,
    break_rate,
    delta,
    delta_c2i,
    delta_i2c,
    fix_rate,
    mcnemar_p,
    relative_lift,
)


def rows(fixed: int, broken: int, kept: int, wrong: int) -> tuple[Floats, Floats]:
    """Labels before and after, with the four transitions so often."""
    counts = [fixed, broken, kept, wrong]
    return np.repeat([0.0, 1, 1, 0], counts), np.repeat([1.0, 0, 1, 0], counts)


def value(measure: Measure, before: Floats, after: Floats) -> float:
    return float(measure(Labels(before), Labels(after), w=np.ones((1, len(before))))[0])


# Accuracy at turn 1 and 2, delta, incorrect to correct, correct to incorrect, in percent: tables 2 (MATH) and 3
# (HumanEval).
TABLES = [
    (52.6, 41.4, -11.2, 4.6, 15.8),
    (52.8, 51.8, -1.0, 3.2, 4.2),
    (53.6, 54.0, 0.4, 2.6, 2.2),
    (52.4, 54.2, 1.8, 5.4, 3.6),
    (60.0, 64.4, 4.4, 5.8, 1.4),
    (53.7, 56.7, 3.0, 7.9, 4.9),
    (53.7, 52.5, -1.2, 9.8, 11.0),
    (56.1, 54.3, -1.8, 4.3, 6.1),
    (52.4, 64.6, 12.2, 15.2, 3.0),
]


@pytest.mark.parametrize("row", TABLES)
def test_published_tables_come_back_from_their_rows(row: tuple[float, ...]) -> None:
    t1, _, _, i2c, c2i = (round(10 * x) for x in row)
    before, after = rows(i2c, c2i, t1 - c2i, 1000 - t1 - i2c)
    measured = [value(m, before, after) for m in (accuracy_before, accuracy_after, delta, delta_i2c, delta_c2i)]
    assert measured == pytest.approx([x / 100 for x in row], abs=1e-12)


def test_conditional_and_unconditional_fix_rate() -> None:
    before, after = rows(58, 14, 586, 342)
    assert value(delta_i2c, before, after) == pytest.approx(0.058, abs=1e-15)
    assert value(fix_rate, before, after) == pytest.approx(5.8 / 40.0, abs=1e-15) == pytest.approx(0.145)
    assert value(break_rate, before, after) == pytest.approx(14 / 600, abs=1e-15)


@given(*[st.integers(0, 30)] * 4)
def test_delta_is_i2c_minus_c2i(fixed: int, broken: int, kept: int, wrong: int) -> None:
    before, after = rows(fixed, broken, kept, wrong)
    if not len(before):
        return
    d = value(delta, before, after)
    assert d == pytest.approx(value(delta_i2c, before, after) - value(delta_c2i, before, after), abs=1e-15)
    assert d == pytest.approx(value(accuracy_after, before, after) - value(accuracy_before, before, after), abs=1e-15)


def test_conditional_rates_need_something_to_change() -> None:
    before, after = rows(0, 1, 1, 0)
    assert np.isnan(value(fix_rate, before, after))
    assert value(break_rate, before, after) == 0.5
    assert np.isnan(value(break_rate, 1 - before, 1 - after))


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (1, 0), (3, 12), (12, 3), (7, 7), (40, 90)])
def test_mcnemar_agrees_with_statsmodels(fixed: int, broken: int) -> None:
    before, after = rows(fixed, broken, 20, 30)
    expected = mcnemar([[20, broken], [fixed, 30]], exact=True).pvalue
    assert value(mcnemar_p, before, after) == pytest.approx(expected, abs=1e-9)


def test_mcnemar_closed_form() -> None:
    # Five fixed, none broken: 2 / 2^5.
    before, after = rows(5, 0, 1, 1)
    assert value(mcnemar_p, before, after) == pytest.approx(2 / 32, abs=1e-15)
    assert not mcnemar_p.interval


def test_relative_lift_is_the_change_over_the_accuracy_before() -> None:
    before, after = rows(fixed=6, broken=2, kept=8, wrong=24)
    w = np.ones((1, len(before)))
    assert relative_lift(Labels(before), Labels(after), w=w)[0] == pytest.approx(4 / 10)
    assert delta(Labels(before), Labels(after), w=w)[0] == pytest.approx(4 / 40)
    nothing = Labels(np.zeros(3))
    assert np.isnan(relative_lift(nothing, Labels(np.ones(3)), w=np.ones((1, 3)))[0])
