"""Draws the declared figures: SVG for people, PNG for trackers, and the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from harness.console import visible
from harness.errors import HarnessError
from harness.figures import (
    Bars,
    Curve,
    Drawing,
    Figure,
    Reliability,
    RiskCoverage,
    RowFigure,
    Transitions,
    columns,
    figure_name,
)
from harness.metrics.levels import level_texts
from harness.outcomes import Table
from harness.report.curve_figure import curve
from harness.report.curves import (
    Bin,
    Proportion,
    by_level,
    figure_rows,
    gap,
    moves,
    oracle_risk,
    proportion,
    reliability_bins,
    risk_coverage,
)
from harness.report.painting import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    MOST_LEVELS,
    ORANGE,
    PALETTE,
    RED,
    SKY,
    STYLE,
    Painted,
    canvas_of,
    few,
    heading_of,
    in_brackets,
    kept,
    legend,
    name_of,
    nothing,
    panels_for,
    rendered,
    wrapped,
)
from harness.report.text import cut, number
from harness.statistics.estimates import Estimate


def draw(figure: Figure, table: Table, estimates: Sequence[Estimate]) -> Drawing:
    """Draws one declared figure; data with nothing to draw gives a picture that says so.

    Rows with a missing value are left out, and the picture says how many. Estimates are shown only where they are
    about exactly what is drawn: same metric name, same level, same value.

    Raises:
        HarnessError: the table lacks a column that the figure names.
    """
    with _styled():
        painted = curve(figure, estimates) if isinstance(figure, Curve) else _of_rows(figure, table, estimates)
        notes = [note for note in painted.notes if note]
        if notes:
            painted.figure.supxlabel("\n".join(notes), fontsize=8, x=0.01, ha="left")
        alt = visible(cut(" ".join([painted.alt, *(f"{n}." for n in notes)]), 4000))
        svg = rendered(painted.figure, "svg", {"Date": None, "Title": painted.title, "Description": alt}).decode()
        painted.figure.set_layout_engine("none")  # laid out above; again would take as long as all the rest

    def png() -> bytes:
        with _styled():
            return rendered(painted.figure, "png", {"Software": None})

    return Drawing(figure_name(figure), painted.title, alt, svg, png)


@contextmanager
def _styled() -> Iterator[None]:
    """Matplotlib in the harness's style, whatever the user's is."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def _of_rows(figure: RowFigure, table: Table, estimates: Sequence[Estimate]) -> Painted:
    for column in (*columns(figure), *figure.where):
        if column not in table.columns:
            raise HarnessError(f"figure {figure}: the outcomes have no column {column!r}")
    rows, possible = figure_rows(figure, table)
    left_out = f"{possible - len(rows)} of {possible} rows left out: a value is missing or the item failed"
    if not len(rows):
        return _message(figure, "No rows" if not possible else left_out[0].upper() + left_out[1:])
    painted = _paint(figure, rows, estimates)
    chosen = ", ".join(f"{column} {name_of(value)}" for column, value in level_texts(figure.where).items())
    only = f"Only rows with {chosen}" if chosen else ""
    return replace(painted, notes=(*painted.notes, only, left_out if len(rows) < possible else ""))


def _paint(figure: RowFigure, rows: Table, estimates: Sequence[Estimate]) -> Painted:
    match figure:
        case Reliability():
            return _reliability(figure, rows, estimates)
        case RiskCoverage():
            return (_risk_coverage_overlay if figure.overlay else _risk_coverage)(figure, rows)
        case Transitions():
            return _transitions(figure, rows)
        case Bars():
            return _bars(figure, rows, estimates)


def _message(figure: RowFigure, text: str) -> Painted:
    return nothing(f"{type(figure).__name__}: {', '.join(columns(figure))}", text)


def _matching(
    estimates: Sequence[Estimate], words: Sequence[str], level: Mapping[str, str], value: float, n: int
) -> Estimate | None:
    """The estimate about exactly what is drawn; a like-named one of other rows, columns or bins differs in value."""
    for e in estimates:
        alike = any(word in e.metric for word in words) and dict(e.level) == level and e.n == n
        if alike and e.value is not None and abs(e.value - value) < 1e-9:
            return e
    return None


