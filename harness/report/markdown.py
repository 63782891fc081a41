"""The verdicts of a run as a table of Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.results import Told, Verdicts, verdict_of
from harness.runs.records import RunRecord


def claim_rows(record: RunRecord, most: int) -> Iterator[str]:
    """A table of the first `most` claims with their numbers; nothing without a claim about arms that were asked."""
    claims = Verdicts.of(record, most).claims
    if told := [one for one in claims if one.verdict["kind"] != "not comparable"]:  # about arms that were not asked
        yield "| verdict | claim | number |\n| --- | --- | --- |"
        yield from map(_row, told)


def _row(told: Told) -> str:
    """The row of a verdict: its number with the interval, and why it is held back; or why there is none."""
    verdict = verdict_of(told.verdict)
    measured, number = verdict.measured, verdict.reason
    if measured is not None and measured.low is not None and measured.value is not None:
        number = f"{measured.value:.2f} [{measured.low:.2f}, {measured.high:.2f}], {told.border}"
        if verdict.reason.startswith("held back"):
            number += f"; {verdict.reason.partition(' (')[0]}"
    return f"| {verdict.kinds} | {in_markdown(verdict.text)} | {in_markdown(number)} |"


def in_markdown(text: str) -> str:
    """A text in one line of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]")
