"""Draws the declared figures: SVG for people, PNG for trackers, and the same bytes for the same data."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.figures import Bars, Drawing, Figure, Reliability, RiskCoverage, Transitions, columns
from harness.outcomes import Table
from harness.report.curves import (
    Bin,
    Proportion,
    gap,
    oracle_risk,
    proportion,
    reliability_bins,
    risk_coverage,
    transitions,
)
from harness.report.text import cut, number, visible
from harness.statistics.estimates import Estimate

BLUE, SKY, GREEN, ORANGE, RED, PINK = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
GREY, INK = "#D9D9D9", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
"""Okabe and Ito's colours, which colour-blind readers can tell apart (jfly.uni-koeln.de/color)."""

_DASHES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

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
class _Painted:
    figure: Any
    title: str
    alt: str
    note: str = ""


def draw(figure: Figure, table: Table, estimates: Sequence[Estimate]) -> Drawing:
    """Draws one declared figure; data with nothing to draw gives a picture that says so.

    Rows with a missing value are left out, and the picture says how many. Estimates are shown only where they are
    about exactly what is drawn: same metric name, same level, same value.

    Raises:
        HarnessError: the table lacks a column that the figure names.
    """
    import matplotlib as mpl

    wanted = list(columns(figure))
    missing = [c for c in wanted if c not in table.columns]
    if missing:
        raise HarnessError(f"figure {figure}: the outcomes have no column {missing[0]!r}")
    whole = np.ones(len(table), dtype=bool)
    for column in wanted:
        values = table.columns[column]
        whole &= np.array([v is not None for v in values], bool) if values.dtype == object else ~np.isnan(values)
    rows = table.where(whole)
    left_out = f"{len(table) - len(rows)} of {len(table)} rows left out: a value is missing or the item failed"
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        if len(rows):
            painted = _paint(figure, rows, estimates)
        else:
            painted = _message(figure, "No rows" if not len(table) else left_out[0].upper() + left_out[1:])
        alt = painted.alt
        notes = [painted.note] if painted.note else []
        if 0 < len(rows) < len(table):
            notes.append(left_out)
        if notes:
            painted.figure.supxlabel("\n".join(notes), fontsize=8, x=0.01, ha="left")
        alt = visible(cut(" ".join([painted.alt, *(f"{n}." for n in notes)]), 4000))
        svg = rendered(painted.figure, "svg", {"Date": None, "Title": painted.title, "Description": alt}).decode()
        painted.figure.set_layout_engine("none")  # laid out above; again would take as long as all the rest
        png = rendered(painted.figure, "png", {"Software": None})
    match figure:
        case Reliability():
            wanted = [*wanted, str(figure.bins)]
        case RiskCoverage(overlay=True):
            wanted = [*wanted, "overlay"]
    words = [type(figure).__name__, *wanted]
    return Drawing(re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()), painted.title, alt, svg, png)


def rendered(figure: Any, form: str, metadata: Mapping[str, str | None]) -> bytes:
    """A matplotlib figure as a file of the form "svg" or "png", the same bytes each time."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a script that DejaVu lacks: boxes in the PNG, text in the SVG
        figure.savefig(buffer, format=form, metadata=metadata, dpi=150)
    return buffer.getvalue()


def _paint(figure: Figure, rows: Table, estimates: Sequence[Estimate]) -> _Painted:
    match figure:
        case Reliability():
            return _reliability(figure, rows, estimates)
        case RiskCoverage():
            return (_risk_coverage_overlay if figure.overlay else _risk_coverage)(figure, rows)
        case Transitions():
            return _transitions(figure, rows)
        case Bars():
            return _bars(figure, rows, estimates)


def _message(figure: Figure, text: str) -> _Painted:
    canvas = canvas_of(5.0, 1.2)
    canvas.text(0.5, 0.5, f"Nothing to draw.\n{text}.", ha="center", va="center")
    return _Painted(canvas, f"{type(figure).__name__}: {', '.join(columns(figure))}", f"Nothing to draw. {text}.")


def canvas_of(width: float, height: float) -> Any:
    """An empty matplotlib figure, in inches."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained")


def _text(value: object) -> str:
    return visible(cut(value, 60)) if isinstance(value, str) else f"{value:g}"


def _named(column: str, value: object) -> str:
    return _text(value) if column == "arm" else f"{column} {_text(value)}"


