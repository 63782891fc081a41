"""Draws the declared figures: for pages, trackers and papers, and the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from harness.console import visible
from harness.errors import HarnessError
from harness.figures import (
    Bars,
    Curve,
    Drawing,
    Figure,
    Grid,
    Reliability,
    RiskCoverage,
    RowFigure,
    Transitions,
    columns,
    figure_name,
)
from harness.metrics.levels import level_texts
from harness.outcomes import Table
from harness.report.bar_figures import bars, transitions
from harness.report.curve_figure import curve
from harness.report.curves import by_level, figure_rows
from harness.report.grid_figure import grid
from harness.report.look import PAGE, Look
from harness.report.painting import Painted, as_svg, nothing, rendered, styled
from harness.report.panel_figures import reliability, risk_coverage_overlay, risk_coverage_panels
from harness.report.text import cut
from harness.statistics.estimates import Estimate

Form = Literal["pdf", "png", "svg"]


@dataclass(frozen=True, slots=True)
class Printed:
    """A figure as a file for a paper: its bytes, a title, and the remarks that its caption has to make."""

    name: str
    data: bytes
    title: str
    remarks: tuple[str, ...]


def draw(figure: Figure, table: Table, estimates: Sequence[Estimate]) -> Drawing:
    """Draws one declared figure for pages and trackers; data with nothing to draw gives a picture that says so.

    Rows with a missing value are left out, and the picture says how many. Estimates are shown only where they are
    about exactly what is drawn: same metric name, same level, same value.

    Raises:
        HarnessError: the table lacks a column that the figure names.
    """
    with _painted(figure, table, estimates, PAGE) as painted:
        alt = visible(cut(" ".join([painted.alt, *(f"{n}." for n in painted.notes)]), 4000))
        svg = as_svg(painted.figure, painted.title, alt)

    def png() -> bytes:
        with styled(PAGE):
            return rendered(painted.figure, "png", {"Software": None})

    return Drawing(figure_name(figure), painted.title, alt, svg, png)


def draw_file(figure: Figure, table: Table, estimates: Sequence[Estimate], look: Look, form: Form) -> Printed:
    """Draws one declared figure as a file, as `draw` does.

    Raises:
        HarnessError: the table lacks a column that the figure names.
    """
    with _painted(figure, table, estimates, look) as painted:
        alt = visible(cut(painted.alt, 4000))
        metadata: dict[str, str | None] = {
            "pdf": {"Title": painted.title, "Subject": alt, "CreationDate": None, "Creator": None, "Producer": None},
            "png": {"Title": painted.title, "Description": alt, "Software": None},
            "svg": {"Date": None, "Title": painted.title, "Description": alt},
        }[form]
        return Printed(figure_name(figure), rendered(painted.figure, form, metadata), painted.title, painted.notes)


def panels(figure: Figure, table: Table) -> list[Figure]:
    """A figure of several panels as one figure for each; a figure of one panel as it is."""
    if isinstance(figure, Reliability) or (isinstance(figure, RiskCoverage) and not figure.overlay):
        rows, _ = figure_rows(figure, table)
        levels = [level for level, _ in by_level(rows, figure.by)]
        return [replace(figure, where={**figure.where, figure.by: level}) for level in levels] or [figure]
    return [figure]


@contextmanager
def _painted(figure: Figure, table: Table, estimates: Sequence[Estimate], look: Look) -> Iterator[Painted]:
    """A figure, ready to be saved, under the settings of its look."""
    with styled(look):
        match figure:
            case Curve():
                painted = curve(figure, estimates, look)
            case Grid():
                painted = grid(figure, estimates, look)
            case _:
                painted = _of_rows(figure, table, estimates, look)
        painted = replace(painted, notes=tuple(filter(None, painted.notes)))
        if painted.notes and look.remarks:
            told = look.wrapped(look.width * 1.1, *painted.notes)
            if look.height is None:  # two lines have room in every picture; more would leave none for the bars
                width, height = painted.figure.get_size_inches()
                painted.figure.set_size_inches(width, height + 1.3 * look.em * max(0, told.count("\n") - 1))
            painted.figure.supxlabel(told, fontsize=look.small, x=0.01, ha="left")
        yield painted


def _of_rows(figure: RowFigure, table: Table, estimates: Sequence[Estimate], look: Look) -> Painted:
    for column in (*columns(figure), *figure.where):
        if column not in table.columns:
            raise HarnessError(f"figure {figure}: the outcomes have no column {column!r}")
    rows, possible = figure_rows(figure, table)
    left_out = f"{possible - len(rows)} of {possible} rows left out: a value is missing or the item failed"
    if not len(rows):
        title = f"{type(figure).__name__}: {', '.join(map(look.column, columns(figure)))}"
        return nothing(look, title, "No rows" if not possible else left_out[0].upper() + left_out[1:])
    painted = _paint(figure, rows, estimates, look)
    chosen = ", ".join(
        f"{look.column(column)} {look.value(text)}" for column, text in level_texts(figure.where).items()
    )
    only = f"Only rows with {chosen}" if chosen else ""
    return replace(painted, notes=(*painted.notes, only, left_out if len(rows) < possible else ""))


def _paint(figure: RowFigure, rows: Table, estimates: Sequence[Estimate], look: Look) -> Painted:
    match figure:
        case Reliability():
            return reliability(figure, rows, estimates, look)
        case RiskCoverage():
            return (risk_coverage_overlay if figure.overlay else risk_coverage_panels)(figure, rows, look)
        case Transitions():
            return transitions(figure, rows, look)
        case Bars():
            return bars(figure, rows, estimates, look)
