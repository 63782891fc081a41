"""Executes one job: split, load, prepare, ask, measure, report. Restarting it repeats everything against the store."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from harness.config import Job, nearest
from harness.engines.base import Engine, EngineSettings, Usage, check_capabilities
from harness.engines.pool import EnginePool
from harness.errors import EngineDied, HarnessError
from harness.execution.progress import Progress
from harness.execution.runner import run_protocols
from harness.figures import check
from harness.models.model import Model
from harness.outcomes import ItemResult, Table
from harness.prompting.rendering import Wording
from harness.redaction import without_secrets
from harness.runs.directory import RunDirectory, config_digest, provenance
from harness.runs.finished import Finished
from harness.statistics.claims import Verdict, check_claims, judge_claim, judge_reference
from harness.statistics.estimates import Estimate, estimate_all
from harness.store.store import Store
from harness.subject.subject import Subject
from harness.tasks.base import Split, split
from harness.tasks.sharding import shard

MOST_PRINTED = 60
"""Estimates printed at the end of a run; of more, only those that a claim or a published number is about."""
MOST_OTHERS = 6
"""Published numbers printed although they cannot be compared with the run; more are only counted."""


@dataclass
class Session:
    """What is known of a run while it goes on; becomes the manifest.

    Attributes:
        engine: identity of what was loaded; roles: those of the other models.
        limits: context in tokens and number of layers, of the subject and of each role.
        parameters: how many the model has, where its weights are on this machine.
        wording: how prompts are written.
        seconds: by phase (load, prepare, ask, measure).
        usage: the engine's account, engine_busy: its share of the time after loading, in [0, 1].
        store: calls asked, calls shared, damaged records.
        fitted: fingerprint of what `prepare` fitted, and the items that it was fitted on.
        error: why the run did not finish.
    """

    job: Job
    items: Split
    run: RunDirectory
    started: float = field(default_factory=time.time)
    results: list[ItemResult] = field(default_factory=list)
    status: str = "running"
    engine: Mapping[str, str] | None = None
    roles: Mapping[str, Mapping[str, str]] | None = None
    limits: Mapping[str, Mapping[str, int | None]] | None = None
    parameters: int | None = None
    wording: Wording | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    usage: Usage | None = None
    engine_busy: float | None = None
    store: Mapping[str, int] | None = None
    fitted: Mapping[str, Any] | None = None
    error: str | None = None

    @property
    def code(self) -> int:
        """Exit code: 0; 1 when too many items failed or the engine died; 130 after Ctrl-C (the report then covers
        the items that were finished)."""
        return {"finished": 0, "interrupted": 130}.get(self.status, 1)

    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands, without what is not known yet."""
        known = {
            "status": self.status,
            "experiment": self.job.name,
            "title": _first_line(type(self.job.experiment)),
            "task": {"name": self.job.task.name, "fingerprint": self.items.fingerprint, "items": len(self.items.test)},
            "model": {"name": self.job.model.name, "source": self.job.model.source}
            | ({"parameters": self.parameters} if self.parameters else {}),
            "seed": self.job.seed,
            "run_id": config_digest(self.job.config),
            "items_done": len(self.results),
            "items_failed": sum(r.error is not None for r in self.results),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)),
            "seconds": self.seconds,
            "engine": self.engine,
            "roles": self.roles or None,
            "limits": self.limits,
            "prompts": asdict(self.wording) if self.wording else None,
            "usage": asdict(self.usage) if self.usage else None,
            "engine_busy": self.engine_busy,
            "store": self.store,
            "fitted": self.fitted,
            "error": self.error,
            **provenance(),
            "config": without_secrets(self.job.config),
        }
        return {key: value for key, value in known.items() if value is not None}


