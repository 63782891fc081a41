"""Keeps loaded engines for the roles of a run and for later runs, because loading a large model takes minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self, TypeVar

from harness.console import log
from harness.engines.base import Engine, EngineSettings
from harness.engines.facts import Facts, remember
from harness.engines.phases import Load
from harness.errors import BaseHarnessError, HarnessError
from harness.models.model import Model

Wanted = tuple[EngineSettings, Model]

T = TypeVar("T")


class EnginePool:
    """Loads each pair of settings and model once, until it is dropped. An engine that could not be loaded is not tried
    again."""

    def __init__(self) -> None:
        self._loaded: list[tuple[Wanted, Engine]] = []  # settings hold mappings: comparable, not hashable
        self._failed: list[tuple[Wanted, BaseHarnessError]] = []
        self._given_up = threading.Event()
        self._access = threading.Lock()
        # One: two models that are loaded side by side would each take the memory that the other one needs.
        self._loader = ThreadPoolExecutor(1, "loader")

    def find(self, wanted: Wanted) -> Engine | None:
        """The engine if it is loaded. One whose files have changed since is closed: it stands for the old ones."""
        engine = next((engine for key, engine in list(self._loaded) if key == wanted), None)
        if engine is not None and (changed := engine.snapshot.changed()):
            log(f"{wanted[1].name}: {', '.join(changed)} changed since it was loaded; it is loaded again")
            self._drop(wanted, engine)
            return None
        return engine

    def get(self, wanted: Wanted) -> Engine:
        """The engine, loaded if need be.

        Raises:
            HarnessError: it cannot be loaded, or could not before.
        """
        engine = self.find(wanted)
        if engine is None:
            for other, error in self._failed:
                if other == wanted:
                    raise error
            try:
                engine = self._load(*wanted)
            except BaseHarnessError as error:
                self._failed.append((wanted, error))
                raise
            self.add(wanted, engine)
        return engine

    def begin(self, wanted: Wanted) -> Future[Engine]:
        """As `get`, in the pool's own thread."""
        return self.submit(lambda: self.get(wanted))

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Does something in the thread that loads, after the work that this thread has begun."""
        return self._loader.submit(work)

    def keep_only(self, wanted: Collection[Wanted]) -> None:
        """Closes every other engine, to make room for the next ones."""
        for key, engine in list(self._loaded):
            if key not in wanted:
                self._drop(key, engine)

    def discard(self, wanted: Collection[Wanted]) -> None:
        """Closes engines of which one has died, so that the next run to want them loads them afresh."""
        self.keep_only([key for key, _ in self._loaded if key not in wanted])

    def close(self) -> None:
        """Closes all engines. A load that still goes on ends with its present phase, and nobody waits for that here."""
        with self._access:
            self._given_up.set()
        self._loader.shutdown(wait=False, cancel_futures=True)
        self.keep_only(())

    def _load(self, settings: EngineSettings, model: Model) -> Engine:
        if settings.has_weights:
            log(f"loading {model.name}")
        with Load(model.name, self._given_up) as load:
            engine = settings.load(model)
            log(f"loaded in {load}: {described(engine.identity)}")
        if settings.has_weights:
            remember(settings, model, Facts.of(engine))
        return engine

    def add(self, wanted: Wanted, engine: Engine) -> None:
        """Takes an engine that was loaded for these settings and this model.

        Raises:
            HarnessError: the pool is closed; so is the engine then.
        """
        with self._access:
            if not self._given_up.is_set():
                self._loaded.append((wanted, engine))
                return
        engine.close()
        raise HarnessError(f"loading {wanted[1].name} was given up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop(self, key: Wanted, engine: Engine) -> None:
        self._loaded = [entry for entry in self._loaded if entry[0] != key]
        engine.close()


def described(identity: Mapping[str, str]) -> str:
    """An identity in one line."""
    return ", ".join(f"{name} {value}" for name, value in identity.items())
