"""Every number, verdict and failure of a run in lines, for `--verbose`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.execution.session import Session
from harness.execution.thought_lines import thought_lines
from harness.outcomes import Table
from harness.statistics.estimates import Estimate
from harness.statistics.family import resolution
from harness.statistics.fates import NOTABLE, count_fates
from harness.statistics.gates import warnings


def all_numbers(session: Session) -> list[str]:
    """The numbers, the verdicts with their reasons, the warnings, the cost and the failures of a run."""
    return [*_numbers(session.estimates), *_judged(session), *cost(session), *_ends(session)]


def _numbers(estimates: Sequence[Estimate]) -> Iterator[str]:
    width = max((len(e.label) for e in estimates), default=0)
    for e in estimates:
        value = "undefined" if e.value is None else f"{e.value:9.4f}"
        interval = f" {e.interval('.4f')}".rstrip()
        note = f" ({e.note})" if e.note else ""
        groups = f", {e.n_groups} groups" if e.n_groups != e.n else ""
        missing = f", {e.n_failed} without a value" if e.n_failed else ""
        yield f"{e.label:<{width}} {value}{interval}  n={e.n}{groups}{missing}{note}"


def _judged(session: Session) -> Iterator[str]:
    for verdict in session.verdicts:
        yield f"{verdict.kinds}: {verdict.text} ({verdict.reason})"
    yield from thought_lines(session)
    for warning in warnings(session.job.experiment.gates, session.estimates):
        yield f"WARNING: {warning}"
    if warning := resolution(session.verdicts, session.job.replicates):
        yield f"WARNING: {warning}"


def cost(session: Session) -> Iterator[str]:
    """How many calls were asked and how long that took, once it is known."""
    if session.store is not None:
        asked, shared = session.store["asked"], session.store["shared"]
        seconds, busy = session.seconds["ask"], session.engine_busy or 0.0
        yield f"{asked} calls asked, {shared} from the store, {seconds:.1f} s, engine busy {busy:.0%}"


def _ends(session: Session) -> Iterator[str]:
    if session.table is not None:
        yield from _fates(session.table)
    for result in session.results:
        for error in result.errors:
            yield f"did not finish: item {result.item}: {error}"
    yield f"report: {session.run.path / 'report.html'}"


def _fates(table: Table) -> Iterator[str]:
    """Says which arms lost more than `NOTABLE` of their answers, those with the same answers together."""
    arms: dict[str, list[str]] = {}
    for fates in count_fates(table):
        if fates.lost > NOTABLE:
            arms.setdefault(f"{fates.column}: {fates.text}", []).append(fates.arm or "-")
    for text, names in arms.items():
        yield f"{text}; they count as wrong ({', '.join(names)})"
