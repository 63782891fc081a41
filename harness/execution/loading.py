"""Loads the models of a job, at once or when they are first asked, and makes the subject over them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.calls.calls import identity_digest
from harness.config import Job, part_of
from harness.console import log
from harness.engines.base import Engine, check_capabilities
from harness.engines.facts import Facts, missing_here, recall
from harness.engines.pool import EnginePool, Wanted, described
from harness.errors import HarnessError
from harness.execution.checks import run_folder
from harness.execution.staging import UNKNOWN, Actor, Stage
from harness.files import json_of
from harness.models.model import Model
from harness.store.store import Store
from harness.subject.subject import Subject

NOBODY: Mapping[str, Engine] = MappingProxyType({})


@dataclass(frozen=True)
class Known:
    """Facts about an engine that need not be loaded now.

    Attributes:
        refusal: why it never is, see `Actor`; "" where it is when a call misses the store.
    """

    facts: Facts
    refusal: str = ""


@dataclass(frozen=True)
class Cast:
    """The engines of a job.

    Attributes:
        engine: the subject's.
        roles: the engines of the other models, by "part" or "part.label".
        stage: loads the engines that are not loaded yet.
    """

    engine: Engine
    roles: Mapping[str, Engine]
    stage: Stage

    def known(self) -> dict[str, Engine]:
        """Every engine whose identity and limits are known by now, the subject's under "subject"."""
        engines = {"subject": self.engine, **self.roles}
        return {name: one for name, one in engines.items() if not isinstance(one, Actor) or one.known}


def models(job: Job) -> dict[str, Wanted]:
    """The engines that a job needs by role, the subject's first, under "subject"."""
    roles = {name: (player.engine or job.engine, player.model) for name, player in job.roles.items()}
    return {"subject": (job.engine, job.model), **roles}


def begin(job: Job, pool: EnginePool, store: Path) -> Future[dict[str, Known]]:
    """Loads, in the background, the models of a job that are certain to be asked; finds what is known of the others.

    Certain is the load of a model of which nothing is known, and of one of which the store holds no answer: the first
    call would miss. Of models that take turns, only the subject is loaded.

    Args:
        store: the folder of the call store.
    """
    recorded = recorded_facts(_finished(run_folder(job)))  # now: the run is about to write its own
    return pool.submit(lambda: _begin(job, pool, store, recorded))


def _begin(job: Job, pool: EnginePool, store: Path, recorded: Mapping[str, Facts]) -> dict[str, Known]:
    known: dict[str, Known] = {}
    absent: list[Wanted] = []
    alone = _alone(job)
    for name, wanted in models(job).items():
        if not wanted[0].has_weights or pool.find(wanted) is not None:
            continue
        if name in recorded and (lacking := missing_here(recorded[name].identity)):
            known[name] = Known(recorded[name], _no_machine(lacking))
            log(f"{wanted[1].name} cannot be loaded here, there is no {lacking}: {described(recorded[name].identity)}")
            continue
        facts = recall(*wanted)
        if facts is not None:
            known[name] = Known(facts)
        certain = facts is None or not _may_answer(store, facts)
        if certain and (name == "subject" or not alone):
            absent.append(wanted)
        elif facts is not None:
            log(f"{wanted[1].name} is loaded when a call is not in the store: {described(facts.identity)}")
    if absent:
        pool.keep_only(list(models(job).values()))
        for wanted in absent:
            pool.get(wanted)
    return known


def load_cast(job: Job, pool: EnginePool, known: Mapping[str, Known]) -> Cast:
    """The engines of a job: loaded ones, and stand-ins for engines that are loaded when they are first asked.

    Args:
        known: the facts of engines that need not be loaded now, as `begin` finds them.

    Raises:
        HarnessError: one cannot be loaded, or cannot answer what the experiment asks.
    """
    wanted = models(job)
    stage = Stage(pool, None if _alone(job) else list(wanted.values()))
    engines = {name: _engine(name, one, pool, stage, known.get(name)) for name, one in wanted.items()}
    cast = Cast(engines.pop("subject"), engines, stage)
    # The capabilities of a server are known only now.
    for name, engine in cast.known().items():
        settings = wanted[name][0]
        part = job.experiment.needed_parts().get(part_of(name))
        needed = job.experiment.capabilities() if name == "subject" or part is None else part.capabilities
        who = f"experiment {job.name!r}" if name == "subject" else f"roles.{name}"
        check_capabilities(needed, engine.can, who, type(settings).__name__)
    return cast


def _engine(name: str, wanted: Wanted, pool: EnginePool, stage: Stage, known: Known | None) -> Engine:
    loaded = pool.find(wanted)
    facts, refusal = (known.facts, known.refusal) if known is not None else (None, "")
    if stage.alone:
        actor = Actor(stage, wanted, facts, refusal)
        if name == "subject" and (loaded is not None or facts is None):
            log(f"one model at a time: now {wanted[1].name}")
            pool.keep_only([wanted])
            stage.enter(actor, pool.get(wanted))
        return actor
    if loaded is None and facts is not None:
        return Actor(stage, wanted, facts, refusal)
    if loaded is None:
        pool.keep_only(stage.together or ())
    return pool.get(wanted)


def recorded_facts(manifest: Mapping[str, Any]) -> dict[str, Facts]:
    """The facts of a run's engines as its manifest has them, by role; without limits prompts may be of any length."""
    engines = {"subject": manifest.get("engine"), **(manifest.get("roles") or {})}
    limits = manifest.get("limits") or {}
    return {
        name: Facts(
            identity=identity,
            context=int(limits.get(name, {}).get("context") or UNKNOWN),
            layers=limits.get(name, {}).get("layers"),
            heads=limits.get(name, {}).get("heads"),
        )
        for name, identity in engines.items()
        if identity
    }


def make_subject(job: Job, engine: Engine, store: Store, roles: Mapping[str, Engine] = NOBODY) -> Subject:
    """The subject of a job on its engine, with everybody who plays a part.

    Args:
        roles: the engines of the other models. The subject itself plays the parts of models that are not named here.
    """

    def player(name: str, model: Model, engine: Engine) -> Subject:
        renderer = model.renderer(engine.tokenizer, engine.context)
        subject = Subject(engine, renderer, store, job.seed, name=name, model=model.name, experiment=job.name)
        if not isinstance(engine, Actor) or engine.known:
            return subject

        async def arrival() -> None:
            await engine.arrive()
            renderer.context = engine.context

        return replace(subject, arrival=arrival)

    subject = player("", job.model, engine)
    players: dict[str, tuple[Subject, ...]] = {}
    for role, other in roles.items():
        players[part_of(role)] = (*players.get(part_of(role), ()), player(role, job.roles[role].model, other))
    return replace(subject, players={part: players.get(part, (subject,)) for part in job.experiment.needed_parts()})


def _alone(job: Job) -> bool:
    return job.fit == "one_at_a_time" and bool(job.roles)


def _may_answer(store: Path, facts: Facts) -> bool:
    """Whether the store may hold an answer of the engine; one that cannot be read holds none, as the run will say."""
    try:
        with contextlib.closing(Store(store)) as calls:
            return calls.holds(identity_digest(dict(facts.identity)))
    except HarnessError:
        return False


def _finished(folder: Path) -> Mapping[str, Any]:
    """The manifest of a run that is finished; empty where there is none."""
    try:
        manifest = json_of((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) and manifest.get("status") == "finished" else {}


def _no_machine(lacking: str) -> str:
    return (
        f"this machine has no {lacking}, so that only what the run asked elsewhere can be repeated; with another "
        "runs=FOLDER the engine of this machine is asked"
    )
