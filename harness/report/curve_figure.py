"""Draws `figures.Curve`: the estimates of one metric against one key of their level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.figures import Curve
from harness.report.painting import DASHES, PALETTE, Painted, canvas_of, in_brackets, kept, name_of, nothing
from harness.report.text import number
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
    values = list(dict.fromkeys(e.level[figure.x] for e in found))
    numbers = {value: _number(value) for value in values}
    places = {value: number if number is not None else 0.0 for value, number in numbers.items()}
    ticks = values if None in numbers.values() else []
    if ticks:
        places = {value: float(i) for i, value in enumerate(values)}
    lines: dict[str, list[Estimate]] = {}
    for e in found:
        others = [value for key, value in e.level.items() if key != figure.x]
        lines.setdefault(", ".join(others), []).append(e)
    made = []
    for name, points in lines.items():
        points.sort(key=lambda e: places[e.level[figure.x]])
        made.append(CurveLine(name, tuple(places[e.level[figure.x]] for e in points), tuple(points)))
    return made, ticks


def curve(figure: Curve, estimates: Sequence[Estimate]) -> Painted:
    """The drawn curve; where the metric has no values, a picture that says so."""
    lines, ticks = curve_lines(figure, estimates)
    title = f"{figure.metric} by {figure.x}"
    if not lines:
        return nothing(title, f"The run has no {figure.metric} by {figure.x}")
    lines, note = kept(lines)
    canvas = canvas_of(7.0, max(3.4, 1.0 + 0.19 * len(lines)))
    axes = canvas.add_subplot()
    alt = []
    for i, line in enumerate(lines):
        colour, dashes = PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)]
        y = [e.value for e in line.points]
        axes.plot(line.x, y, color=colour, ls=dashes, lw=1.5, marker="o", ms=3, label=name_of(line.name))
        known = [(x, e) for x, e in zip(line.x, line.points, strict=True) if e.low is not None]
        lows, highs = [e.low for _, e in known], [e.high for _, e in known]
        axes.fill_between([x for x, _ in known], lows, highs, color=colour, alpha=0.15, lw=0)
        told = ", ".join(
            f"{number(e.value)}{in_brackets(e.low, e.high)} at {name_of(e.level[figure.x])}" for e in line.points
        )
        alt.append(f"{name_of(line.name)}: {told}." if line.name else f"{told[:1].upper()}{told[1:]}.")
    axes.set(xlabel=figure.x, ylabel=figure.metric)
    if ticks:
        axes.set_xticks(range(len(ticks)), [name_of(tick) for tick in ticks])
    if any(line.name for line in lines):
        canvas.legend(loc="outside right upper")
    return Painted(canvas, title + note, f"Curves of {title}. {' '.join(alt)}", ("Bands: 95 % intervals",))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
