"""Tells from the headers alone whose answers a store holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.calls.calls import identity_digest
from harness.store.records import SUFFIX
from harness.store.segments import Header


def holds(folder: Path, identity: Mapping[str, str]) -> bool:
    """Whether a store has, or will have, an answer of an engine of this identity.

    A folder that is not there, or cannot be read, holds none.
    """
    digest = identity_digest(dict(identity))
    try:
        return any(_whose(path) == digest for path in folder.glob(f"*{SUFFIX}"))
    except OSError:
        return False


def _whose(path: Path) -> str | None:
    with path.open("rb") as file:
        header = Header.parse(file.readline(1 << 20))
    return None if header is None else header.origin.identity
