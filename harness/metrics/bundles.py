"""Bundles: metrics that belong together, under the same names in every experiment.

Each bundle takes `by` and `where` as a `Metric` does, and a `prefix` or `suffix` for the names of its metrics, with
which a bundle can be taken twice in one experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

from harness.metrics.calibration import (
    brier,
    brier_reliability,
    brier_resolution,
    brier_uncertainty,
    ece_equal_count,
    ece_equal_width,
    overconfidence,
)
from harness.metrics.levels import LevelValue
from harness.metrics.likelihood import nll
from harness.metrics.metric import Measure, Metric
from harness.metrics.ranking import aurc, auroc
from harness.metrics.recalibration import calibration_slope, ece_after_temperature, nll_after_temperature, temperature
from harness.metrics.revisions import (
    accuracy_after,
    accuracy_before,
    break_rate,
    delta,
    delta_c2i,
    delta_i2c,
    delta_lower,
    delta_upper,
    fix_rate,
    mcnemar_p,
)
from harness.metrics.shares import accuracy, accuracy_upper, answered, mean, mean_probability, rate
from harness.metrics.skill import brier_skill


class Bound(TypedDict, total=False):
    """Options that a bundle passes to each of its metrics, and the prefix and suffix of their names."""

    by: tuple[str, ...]
    where: Mapping[str, LevelValue]
    prefix: str
    suffix: str


def each(columns: tuple[str, ...], *measures: Measure, **bound: Unpack[Bound]) -> tuple[Metric, ...]:
    """Several measures of the same columns, each under its own name."""
    return tuple(_metric(measure.function.__name__, measure, columns, bound) for measure in measures)


def graded(correct: str = "correct", fate: str = "fate", **bound: Unpack[Bound]) -> tuple[Metric, ...]:
    """Of graded answers: accuracy, and how far it hangs on answers that could not be graded.

    `accuracy` counts them as wrong, `accuracy_upper` as right, `accuracy_answered` leaves them out; `answered` is the
    share of answers that could be graded.
    """
    readable = read(fate, bound)
    return (
        *each((correct,), accuracy, **bound),
        *each((correct,), accuracy, **readable),
        *each((correct, fate), accuracy_upper, **bound),
        *each((fate,), answered, **bound),
    )


def judged(
    pair: tuple[str, str] = ("p", "correct"), fate: str | None = "fate", **bound: Unpack[Bound]
) -> tuple[Metric, ...]:
    """Of a probability and the label that it is about: accuracy, ranking, calibration, proper scores, and skill.

    Args:
        fate: the column that says what became of the answers; the main numbers are then given for the gradable answers
            alone, too, as `auroc_answered`. None where every answer can be graded.
    """
    measures = (auroc, aurc, ece_equal_width, ece_equal_count, overconfidence, brier, brier_skill, nll)
    if fate is None:
        return (*each(pair[1:], accuracy, **bound), *each(pair, *measures, **bound))
    answered_only = each(pair, auroc, ece_equal_width, overconfidence, brier, brier_skill, **read(fate, bound))
    return (*graded(pair[1], fate, **bound), *each(pair, *measures, **bound), *answered_only)


def read(fate: str, bound: Bound) -> Bound:
    """The bound of the same metrics on the rows alone whose answer could be graded, with names that say so."""
    where = {**bound.get("where", {}), fate: "answered"}
    return {**bound, "where": where, "suffix": f"{bound.get('suffix', '')}_answered"}


def brier_parts(pair: tuple[str, str] = ("p", "correct"), **bound: Unpack[Bound]) -> tuple[Metric, ...]:
    """The three parts of the Brier score, which is reliability - resolution + uncertainty."""
    return each(pair, brier_reliability, brier_resolution, brier_uncertainty, **bound)


def recalibrated(pair: tuple[str, str] = ("p", "correct"), **bound: Unpack[Bound]) -> tuple[Metric, ...]:
    """Whether probabilities are too extreme, the temperature that mends that, and the error that is left after it on
    groups held out."""
    held_out = each((*pair, "group"), ece_after_temperature, nll_after_temperature, **bound)
    return (*each(pair, calibration_slope, temperature, **bound), *held_out)


def transitions(
    before: str = "before", after: str = "after", *, fates: bool = True, **bound: Unpack[Bound]
) -> tuple[Metric, ...]:
    """Effects of a revision on answers, from labels of being right before and after it.

    Args:
        fates: whether columns fate_BEFORE and fate_AFTER say what became of the answers. One that could not be graded
            is wrong; `delta_lower` and `delta_upper` bound what it may have been, and `delta_answered` takes the rows
            with both answers graded. Without such columns every answer can be graded.
    """
    pair, told = (before, after), (f"fate_{before}", f"fate_{after}")
    of_all = (
        *each(pair, accuracy_before, accuracy_after, delta, delta_i2c, delta_c2i, fix_rate, break_rate, **bound),
        *each(pair, mcnemar_p, **bound),
    )
    if not fates:
        return of_all
    both: Bound = {**read(told[1], read(told[0], bound)), "suffix": f"{bound.get('suffix', '')}_answered"}
    return (
        *of_all,
        *each((before, told[0], after, told[1]), delta_lower, delta_upper, **bound),
        *each(pair, accuracy_before, accuracy_after, delta, **both),
    )


def means(
    *columns: str,
    by: tuple[str, ...] = ("arm",),
    where: Mapping[str, LevelValue] | None = None,
    prefix: str = "",
    suffix: str = "",
    **named: str,
) -> tuple[Metric, ...]:
    """The mean of each column under the column's name; `option_mass="mass"` gives a mean a name of its own."""
    return _of_one_column(mean, columns, {"by": by, "where": where or {}}, prefix, suffix, named)


def mean_probabilities(
    *columns: str,
    by: tuple[str, ...] = ("arm",),
    where: Mapping[str, LevelValue] | None = None,
    prefix: str = "",
    suffix: str = "",
    **named: str,
) -> tuple[Metric, ...]:
    """The mean of each column of probabilities, with an interval inside [0, 1]; names are as in `means`."""
    return _of_one_column(mean_probability, columns, {"by": by, "where": where or {}}, prefix, suffix, named)


def rates(
    *columns: str,
    by: tuple[str, ...] = ("arm",),
    where: Mapping[str, LevelValue] | None = None,
    prefix: str = "",
    suffix: str = "",
    **named: str,
) -> tuple[Metric, ...]:
    """The share of rows whose label is true, for each column; names are as in `means`."""
    return _of_one_column(rate, columns, {"by": by, "where": where or {}}, prefix, suffix, named)


def _of_one_column(  # noqa: PLR0917
    measure: Measure, columns: tuple[str, ...], bound: Bound, prefix: str, suffix: str, named: Mapping[str, str]
) -> tuple[Metric, ...]:
    """A measure of each column, under its own name between prefix and suffix, or under a name that is given."""
    own = (_metric(column, measure, (column,), {**bound, "prefix": prefix, "suffix": suffix}) for column in columns)
    return (*own, *(_metric(name, measure, (column,), bound) for name, column in named.items()))


def _metric(name: str, measure: Measure, columns: tuple[str, ...], bound: Bound) -> Metric:
    full = f"{bound.get('prefix', '')}{name}{bound.get('suffix', '')}"
    return Metric(full, measure, columns, bound.get("by", ("arm",)), bound.get("where", {}))