def prepare_items(job: Job) -> Split:
    """The items of a job, checked against what its experiment reads.

    Raises:
        HarnessError: the task lacks a field, or a metric, claim or reference names something unknown.
    """
    for metric in job.all_metrics:
        metric.check(job.experiment.outcome)
    for figure in job.experiment.figures:
        check(figure, job.experiment.outcome)
    check_claims(job.claims, job.references, job.all_metrics)
    check_capabilities(job.experiment.asks(), job.engine.can, f"experiment {job.name!r}", type(job.engine).__name__)
    items = split(job.task, job.limit, job.experiment.train_items())
    if job.shard is not None:
        items = shard(items, job.shard)
    for item in items.test[:1]:
        for name in job.experiment.needs:
            if name not in item.fields:
                raise HarnessError(
                    f"experiment {job.name!r} reads the item field {name!r}, which task {job.task.name!r} does not have"
                    f"{nearest(name, item.fields)}; choose another task=..."
                )
    return items


def run_folder(job: Job) -> Path:
    """Where a job's run lies: its name holds everything that can change an outcome."""
    label = f"{job.task.name}-{job.model.name}-s{job.seed}-{config_digest(job.config)}"
    return job.runs / job.name / re.sub(r"[^\w.-]+", "-", label)  # names are free text, a folder's name is not


def execute(job: Job, pool: EnginePool | None = None, cancelled: Callable[[], bool] = lambda: False) -> Session:
    """Runs a job to its report.

    Args:
        pool: engines already loaded, and where those loaded now stay; without one they are closed at the end.
        cancelled: looked at every two seconds while the model is asked; once true, it is as after Ctrl-C.

    Returns:
        What is known of the run; `Session.code` is the exit code.
    """
    items = prepare_items(job)
    path = run_folder(job)
    session = Session(job, items, RunDirectory(path))
    session.run.write_manifest(session.manifest())
    store = Store(job.store)
    if store.dropped:
        say(f"{store.dropped} damaged records in {job.store} are left out; those calls are asked again")
    say(f"{job.name}: {len(items.test)} items of {job.task.name}, model {job.model.name}, seed {job.seed}")
    say(f"run directory {path}")
    engines = pool or EnginePool()
    try:
        _load_and_ask(session, engines, store, cancelled)
    finally:
        _close(store)
        if pool is None:
            engines.close()
    _finish(session)
    return session


def _close(store: Store) -> None:
    """A disk that refuses the last flush must not take the report with it."""
    try:
        store.close()
    except HarnessError as error:
        say(str(error))


def _load_and_ask(session: Session, pool: EnginePool, store: Store, cancelled: Callable[[], bool]) -> None:
    job = session.job
    begin = time.perf_counter()
    engine = load_engine(job, pool)
    players = {role: (player.engine or job.engine, player.model) for role, player in job.roles.items()}
    others = {role: _load(settings, model, pool) for role, (settings, model) in players.items()}
    session.engine = engine.identity
    session.roles = {role: other.identity for role, other in others.items()}
    loaded: dict[str, Engine] = {"subject": engine} | {str(role): other for role, other in others.items()}
    session.limits = {role: {"context": one.context, "layers": one.layers} for role, one in loaded.items()}
    if engine.identity.get("engine") in ("vllm", "transformers"):
        session.parameters = job.model.count_parameters()
    session.seconds["load"] = round(time.perf_counter() - begin, 2)
    job.tracker.start(
        run_dir=session.run.path,
        run_id=config_digest(job.config),
        name=f"{job.name}-{session.run.path.name}",
        config=without_secrets(job.config),
        job_type=job.name,
        tags=[job.model.name, job.task.name],
    )
    subject = make_subject(job, engine, store)
    subject.roles = {
        role: replace(make_subject(job, other, store, players[role][1]), name=role) for role, other in others.items()
    }
    try:
        asyncio.run(_ask(session, subject, cancelled))
    except EngineDied as error:
        session.status = "engine died"
        session.error = str(error)
        for dead in (engine, *others.values()):
            pool.discard(dead)
    except BaseException as error:
        session.status = "failed"
        session.error = f"{type(error).__name__}: {error}"
        session.run.write_manifest(session.manifest())
        job.tracker.abort()
        raise