def _heading(*lines: str) -> str:
    # A panel is 3.1 inches wide: about 40 characters.
    return "\n".join(part for line in lines if line for part in textwrap.wrap(line, 40, break_on_hyphens=False))


def _levels(rows: Table, column: str) -> list[Any]:
    """The values of a column, numbers in their order and texts in theirs ("2" before "10")."""

    def order(value: Any) -> list[tuple[int, float, str]]:
        parts = re.split(r"(\d+)", str(value)) if isinstance(value, str) else [value]
        return [(0, float(p), "") if not isinstance(p, str) or p.isdecimal() else (1, 0.0, p) for p in parts]

    return sorted(set(rows.columns[column].tolist()), key=order)


def _kept(levels: list[Any]) -> tuple[list[Any], str]:
    more = len(levels) - MOST_LEVELS
    return levels[:MOST_LEVELS], f" The first {MOST_LEVELS} of {len(levels)} values are drawn." if more > 0 else ""


def _matching(
    estimates: Sequence[Estimate], words: Sequence[str], level: Mapping[str, Any], value: float, n: int
) -> Estimate | None:
    """The estimate about exactly what is drawn; a like-named one of other rows, columns or bins differs in value."""
    for e in estimates:
        alike = any(word in e.metric for word in words) and dict(e.level) == level and e.n == n
        if alike and e.value is not None and abs(e.value - value) < 1e-9:
            return e
    return None


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{number(low)}, {number(high)}]"


