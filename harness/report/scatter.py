"""Draws two columns of a study's table against each other: a point for each row, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from harness.console import visible
from harness.report.look import PAGE
from harness.report.painting import PALETTE, as_svg, canvas_for, legend, legend_height, styled, whiskers
from harness.report.study_tables import TableCell
from harness.report.text import cut, in_brackets, number

MARKERS = "osD^v<>Ph*"


def scatter(x: str, y: str, points: Sequence[tuple[str, TableCell, TableCell]]) -> tuple[str, str]:
    """The picture as SVG, and the same in words.

    Args:
        x, y: names of the axes.
        points: the name of each row, with its number along both axes; rows without one of them are left out.
    """
    known = [(name, a, b) for name, a, b in points if a.value is not None and b.value is not None]
    with styled(PAGE):
        names = [PAGE.value(name) for name, *_ in known]
        canvas = canvas_for(PAGE, 26 * PAGE.em + legend_height(PAGE, names))
        axes = canvas.add_subplot()
        drawn, words = [], []
        for i, (name, a, b) in enumerate(known):
            look = {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}
            drawn += axes.plot(a.value, b.value, ls="", ms=6, **look)
            for cell, error in ((a, "xerr"), (b, "yerr")):
                if (e := cell.estimate) is not None and e.value is not None and e.low is not None:
                    spread = {error: whiskers(e.value, e.low, e.high)}
                    axes.errorbar(a.value, b.value, color=look["color"], lw=1, capsize=2, **spread)
            words.append(f"{name}: {_told(b)} at {_told(a)}.")
        axes.set(xlabel=PAGE.column(x), ylabel=PAGE.column(y))
        if names:
            legend(PAGE, canvas, list(zip(names, drawn, strict=True)))
        title = f"{y} against {x}"
        alt = visible(cut(f"{title}. {' '.join(words)} Lines: 95 % intervals.", 4000))
        svg = as_svg(canvas, title, alt)
    return svg, alt


def _told(cell: TableCell) -> str:
    e = cell.estimate
    return number(cell.value) + ("" if e is None else in_brackets(e.low, e.high))
