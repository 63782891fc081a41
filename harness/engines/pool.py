"""Keeps loaded engines for the roles of a run and for later runs, because loading a large model takes minutes."""

from __future__ import annotations

from collections.abc import Collection

from harness.console import log
from harness.engines.base import Engine, EngineSettings
from harness.models.model import Model

Wanted = tuple[EngineSettings, Model]


class EnginePool:
    """Loads each pair of settings and model once, until it is dropped."""

    def __init__(self) -> None:
        self._loaded: list[tuple[Wanted, Engine]] = []  # settings hold mappings: comparable, not hashable

    def find(self, wanted: Wanted) -> Engine | None:
        """The engine if it is loaded. One whose files have changed since is closed: it stands for the old ones."""
        engine = next((engine for key, engine in self._loaded if key == wanted), None)
        if engine is not None and (changed := engine.snapshot.changed()):
            log(f"{wanted[1].name}: {', '.join(changed)} changed since it was loaded; it is loaded again")
            self._drop(wanted, engine)
            return None
        return engine

    def get(self, wanted: Wanted) -> Engine:
        """The engine, loaded if need be.

        Raises:
            HarnessError: it cannot be loaded.
        """
        engine = self.find(wanted)
        if engine is None:
            settings, model = wanted
            engine = settings.load(model)
            self._loaded.append((wanted, engine))
        return engine

    def add(self, wanted: Wanted, engine: Engine) -> None:
        """Takes an engine that stands for settings and model."""
        self._loaded.append((wanted, engine))

    def keep_only(self, wanted: Collection[Wanted]) -> None:
        """Closes every other engine, to make room for the next ones."""
        for key, engine in list(self._loaded):
            if key not in wanted:
                self._drop(key, engine)

    def discard(self, wanted: Collection[Wanted]) -> None:
        """Closes engines of which one has died, so that the next run to want them loads them afresh."""
        self.keep_only([key for key, _ in self._loaded if key not in wanted])

    def close(self) -> None:
        """Closes all engines."""
        self.keep_only(())

    def _drop(self, key: Wanted, engine: Engine) -> None:
        self._loaded = [entry for entry in self._loaded if entry[0] != key]
        engine.close()
