"""Draws bars: shares by condition, and the effect of a revision on right and wrong answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.figures import Bars, Transitions
from harness.outcomes import Table
from harness.report.curves import Proportion, by_level, moves, proportion
from harness.report.look import Look
from harness.report.painting import (
    BLUE,
    GREY,
    INK,
    MOST_LEVELS,
    ORANGE,
    PALETTE,
    SKY,
    Painted,
    canvas_for,
    kept,
    legend,
    legend_height,
    matching,
    share_ticks,
    whiskers,
)
from harness.report.text import in_brackets, number
from harness.statistics.estimates import Estimate

_MOVES = (
    ("right → right", BLUE, "white"),
    ("wrong → right", SKY, INK),
    ("right → wrong", ORANGE, INK),
    ("wrong → wrong", GREY, INK),
)


def transitions(figure: Transitions, rows: Table, look: Look) -> Painted:
    """Shares of right and wrong answers before and after a revision, a bar for each value."""
    levels, note = kept(by_level(rows, figure.by))
    names = _names(look, [level for level, _ in levels])
    colours = [(name, colour) for name, colour, _ in _MOVES]
    heights = [max(2.4, 1.5 * (1 + name.count("\n"))) * look.em for name in names]
    canvas = canvas_for(look, sum(heights) + 4 * look.em + legend_height(look, [name for name, _ in colours]))
    axes = canvas.add_subplot()
    alt = []
    for y, (level, part) in enumerate(levels):
        counts = moves(part.columns[figure.before], part.columns[figure.after])
        left = 0.0
        for (_, colour, ink), count in zip(_MOVES, counts, strict=True):
            share = count / len(part)
            axes.barh(y, share, left=left, color=colour, edgecolor="white", lw=1, height=0.72)
            percent = f"{100 * share:.0f} %"
            if share * 0.4 * look.width > len(percent) * look.small / 72:
                axes.text(left + share / 2, y, percent, color=ink, fontsize=look.small, ha="center", va="center")
            left += share
        told = f"{' / '.join(map(str, counts))}   n = {len(part)}" if look.width > 40 * look.em else f"n = {len(part)}"
        axes.text(1.02, y, told, fontsize=look.small, va="center")
        told = ", ".join(f"{name.replace('→', 'to')} {c}" for (name, _, _), c in zip(_MOVES, counts, strict=True))
        alt.append(f"{look.value(level)}: {told}, n = {len(part)}.")
    ticks = share_ticks(look, look.width / 2)
    axes.set(xlim=(0, 1), ylim=(len(levels) - 0.5, -0.5), xlabel="share of rows")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(levels)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    legend(look, canvas, colours)
    title = f"From {look.column(figure.before)} to {look.column(figure.after)}{note}"
    return Painted(canvas, title, f"Transitions by {look.column(figure.by)}. {' '.join(alt)}")


@dataclass(frozen=True, slots=True)
class _Bar:
    """A bar: the middle of it in em from the top, its level, its rows, and its colour."""

    y: float
    level: Mapping[str, str]
    part: Table
    colour: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """The places of bars and of the names beside them, in em from the top.

    Attributes:
        ticks: a place and a name; headings: those names that stand above the bars of a group.
        thick: of a bar; end: of the last one's room.
        legend: names and colours; () where every bar has its own name beside it.
    """

    bars: Sequence[_Bar]
    ticks: Sequence[tuple[float, str]]
    headings: frozenset[int]
    thick: float
    end: float
    legend: Sequence[tuple[str, str]]


def bars(figure: Bars, rows: Table, estimates: Sequence[Estimate], look: Look) -> Painted:
    """A share with its interval by condition, and by a second one side by side.

    The second one is told by colours. Where these do not suffice, or each of its values belongs to one condition, each
    bar has its own name, and the conditions stand as headings above them.
    """
    groups, note = kept(by_level(rows, figure.by))
    by_hue = figure.hue != figure.by
    hues = [hue for hue, _ in by_level(rows, figure.hue)[:MOST_LEVELS]] if by_hue else [""]
    parts = [
        (
            value,
            [(hue, part) for hue, part in (by_level(group, figure.hue) if by_hue else [("", group)]) if hue in hues],
        )
        for value, group in groups
    ]
    alone = len(groups) > 1 and sum(len(some) for _, some in parts) == len(hues)
    plan = (_named if len(hues) > len(PALETTE) or alone else _coloured)(figure, parts, hues, look)
    canvas = canvas_for(look, (plan.end + 5) * look.em + legend_height(look, [name for name, _ in plan.legend]))
    axes = canvas.add_subplot()
    alt, wilson = [], False
    for bar in plan.bars:
        share, exact = _share(bar.part, figure, bar.level, estimates)
        wilson |= not exact
        axes.barh(bar.y, share.value, plan.thick, color=bar.colour)
        spread = whiskers(share.value, share.low, share.high)
        axes.errorbar(share.value, bar.y, xerr=spread, color=INK, lw=1, capsize=2)
        axes.text(1.03, bar.y, f"{number(share.value, 2)}  n = {share.n}", fontsize=look.small, va="center")
        told = number(share.value) + in_brackets(share.low, share.high)
        alt.append(f"{', '.join(map(look.value, bar.level.values()))}: {told}, n = {share.n}.")
    _axes(axes, figure, plan, look)
    if plan.legend:
        legend(look, canvas, plan.legend)
    how = "Wilson, rows of one cluster counted together" if wilson else "those of the estimates"
    only = f"All rows: {look.heading(figure.hue, hues[0])}" if by_hue and len(hues) == 1 else ""
    title = f"Share {look.column(figure.label)} by {look.column(figure.by)}{note}"
    words = f"Bars by {look.column(figure.by)}. {' '.join(alt)}"
    return Painted(canvas, title, words, (f"95 % intervals: {how}", only))


def _axes(axes: Any, figure: Bars, plan: _Layout, look: Look) -> None:
    """The names beside the bars, and the scale below them."""
    share = look.wrapped(0.7 * look.width, f"share {look.column(figure.label)}, 95 % interval")
    axes.set(xlim=(0, 1.0), ylim=(plan.end, 0), xlabel=share)
    ticks = share_ticks(look, look.width / 2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([y for y, _ in plan.ticks], [name for _, name in plan.ticks])
    axes.spines["left"].set_visible(False)
    if not plan.headings:
        axes.set_ylabel(look.column(figure.by))
        return
    axes.tick_params(axis="y", length=0)
    for at in plan.headings:
        axes.get_yticklabels()[at].set_weight("bold")


_Parts = Sequence[tuple[str, Sequence[tuple[str, Table]]]]
"""The rows of each condition, by the values of the second one that it has."""


def _coloured(figure: Bars, parts: _Parts, hues: Sequence[str], look: Look) -> _Layout:
    """Bars side by side in colours, the condition's name beside them."""
    names = _names(look, [value for value, _ in parts])
    colours = {hue: PALETTE[i % len(PALETTE)] for i, hue in enumerate(hues)}
    apart, thick = (1.5, 1.2) if len(hues) > 1 else (2.2, 1.76)
    made, ticks, at = [], [], 0.0
    for name, (value, some) in zip(names, parts, strict=True):
        room = max(1.5 * (1 + name.count("\n")), apart * len(some)) + 0.4 * (len(hues) > 1)
        for i, (hue, part) in enumerate(some):
            y = at + room / 2 + apart * (i - (len(some) - 1) / 2)
            made.append(
                _Bar(y, {figure.by: value} | ({figure.hue: hue} if figure.hue != figure.by else {}), part, colours[hue])
            )
        ticks.append((at + room / 2, name))
        at += room
    shown = [(look.heading(figure.hue, hue), colour) for hue, colour in colours.items()] if len(hues) > 1 else []
    return _Layout(made, ticks, frozenset(), thick, at, shown)


