"""`compare --fail-if`: what the margins say of the differences, and the exit code of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.runs.comparison import Comparison
    from harness.statistics.margins import Margin

FAILED = 3
INCONCLUSIVE = 4
"""Exit codes; 1 and 2 stand for failed runs and bad input."""


@dataclass(frozen=True)
class Ends:
    """The exit code of a gate, and the lines that say why."""

    code: int
    lines: tuple[str, ...]


def decide(margins: Sequence[Margin], found: Sequence[Comparison], unusable: Sequence[str]) -> Ends:
    """Passes when every margin passes in every comparison.

    Args:
        unusable: why runs could not be compared. These may have got worse, so that nothing passes then.

    Raises:
        HarnessError: a margin about a number that no comparison has.
    """
    from harness.statistics.margins import judge_margin

    if not margins:
        return Ends(0, ())
    results: list[str] = []
    lines: list[str] = [""]
    for margin in margins:
        _check(margin, found)
        for one in found:
            where = f"{one.second.label} against {one.first.label}"
            about = margin.of(one.contrasts)
            if not about:
                results.append("inconclusive")
                lines.append(f"inconclusive: {where}: there is no such number to hold against {margin}")
            for c in about:
                ruling = judge_margin(margin, c)
                results.append(ruling.result)
                lines.append(f"{ruling.result}: {where}: {c.label}: {ruling.reason}")
    for reason in unusable:
        results.append("inconclusive")
        lines.append(f"inconclusive: not compared: {reason}")
    code = FAILED if "fail" in results else INCONCLUSIVE if "inconclusive" in results else 0
    word = {0: "pass", FAILED: "FAIL", INCONCLUSIVE: "INCONCLUSIVE"}[code]
    asked = "; ".join(map(str, margins))
    return Ends(code, (*lines, f"{word}: --fail-if {asked} (exit code {code})"))


def _check(margin: Margin, found: Sequence[Comparison]) -> None:
    contrasts = [c for one in found for c in one.contrasts if c.metric == margin.metric]
    if not margin.of(contrasts):
        levels = dict.fromkeys(", ".join(f"{key}={value}" for key, value in c.level.items()) for c in contrasts)
        raise HarnessError(
            f"--fail-if {str(margin)!r}: there is no such level (there are: {'; '.join(levels) or 'none'})"
        )
