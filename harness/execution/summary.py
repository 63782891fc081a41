"""Prints the results at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

from harness.console import log
from harness.execution.session import Session
from harness.outcomes import Table
from harness.statistics.estimates import Estimate
from harness.statistics.family import resolution
from harness.statistics.fates import NOTABLE, count_fates
from harness.statistics.gates import warnings

MOST_PRINTED = 60
"""Estimates printed at the end of a run; of more, only those that a claim or a published number is about."""
MOST_OTHERS = 6
"""Published numbers printed although they cannot be compared with the run; more are only counted."""


def print_summary(session: Session) -> None:
    """Prints the numbers, the verdicts, the cost and the first failures of a run."""
    estimates, verdicts = session.estimates, session.verdicts
    print()
    judged = {c.metric for c in session.job.claims} | {r.metric for r in session.job.references}
    shown = [e for e in estimates if len(estimates) <= MOST_PRINTED or e.metric in judged]
    width = max((len(_label(e)) for e in shown), default=0)
    for e in shown:
        value = "undefined" if e.value is None else f"{e.value:9.4f}"
        interval = f" [{e.low:.4f}, {e.high:.4f}]" if e.low is not None and e.high is not None else ""
        note = f" ({e.note})" if e.note else ""
        groups = f", {e.n_groups} groups" if e.n_groups != e.n else ""
        failed = f", {e.n_failed} failed" if e.n_failed else ""
        print(f"{_label(e):<{width}} {value}{interval}  n={e.n}{groups}{failed}{note}")
    if len(shown) < len(estimates):
        print(f"({len(estimates) - len(shown)} more numbers are in the report)")
    # Published numbers of other models are many, and are in the report.
    others = [v for v in verdicts if v.published is not None and v.kind == "not comparable"]
    for v in verdicts if len(others) <= MOST_OTHERS else [v for v in verdicts if v not in others]:
        print(f"{v.kinds}: {v.text} ({v.reason})")
    if len(others) > MOST_OTHERS:
        print(f"({len(others)} published numbers that cannot be compared with this run are in the report)")
    for line in _thought_lines(session):
        print(line)
    for warning in warnings(session.job.experiment.gates, estimates):
        print(f"WARNING: {warning}")
    if warning := resolution(verdicts, session.job.replicates):
        print(f"WARNING: {warning}")
    if session.store is not None:
        asked, shared = session.store["asked"], session.store["shared"]
        seconds, busy = session.seconds["ask"], session.engine_busy or 0.0
        print(f"\n{asked} calls asked, {shared} from the store, {seconds} s, engine busy {busy:.1%}")
    if session.table is not None:
        _warn_of_fates(session.table)
    failures = [(r.item, error) for r in session.results for error in r.errors]
    for item, error in failures[:3]:
        print(f"failed: item {item}: {error}")
    print(f"report: {session.run.path / 'report.html'}")
    if session.error is not None:
        log(session.error)


def _warn_of_fates(table: Table) -> None:
    """Says which arms lost more than `NOTABLE` of their answers, those with the same answers together."""
    arms: dict[str, list[str]] = {}
    for fates in count_fates(table):
        if fates.lost > NOTABLE:
            arms.setdefault(f"{fates.column}: {fates.text}", []).append(fates.arm or "-")
    for text, names in arms.items():
        log(f"{text}; they count as wrong ({', '.join(names)})")


def _thought_lines(session: Session) -> Iterator[str]:
    """What each model thought; and where many thoughts had no end, the setting that gives them room."""
    for role, counts in sorted(session.thoughts.items()):
        told = counts.record()
        who = f" of the {role}" if role else ""
        yield (
            f"thoughts{who}: {counts.tokens} tokens in {counts.replies} replies "
            f"({told['tokens_a_reply']:.1f} a reply); of {counts.thoughts} thoughts "
            f"{told['share_empty']:.1%} empty, {told['share_forced']:.1%} forced, "
            f"{told['share_cut']:.1%} cut"
        )
        if counts.unended > NOTABLE:
            yield (
                f"WARNING: {counts.unended:.0%} of the thoughts{who} had no end of their own ({counts.forced} forced, "
                f"{counts.cut} cut); {_room(session, role)}"
            )


def _room(session: Session, role: str) -> str:
    """What gives the thoughts of a model more room."""
    key = f"roles.{role}.model" if role else "model"
    model = session.job.roles[role].model if role else session.job.model
    style = session.role_styles.get(role) if role else session.prompt_style
    if style is not None and style.thinking is not None:
        return f"{key}.thinking.tokens={2 * model.thinking.tokens} doubles their budget"
    return (
        f"give them a budget of their own by their marks, {key}.thinking.open=... {key}.thinking.close=..., or the "
        "experiment more max_tokens"
    )


def _label(e: Estimate) -> str:
    level = ", ".join(e.level.values())
    return f"{e.metric} ({level})" if level else e.metric
