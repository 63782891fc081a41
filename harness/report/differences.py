"""Makes the page of `compare`: a forest plot, every difference, and changed items with both transcripts."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.console import visible
from harness.errors import HarnessError
from harness.item_lines import item_lines
from harness.metrics.labels import number_label
from harness.report.heads import Heads
from harness.report.items import Shown, shown
from harness.report.look import PAGE
from harness.report.painting import INK, PALETTE, as_svg, canvas_of, styled, whiskers
from harness.report.templates import environment
from harness.report.text import cut, in_brackets, number
from harness.runs.comparison import Change, Comparison
from harness.runs.loaded import Loaded
from harness.statistics.pairs import Contrast

MOST_CHANGES = 60
"""Changed items of one comparison on the page at most; `--json` has all."""

MOST_LINES = 60
"""Lines of the forest plot at most."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A changed item with either run's part of it."""

    changes: Sequence[Change]
    first: Shown
    second: Shown


def render_differences(found: Sequence[Comparison]) -> str:
    """The page: one file, opens without a network, everything that a model wrote escaped.

    Raises:
        HarnessError: a transcript that is missing or damaged.
    """
    return str(
        environment()
        .get_template("differences.html.j2")
        .render(
            label=_label,
            found=[(one, _forest(one), list(_changed(one)), _left(one)) for one in found],
        )
    )


def _label(c: Contrast) -> str:
    return number_label(c.metric, c.level)


def _left(one: Comparison) -> int:
    return max(0, len({change.item for change in one.changes}) - MOST_CHANGES)


def _changed(one: Comparison) -> Iterator[Beside]:
    by_item: dict[str, list[Change]] = {}
    for change in one.changes:
        by_item.setdefault(change.item, []).append(change)
    wanted = dict(list(by_item.items())[:MOST_CHANGES])
    if not wanted:
        return
    sides = [_transcripts(side.runs[0], wanted) for side in (one.first, one.second)]
    for item, changes in wanted.items():
        yield Beside(changes, sides[0][item], sides[1][item])


def _transcripts(run: Loaded, wanted: Mapping[str, Any]) -> dict[str, Shown]:
    run_path, heads = run.record.path, Heads(run.table, "")
    found = {line["item"]: shown(line, heads) for line in item_lines(run_path) if line["item"] in wanted}
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise HarnessError(
            f"{run_path / 'calls.jsonl'} lacks item {missing[0]}, which outcomes.parquet has; run it again"
        )
    return found


def _forest(one: Comparison) -> tuple[str, str] | None:
    """The differences with their intervals as SVG in base64, and the same in words; None where none is defined."""
    drawn = [c for c in one.contrasts if c.value is not None][:MOST_LINES]
    if not drawn:
        return None
    with styled(PAGE):
        canvas = canvas_of(PAGE.width, 0.8 + 0.26 * len(drawn))
        axes = canvas.subplots()
        told = []
        for y, c in enumerate(drawn):
            value = c.value or 0.0
            fill = PALETTE[0] if c.p_holm is not None and c.p_holm < 0.05 else "white"
            spread = whiskers(value, c.low, c.high)
            axes.errorbar(value, y, xerr=spread, fmt="o", ms=5, lw=1.2, color=PALETTE[0], mfc=fill)
            told.append(f"{_label(c)} {number(value)}{in_brackets(c.low, c.high)}")
        axes.axvline(0.0, color=INK, lw=0.8)
        axes.set_yticks(range(len(drawn)), [visible(cut(_label(c), 60)) for c in drawn])
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.set_xlabel(visible(cut(f"{one.second.label} - {one.first.label}", 90)))
        alt = visible(cut("; ".join(told), 4000))
        svg = as_svg(canvas, "Differences", alt)
    return base64.b64encode(svg.encode()).decode(), alt
