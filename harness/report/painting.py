"""The parts that all pictures share: style and colours, panels and legends, and files of the same bytes for the same
data."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from harness.report.look import Look
from harness.statistics.estimates import Estimate

T = TypeVar("T")

BLUE, SKY, GREEN, ORANGE, RED, PINK = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
GREY, INK = "#D9D9D9", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
"""Okabe and Ito's colours, which colour-blind readers can tell apart (jfly.uni-koeln.de/color)."""

DASHES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

MOST_LEVELS = 24

_DOTS = 150
"""Dots per inch."""

_STYLE = {
    # Text stays text: small, searchable, and a script that DejaVu lacks is drawn with the reader's own fonts.
    "svg.fonttype": "none",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "svg.hashsalt": "harness",
    "text.parse_math": False,  # labels come from data: a "$" is a dollar
    "pdf.fonttype": 42,  # letters as letters: publishers refuse the outlines of type 3
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@contextmanager
def styled(look: Look) -> Iterator[None]:
    """Sets matplotlib up for a look, and as it was afterwards."""
    import matplotlib as mpl

    sizes = dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), look.font)
    small = dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), look.small)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, **sizes, **small})
        yield


@dataclass(frozen=True, slots=True)
class Painted:
    """A matplotlib figure with its title, its text for readers who do not see it, and lines below it."""

    figure: Any
    title: str
    alt: str
    notes: tuple[str, ...] = ()


def rendered(figure: Any, form: str, metadata: Mapping[str, str | None]) -> bytes:
    """A matplotlib figure as a file of the form "svg", "png" or "pdf", the same bytes each time."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a script that DejaVu lacks: boxes, but in the SVG, which has text
        figure.set_dpi(_DOTS)
        _lay_out(figure, form)
        figure.savefig(buffer, format=form, metadata=metadata, dpi=_DOTS)
    return buffer.getvalue()


def _lay_out(figure: Any, form: str) -> None:
    """Gives the parts of a figure their places, once for all forms. To save one that has none draws all of it twice."""
    from matplotlib.backend_bases import get_registered_canvas_class

    engine = figure.get_layout_engine()
    if figure.axes and engine is not None:
        get_registered_canvas_class(form)(figure)  # which measures text as the file will have it
        engine.execute(figure)
        figure.set_layout_engine(None)


def as_svg(figure: Any, title: str, alt: str) -> str:
    """A matplotlib figure as SVG, which says its title and what it shows in words."""
    return rendered(figure, "svg", {"Date": None, "Title": title, "Description": alt}).decode()


def whiskers(value: float, low: float | None, high: float | None) -> list[list[float]]:
    """The distances from a number to both ends of its interval, as matplotlib takes them; 0 where there is no end."""
    return [[max(0.0, value - (value if low is None else low))], [max(0.0, (value if high is None else high) - value)]]


def canvas_of(width: float, height: float) -> Any:
    """An empty matplotlib figure, in inches."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained")


def canvas_for(look: Look, height: float) -> Any:
    """An empty matplotlib figure as wide as the look wants it; height in inches, unless the look has its own."""
    return canvas_of(look.width, look.height or height)


def nothing(look: Look, title: str, text: str) -> Painted:
    """A picture that says why there is none."""
    told = look.wrapped(look.width * 0.9, "Nothing to draw.", f"{text}.")
    canvas = canvas_for(look, (3 + told.count("\n")) * 1.5 * look.em)
    canvas.text(0.5, 0.5, told, ha="center", va="center")
    return Painted(canvas, title, f"Nothing to draw. {text}.")


def kept(levels: list[T]) -> tuple[list[T], str]:
    """The levels that are drawn, and the title's words about the levels that are not."""
    more = len(levels) - MOST_LEVELS
    return levels[:MOST_LEVELS], f" The first {MOST_LEVELS} of {len(levels)} values are drawn." if more > 0 else ""


def matching(
    estimates: Sequence[Estimate], words: Sequence[str], level: Mapping[str, str], value: float, n: int
) -> Estimate | None:
    """The estimate about exactly what is drawn; a like-named one of other rows, columns or bins differs in value."""
    for e in estimates:
        alike = any(word in e.metric for word in words) and dict(e.level) == level and e.n == n
        if alike and e.value is not None and abs(e.value - value) < 1e-9:
            return e
    return None


def across(look: Look, n: int) -> int:
    """How many of n panels stand side by side: as many as are wide enough to be read, and in rows of like length."""
    most = max(1, min(n, int(look.width / (14 * look.em))))
    return math.ceil(n / math.ceil(n / most))


@dataclass(frozen=True, slots=True)
class Panels:
    """The panels of a figure.

    Attributes:
        width: of one panel, in inches.
        axes: of each panel, the axes that stand one above the other.
        left, bottom: whether a panel has none to its left, or below it; the others do without the axes' names.
    """

    canvas: Any
    width: float
    axes: list[list[Any]]
    left: list[bool]
    bottom: list[bool]


def panels_for(look: Look, n: int, ratios: tuple[int, ...], lines: int) -> Panels:
    """A figure with n panels, each of len(ratios) axes stacked.

    Args:
        lines: of the longest heading of a panel.
    """
    columns = across(look, n)
    rows = -(-n // columns)
    width = look.width / columns
    main = min(max(0.8 * width, 10 * look.em), 20 * look.em)
    height = main * sum(ratios) / ratios[0] + (1.4 * lines + 2) * look.em
    canvas = canvas_for(look, height * rows + 5 * look.em)
    grid = canvas.add_gridspec(rows * len(ratios), columns, height_ratios=ratios * rows)
    axes = []
    for i in range(n):
        top = i // columns * len(ratios)
        axes.append([canvas.add_subplot(grid[top + j, i % columns]) for j in range(len(ratios))])
    left, bottom = [i % columns == 0 for i in range(n)], [i + columns >= n for i in range(n)]
    return Panels(canvas, width, axes, left, bottom)


def share_ticks(look: Look, width: float) -> list[float]:
    """Ticks of an axis from 0 to 1 that is so wide, in inches."""
    return [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] if width > 18 * look.em else [0.0, 0.5, 1.0]


def legend(look: Look, canvas: Any, entries: Sequence[tuple[str, Any]]) -> None:
    """A legend above all panels: names with their colours, or with their marks and lines."""
    from matplotlib.patches import Patch

    handles = [Patch(color=drawn) if isinstance(drawn, str) else drawn for _, drawn in entries]
    names = [name for name, _ in entries]
    canvas.legend(handles, names, loc="outside upper left", ncols=look.fit(names))


def legend_height(look: Look, names: Sequence[str]) -> float:
    """The height of a legend in inches."""
    return 1.4 * look.em * math.ceil(len(names) / look.fit(names)) + look.em if names else 0.0


def few(n: int) -> Any:
    """At most 400 of n points, since a file of 100,000 helps nobody."""
    return np.unique(np.linspace(0, n - 1, 400).astype(int))
