"""Draws reliability diagrams and risk-coverage curves, a panel for each arm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from harness.figures import Reliability, RiskCoverage
from harness.outcomes import Table
from harness.report.curves import Bin, by_level, gap, oracle_risk, reliability_bins, risk_coverage
from harness.report.look import Look
from harness.report.painting import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    PALETTE,
    RED,
    SKY,
    Painted,
    across,
    canvas_for,
    few,
    kept,
    legend,
    legend_height,
    matching,
    panels_for,
    share_ticks,
)
from harness.report.text import in_brackets, number
from harness.statistics.estimates import Estimate


def reliability(figure: Reliability, rows: Table, estimates: Sequence[Estimate], look: Look) -> Painted:
    """Observed frequency against mean probability in equal-width bins, over how many rows each bin holds."""
    levels, note = kept(by_level(rows, figure.by))
    width = look.width / across(look, len(levels))
    drawn, alt = [], []
    for level, part in levels:
        labels = part.columns[figure.label]
        bins = reliability_bins(part.columns[figure.probability], labels, part.columns["group"], figure.bins)
        found = matching(estimates, ("equal_width",), {figure.by: level}, gap(bins), len(part))
        shown = (
            f"{look.metric(found.metric)}: {number(found.value)}{in_brackets(found.low, found.high)}" if found else ""
        )
        heading = look.counted(0.85 * width, look.heading(figure.by, level), len(part), shown)
        drawn.append((heading, bins))
        told = "; ".join(
            f"{b.left:.2g} to {b.right:.2g}: mean {number(b.confidence)}, "
            f"observed {number(b.observed.value)}{in_brackets(b.observed.low, b.observed.high)} of {b.observed.n}"
            for b in bins
        )
        alt.append(f"{look.value(level)}{', ' + shown if shown else ''}, n = {len(part)}. {told}.")
    p, label = look.column(figure.probability), look.column(figure.label)
    panels = panels_for(look, len(levels), (4, 1), _most_lines(heading for heading, _ in drawn))
    ticks = share_ticks(look, width)
    written = [f"{tick:g}" for tick in ticks]
    most = max(b.observed.n for _, bins in drawn for b in bins)
    numbers = len(str(most)) * 0.7 * look.small / 72 < 0.75 * width / figure.bins
    for i, (heading, bins) in enumerate(drawn):
        main, counts = panels.axes[i]
        main.set_title(heading)
        _calibration(main, bins, look)
        _sizes(counts, bins, 1 / figure.bins, numbers, look)
        main.set_xticks(ticks, [])
        main.set_yticks(ticks, written if panels.left[i] else [])
        counts.set_xticks(ticks, written if panels.bottom[i] else [])
        if panels.left[i]:
            main.set_ylabel(look.wrapped(0.8 * width, f"share {label}"))
            counts.set_ylabel("rows")
        if panels.bottom[i]:
            counts.set_xlabel(look.wrapped(0.85 * width, f"mean {p}"))
    title = f"Reliability: share {label} against mean {p}, {figure.bins} equal-width bins{note}"
    note = "Whiskers: 95 % Wilson intervals, rows of one cluster counted together"
    return Painted(panels.canvas, title, f"Reliability diagram by {look.column(figure.by)}. {' '.join(alt)}", (note,))


def _most_lines(headings: Iterable[str]) -> int:
    return max(heading.count("\n") + 1 for heading in headings)


def _calibration(axes: Any, bins: Sequence[Bin], look: Look) -> None:
    """The points of one panel."""
    x = np.array([b.confidence for b in bins])
    y = np.array([b.observed.value for b in bins])
    spread = [[b.observed.value - b.observed.low for b in bins], [b.observed.high - b.observed.value for b in bins]]
    axes.plot([0, 1], [0, 1], color="#888888", lw=1, ls=(0, (4, 3)))
    size = 0.4 * look.font
    axes.errorbar(x, y, spread, color=BLUE, ecolor=SKY, lw=1.2, marker="o", ms=size, capsize=size / 2)
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))


def _sizes(axes: Any, bins: Sequence[Bin], width: float, numbers: bool, look: Look) -> None:
    """How many rows each bin holds: a number over each bar where there is room, else the largest beside the axis."""
    sizes = [b.observed.n for b in bins]
    most = max(sizes)
    bars = axes.bar([b.left + width / 2 for b in bins], sizes, width * 0.9, color=GREY)
    axes.set(xlim=(0, 1), ylim=(0, most * (1.7 if numbers else 1.1)), yticks=[])
    if numbers:
        axes.bar_label(bars, fontsize=look.small, padding=1)
    else:
        axes.set_yticks([most], [str(most)])


def risk_coverage_panels(figure: RiskCoverage, rows: Table, look: Look) -> Painted:
    """Error rate among the most confident fraction, beside an oracle's and a random order's."""
    levels, note = kept(by_level(rows, figure.by))
    width = look.width / across(look, len(levels))
    headings = []
    for level, part in levels:
        base = 1 - float(part.columns[figure.label].mean())
        named = look.heading(figure.by, level)
        headings.append(look.counted(0.85 * width, named, len(part), f"error rate {number(base)}"))
    panels = panels_for(look, len(levels), (1,), _most_lines(headings))
    alt, top, ticks = [], 0.0, share_ticks(look, width)
    for i, ((level, part), (axes,)) in enumerate(zip(levels, panels.axes, strict=True)):
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        base, oracle, points = 1 - float(labels.mean()), oracle_risk(labels), few(len(part))
        axes.fill_between(coverage[points], oracle[points], risk[points], color=SKY, alpha=0.25, lw=0)
        model = axes.plot(coverage[points], risk[points], color=BLUE, lw=1.6)
        best = axes.plot(coverage[points], oracle[points], color=GREEN, lw=1.2, ls=(0, (4, 2)))
        chance = axes.axhline(base, color=RED, lw=1.2, ls=(0, (1, 2)))
        axes.set_title(headings[i])
        axes.set_xlim(0, 1)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks] if panels.bottom[i] else [])
        top = max(top, float(risk.max()), base)
        told = _risks(risk, base)
        if base in {0.0, 1.0}:
            axes.text(0.5, 0.4, look.wrapped(0.7 * width, told), ha="center", transform=axes.transAxes)
        alt.append(f"{look.value(level)}: error rate {number(base)} of {len(part)}, {told}.")
    for i, (axes,) in enumerate(panels.axes):
        axes.set_ylim(-0.02, min(1.02, top * 1.15 + 0.02))
        if panels.left[i]:
            axes.set_ylabel("error rate")
        else:
            axes.set_yticklabels([])
        if panels.bottom[i]:
            axes.set_xlabel("coverage")
    legend(look, panels.canvas, [("model", model[0]), ("oracle", best[0]), ("random", chance)])
    words = f"Risk-coverage curves by {look.column(figure.by)}. {' '.join(alt)}"
    return Painted(panels.canvas, _risk_title(figure, look, note), words)


def risk_coverage_overlay(figure: RiskCoverage, rows: Table, look: Look) -> Painted:
    """The same without oracle and area, all values in one panel."""
    levels, note = kept(by_level(rows, figure.by))
    names = [f"{look.value(level)}, n = {len(part)}" for level, part in levels]
    canvas = canvas_for(look, 25 * look.em + legend_height(look, names))
    axes = canvas.add_subplot()
    alt, lines = [], []
    for i, (level, part) in enumerate(levels):
        labels = part.columns[figure.label]
        coverage, risk = risk_coverage(part.columns[figure.score], labels)
        points, base = few(len(part)), 1 - float(labels.mean())
        colour, dashes = PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)]
        lines += axes.plot(coverage[points], risk[points], color=colour, ls=dashes, lw=1.5)
        alt.append(f"{look.value(level)}: error rate {number(base)} of {len(part)}, {_risks(risk, base)}.")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="coverage", ylabel="error rate")
    legend(look, canvas, list(zip(names, lines, strict=True)))
    words = f"Risk-coverage curves by {look.column(figure.by)}, in one panel. {' '.join(alt)}"
    return Painted(canvas, _risk_title(figure, look, note), words)


def _risk_title(figure: RiskCoverage, look: Look, note: str) -> str:
    return f"Risk against coverage, most confident by {look.column(figure.score)} first{note}"


def _risks(risk: Any, base: float) -> str:
    """A risk-coverage curve in words, `base` being the error rate of all rows."""
    if base in {0.0, 1.0}:
        return "all right: nothing to rank" if base == 0 else "all wrong: nothing to rank"
    at = {c: float(risk[max(0, int(np.ceil(c * len(risk))) - 1)]) for c in (0.25, 0.5, 0.75)}
    return ", ".join(f"risk {number(r)} at coverage {c}" for c, r in at.items())