def _panels(levels: list[Any], height: float, ratios: tuple[int, ...]) -> tuple[Any, list[list[Any]]]:
    """A figure with one panel a level, three side by side or four in a square, each of len(ratios) axes stacked."""
    across = 2 if len(levels) == 4 else min(3, len(levels))
    down = -(-len(levels) // across)
    canvas = canvas_of(max(4.2, 3.1 * across), height * down + 0.5)
    grid = canvas.add_gridspec(down * len(ratios), across, height_ratios=ratios * down)
    panels = []
    for i in range(len(levels)):
        top = i // across * len(ratios)
        panels.append([canvas.add_subplot(grid[top + j, i % across]) for j in range(len(ratios))])
    return canvas, panels


def _reliability(figure: Reliability, rows: Table, estimates: Sequence[Estimate]) -> _Painted:
    levels, note = _kept(_levels(rows, figure.by))
    canvas, panels = _panels(levels, 3.7, (4, 1))
    alt = []
    for level, (main, counts) in zip(levels, panels, strict=True):
        part = rows.where(rows.columns[figure.by] == level)
        labels = part.columns[figure.label]
        bins = reliability_bins(part.columns[figure.probability], labels, part.columns["group"], figure.bins)
        found = _matching(estimates, ("equal_width",), {figure.by: level}, gap(bins), len(part))
        shown = f"{found.metric} {number(found.value)}{_interval(found.low, found.high)}" if found else ""
        main.set_title(_heading(f"{_named(figure.by, level)}, n = {len(part)}", shown))
        _reliability_panel(main, counts, bins, figure.bins)
        told = "; ".join(
            f"{b.left:.2g} to {b.right:.2g}: mean {number(b.confidence)}, "
            f"observed {number(b.observed.value)}{_interval(b.observed.low, b.observed.high)} of {b.observed.n}"
            for b in bins
        )
        alt.append(f"{_text(level)}{', ' + shown if shown else ''}, n = {len(part)}. {told}.")
    panels[0][0].set_ylabel(f"observed frequency of {figure.label}")
    panels[0][1].set_ylabel("rows")
    title = f"Reliability of {figure.probability} for {figure.label}, {figure.bins} equal-width bins{note}"
    note = "Whiskers: 95 % Wilson intervals, rows of one cluster counted together"
    return _Painted(canvas, title, f"Reliability diagram by {figure.by}. {' '.join(alt)}", note)


def _reliability_panel(main: Any, counts: Any, bins: Sequence[Bin], n_bins: int) -> None:
    x = np.array([b.confidence for b in bins])
    y = np.array([b.observed.value for b in bins])
    spread = [[b.observed.value - b.observed.low for b in bins], [b.observed.high - b.observed.value for b in bins]]
    main.plot([0, 1], [0, 1], color="#888888", lw=1, ls=(0, (4, 3)))
    main.errorbar(x, y, spread, color=BLUE, ecolor=SKY, lw=1.2, marker="o", ms=4, capsize=2)
    main.set(xlim=(0, 1), ylim=(-0.02, 1.02), xticklabels=[])
    width = 1 / n_bins
    sizes = [b.observed.n for b in bins]
    bars = counts.bar([b.left + width / 2 for b in bins], sizes, width * 0.9, color=GREY)
    counts.bar_label(bars, fontsize=6, padding=1)
    counts.set(xlim=(0, 1), ylim=(0, max(sizes) * 1.35), yticks=[], xlabel="mean probability")


def _risk_coverage(figure: RiskCoverage, rows: Table) -> _Painted:
    levels, note = _kept(_levels(rows, figure.by))
    canvas, panels = _panels(levels, 2.8, (1,))
    alt, top = [], 0.0
    for level, (axes,) in zip(levels, panels, strict=True):
        part = rows.where(rows.columns[figure.by] == level)
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        base = 1 - float(labels.mean())
        oracle = oracle_risk(labels)
        few = _few(len(part))
        axes.fill_between(coverage[few], oracle[few], risk[few], color=SKY, alpha=0.25, lw=0)
        axes.plot(coverage[few], risk[few], color=BLUE, lw=1.6, label="model")
        axes.plot(coverage[few], oracle[few], color=GREEN, lw=1.2, ls=(0, (4, 2)), label="oracle")
        axes.axhline(base, color=RED, lw=1.2, ls=(0, (1, 2)), label="random")
        axes.set_title(_heading(f"{_named(figure.by, level)}, n = {len(part)}", f"error rate {number(base)}"))
        axes.set(xlim=(0, 1), xlabel="coverage")
        top = max(top, float(risk.max()), base)
        told = _risks(risk, base)
        if base in {0.0, 1.0}:
            axes.text(0.5, 0.5, told, ha="center", transform=axes.transAxes)
        alt.append(f"{_text(level)}: error rate {number(base)} of {len(part)}, {told}.")
    for (axes,) in panels:
        axes.set_ylim(-0.02, min(1.02, top * 1.15 + 0.02))
    panels[0][0].set_ylabel(f"error rate ({figure.label})")
    panels[0][0].legend(loc="lower right")
    title = f"Risk against coverage, most confident by {figure.score} first{note}"
    return _Painted(canvas, title, f"Risk-coverage curves by {figure.by}. {' '.join(alt)}")


def _risk_coverage_overlay(figure: RiskCoverage, rows: Table) -> _Painted:
    levels, note = _kept(_levels(rows, figure.by))
    canvas = canvas_of(7.5, max(3.6, 0.9 + 0.19 * len(levels)))
    axes = canvas.add_subplot()
    alt = []
    for i, level in enumerate(levels):
        part = rows.where(rows.columns[figure.by] == level)
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        few, base = _few(len(part)), 1 - float(labels.mean())
        colour, dashes = PALETTE[i % len(PALETTE)], _DASHES[i // len(PALETTE) % len(_DASHES)]
        axes.plot(coverage[few], risk[few], color=colour, ls=dashes, lw=1.5, label=f"{_text(level)}, n = {len(part)}")
        alt.append(f"{_text(level)}: error rate {number(base)} of {len(part)}, {_risks(risk, base)}.")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="coverage", ylabel=f"error rate ({figure.label})")
    canvas.legend(loc="outside right upper")
    title = f"Risk against coverage, most confident by {figure.score} first{note}"
    return _Painted(canvas, title, f"Risk-coverage curves by {figure.by}, in one panel. {' '.join(alt)}")


def _few(n: int) -> Any:
    # A file of 100,000 points helps nobody.
    return np.unique(np.linspace(0, n - 1, 400).astype(int))


def _risks(risk: Any, base: float) -> str:
    """A risk-coverage curve in words, `base` being the error rate of all rows."""
    if base in {0.0, 1.0}:
        return "all right: nothing to rank" if base == 0 else "all wrong: nothing to rank"
    at = {c: float(risk[max(0, int(np.ceil(c * len(risk))) - 1)]) for c in (0.25, 0.5, 0.75)}
    return ", ".join(f"risk {number(r)} at coverage {c}" for c, r in at.items())


_MOVES = (
    ("right → right", BLUE, "white"),
    ("wrong → right", SKY, INK),
    ("right → wrong", ORANGE, INK),
    ("wrong → wrong", GREY, INK),
)


def _transitions(figure: Transitions, rows: Table) -> _Painted:
    levels, note = _kept(_levels(rows, figure.by))
    canvas = canvas_of(7.5, 1.4 + 0.5 * len(levels))
    axes = canvas.add_subplot()
    alt = []
    for y, level in enumerate(levels):
        part = rows.where(rows.columns[figure.by] == level)
        counts = transitions(part.columns[figure.before], part.columns[figure.after])
        left = 0.0
        for (_, colour, ink), count in zip(_MOVES, counts, strict=True):
            share = count / len(part)
            axes.barh(y, share, left=left, color=colour, edgecolor="white", lw=1, height=0.72)
            if share >= 0.06:
                axes.text(left + share / 2, y, f"{100 * share:.0f} %", color=ink, fontsize=8, ha="center", va="center")
            left += share
        axes.text(1.01, y, f"{' / '.join(map(str, counts))}   n = {len(part)}", fontsize=8, va="center")
        told = ", ".join(f"{name.replace('→', 'to')} {c}" for (name, _, _), c in zip(_MOVES, counts, strict=True))
        alt.append(f"{_text(level)}: {told}, n = {len(part)}.")
    axes.set(xlim=(0, 1), ylim=(len(levels) - 0.5, -0.5), xlabel="share of rows")
    axes.set_yticks(range(len(levels)), [_text(v) for v in levels])
    axes.tick_params(axis="y", length=0)
    _legend(canvas, axes, [(name, colour) for name, colour, _ in _MOVES])
    title = f"From {figure.before} to {figure.after}{note}"
    return _Painted(canvas, title, f"Transitions by {figure.by}. {' '.join(alt)}")


def _legend(canvas: Any, axes: Any, entries: Sequence[tuple[str, str]]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in entries]
    canvas.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)))
    axes.spines["left"].set_visible(False)


