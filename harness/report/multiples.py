"""Draws small multiples over several runs: one number of every run in a panel, and numbers against model size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.console import visible
from harness.report.look import PAGE
from harness.report.painting import INK, PALETTE, as_svg, canvas_of, styled, whiskers
from harness.report.pictures import Picture
from harness.report.pooling import label_of
from harness.report.results import claims_of
from harness.report.text import cut, in_brackets, number
from harness.runs.records import RunRecord
from harness.statistics.estimates import Estimate

MOST_PANELS = 3
"""Panels of one figure at most; the table of the page has every number."""

MOST_RUNS = 30
"""Runs in one panel at most."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A number that several runs have: a metric and a level."""

_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*([bm])(?![a-z0-9])", re.IGNORECASE)


def parameters(manifest: Mapping[str, Any]) -> tuple[float | None, bool]:
    """The number of a model's parameters, and whether it was counted; else it is read from the name ("0.6B")."""
    counted = manifest["model"].get("parameters")
    if isinstance(counted, int) and counted > 0:
        return float(counted), True
    for text in (manifest["model"].get("name"), manifest["model"].get("source")):
        if match := _SIZE.search(str(text).replace("_", "-")):
            return float(match[1]) * (1e9 if match[2].lower() == "b" else 1e6), False
    return None, False


def label(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    """The words that tell a run from the others: its model, then its task, settings and seed where these differ."""
    m = run.manifest
    parts = [str(m["model"]["name"])]
    parts += filter(None, [label_of(run, runs)])
    if len({str(r.manifest["seed"]) for r in runs}) > 1:
        parts.append(f"seed {m['seed']}")
    return visible(cut(", ".join(parts), 60))


def shared(runs: Sequence[RunRecord]) -> list[Key]:
    """Numbers that at least two of the runs have: the numbers of claims first, then the numbers that most runs have."""
    claimed = {
        (name, tuple(sorted(level.items()))) for run in runs for claim in claims_of(run) for name, level in claim.sides
    }
    counts: dict[Key, int] = {}
    for run in runs:
        for e in run.estimates:
            if e.value is not None:
                counts[_key(e)] = counts.get(_key(e), 0) + 1
    return [key for key, n in sorted(counts.items(), key=lambda pair: (pair[0] not in claimed, -pair[1])) if n >= 2]


def draw_side_by_side(experiment: str, runs: Sequence[RunRecord]) -> Picture | None:
    """A panel for each number that at least two runs of an experiment have, with a dot and interval for each run."""
    shown = runs[:MOST_RUNS]
    keys = shared(shown)
    names = [label(run, runs) for run in shown]

    def paint(axes: Any, key: Key) -> list[str]:
        told = []
        for y, run in enumerate(shown):
            e = _find(run, key)
            if e is None or e.value is None:
                continue
            spread = whiskers(e.value, e.low, e.high)
            axes.errorbar(e.value, y, xerr=spread, color=PALETTE[0], fmt="o", ms=4, lw=1)
            told.append(f"{names[y]} {number(e.value)}{in_brackets(e.low, e.high)}")
        axes.set_yticks(range(len(shown)), names if axes.get_subplotspec().is_first_col() else [])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        return told

    height = 1.1 + 0.26 * len(shown)
    rest = f"; the first {MOST_RUNS} of {len(runs)} runs" if len(runs) > MOST_RUNS else ""
    return _panels(f"{experiment}: runs side by side{rest}", keys, paint, height)


def draw_scaling(experiment: str, runs: Sequence[RunRecord]) -> Picture | None:
    """A panel for each number, against the model's parameters; None without two models of different known size."""
    sized = [(size, counted, run) for run in runs for size, counted in (parameters(run.manifest),) if size]
    if len({size for size, _, _ in sized}) < 2:
        return None
    sized.sort(key=lambda s: s[0])
    keys = [
        key
        for key in shared([run for _, _, run in sized])
        if len({size for size, _, run in sized if _find(run, key) is not None}) >= 2
    ]

    def paint(axes: Any, key: Key) -> list[str]:
        told, points = [], []
        for size, _, run in sized:
            e = _find(run, key)
            if e is None or e.value is None:
                continue
            spread = whiskers(e.value, e.low, e.high)
            axes.errorbar(size, e.value, yerr=spread, color=PALETTE[0], fmt="o", ms=4)
            points.append((size, e.value))
            told.append(f"{short(size)} {number(e.value)}{in_brackets(e.low, e.high)}")
        sizes = sorted({size for size, _ in points})
        means = [fmean([v for s, v in points if s == size]) for size in sizes]
        axes.plot(sizes, means, color=INK, lw=0.8, zorder=0)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [short(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("parameters of the model")
        return told

    guessed = any(not counted for _, counted, _ in sized)
    title = f"{experiment}: against model size{' (some sizes read from the name)' if guessed else ''}"
    return _panels(title, keys, paint, 2.2)


def short(size: float) -> str:
    """A number of parameters as people write it: 135M, 1.7B."""
    unit, scale = ("B", 1e9) if size >= 1e9 else ("M", 1e6)
    return f"{size / scale:.3g}{unit}"


def _panels(title: str, keys: Sequence[Key], paint: Callable[[Any, Key], list[str]], height: float) -> Picture | None:
    more = len(keys) - MOST_PANELS
    keys = keys[:MOST_PANELS]
    if not keys:
        return None
    title = visible(cut(title, 200)) + (f"; {more} more numbers are in the table" if more > 0 else "")
    across = min(3, len(keys))
    down = math.ceil(len(keys) / across)
    with styled(PAGE):
        canvas = canvas_of(PAGE.width, height * down)
        grid = canvas.subplots(down, across, squeeze=False)
        told = []
        for i, axes in enumerate(grid.flat):
            if i >= len(keys):
                axes.set_visible(False)
                continue
            level = _level(keys[i])
            name = PAGE.value(f"{PAGE.metric(keys[i][0])}{f', {level}' if level else ''}")
            axes.set_title(PAGE.wrapped(0.8 * PAGE.width / across, name), fontsize=PAGE.small)
            told.append(f"{name}: {', '.join(paint(axes, keys[i]))}.")
        alt = visible(cut(" ".join(told), 4000))
        svg = as_svg(canvas, title, alt)
    return Picture(re.sub(r"[^a-z0-9]+", "-", title.lower()), title, alt, svg[svg.find("<svg") :])


def _key(e: Estimate) -> Key:
    return e.metric, tuple(sorted((str(k), str(v)) for k, v in e.level.items()))


def _level(key: Key) -> str:
    return ", ".join(value for _, value in key[1])


def _find(run: RunRecord, key: Key) -> Estimate | None:
    return next((e for e in run.estimates if _key(e) == key), None)
