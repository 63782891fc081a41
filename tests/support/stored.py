"""The keys in a store, as other programs than the harness would find them: line by line, in every segment."""

from __future__ import annotations

from pathlib import Path

from harness.store.records import RESERVED, key_of


def stored(runs: Path) -> list[str]:
    """Keys of all whole records of the store beside some runs, in hex digits, each as often as it is there."""
    files = (runs / "store").glob("*.replies")
    keys = [key_of(line) for path in files for line in path.read_bytes().splitlines(keepends=True)]
    return [key.hex() for key in keys if key is not None and key != RESERVED]
