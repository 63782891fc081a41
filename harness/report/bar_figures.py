"""Draws bars: shares by condition, and the effect of a revision on right and wrong answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def bars(figure: Bars, rows: Table, estimates: Sequence[Estimate], look: Look) -> Painted:
    """A share with its interval by condition, and by a second one side by side in colours."""
    groups, note = kept(by_level(rows, figure.by))
    by_hue = figure.hue != figure.by
    hues = [hue for hue, _ in by_level(rows, figure.hue)[:MOST_LEVELS]] if by_hue else [""]
    names = _names(look, [value for value, _ in groups])
    colours = [(look.heading(figure.hue, hue), PALETTE[i % len(PALETTE)]) for i, hue in enumerate(hues)]
    colours = colours if len(hues) > 1 else []
    height = 0.8 / len(hues)
    room = [max(2.2, 1.5 * (1 + name.count("\n")), 1.5 * len(hues)) * look.em for name in names]
    canvas = canvas_for(look, sum(room) + 5 * look.em + legend_height(look, [name for name, _ in colours]))
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
            spread = whiskers(bar.value, bar.low, bar.high)
            axes.errorbar(bar.value, y, xerr=spread, color=INK, lw=1, capsize=2)
            axes.text(1.03, y, f"{number(bar.value, 2)}  n = {bar.n}", fontsize=look.small, va="center")
            told = number(bar.value) + in_brackets(bar.low, bar.high)
            alt.append(f"{', '.join(map(look.value, level.values()))}: {told}, n = {bar.n}.")
    share = look.wrapped(0.7 * look.width, f"share {look.column(figure.label)}, 95 % interval")
    axes.set(xlim=(0, 1.0), ylim=(len(groups) - 0.5, -0.5), xlabel=share)
    ticks = share_ticks(look, look.width / 2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(groups)), names)
    axes.set_ylabel(look.column(figure.by))
    axes.spines["left"].set_visible(False)
    if colours:
        legend(look, canvas, colours)
    how = "Wilson, rows of one cluster counted together" if wilson else "those of the estimates"
    only = "" if colours or not by_hue else f"All rows: {look.heading(figure.hue, hues[0])}"
    title = f"Share {look.column(figure.label)} by {look.column(figure.by)}{note}"
    words = f"Bars by {look.column(figure.by)}. {' '.join(alt)}"
    return Painted(canvas, title, words, (f"95 % intervals: {how}", only))


def _names(look: Look, levels: Sequence[str]) -> list[str]:
    """The names of bars, broken to a third of the picture."""
    return [look.wrapped(look.width / 3, look.value(level)) for level in levels]


def _bar(part: Table, figure: Bars, level: Mapping[str, str], estimates: Sequence[Estimate]) -> tuple[Proportion, bool]:
    """A bar, and whether its interval comes from a matching estimate."""
    plain = proportion(part.columns[figure.label], part.columns["group"])
    found = matching(estimates, ("accuracy", "rate"), level, plain.value, plain.n)
    if found is None or found.low is None or found.high is None:
        return plain, False
    return Proportion(plain.value, found.low, found.high, plain.n), True