def _bars(figure: Bars, rows: Table, estimates: Sequence[Estimate]) -> _Painted:
    groups, note = _kept(_levels(rows, figure.by))
    hues = _levels(rows, figure.hue)[:MOST_LEVELS] if figure.hue != figure.by else [None]
    height = 0.8 / len(hues)
    canvas = canvas_of(7.0, 1.4 + sum(max(0.34, 0.22 * len(hues)) for _ in groups))
    axes = canvas.add_subplot()
    alt, wilson = [], False
    for g, value in enumerate(groups):
        for h, hue in enumerate(hues):
            level = {figure.by: value} | ({} if hue is None else {figure.hue: hue})
            part = rows
            for column, wanted in level.items():
                part = part.where(part.columns[column] == wanted)
            if not len(part):
                continue
            cell, exact = _cell(part, figure, level, estimates)
            wilson |= not exact
            y = g - 0.4 + height * (h + 0.5)
            axes.barh(y, cell.value, height * 0.92, color=PALETTE[h % len(PALETTE)])
            spread = [[cell.value - cell.low], [cell.high - cell.value]]
            axes.errorbar(cell.value, y, xerr=spread, color=INK, lw=1, capsize=2)
            axes.text(cell.high + 0.012, y, f"{number(cell.value, 2)}  n = {cell.n}", fontsize=7, va="center")
            told = number(cell.value) + _interval(cell.low, cell.high)
            alt.append(f"{', '.join(_text(v) for v in level.values())}: {told}, n = {cell.n}.")
    axes.set(xlim=(0, 1.0), ylim=(len(groups) - 0.5, -0.5), xlabel=f"share of {figure.label}, 95 % interval")
    axes.set_yticks(range(len(groups)), [_text(v) for v in groups])
    axes.set_ylabel(figure.by)
    if hues != [None]:
        _legend(canvas, axes, [(_text(v), PALETTE[i % len(PALETTE)]) for i, v in enumerate(hues)])
    how = "Wilson, rows of one cluster counted together" if wilson else "those of the estimates"
    title = f"{figure.label} by {figure.by}{note}"
    return _Painted(canvas, title, f"Bars by {figure.by}. {' '.join(alt)}", f"95 % intervals: {how}")


def _cell(
    part: Table, figure: Bars, level: Mapping[str, Any], estimates: Sequence[Estimate]
) -> tuple[Proportion, bool]:
    """A bar, and whether its interval is that of a matching estimate."""
    plain = proportion(part.columns[figure.label], part.columns["group"])
    found = _matching(estimates, ("accuracy", "rate"), level, plain.value, plain.n)
    if found is None or found.low is None or found.high is None:
        return plain, False
    low, high = min(found.low, plain.value), max(found.high, plain.value)
    return Proportion(plain.value, low, high, plain.n), True
