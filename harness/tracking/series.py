"""Turns figures into lines of points, for trackers that draw by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.figures import Curve, Figure, Reliability, RiskCoverage
from harness.metrics.levels import level_texts
from harness.outcomes import Table
from harness.report.curve_figure import CurveLine, curve_lines
from harness.report.curves import by_level, figure_rows, reliability_bins, risk_coverage
from harness.statistics.estimates import Estimate

MOST_POINTS = 200
MOST_LINES = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: `x` rising; `low` and `high` bound `y` at 95 % where that is known."""

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


def chart(figure: Figure, table: Table, estimates: Sequence[Estimate]) -> Chart | None:
    """The points of a reliability diagram, of risk-coverage curves or of a curve of estimates, as in the drawn figure.

    Returns:
        None for other figures, and where there is nothing to draw.
    """
    match figure:
        case Reliability():
            lines = [_reliability(figure, name, rows) for name, rows in _levels(figure, table)]
            name = f"reliability-{figure.probability}-{figure.label}-{figure.by}-{figure.bins}{_chosen(figure)}"
            title, x_name, y_name = f"Reliability of {figure.probability}", "mean probability", "observed frequency"
        case RiskCoverage():
            lines = [_risk_coverage(figure, name, rows) for name, rows in _levels(figure, table)]
            name = f"risk-coverage-{figure.score}-{figure.label}-{figure.by}{_chosen(figure)}"
            title, x_name, y_name = f"Risk against coverage by {figure.score}", "coverage", "error rate"
        case Curve():
            lines = [_curve(line) for line in curve_lines(figure, estimates)[0][:MOST_LINES]]
            name = f"curve-{figure.metric}-{figure.x}"
            title, x_name, y_name = f"{figure.metric} by {figure.x}", figure.x, figure.metric
        case _:
            return None
    return Chart(name, title, x_name, y_name, lines) if lines else None


def _chosen(figure: Reliability | RiskCoverage) -> str:
    return "".join(f"-{column}-{value}" for column, value in level_texts(figure.where).items())


def _levels(figure: Reliability | RiskCoverage, table: Table) -> list[tuple[str, Table]]:
    return by_level(figure_rows(figure, table)[0], figure.by)[:MOST_LINES]


def _curve(line: CurveLine) -> Line:
    ends = [(e.low, e.high) for e in line.points if e.low is not None and e.high is not None]
    known = len(ends) == len(line.points)
    return Line(
        line.name or "all",
        line.x,
        [e.value for e in line.points if e.value is not None],
        [low for low, _ in ends] if known else (),
        [high for _, high in ends] if known else (),
        [e.n for e in line.points] if known else (),
    )


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