def load_engine(job: Job, pool: EnginePool) -> Engine:
    """Loads the job's model unless the pool holds it, saying so.

    Raises:
        HarnessError: it cannot be loaded, or cannot answer what the experiment asks.
    """
    engine = _load(job.engine, job.model, pool)
    # What a server can answer is known only now.
    check_capabilities(job.experiment.asks(), engine.can, f"experiment {job.name!r}", type(job.engine).__name__)
    return engine


def make_subject(job: Job, engine: Engine, store: Store, model: Model | None = None) -> Subject:
    """The subject of a job on a loaded engine; for another role, with that role's model."""
    model = model or job.model
    return Subject(
        engine, model.renderer(engine.tokenizer, engine.context), store, job.seed, model=model.name, experiment=job.name
    )


def _load(settings: EngineSettings, model: Model, pool: EnginePool) -> Engine:
    loaded = pool.find((settings, model))
    if loaded is not None:
        return loaded
    say(f"loading {model.name}")
    begin = time.perf_counter()
    engine = pool.get((settings, model))
    seconds = time.perf_counter() - begin
    say(f"loaded in {seconds:.1f} s: {', '.join(f'{k} {v}' for k, v in engine.identity.items())}")
    return engine


async def _ask(session: Session, subject: Subject, cancelled: Callable[[], bool]) -> None:
    job, engine, store = session.job, subject.engine, subject.store
    before = replace(engine.usage)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        say("interrupted: writing the report on what is finished (again to give up)")
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    session.wording = subject.renderer.wording
    for note in session.wording.notes:
        say(note)
    begin = time.perf_counter()
    preparing = asyncio.create_task(job.experiment.prepare(session.items.train, subject.about("prepare")))
    stopping = asyncio.create_task(_stopped(stop, cancelled, interrupt))
    await asyncio.wait({preparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        preparing.cancel()
        session.status = "interrupted"
        return
    fitted = preparing.result()
    _note_fitted(session, fitted)
    session.seconds["prepare"] = round(time.perf_counter() - begin, 2)
    with Progress(len(session.items.test), engine.usage) as progress:
        watcher = asyncio.create_task(_watch(session, progress))

        def done(finished: Finished) -> None:
            session.run.add(finished)
            session.results.append(finished.result)
            progress.step(finished.result.error is not None)

        try:
            window = job.window or 2 * engine.capacity
            items = session.items.test
            await run_protocols(job.experiment, items, subject, fitted, window=window, done=done, stop=stop)
        finally:
            watcher.cancel()
            stopping.cancel()
            job.tracker.progress(progress.values())
            seconds = time.perf_counter() - begin
            session.seconds["ask"] = round(seconds, 2)
            session.wording = subject.renderer.wording  # some things are noticed only in the prompts
            session.usage = engine.usage.since(before)
            session.engine_busy = round(session.usage.busy / seconds, 4)
            session.store = {"asked": store.misses, "shared": store.hits, "damaged": store.dropped}
    session.status = "interrupted" if stop.is_set() else "finished"


async def _stopped(stop: asyncio.Event, cancelled: Callable[[], bool], interrupt: Callable[[], None]) -> None:
    """Ends when the run is to stop, which it sees to itself where the run was cancelled."""
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


def _note_fitted(session: Session, fitted: Any) -> None:
    """Fit and test never meet: `split` has proven it, the manifest shows on what was fitted, fitted.json what."""
    if fitted is None:
        return
    ids = [item.id for item in session.items.train]
    assert not set(ids) & {item.id for item in session.items.test}
    whole = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
    content = orjson.dumps(fitted, default=str, option=whole)
    session.fitted = {"fingerprint": hashlib.sha256(content).hexdigest()[:16], "items": ids}
    session.run.write("fitted.json", content.decode())


def _finish(session: Session) -> None:
    from harness.report.figures import draw
    from harness.report.page import write_page

    job = session.job
    table = Table.build(job.experiment.outcome, session.results)
    begin = time.perf_counter()
    metrics = job.all_metrics
    estimates = estimate_all(metrics, table, replicates=job.replicates, seed=job.seed, interval=job.interval)
    verdicts = judge_all(job, table, estimates)
    failed = sum(r.error is not None for r in session.results)
    share = failed / max(1, len(session.results))
    if session.status == "finished" and share > job.max_failed:
        session.status = "failed"
        of = len(session.results)
        session.error = f"{failed} of {of} items failed, more than max_failed={job.max_failed} allows"
    session.run.write_results(table, estimates, verdicts)
    drawings = [draw(figure, table, estimates) for figure in job.experiment.figures]
    for drawing in drawings:
        session.run.write(f"figures/{drawing.name}.svg", drawing.svg)
    session.seconds["measure"] = round(time.perf_counter() - begin, 2)
    manifest = session.manifest()
    session.run.write_manifest(manifest)
    write_page(session.run.path)
    job.tracker.finish(session.run.path, manifest, table, estimates, drawings, figures=job.experiment.figures)
    _summarise(session, estimates, verdicts)


def judge_all(job: Job, table: Table, estimates: Sequence[Estimate]) -> list[Verdict]:
    """Verdicts on all claims and published numbers of a job."""
    metrics = job.all_metrics
    claims = [judge_claim(c, estimates, metrics, table, replicates=job.replicates, seed=job.seed) for c in job.claims]
    published = [judge_reference(r, estimates, model=job.model.name, task=job.task.name) for r in job.references]
    return claims + published


def _summarise(session: Session, estimates: Sequence[Estimate], verdicts: Sequence[Verdict]) -> None:
    print()
    judged = {c.metric for c in session.job.claims} | {r.metric for r in session.job.references}
    shown = [e for e in estimates if len(estimates) <= MOST_PRINTED or e.metric in judged]
    width = max((len(_label(e)) for e in shown), default=0)
    for e in shown:
        value = "undefined" if e.value is None else f"{e.value:9.4f}"
        interval = f" [{e.low:.4f}, {e.high:.4f}]" if e.low is not None and e.high is not None else ""
        note = f" ({e.note})" if e.note else ""
        print(f"{_label(e):<{width}} {value}{interval}  n={e.n}{f', {e.n_failed} failed' if e.n_failed else ''}{note}")
    if len(shown) < len(estimates):
        print(f"({len(estimates) - len(shown)} more numbers are in the report)")
    # Published numbers of other models are many, and are in the report.
    others = [v for v in verdicts if v.published is not None and v.kind == "not comparable"]
    for v in verdicts if len(others) <= MOST_OTHERS else [v for v in verdicts if v not in others]:
        print(f"{v.kind}: {v.text} ({v.reason})")
    if len(others) > MOST_OTHERS:
        print(f"({len(others)} published numbers that cannot be compared with this run are in the report)")
    if session.store is not None:
        asked, shared = session.store["asked"], session.store["shared"]
        seconds, busy = session.seconds["ask"], session.engine_busy or 0.0
        print(f"\n{asked} calls asked, {shared} from the store, {seconds} s, engine busy {busy:.1%}")
    failures = [r for r in session.results if r.error is not None]
    for r in failures[:3]:
        print(f"failed: item {r.item}: {r.error}")
    print(f"report: {session.run.path / 'report.html'}")
    if session.error is not None:
        say(session.error)


def _label(e: Estimate) -> str:
    level = ", ".join(e.level.values())
    return f"{e.metric} ({level})" if level else e.metric


def _first_line(cls: type) -> str:
    return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


def say(text: str) -> None:
    """A line of progress on stderr."""
    print(f"harness: {text}", file=sys.stderr, flush=True)