def _named(figure: Bars, parts: _Parts, hues: Sequence[str], look: Look) -> _Layout:
    """Bars of one colour with names of their own, below the condition's."""
    made, headings, at = [], [], 0.0
    ticks: list[tuple[float, str]] = []
    for value, some in parts:
        headings.append(len(ticks))
        ticks.append((at + 0.9, look.wrapped(look.width / 3, look.heading(figure.by, value))))
        at += 1.8
        for name, (hue, part) in zip(_names(look, [hue for hue, _ in some]), some, strict=True):
            room = 1.3 * (1 + name.count("\n")) + 0.3
            made.append(_Bar(at + room / 2, {figure.by: value, figure.hue: hue}, part, BLUE))
            ticks.append((at + room / 2, name))
            at += room
        at += 0.6
    return _Layout(made, ticks, frozenset(headings), 1.2, at, [])


def _names(look: Look, levels: Sequence[str]) -> list[str]:
    """The names of bars, broken to a third of the picture."""
    return [look.wrapped(look.width / 3, look.value(level)) for level in levels]


def _share(
    part: Table, figure: Bars, level: Mapping[str, str], estimates: Sequence[Estimate]
) -> tuple[Proportion, bool]:
    """A bar, and whether its interval comes from a matching estimate."""
    plain = proportion(part.columns[figure.label], part.columns["group"])
    found = matching(estimates, ("accuracy", "rate"), level, plain.value, plain.n)
    if found is None or found.low is None or found.high is None:
        return plain, False
    return Proportion(plain.value, found.low, found.high, plain.n), True
