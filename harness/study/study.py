"""Executes the runs of a study on shared engines and one store. Runs that depend on a failed one are skipped."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.config import Job
from harness.console import log
from harness.engines.pool import EnginePool
from harness.errors import BaseHarnessError, HarnessError
from harness.errors import named as error_named
from harness.execution.checks import prepare_items
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.processes import signals
from harness.runs.loaded import Loaded, load_run
from harness.statistics.claims import Verdict, of_dry_run
from harness.statistics.family import in_family
from harness.store.opened import OpenStore
from harness.study.planning import Plan
from harness.study.verdicts import judge


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one run of a study.

    Attributes:
        status: its session's; or "stopped" (by an error, without results), "skipped" (a run that it needs has
            no results), "not started" (after Ctrl-C).
        reason: why it is not finished; "" otherwise.
        session: None without results.
    """

    name: str
    job: Job
    status: str
    reason: str = ""
    session: Session | None = None

    @property
    def missing(self) -> str:
        """The reason why its results are missing; "" when it is finished."""
        return "" if self.status == "finished" else f"is {self.status}{f': {self.reason}' if self.reason else ''}"

    @property
    def code(self) -> int:
        """The exit code that it asks for: 2 for a run without results, else its session's."""
        return self.session.code if self.session is not None else {"not started": 0}.get(self.status, 2)


@dataclass
class _Shared:
    """Engines and the store, shared by the runs."""

    pool: EnginePool = field(default_factory=EnginePool)
    store: OpenStore = field(default_factory=OpenStore)

    def close(self) -> None:
        self.pool.close()
        self.store.close()


def execute_all(plan: Plan, tell: Callable[[Session], None]) -> list[Ended]:
    """Executes the runs in their order. A run that fails leaves those going that do not need it; Ctrl-C ends all.

    Args:
        tell: called with every session that ended with results.
    """
    ended: dict[str, Ended] = {}
    shared = _Shared()
    try:
        for i, (name, job) in enumerate(plan.jobs.items()):
            log(f"study {plan.study.name}: run {i + 1} of {len(plan.jobs)}, {name}")
            lacking = next((o for o in plan.study.needs[name] if ended[o].missing), None)
            if lacking is not None:
                ended[name] = Ended(name, job, "skipped", f"run {lacking!r} {ended[lacking].missing}")
                log(f"{name} is skipped: {ended[name].reason}")
                continue
            ended[name] = _execute(name, job, shared, again=bool(plan.study.needs[name]))
            if (session := ended[name].session) is not None:
                tell(session)
            if ended[name].status == "interrupted":
                break
    finally:
        shared.close()
    return [ended.get(name) or Ended(name, job, "not started") for name, job in plan.jobs.items()]


def _execute(name: str, job: Job, shared: _Shared, *, again: bool) -> Ended:
    """Executes one run.

    Args:
        again: whether its items are known only now; they are then checked before anything is loaded.
    """
    try:
        if again:
            prepare_items(job)
        session = execute(job, shared.pool, shared.store.at(job.store))
    except BaseHarnessError as error:
        log(f"{name} stopped: {error}")
        return Ended(name, job, "stopped", str(error))
    except KeyboardInterrupt:
        log(f"{name} was interrupted before it had any result")
        return Ended(name, job, "interrupted")
    except Exception as error:  # a fault in one experiment's code must not take the others' report
        log(f"{name} stopped:\n{traceback.format_exc()}")
        return Ended(name, job, "stopped", f"unexpected {error_named(error)}")
    return Ended(name, job, session.status, session.error or "", session)


def judge_all(plan: Plan, ended: Sequence[Ended]) -> list[Verdict]:
    """The verdicts on all claims of a study, which are one family."""
    runs: dict[str, Loaded] = {}
    missing: dict[str, str] = {one.name: one.missing for one in ended if one.missing}
    for one in ended:
        named = any(one.name in side.names for claim in plan.study.claims for side in claim.sides)
        if named and one.session is not None and not one.missing:
            try:
                runs[one.name] = load_run(one.session.run.path)
            except HarnessError as error:  # nothing to compare in it
                missing[one.name] = f"cannot be compared: {error}"
    replicates = max(job.replicates for job in plan.jobs.values())
    judged = in_family([judge(claim, plan.jobs, runs, missing, replicates) for claim in plan.study.claims])
    return [of_dry_run(verdict) for verdict in judged] if any(job.model.dry for job in plan.jobs.values()) else judged


def exit_code(ended: Sequence[Ended]) -> int:
    """0, or the first unfinished run's; 128 and its number after a signal, 130 after Ctrl-C."""
    if any(one.status == "interrupted" for one in ended):
        return signals.exit_code()
    return next((one.code for one in ended if one.code), 0)
