"""Reads records from any number of segments with few open files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from harness.files import BINARY

OPEN_READERS = 64

_SEEKING = threading.Lock()
"""Held between finding a place in a file and reading there, where one call cannot do both."""


class Readers:
    """Reads from any number of segments with a bounded number of open files."""

    def __init__(self) -> None:
        self._files: dict[Path, int] = {}  # the longest unused first

    def read(self, path: Path, offset: int, length: int) -> bytes | None:
        """Bytes of a segment; None when it is gone, or cannot be read even when opened afresh."""
        for _ in range(2):
            try:
                return _at(self._open(path), offset, length)
            except OSError:  # on a network file system: removed by another machine, or its server was away
                self._forget(path)
        return None

    def close(self) -> None:
        """Closes all files."""
        for path in list(self._files):
            self._forget(path)

    def _open(self, path: Path) -> int:
        file = self._files.pop(path, None)
        if file is None:
            file = os.open(path, os.O_RDONLY | BINARY)
            if len(self._files) >= OPEN_READERS:
                self._forget(next(iter(self._files)))
        self._files[path] = file
        return file

    def _forget(self, path: Path) -> None:
        file = self._files.pop(path, None)
        if file is not None:
            os.close(file)


def _at(file: int, offset: int, length: int) -> bytes:
    """Bytes of an open file, for several threads at once."""
    if hasattr(os, "pread"):
        return os.pread(file, length, offset)
    with _SEEKING:  # Windows
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, length)
