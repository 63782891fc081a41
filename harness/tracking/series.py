"""Turns figures into lines of points, for trackers that draw by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.figures import Figure, Reliability, RiskCoverage
from harness.outcomes import Table
from harness.report.curves import reliability_bins, risk_coverage

MOST_POINTS = 200
MOST_LINES = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: `x` rising in [0, 1]; `low` and `high` bound `y` at 95 % where that is known."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    n: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines with a title and the names of both axes."""

    name: str
    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]


def chart(figure: Figure, table: Table) -> Chart | None:
    """The points of a reliability diagram or of risk-coverage curves, the same as those of the drawn figure.

    Returns:
        None for other figures, and where no row has all that the figure reads.
    """
    match figure:
        case Reliability():
            lines = [_reliability(figure, name, rows) for name, rows in _levels(figure, figure.probability, table)]
            name = f"reliability-{figure.probability}-{figure.label}-{figure.by}-{figure.bins}"
            title, x_name, y_name = f"Reliability of {figure.probability}", "mean probability", "observed frequency"
        case RiskCoverage():
            lines = [_risk_coverage(figure, name, rows) for name, rows in _levels(figure, figure.score, table)]
            name = f"risk-coverage-{figure.score}-{figure.label}-{figure.by}"
            title, x_name, y_name = f"Risk against coverage by {figure.score}", "coverage", "error rate"
        case _:
            return None
    return Chart(name, title, x_name, y_name, lines) if lines else None


def _levels(figure: Reliability | RiskCoverage, score: str, table: Table) -> list[tuple[str, Table]]:
    by = table.columns[figure.by]
    known = np.array([value is not None and value == value for value in by], dtype=bool)  # noqa: PLR0124 (NaN)
    whole = known & ~np.isnan(table.columns[score]) & ~np.isnan(table.columns[figure.label])
    keys = by.astype(str)
    return [(name, table.where(whole & (keys == name))) for name in sorted(set(keys[whole].tolist()))[:MOST_LINES]]


def _reliability(figure: Reliability, name: str, rows: Table) -> Line:
    labels, groups = rows.columns[figure.label], rows.columns["group"]
    bins = reliability_bins(rows.columns[figure.probability], labels, groups, figure.bins)
    seen = [b.observed for b in bins]
    return Line(
        name,
        [b.confidence for b in bins],
        [s.value for s in seen],
        [s.low for s in seen],
        [s.high for s in seen],
        [s.n for s in seen],
    )


def _risk_coverage(figure: RiskCoverage, name: str, rows: Table) -> Line:
    coverage, risk = risk_coverage(rows.columns[figure.score], rows.columns[figure.label])
    few = np.unique(np.linspace(0, len(rows) - 1, MOST_POINTS).astype(int))
    return Line(name, coverage[few].tolist(), risk[few].tolist())
