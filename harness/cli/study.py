"""`run study=NAME` makes several runs on shared engines and one store, and one report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.console import aligned
from harness.errors import HarnessError
from harness.execution.session import Session
from harness.execution.summary import headline, print_summary
from harness.statistics.claims import Verdict
from harness.study.definition import read_study
from harness.study.planning import make_plan
from harness.study.report import write_study
from harness.study.study import Ended, execute_all, exit_code, judge_all


def run_study(name: str, overrides: Sequence[str], config_dir: Path | None, *, verbose: bool = False) -> int:
    """Runs a study to its report.

    Args:
        verbose: print every number of every run.

    Returns:
        The exit code: 0, or the first run's that is not 0; 2 where that run stopped without results; 130 after Ctrl-C,
        with the report on the finished runs.

    Raises:
        HarnessError: the study or a run of it is wrong, no run has results, or the report cannot be written.
        KeyboardInterrupt: before any run had a result.
    """
    plan = make_plan(read_study(name, config_dir), overrides, config_dir)
    ended = execute_all(plan, partial(print_summary, verbose=True) if verbose else _one_line)
    if all(one.session is None for one in ended):
        if any(one.status == "interrupted" for one in ended):
            raise KeyboardInterrupt
        raise HarnessError(f"study {name!r}, run {ended[0].name!r}: {ended[0].reason}")
    verdicts = judge_all(plan, ended)
    page = write_study(plan, ended, verdicts)
    _print(ended, verdicts)
    if plan.study.tables:
        print(f"tables: {page.with_name('tables.csv')}")
    print(f"report: {page}")
    return exit_code(ended)


def _one_line(session: Session) -> None:
    print(f"{session.run.path.name}: {headline(session)}")


def _print(ended: Sequence[Ended], verdicts: Sequence[Verdict]) -> None:
    rows = [["run", "asked", "shared", "seconds", "status"]]
    for one in ended:
        numbers = ["", "", ""]
        if one.session is not None:
            counts, seconds = one.session.store or {"asked": 0, "shared": 0}, one.session.seconds.get("ask", 0.0)
            numbers = [str(counts["asked"]), str(counts["shared"]), f"{seconds:.1f}"]
        rows.append([one.name, *numbers, f"{one.status}: {one.reason}" if one.reason else one.status])
    print("\n".join(["", *aligned(rows, right=range(1, 4))]))
    for verdict in verdicts:
        print(f"{verdict.kinds}: {verdict.text} ({verdict.reason})")
