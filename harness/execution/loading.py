"""Engines for a job: loaded once each, and a subject on top of them."""

from __future__ import annotations

import time

from harness.config import Job
from harness.console import log
from harness.engines.base import Engine, EngineSettings, check_capabilities
from harness.engines.pool import EnginePool
from harness.models.model import Model
from harness.store.store import Store
from harness.subject.subject import Subject


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


def make_subject(job: Job, engine: Engine, store: Store, model: Model | None = None) -> Subject:
    """The subject of a job on a loaded engine; for another role, with that role's model."""
    model = model or job.model
    return Subject(
        engine, model.renderer(engine.tokenizer, engine.context), store, job.seed, model=model.name, experiment=job.name
    )


def load_role(settings: EngineSettings, model: Model, pool: EnginePool) -> Engine:
    """Loads a model unless the pool holds it, saying so.

    Raises:
        HarnessError: it cannot be loaded.
    """
    loaded = pool.find((settings, model))
    if loaded is not None:
        return loaded
    log(f"loading {model.name}")
    begin = time.perf_counter()
    engine = pool.get((settings, model))
    seconds = time.perf_counter() - begin
    log(f"loaded in {seconds:.1f} s: {', '.join(f'{k} {v}' for k, v in engine.identity.items())}")
    return engine
