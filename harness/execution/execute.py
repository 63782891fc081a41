"""Executes one job: split, load, prepare, ask, measure, report. Repeating it answers every call from the store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.config import Job
from harness.console import log
from harness.engines.base import Usage
from harness.engines.pool import EnginePool
from harness.errors import EngineDied, HarnessError
from harness.execution.checks import check_parts, prepare_items, run_folder
from harness.execution.choosing import choose_engines, has_choice
from harness.execution.loading import Cast, Known, begin, load_cast, make_subject, models
from harness.execution.measuring import measure
from harness.execution.progress import Progress
from harness.execution.runner import run_protocols
from harness.execution.session import Session
from harness.processes import signals
from harness.redaction import without_secrets
from harness.runs.directory import RunDirectory, as_json, config_digest
from harness.runs.finished import Finished
from harness.runs.fitted import fit, keep_fitted
from harness.store.store import Store
from harness.subject.subject import Subject
from harness.tracker import RunResult, RunStart


def execute(
    job: Job,
    pool: EnginePool | None = None,
    store: Store | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    recorded: Mapping[str, Known] | None = None,
) -> Session:
    """Runs a job to its report.

    Args:
        pool: engines already loaded, and where those loaded now stay; without one they are closed at the end.
        store: the open call store, which stays open; without one `job.store` is opened and closed.
        cancelled: looked at every two seconds while the model is asked; once true, it is as after Ctrl-C.
        recorded: roles, with the engines that answer from the store alone; none of them is loaded.

    Returns:
        What is known of the run; `Session.code` is the exit code.
    """
    check_parts(job)
    engines = pool if pool is not None else EnginePool()
    try:
        return _execute(job, engines, store, cancelled, recorded)
    finally:
        if pool is None:
            engines.close()


def _execute(
    job: Job,
    pool: EnginePool,
    store: Store | None,
    cancelled: Callable[[], bool],
    recorded: Mapping[str, Known] | None,
) -> Session:
    began = time.perf_counter()
    items, choice = None, None
    if recorded is None and has_choice(job):
        items = prepare_items(job)
        job, choice = choose_engines(job, items)
    known = begin(job, pool, job.store) if recorded is None else recorded
    if items is None:
        items = prepare_items(job)
    run = RunDirectory(run_folder(job), cancelled)
    session = Session(job, items, run, engine_choice=choice)
    session.seconds["items"] = round(time.perf_counter() - began, 2)
    try:
        run.note(session.manifest())
        if run.waited and store is not None:
            store.refresh()  # the calls of the other process
        _run(session, pool, known, store, cancelled)
    except BaseException as error:
        session.end_by(error)
        raise
    finally:
        run.close()
    return session


def _run(
    session: Session,
    pool: EnginePool,
    known: Future[dict[str, Known]] | Mapping[str, Known],
    store: Store | None,
    cancelled: Callable[[], bool],
) -> None:
    """All of a job, once its directory is this process's own."""
    job, items = session.job, session.items
    calls = store if store is not None else Store(job.store)  # an empty store is false
    log(f"{job.name}: {len(items.test)} items of {job.task.name}, model {job.model.name}, seed {job.seed}")
    for note in items.notes():
        log(note)
    log(f"run directory {session.run.path}")
    try:
        _load_and_ask(session, pool, known, calls, cancelled)
    finally:
        if store is None:
            _close(calls)
    if session.status == "interrupted":  # by a first signal: the second one ends it
        _finish(session)
        return
    before = signals.heard()
    with signals.first_calls(lambda: log(f"{signals.name()}: writing the report first (again to give up)")):
        _finish(session)
    if signals.heard() > before:
        log(f"report: {session.run.path / 'report.html'}")
        raise KeyboardInterrupt


def _close(store: Store) -> None:
    """A disk that refuses the last flush must not take the report with it."""
    try:
        store.close()
    except HarnessError as error:
        log(str(error))


def _load_and_ask(
    session: Session,
    pool: EnginePool,
    known: Future[dict[str, Known]] | Mapping[str, Known],
    store: Store,
    cancelled: Callable[[], bool],
) -> None:
    job = session.job
    began, heard = time.perf_counter(), signals.heard()
    cast = load_cast(job, pool, known.result() if isinstance(known, Future) else known)
    if signals.heard() > heard:  # swallowed while a library was imported
        raise KeyboardInterrupt
    session.note_engines(cast)
    session.seconds["load"] = round(time.perf_counter() - began, 2)
    job.tracker.start(
        RunStart(
            folder=session.run.path,
            run_id=config_digest(job.config),
            name=f"{job.name}-{session.run.path.name}",
            config=without_secrets(job.config),
            experiment=job.name,
            model=job.model.name,
            task=job.task.name,
            items=len(session.items.test),
        )
    )
    subject = make_subject(job, cast.engine, store, cast.roles)
    _tell_parts(session, subject)
    try:
        asyncio.run(_ask(session, subject, cast, cancelled))
    except EngineDied as error:
        session.status = "engine died"
        session.error = str(error)
        pool.discard(models(job).values())
    except BaseException:
        job.tracker.abort()
        raise


