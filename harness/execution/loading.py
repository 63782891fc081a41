"""The models of a job: loaded together or one at a time, and the subject that a protocol asks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from harness.config import Job, part_of
from harness.console import log
from harness.engines.base import Engine, EngineSettings, check_capabilities
from harness.engines.pool import EnginePool, Wanted
from harness.execution.staging import Actor, Stage
from harness.models.model import Model
from harness.store.store import Store
from harness.subject.subject import Subject

UNKNOWN = 1 << 40
"""The context of a model that has not been loaded yet; what does not fit is found when it is."""

NOBODY: Mapping[str, Engine] = MappingProxyType({})


@dataclass(frozen=True)
class Cast:
    """The engines of a job.

    Attributes:
        engine: the subject's.
        roles: those of the other models, by "part" or "part.label".
        stage: where models take turns; None where all are loaded.
    """

    engine: Engine
    roles: Mapping[str, Engine]
    stage: Stage | None = None

    def loaded(self) -> dict[str, Engine]:
        """Every engine that has been loaded by now, the subject's under "subject"."""
        engines = {"subject": self.engine, **self.roles}
        return {name: one for name, one in engines.items() if not isinstance(one, Actor) or one.known}


def models(job: Job) -> list[Wanted]:
    """The engines that a job needs, the subject's first."""
    return [(job.engine, job.model), *((player.engine or job.engine, player.model) for player in job.roles.values())]


def load_cast(job: Job, pool: EnginePool) -> Cast:
    """Loads the models of a job unless the pool holds them; of those that take turns, the subject's.

    Raises:
        HarnessError: one cannot be loaded, or cannot answer what the experiment asks.
    """
    wanted = dict(zip(("subject", *job.roles), models(job), strict=True))
    if job.fit == "one_at_a_time" and job.roles:
        stage = Stage(pool)
        actors = {name: Actor(stage, one) for name, one in wanted.items()}
        subject: Engine = stage.begin(actors.pop("subject"))
        cast = Cast(subject, actors, stage)
    else:
        engines = {name: load(*one, pool) for name, one in wanted.items()}
        cast = Cast(engines.pop("subject"), engines)
    # What a server can answer is known only now.
    for name, engine in cast.loaded().items():
        settings = wanted[name][0]
        part = job.experiment.needed_parts().get(part_of(name))
        needed = job.experiment.capabilities() if name == "subject" or part is None else part.capabilities
        who = f"experiment {job.name!r}" if name == "subject" else f"roles.{name}"
        check_capabilities(needed, engine.can, who, type(settings).__name__)
    return cast


def make_subject(job: Job, engine: Engine, store: Store, roles: Mapping[str, Engine] = NOBODY) -> Subject:
    """The subject of a job on its engine, with everybody who plays a part.

    Args:
        roles: the engines of the other models. The subject itself plays the parts of those that are not here.
    """

    def player(name: str, settings: EngineSettings, model: Model, engine: Engine) -> Subject:
        known = not isinstance(engine, Actor) or engine.known
        tokenizer, context = (engine.tokenizer, engine.context) if known else (settings.tokenizer(model), UNKNOWN)
        renderer = model.renderer(tokenizer, context)

        async def arrival() -> None:
            assert isinstance(engine, Actor)
            await engine.arrive()
            renderer.context = engine.context

        subject = Subject(engine, renderer, store, job.seed, name=name, model=model.name, experiment=job.name)
        return subject if known else replace(subject, arrival=arrival)

    subject = player("", job.engine, job.model, engine)
    players: dict[str, tuple[Subject, ...]] = {}
    for role, other in roles.items():
        settings, model = job.roles[role].engine or job.engine, job.roles[role].model
        players[part_of(role)] = (*players.get(part_of(role), ()), player(role, settings, model, other))
    return replace(subject, players={part: players.get(part, (subject,)) for part in job.experiment.needed_parts()})


def load(settings: EngineSettings, model: Model, pool: EnginePool) -> Engine:
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
