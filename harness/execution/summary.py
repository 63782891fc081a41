"""Prints the end of a run on one screen: how often the model is right, the claims' numbers, and the verdicts.

A run has hundreds of numbers. A person at a terminal wants few of them: accuracy, the numbers that claims are about,
and whether anything went wrong. The page has the rest, and so has `--verbose` (`all_numbers`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from harness.console import aligned, coloured, counted, log, tell
from harness.execution.all_numbers import all_numbers, cost
from harness.execution.session import Session
from harness.execution.thought_lines import thought_lines
from harness.metrics.revisions import accuracy_after, accuracy_before
from harness.metrics.shares import accuracy
from harness.statistics.claims import SHOWS_NOTHING, Claim, Verdict
from harness.statistics.estimates import Estimate
from harness.statistics.family import resolution
from harness.statistics.fates import NOTABLE, count_fates
from harness.statistics.gates import warnings

MOST_LINES = 25
"""Lines of a summary, which fit a terminal of ordinary height."""
WIDEST = 120
"""Columns of text where the output is no terminal."""
MOST_ROWS = 8
"""Rows of the table of the claims' numbers."""
MOST_WARNINGS = 2

COLOURS = {
    "supported": "32",
    "contradicted": "31",
    "compatible": "32",
    "incompatible": "31",
    "undecided": "33",
}
"""ANSI colour of each kind of verdict; kinds that say nothing have none."""


def print_summary(session: Session, *, verbose: bool = False) -> None:
    """Prints the results of a run.

    Args:
        verbose: print every number and every reason, however many there are.
    """
    lines = all_numbers(session) if verbose else summary(session, shutil.get_terminal_size((WIDEST, 24)).columns)
    tell("\n".join(["", *lines]))
    if session.error is not None:
        log(f"{session.status}: {session.error}")


def summary(session: Session, width: int) -> list[str]:
    """The results of a run in at most `MOST_LINES` lines.

    Lines are cut at `width` columns. Warnings and paths at the end are not, because a warning ends with advice, and a
    path must be whole.
    """
    table = _claims_table(session, width)
    verdicts = [
        _verdict(verdict, session.job.claims, width) for verdict in session.verdicts if verdict.published is None
    ]
    told = [*_accuracy(session), *_could_not_be_graded(session)]
    published = [] if session.job.model.dry else _published(session.verdicts)
    ends = [*published, *_warnings(session), *cost(session)]
    ends.append(f"report: {session.run.path / 'report.html'}")
    room = MOST_LINES - len(_failures(session)) - len(told) - len(ends) - len(table) - 2
    if len(verdicts) > room:
        verdicts = [*verdicts[: room - 1], f"({len(verdicts) - room + 1} more verdicts are in the report)"]
    return [*(_fit(line, width) for line in told), *_failures(session), *table, *verdicts, *ends]


def headline(session: Session) -> str:
    """The results of a run in one line, for a sweep of many: accuracy, and how many claims met which verdict."""
    counts: dict[str, int] = {}
    for verdict in session.verdicts:
        if verdict.published is None:
            counts[verdict.kind] = counts.get(verdict.kind, 0) + 1
    verdicts = "dry run" if session.job.model.dry else ", ".join(f"{n} {kind}" for kind, n in counts.items())
    unfinished = f"{counted(session.failed, 'item')} did not finish" if session.failed else ""
    parts = [*_accuracy(session)[:1], verdicts, unfinished]
    return "; ".join(filter(None, parts))


def _accuracy(session: Session) -> list[str]:
    """How often the model is right, in every arm."""
    done, wanted = len(session.results), len(session.items.test)
    items = counted(done, "item") if done == wanted else f"{done} of {counted(wanted, 'item')}"
    chosen = [m for m in session.job.all_metrics if m.measure in (accuracy, accuracy_before, accuracy_after)]
    chosen = [m for m in chosen if "answered" not in m.where.values()]
    named = [m for m in chosen if m.name in ("accuracy", "accuracy_before", "accuracy_after")]
    lines = []
    for metric in (named or chosen)[:3]:
        found = [e for e in session.estimates if e.metric == metric.name and e.value is not None]
        if found:
            lines.append(f"{metric.name} {_over_levels(found)}")
    return [f"{items}: {lines[0]}", *lines[1:]] if lines else [items]


def _over_levels(found: Sequence[Estimate]) -> str:
    """One number where all levels have the same, else the least and the largest."""
    least, most = min(found, key=_value), max(found, key=_value)
    if least.text(".2f") == most.text(".2f"):
        return f"{most.text('.2f')}{f' in each of {len(found)} arms' if len(found) > 1 else ''}"
    return f"{least.text('.2f')} ({_level(least)}) to {most.text('.2f')} ({_level(most)}), {len(found)} arms"


