"""Computes fingerprints of files: by content, the same wherever they lie, and quick the second time."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from pathlib import Path

from harness.errors import HarnessError
from harness.files import write_whole

REMEMBER_FROM = 8 << 20  # bytes; below this a digest is not worth a file of its own
SETTLED = 2.0  # seconds; a file younger than this may change again within one tick of the file system's clock


def fingerprint(files: Iterable[Path], memory: Path) -> str:
    """16 hexadecimal digits over names and contents, the same for any order of the files.

    Args:
        files: files of different names.
        memory: folder that remembers the digests of large files by path, size and time of change.
    """
    ordered = sorted(files, key=lambda file: file.name)
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
        digests = list(pool.map(lambda file: sha256(file, memory), ordered))
    total = hashlib.sha256()
    for file, digest in zip(ordered, digests, strict=True):
        total.update(f"{file.name}\0{digest}\n".encode())
    return total.hexdigest()[:16]


def sha256(file: Path, memory: Path) -> str:
    """Hexadecimal SHA-256 of a file's content.

    Raises:
        HarnessError: the file cannot be read, or the memory folder cannot be written.
    """
    return remembered(file, memory, lambda stream: hashlib.file_digest(stream, "sha256").hexdigest())


def remembered(file: Path, memory: Path, digest: Callable[[BufferedReader], str], kind: str = "") -> str:
    """A digest of a file's content, computed again only when the file's path, size or time of change is another.

    Args:
        digest: computes it from the open file.
        kind: tells digests of one file from each other.

    Raises:
        HarnessError: the file cannot be read, or the memory folder cannot be written.
    """
    try:
        real = file.resolve(strict=True)
        before = real.stat()
        seen = f"{real}\0{before.st_size}\0{before.st_mtime_ns}{kind}"
        note = memory / hashlib.sha256(seen.encode()).hexdigest()
        if before.st_size >= REMEMBER_FROM and note.is_file():
            return note.read_text()
        with real.open("rb") as stream:
            found = digest(stream)
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror or error}") from error
    if before.st_size >= REMEMBER_FROM and time.time() - before.st_mtime > SETTLED:
        _write(note, found)
    return found


def _write(note: Path, text: str) -> None:
    what, fix = f"the cache folder {note.parent}", "set HARNESS_CACHE to one that can be written"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot write {what}: {error.strerror}; {fix}") from error
    write_whole(note, text, fix, what)
