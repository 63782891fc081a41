"""Draws `figures.Grid`: the estimates of one metric against two keys of their level, as a heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.figures import Grid
from harness.metrics.columns import Floats
from harness.report.axes import along
from harness.report.look import Look
from harness.report.painting import INK, Painted, across, canvas_for, kept, nothing
from harness.report.text import in_brackets, number
from harness.statistics.estimates import Estimate

_LETTERS = 7
"""Letters of the longest number that a cell has room for."""


Cells = tuple[tuple[Estimate | None, ...], ...]


@dataclass(frozen=True, slots=True)
class GridPanel:
    """One heat map.

    Attributes:
        name: the values of the level's other keys; "" without any.
        cells: the estimates, [y, x]; None where there is none, or one without a value.
    """

    name: str
    cells: Cells

    @property
    def values(self) -> Floats:
        """The values, [y, x]; NaN where there is none."""
        return np.array([[np.nan if e is None or e.value is None else e.value for e in row] for row in self.cells])


@dataclass(frozen=True, slots=True)
class _Scale:
    """Colours of values: of one hue from the least to the largest, or of two hues where values lie on both sides of 0.

    Attributes:
        low, high: ends of the scale.
    """

    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> _Scale:
        """The scale of all values of a figure, of any shape; NaN where there is none."""
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if low < 0 < high:
            return cls(-max(-low, high), max(-low, high))
        return cls(low, high) if low < high else cls(low - 0.5, high + 0.5)

    @property
    def colours(self) -> str:
        """The name of the colours, which colour-blind readers can tell apart."""
        return "PuOr" if self.low == -self.high else "YlGnBu"

    def ink(self, value: float) -> str:
        """The colour of a number on the colour of its value: white where that is dark."""
        place = (value - self.low) / (self.high - self.low)
        dark = abs(place - 0.5) > 0.35 if self.low == -self.high else place > 0.6
        return "white" if dark else INK


def grid_panels(figure: Grid, estimates: Sequence[Estimate]) -> tuple[list[GridPanel], list[str], list[str]]:
    """The panels of a grid, and the values along x and along y."""
    keys = (figure.x, figure.y)
    found = [e for e in estimates if e.metric == figure.metric and e.value is not None and {*keys} <= e.level.keys()]
    xs, ys = (list(along(e.level[key] for e in found)) for key in keys)
    panels: dict[str, dict[tuple[str, str], Estimate]] = {}
    for e in found:
        name = ", ".join(value for key, value in e.level.items() if key not in keys)
        panels.setdefault(name, {})[e.level[figure.x], e.level[figure.y]] = e
    made = [GridPanel(name, tuple(tuple(at.get((x, y)) for x in xs) for y in ys)) for name, at in panels.items()]
    return made, xs, ys


def grid(figure: Grid, estimates: Sequence[Estimate], look: Look) -> Painted:
    """The drawn grid; where the metric has no values, a picture that says so."""
    panels, xs, ys = grid_panels(figure, estimates)
    metric, x, y = look.metric(figure.metric), look.column(figure.x), look.column(figure.y)
    title = f"{metric} by {x} and {y}"
    if not panels:
        return nothing(look, title, f"The run has no {metric} by {x} and {y}")
    panels, note = kept(panels)
    columns = 1 if len(xs) > 12 else across(look, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = look.width / columns
    cell = max(1.5 * look.em, min(2.5 * look.em, 30 * look.em / len(ys)))
    canvas = canvas_for(look, rows * (cell * len(ys) + 6 * look.em))
    axes = canvas.subplots(rows, columns, squeeze=False)
    scale = _Scale.of(np.stack([panel.values for panel in panels]))
    written = 0.75 * width / len(xs) > 0.6 * _LETTERS * look.small / 72
    for i, axis in enumerate(axes.flat):
        if i >= len(panels):
            axis.set_visible(False)
            continue
        drawn = _heat_map(axis, panels[i], scale, look if written else None)
        _ticks(axis, xs, ys, width, look)
        axis.set_title(look.wrapped(0.9 * width, look.value(panels[i].name)) if panels[i].name else "")
        axis.set_xlabel(x if i + columns >= len(panels) else "")
        axis.set_ylabel(y if i % columns == 0 else "")
    bar = canvas.colorbar(drawn, ax=axes.ravel().tolist(), fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    blank = any(np.isnan(panel.values).any() for panel in panels)
    alt = " ".join(
        _told(panel, [f"at {x} {look.value(one)}" for one in xs], [f"{y} {look.value(one)}" for one in ys], look)
        for panel in panels
    )
    return Painted(
        canvas, title + note, f"Heat map of {title}. {alt}", ("Blank cells have no estimate",) if blank else ()
    )


def _heat_map(axis: Any, panel: GridPanel, scale: _Scale, look: Look | None) -> Any:
    """The coloured cells of one panel, the first value of y at the bottom; with a look, the number of each in it."""
    import matplotlib as mpl

    colours = mpl.colormaps[scale.colours].resampled(32)
    drawn = axis.pcolormesh(panel.values, cmap=colours, vmin=scale.low, vmax=scale.high)
    for side in axis.spines.values():
        side.set_visible(False)
    if look is None:
        return drawn
    for (y, x), value in np.ndenumerate(panel.values):
        if not np.isnan(value):
            how = {"ha": "center", "va": "center", "color": scale.ink(value), "fontsize": look.small}
            axis.text(x + 0.5, y + 0.5, number(value, 2), **how)
    return drawn


def _ticks(axis: Any, xs: Sequence[str], ys: Sequence[str], width: float, look: Look) -> None:
    """The values along both axes, as many as there is room for in a panel of a width in inches."""
    of_x = math.ceil(len(xs) / max(1, look.letters(width) // 6))
    of_y = math.ceil(len(ys) / 30)
    named = [look.wrapped(0.75 * width * of_x / len(xs), look.value(x)) for x in xs[::of_x]]
    axis.set_xticks([i + 0.5 for i in range(0, len(xs), of_x)], named)
    axis.set_yticks([i + 0.5 for i in range(0, len(ys), of_y)], [look.value(y) for y in ys[::of_y]])
    axis.tick_params(length=0)


def _told(panel: GridPanel, xs: Sequence[str], ys: Sequence[str], look: Look) -> str:
    """A panel in words, line by line; the places along both axes are given in words."""
    lines = []
    for y, row in zip(ys, panel.cells, strict=True):
        cells = [
            f"{number(e.value)}{in_brackets(e.low, e.high)} {x}" for x, e in zip(xs, row, strict=True) if e is not None
        ]
        lines.append(f"{y}: {', '.join(cells) or 'nothing'}")
    told = "; ".join(lines)
    return f"{look.value(panel.name)}: {told}." if panel.name else f"{told[:1].upper()}{told[1:]}."
