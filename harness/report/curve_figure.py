"""Draws `figures.Curve`: the estimates of one metric against one key of their level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.figures import Curve
from harness.report.axes import along
from harness.report.look import Look
from harness.report.painting import (
    DASHES,
    PALETTE,
    Painted,
    canvas_for,
    kept,
    legend,
    legend_height,
    nothing,
)
from harness.report.text import in_brackets, number
from harness.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class CurveLine:
    """One line of a curve.

    Attributes:
        name: the values of the level's other keys; "" without any.
        x: numbers in rising order, or positions 0, 1, ... where values are no numbers.
        points: the estimates there, all with a value.
    """

    name: str
    x: tuple[float, ...]
    points: tuple[Estimate, ...]


def curve_lines(figure: Curve, estimates: Sequence[Estimate]) -> tuple[list[CurveLine], list[str]]:
    """The lines of a curve, and the values along its axis; these are [] where the axis is one of numbers."""
    found = [e for e in estimates if e.metric == figure.metric and figure.x in e.level and e.value is not None]
    axis = along(e.level[figure.x] for e in found)
    ticks = list(axis) if None in axis.values() else []
    places = {value: float(i) if at is None else at for i, (value, at) in enumerate(axis.items())}
    lines: dict[str, list[Estimate]] = {}
    for e in found:
        others = [value for key, value in e.level.items() if key != figure.x]
        lines.setdefault(", ".join(others), []).append(e)
    made = []
    for name, points in lines.items():
        points.sort(key=lambda e: places[e.level[figure.x]])
        made.append(CurveLine(name, tuple(places[e.level[figure.x]] for e in points), tuple(points)))
    return made, ticks


def curve(figure: Curve, estimates: Sequence[Estimate], look: Look) -> Painted:
    """The drawn curve; where the metric has no values, a picture that says so."""
    lines, ticks = curve_lines(figure, estimates)
    metric, x = look.metric(figure.metric), look.column(figure.x)
    title = f"{metric} by {x}"
    if not lines:
        return nothing(look, title, f"The run has no {metric} by {x}")
    lines, note = kept(lines)
    names = [look.value(line.name) for line in lines] if any(line.name for line in lines) else []
    named = [look.wrapped(0.6 * look.width / max(1, len(ticks)), look.value(tick)) for tick in ticks]
    more = 1.4 * look.em * max((tick.count("\n") for tick in named), default=0)
    canvas = canvas_for(look, 25 * look.em + more + legend_height(look, names))
    axes = canvas.add_subplot()
    alt, drawn = [], []
    for i, line in enumerate(lines):
        colour, dashes = PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)]
        drawn += axes.plot(line.x, [e.value for e in line.points], color=colour, ls=dashes, lw=1.5, marker="o", ms=3)
        known = [(x, e) for x, e in zip(line.x, line.points, strict=True) if e.low is not None]
        lows, highs = [e.low for _, e in known], [e.high for _, e in known]
        axes.fill_between([x for x, _ in known], lows, highs, color=colour, alpha=0.15, lw=0)
        told = ", ".join(
            f"{number(e.value)}{in_brackets(e.low, e.high)} at {look.value(e.level[figure.x])}" for e in line.points
        )
        alt.append(f"{look.value(line.name)}: {told}." if line.name else f"{told[:1].upper()}{told[1:]}.")
    axes.set(xlabel=x, ylabel=look.wrapped(20 * look.em, metric))
    if ticks:
        axes.set_xticks(range(len(ticks)), named)
    if names:
        legend(look, canvas, list(zip(names, drawn, strict=True)))
    return Painted(canvas, title + note, f"Curves of {title}. {' '.join(alt)}", ("Bands: 95 % intervals",))