def _could_not_be_graded(session: Session) -> list[str]:
    """The share of answers without a grade, where it is notable in an arm, and which fates they met."""
    shares = [one for one in count_fates(session.table) if one.lost > NOTABLE] if session.table is not None else []
    if not shares:
        return []
    least, most = min(one.lost for one in shares), max(one.lost for one in shares)
    fates: dict[str, int] = {}
    for one in shares:
        for fate, n in one.counts.items():
            if fate != "answered":
                fates[fate] = fates.get(fate, 0) + n
    kinds = ", ".join(sorted(fates, key=lambda fate: -fates[fate]))
    if len({one.text for one in shares}) == 1:
        arms = shares[0].arm if len(shares) == 1 else f"each of {len(shares)} arms"
        return [f"{arms}: {shares[0].text}; they count as wrong"]
    share = f"{least:.0%}" if f"{least:.0%}" == f"{most:.0%}" else f"{least:.0%} to {most:.0%}"
    return [f"{share} of the answers of {len(shares)} arms could not be graded ({kinds}); they count as wrong"]


def _failures(session: Session) -> list[str]:
    failures = [(r.item, error) for r in session.results for error in r.errors]
    lines = []
    if failures:
        items = len({item for item, _ in failures})
        of = f"{items} item{'s' if items > 1 else ''} did not finish"
        lines.append(f"{of}; the first, {failures[0][0]}: {' '.join(failures[0][1].split())}")
    return lines


def _claims_table(session: Session, width: int) -> list[str]:
    """The numbers that claims are about: metrics as columns, arms as rows."""
    sides = [side for claim in session.job.claims for side in claim.sides]
    metrics = list(dict.fromkeys(name for name, _ in sides))
    rows = list(dict.fromkeys(", ".join(map(str, level.values())) for _, level in sides))
    cells = {(_level(e), e.metric): e.text(".2f") for e in session.estimates}
    rows = [row for row in rows if any((row, metric) in cells for metric in metrics)][:MOST_ROWS]
    if not rows:
        return []
    names = {row: row or "all rows" for row in rows}
    room = width - max(map(len, names.values()))
    shown: list[str] = []
    for metric in metrics:
        wide = 2 + max(len(metric), *(len(cells.get((row, metric), "")) for row in rows))
        if any((row, metric) in cells for row in rows) and wide <= room:
            shown.append(metric)
            room -= wide
    rows = [row for row in rows if any((row, metric) in cells for metric in shown)]
    table = [["", *shown], *([names[row], *(cells.get((row, metric), "") for metric in shown)] for row in rows)]
    return ["", *aligned(table, right=range(1, len(shown) + 1)), ""] if rows else []


def _verdict(verdict: Verdict, claims: Sequence[Claim], width: int) -> str:
    """Kind, claim, and the number that decided with the border that it was held against."""
    star = "*" if verdict.kind_holm not in (None, verdict.kind) else ""
    kind = f"{verdict.kind}{star}"
    e = verdict.measured
    claim = next((one for one in claims if one.text == verdict.text), None)
    condition = claim.provided if claim is not None and verdict.reason.startswith(SHOWS_NOTHING) else None
    if condition is not None and e is not None and e.value is not None:
        why = f"{e.text('.3f')}, held back by {condition.text!r}"
    elif e is None or e.value is None or verdict.reason.startswith(("held back", "dry run")):
        why = verdict.reason.removeprefix("held back, ")
    else:
        border = (
            "" if claim is None else f", claimed {claim.relation} {claim.value if claim.value is not None else 0:g}"
        )
        why = f"{'difference ' if claim is not None and claim.rivals else ''}{e.text('.3f')}{border}"
    room = width - len(why) - 16
    text = verdict.text if room > 30 else _fit(verdict.text, 60)
    return f"{_coloured(f'{kind:<14}', verdict.kind)} {_fit(f'{text}: {why}', width - 15)}"


def _coloured(text: str, kind: str) -> str:
    plain = not sys.stdout or not sys.stdout.isatty() or "NO_COLOR" in os.environ or kind not in COLOURS
    return text if plain else coloured(text, COLOURS[kind])


def _published(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """How many published numbers met which verdict, and the meaning of the star."""
    starred = [v for v in verdicts if v.kind_holm not in (None, v.kind)]
    if starred:
        tests = sum(v.p is not None for v in verdicts)
        yield f"* {starred[0].kind_holm} when the {tests} claims are judged together (Holm)"
    counts: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.published is not None:
            counts[verdict.kind] = counts.get(verdict.kind, 0) + 1
    if counts:
        yield f"published numbers: {', '.join(f'{n} {kind}' for kind, n in counts.items())}"


def _warnings(session: Session) -> Iterator[str]:
    """The reasons to doubt numbers; of many warnings the first, since one gate gives alike warnings at many levels."""
    yield from thought_lines(session)
    found = warnings(session.job.experiment.gates, session.estimates)
    for text in found[:MOST_WARNINGS]:
        yield f"WARNING: {text}"
    if len(found) > MOST_WARNINGS:
        yield f"({len(found) - MOST_WARNINGS} more warnings are in the report)"
    if text := resolution(session.verdicts, session.job.replicates):
        yield f"WARNING: {text}"


def _value(e: Estimate) -> float:
    assert e.value is not None
    return e.value


def _level(e: Estimate) -> str:
    return ", ".join(e.level.values())


def _fit(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