def _tell_parts(session: Session, subject: Subject) -> None:
    """Says how prompts are written for each model, and which parts the subject plays itself."""
    session.prompt_style = subject.renderer.prompt_style
    for note in session.prompt_style.notes:
        log(note)
    for part, players in subject.players.items():
        for player in players:
            if not player.name:
                session.stand_in.append(part)
                log(f"the subject plays the part {part!r} itself; another model: +model@roles.{part}.model=NAME")
                continue
            session.role_styles[player.name] = player.renderer.prompt_style
            for note in player.renderer.prompt_style.notes:
                log(f"{player.name}: {note}")


@dataclass(frozen=True, slots=True)
class _Begun:
    """The accounts of engine and store when the asking began."""

    time: float
    usage: Usage
    hits: int
    misses: int


async def _ask(session: Session, subject: Subject, cast: Cast, cancelled: Callable[[], bool]) -> None:
    """Prepares and asks, until all is answered or somebody wants the run to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if not stop.is_set():
            log("interrupted: writing the report on what is finished (again to give up)")
            stop.set()

    with signals.first_calls(lambda: loop.call_soon_threadsafe(interrupt)):
        begun = _Begun(time.perf_counter(), replace(subject.engine.usage), subject.store.hits, subject.store.misses)
        preparing = asyncio.create_task(fit(session.job.experiment, session.items.train, subject))
        stopping = asyncio.create_task(_stopped(stop, cancelled, interrupt))
        try:
            await asyncio.wait({preparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                preparing.cancel()
            else:
                fitted = preparing.result()
                session.fitted = keep_fitted(session.run.stage, session.job.experiment, session.items, fitted)
                session.seconds["prepare"] = round(time.perf_counter() - begun.time, 2)
                await _ask_items(session, subject, cast, fitted, stop, begun=begun)
        finally:
            stopping.cancel()
    session.status = "interrupted" if stop.is_set() else "finished"


async def _ask_items(
    session: Session, subject: Subject, cast: Cast, fitted: Any, stop: asyncio.Event, *, begun: _Begun
) -> None:
    job, engine, store = session.job, subject.engine, subject.store
    with Progress(len(session.items.test), engine, lambda: store.hits) as progress:
        watcher = asyncio.create_task(_watch(session, progress))

        def done(finished: Finished) -> None:
            session.add(finished)
            progress.step(bool(finished.result.errors), len(finished.transcript))

        try:
            items = session.items.test
            # If models take turns, every item goes on as far as it can before the next model is loaded.
            window = len(items) if cast.stage.alone else job.window or 2 * engine.capacity
            await run_protocols(job.experiment, items, subject, fitted, window=window, done=done, stop=stop)
        finally:
            watcher.cancel()
            job.tracker.progress(progress.values())
            seconds = time.perf_counter() - begun.time
            session.seconds["ask"] = round(seconds, 2)
            session.prompt_style = subject.renderer.prompt_style  # some things are noticed only in the prompts
            session.note_engines(cast)
            session.usage = engine.usage.since(begun.usage)
            session.engine_busy = round(session.usage.busy / seconds, 4)
            asked, shared = store.misses - begun.misses, store.hits - begun.hits
            session.store = {"asked": asked, "shared": shared, "damaged": store.dropped}


async def _stopped(stop: asyncio.Event, cancelled: Callable[[], bool], interrupt: Callable[[], None]) -> None:
    """Waits until the run should stop. Polls `cancelled` every two seconds and triggers the stop itself."""
    while not stop.is_set():
        if cancelled():
            interrupt()
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 2)


async def _watch(session: Session, progress: Progress) -> None:
    while True:
        await asyncio.sleep(2)
        session.job.tracker.progress(progress.values())


def _finish(session: Session) -> None:
    from harness.report.figures import draw
    from harness.report.page import write_page

    job = session.job
    if session.changed:
        log(f"changed while the run went on: {', '.join(session.changed)}; the run is of the files as they were")
    table = job.experiment.table(session.results)
    began = time.perf_counter()
    estimates, verdicts = measure(job, table)
    session.table, session.estimates, session.verdicts = table, estimates, verdicts
    # As a share: 0.29 of 100 items is 29, although 0.29 * 100 is less in floating point.
    if session.status == "finished" and session.failed / max(1, len(session.results)) > job.max_failed:
        session.status = "failed"
        of = f"{session.failed} of {len(session.results)} items failed"
        session.error = f"{of}, more than max_failed={job.max_failed} allows"
    session.run.write_results(table, estimates, verdicts, [item.id for item in session.items.test])
    drawings = [draw(figure, table, estimates) for figure in job.experiment.figures]
    for drawing in drawings:
        session.run.write(f"figures/{drawing.name}.svg", drawing.svg)
    session.seconds["measure"] = round(time.perf_counter() - began, 2)
    manifest = session.manifest()
    session.run.write("manifest.json", as_json(manifest))
    write_page(session.run.stage)
    session.run.publish()
    job.tracker.finish(
        RunResult(
            folder=session.run.path,
            manifest=manifest,
            table=table,
            estimates=estimates,
            verdicts=[asdict(verdict) for verdict in verdicts],
            drawings=drawings,
            figures=job.experiment.figures,
        )
    )