def _reliability(figure: Reliability, rows: Table, estimates: Sequence[Estimate]) -> Painted:
    levels, note = kept(by_level(rows, figure.by))
    canvas, panels = panels_for(len(levels), 3.7, (4, 1))
    alt = []
    for (level, part), (main, counts) in zip(levels, panels, strict=True):
        labels = part.columns[figure.label]
        bins = reliability_bins(part.columns[figure.probability], labels, part.columns["group"], figure.bins)
        found = _matching(estimates, ("equal_width",), {figure.by: level}, gap(bins), len(part))
        shown = f"{found.metric} {number(found.value)}{in_brackets(found.low, found.high)}" if found else ""
        main.set_title(wrapped(f"{heading_of(figure.by, level)}, n = {len(part)}", shown))
        _reliability_panel(main, counts, bins, figure.bins)
        told = "; ".join(
            f"{b.left:.2g} to {b.right:.2g}: mean {number(b.confidence)}, "
            f"observed {number(b.observed.value)}{in_brackets(b.observed.low, b.observed.high)} of {b.observed.n}"
            for b in bins
        )
        alt.append(f"{name_of(level)}{', ' + shown if shown else ''}, n = {len(part)}. {told}.")
    panels[0][0].set_ylabel(f"observed frequency of {figure.label}")
    panels[0][1].set_ylabel("rows")
    title = f"Reliability of {figure.probability} for {figure.label}, {figure.bins} equal-width bins{note}"
    note = "Whiskers: 95 % Wilson intervals, rows of one cluster counted together"
    return Painted(canvas, title, f"Reliability diagram by {figure.by}. {' '.join(alt)}", (note,))


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


def _risk_coverage(figure: RiskCoverage, rows: Table) -> Painted:
    levels, note = kept(by_level(rows, figure.by))
    canvas, panels = panels_for(len(levels), 2.8, (1,))
    alt, top = [], 0.0
    for (level, part), (axes,) in zip(levels, panels, strict=True):
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        base = 1 - float(labels.mean())
        oracle = oracle_risk(labels)
        points = few(len(part))
        axes.fill_between(coverage[points], oracle[points], risk[points], color=SKY, alpha=0.25, lw=0)
        axes.plot(coverage[points], risk[points], color=BLUE, lw=1.6, label="model")
        axes.plot(coverage[points], oracle[points], color=GREEN, lw=1.2, ls=(0, (4, 2)), label="oracle")
        axes.axhline(base, color=RED, lw=1.2, ls=(0, (1, 2)), label="random")
        axes.set_title(wrapped(f"{heading_of(figure.by, level)}, n = {len(part)}", f"error rate {number(base)}"))
        axes.set(xlim=(0, 1), xlabel="coverage")
        top = max(top, float(risk.max()), base)
        told = _risks(risk, base)
        if base in {0.0, 1.0}:
            axes.text(0.5, 0.5, told, ha="center", transform=axes.transAxes)
        alt.append(f"{name_of(level)}: error rate {number(base)} of {len(part)}, {told}.")
    for (axes,) in panels:
        axes.set_ylim(-0.02, min(1.02, top * 1.15 + 0.02))
    panels[0][0].set_ylabel(f"error rate ({figure.label})")
    panels[0][0].legend(loc="lower right")
    title = f"Risk against coverage, most confident by {figure.score} first{note}"
    return Painted(canvas, title, f"Risk-coverage curves by {figure.by}. {' '.join(alt)}")


def _risk_coverage_overlay(figure: RiskCoverage, rows: Table) -> Painted:
    levels, note = kept(by_level(rows, figure.by))
    canvas = canvas_of(7.5, max(3.6, 0.9 + 0.19 * len(levels)))
    axes = canvas.add_subplot()
    alt = []
    for i, (level, part) in enumerate(levels):
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        points, base = few(len(part)), 1 - float(labels.mean())
        colour, dashes = PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)]
        axes.plot(
            coverage[points], risk[points], color=colour, ls=dashes, lw=1.5, label=f"{name_of(level)}, n = {len(part)}"
        )
        alt.append(f"{name_of(level)}: error rate {number(base)} of {len(part)}, {_risks(risk, base)}.")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="coverage", ylabel=f"error rate ({figure.label})")
    canvas.legend(loc="outside right upper")
    title = f"Risk against coverage, most confident by {figure.score} first{note}"
    return Painted(canvas, title, f"Risk-coverage curves by {figure.by}, in one panel. {' '.join(alt)}")


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


