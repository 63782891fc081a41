"""The keys in a store, as other programs than the harness would find them; and a disk that gets full."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from harness.store.records import RESERVED, key_of


def stored(runs: Path) -> list[str]:
    """Keys of all whole records of the store beside some runs, in hex digits, each as often as it is there."""
    files = (runs / "store").glob("*.replies")
    keys = [key_of(line) for path in files for line in path.read_bytes().splitlines(keepends=True)]
    return [key.hex() for key in keys if key is not None and key != RESERVED]


def full_disk(room: int) -> Callable[[int, bytes], int]:
    """Stands in for `os.write` on a disk that has room for some more bytes: the last write that fits is cut."""
    write, left = os.write, room

    def some(file: int, data: bytes) -> int:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, data[:left])
        left -= written
        return written

    return some
