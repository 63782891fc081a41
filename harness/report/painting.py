"""What all pictures share: style and colours, panels and legends, and files of the same bytes for the same data."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from harness.console import visible
from harness.report.text import cut, number

T = TypeVar("T")

BLUE, SKY, GREEN, ORANGE, RED, PINK = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
GREY, INK = "#D9D9D9", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
"""Okabe and Ito's colours, which colour-blind readers can tell apart (jfly.uni-koeln.de/color)."""

DASHES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

MOST_LEVELS = 24

STYLE = {
    # Text stays text: small, searchable, and a script that DejaVu lacks is drawn with the reader's own fonts.
    "svg.fonttype": "none",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "svg.hashsalt": "harness",
    "text.parse_math": False,  # labels come from data: a "$" is a dollar
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
}


@dataclass(frozen=True, slots=True)
class Painted:
    """A matplotlib figure with its title, its text for those who do not see it, and lines below it."""

    figure: Any
    title: str
    alt: str
    notes: tuple[str, ...] = ()


def rendered(figure: Any, form: str, metadata: Mapping[str, str | None]) -> bytes:
    """A matplotlib figure as a file of the form "svg" or "png", the same bytes each time."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a script that DejaVu lacks: boxes in the PNG, text in the SVG
        figure.savefig(buffer, format=form, metadata=metadata, dpi=150)
    return buffer.getvalue()


def canvas_of(width: float, height: float) -> Any:
    """An empty matplotlib figure, in inches."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained")


def nothing(title: str, text: str) -> Painted:
    """A picture that says why there is none."""
    canvas = canvas_of(5.0, 1.2)
    canvas.text(0.5, 0.5, f"Nothing to draw.\n{text}.", ha="center", va="center")
    return Painted(canvas, title, f"Nothing to draw. {text}.")


def name_of(level: str) -> str:
    """A level as a picture shows it: short, and without characters that are not seen."""
    return visible(cut(level, 60))


def heading_of(column: str, level: str) -> str:
    """A level as the heading of a panel."""
    return name_of(level) if column == "arm" else f"{column} {name_of(level)}"


def wrapped(*lines: str) -> str:
    """Lines broken to the width of a panel."""
    # A panel is 3.1 inches wide: about 40 characters.
    return "\n".join(part for line in lines if line for part in textwrap.wrap(line, 40, break_on_hyphens=False))


def kept(levels: list[T]) -> tuple[list[T], str]:
    """The levels that are drawn, and what the title says of those that are not."""
    more = len(levels) - MOST_LEVELS
    return levels[:MOST_LEVELS], f" The first {MOST_LEVELS} of {len(levels)} values are drawn." if more > 0 else ""


def in_brackets(low: float | None, high: float | None) -> str:
    """ " [low, high]" with both ends, "" without."""
    return "" if low is None or high is None else f" [{number(low)}, {number(high)}]"


def panels_for(n: int, height: float, ratios: tuple[int, ...]) -> tuple[Any, list[list[Any]]]:
    """A figure with n panels, three side by side or four in a square, each of len(ratios) axes stacked."""
    across = 2 if n == 4 else min(3, n)
    down = -(-n // across)
    canvas = canvas_of(max(4.2, 3.1 * across), height * down + 0.5)
    grid = canvas.add_gridspec(down * len(ratios), across, height_ratios=ratios * down)
    panels = []
    for i in range(n):
        top = i // across * len(ratios)
        panels.append([canvas.add_subplot(grid[top + j, i % across]) for j in range(len(ratios))])
    return canvas, panels


def legend(canvas: Any, axes: Any, entries: Sequence[tuple[str, str]]) -> None:
    """A legend above bars: names with their colours."""
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in entries]
    canvas.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)))
    axes.spines["left"].set_visible(False)


def few(n: int) -> Any:
    """At most 400 of n points, since a file of 100,000 helps nobody."""
    return np.unique(np.linspace(0, n - 1, 400).astype(int))