def _transitions(figure: Transitions, rows: Table) -> Painted:
    levels, note = kept(by_level(rows, figure.by))
    canvas = canvas_of(7.5, 1.4 + 0.5 * len(levels))
    axes = canvas.add_subplot()
    alt = []
    for y, (level, part) in enumerate(levels):
        counts = moves(part.columns[figure.before], part.columns[figure.after])
        left = 0.0
        for (_, colour, ink), count in zip(_MOVES, counts, strict=True):
            share = count / len(part)
            axes.barh(y, share, left=left, color=colour, edgecolor="white", lw=1, height=0.72)
            if share >= 0.06:
                axes.text(left + share / 2, y, f"{100 * share:.0f} %", color=ink, fontsize=8, ha="center", va="center")
            left += share
        axes.text(1.01, y, f"{' / '.join(map(str, counts))}   n = {len(part)}", fontsize=8, va="center")
        told = ", ".join(f"{name.replace('→', 'to')} {c}" for (name, _, _), c in zip(_MOVES, counts, strict=True))
        alt.append(f"{name_of(level)}: {told}, n = {len(part)}.")
    axes.set(xlim=(0, 1), ylim=(len(levels) - 0.5, -0.5), xlabel="share of rows")
    axes.set_yticks(range(len(levels)), [name_of(level) for level, _ in levels])
    axes.tick_params(axis="y", length=0)
    legend(canvas, axes, [(name, colour) for name, colour, _ in _MOVES])
    title = f"From {figure.before} to {figure.after}{note}"
    return Painted(canvas, title, f"Transitions by {figure.by}. {' '.join(alt)}")


def _bars(figure: Bars, rows: Table, estimates: Sequence[Estimate]) -> Painted:
    groups, note = kept(by_level(rows, figure.by))
    by_hue = figure.hue != figure.by
    hues = [hue for hue, _ in by_level(rows, figure.hue)[:MOST_LEVELS]] if by_hue else [""]
    height = 0.8 / len(hues)
    canvas = canvas_of(7.0, 1.4 + sum(max(0.34, 0.22 * len(hues)) for _ in groups))
    axes = canvas.add_subplot()
    alt, wilson = [], False
    for g, (value, group) in enumerate(groups):
        for hue, part in by_level(group, figure.hue) if by_hue else [("", group)]:
            if hue not in hues:
                continue
            level = {figure.by: value} | ({figure.hue: hue} if by_hue else {})
            bar, exact = _bar(part, figure, level, estimates)
            wilson |= not exact
            h = hues.index(hue)
            y = g - 0.4 + height * (h + 0.5)
            axes.barh(y, bar.value, height * 0.92, color=PALETTE[h % len(PALETTE)])
            spread = [[bar.value - bar.low], [bar.high - bar.value]]
            axes.errorbar(bar.value, y, xerr=spread, color=INK, lw=1, capsize=2)
            axes.text(bar.high + 0.012, y, f"{number(bar.value, 2)}  n = {bar.n}", fontsize=7, va="center")
            told = number(bar.value) + in_brackets(bar.low, bar.high)
            alt.append(f"{', '.join(map(name_of, level.values()))}: {told}, n = {bar.n}.")
    axes.set(xlim=(0, 1.0), ylim=(len(groups) - 0.5, -0.5), xlabel=f"share of {figure.label}, 95 % interval")
    axes.set_yticks(range(len(groups)), [name_of(value) for value, _ in groups])
    axes.set_ylabel(figure.by)
    if by_hue:
        legend(canvas, axes, [(name_of(hue), PALETTE[i % len(PALETTE)]) for i, hue in enumerate(hues)])
    how = "Wilson, rows of one cluster counted together" if wilson else "those of the estimates"
    title = f"{figure.label} by {figure.by}{note}"
    return Painted(canvas, title, f"Bars by {figure.by}. {' '.join(alt)}", (f"95 % intervals: {how}",))


def _bar(part: Table, figure: Bars, level: Mapping[str, str], estimates: Sequence[Estimate]) -> tuple[Proportion, bool]:
    """A bar, and whether its interval is that of a matching estimate."""
    plain = proportion(part.columns[figure.label], part.columns["group"])
    found = _matching(estimates, ("accuracy", "rate"), level, plain.value, plain.n)
    if found is None or found.low is None or found.high is None:
        return plain, False
    low, high = min(found.low, plain.value), max(found.high, plain.value)
    return Proportion(plain.value, low, high, plain.n), True
