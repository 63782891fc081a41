"""Keeps the call store open from one run to the next, because its index is read once for all."""

from __future__ import annotations

from pathlib import Path

from harness.console import log
from harness.errors import HarnessError
from harness.store.store import Store


class OpenStore:
    """The store that the last run used, for the next run of the same process."""

    def __init__(self) -> None:
        self._store: Store | None = None

    def at(self, where: Path) -> Store:
        """The store of a folder or address, with everything that other processes have written by now.

        Raises:
            HarnessError: it cannot be opened or read.
        """
        if self._store is not None and (self._store.where != where or self._store.broken):
            self.close()
        if self._store is None:
            self._store = Store(where)
        else:
            self._store.refresh()
        return self._store

    def flush(self) -> None:
        """Makes the run's records readable on other machines, and safe if this one dies."""
        if self._store is not None:
            self._store.flush()

    def close(self) -> None:
        """Closes the store. A disk that refuses the last flush is only reported: the run may still be measured."""
        if self._store is not None:
            try:
                self._store.close()
            except HarnessError as error:
                log(str(error))
            self._store = None
