"""Loads the engines of a job, each once, and puts a subject on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from harness.config import ROLES, Job
from harness.console import log
from harness.engines.base import Engine, EngineSettings, check_capabilities
from harness.engines.pool import EnginePool
from harness.models.model import Model
from harness.store.store import Store
from harness.subject.subject import Subject

NOBODY: Mapping[str, Engine] = MappingProxyType({})


def load_engine(job: Job, pool: EnginePool) -> Engine:
    """Loads the job's model unless the pool holds it, saying so.

    Raises:
        HarnessError: it cannot be loaded, or cannot answer what the experiment asks.
    """
    engine = load_role(job.engine, job.model, pool)
    # What a server can answer is known only now.
    needed, who = job.experiment.capabilities(), f"experiment {job.name!r}"
    check_capabilities(needed, engine.can, who, type(job.engine).__name__)
    return engine


def make_subject(job: Job, engine: Engine, store: Store, others: Mapping[str, Engine] = NOBODY) -> Subject:
    """The subject of a job on a loaded engine.

    Args:
        others: the loaded engines of the job's roles. The subject itself plays those that are not here.
    """

    def player(name: str, model: Model, engine: Engine) -> Subject:
        renderer = model.renderer(engine.tokenizer, engine.context)
        return Subject(engine, renderer, store, job.seed, name=name, model=model.name, experiment=job.name)

    subject = player("", job.model, engine)
    named = {role: (player(role, job.roles[role].model, other),) for role, other in others.items()}
    return replace(subject, players={**dict.fromkeys(ROLES, (subject,)), **named})


def load_role(settings: EngineSettings, model: Model, pool: EnginePool) -> Engine:
    """Loads a model unless the pool holds it, saying so.

    Raises:
        HarnessError: it cannot be loaded.
    """
    loaded = pool.find((settings, model))
    if loaded is not None:
        return loaded
    if settings.has_weights:
        log(f"loading {model.name}")
    begin = time.perf_counter()
    engine = pool.get((settings, model))
    seconds = time.perf_counter() - begin
    log(f"loaded in {seconds:.1f} s: {', '.join(f'{k} {v}' for k, v in engine.identity.items())}")
    return engine
