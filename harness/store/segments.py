"""Segments of the call store: the files, who writes them and who reads them.

A segment is written by one process for one origin (a model, asked by an experiment) and only ever grows, one line a
record (`harness.store.records`). Its first line says where the segment comes from, so that a run skips the segments of
other models. A last line says that the writer closed it. The numbers of activations lie in a second file, and are
written before the line that names their place. No file locks are used, because network file systems implement them
badly: each writer has its own segment file.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from harness.calls.calls import Activations, Reply, identity_digest
from harness.files import BINARY, flush
from harness.processes.identity import ProcessId
from harness.redaction import without_secrets
from harness.store.index import Index
from harness.store.packing import pack_reply
from harness.store.records import (
    HEAD,
    INDEX,
    RESERVED,
    SUFFIX,
    Place,
    arrays_of,
    beside,
    pack,
    pack_place,
    sound_key,
)

SILENCE = 24 * 3600.0
"""Seconds after which a segment of another machine, never closed and never touched, counts as given up."""

TOUCHED_EVERY = 3600.0
"""Seconds after which a writer with nothing to write shows that it lives, by touching its segment."""

_LINE = 4096  # bytes in which most first lines end
_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """The model, experiment and writer of a segment's calls.

    Attributes:
        identity: digest of the model identity, a part of every key.
        model: the model's name.
        experiment: the experiment that asked first.
        engine: the model identity itself, for people; it is written without credentials.
    """

    identity: str
    model: str = ""
    experiment: str = ""
    engine: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, engine: Mapping[str, str], model: str, experiment: str) -> Origin:
        """The origin of answers by an engine of this identity."""
        return cls(identity_digest(dict(engine)), model, experiment, engine)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a segment.

    Attributes:
        harness: version that wrote it.
        writer: the process that writes it; its fields stand beside the others in the line.
        started: when the segment was begun, in seconds since 1970.
    """

    origin: Origin
    harness: str
    writer: ProcessId
    started: float

    @classmethod
    def now(cls, origin: Origin) -> Header:
        """The header of a segment that this process begins."""
        return cls(origin, _version(), ProcessId.now(), time.time())

    @classmethod
    def parse(cls, line: bytes) -> Header | None:
        """The header that a line holds; None when it is damaged or no header."""
        if sound_key(line) != RESERVED:
            return None
        try:
            values: dict[str, Any] = orjson.loads(line[HEAD:])
            origin, harness, started = (values.pop(name) for name in ("origin", "harness", "started"))
            return cls(Origin(**origin), harness, ProcessId(**values), started)
        except (ValueError, KeyError, TypeError):
            return None

    def line(self) -> bytes:
        """The line that `parse` reads."""
        origin = replace(self.origin, engine=without_secrets(self.origin.engine))
        values = {"origin": origin, "harness": self.harness, **asdict(self.writer), "started": self.started}
        return pack(RESERVED, orjson.dumps(values))


_CLOSED = pack(RESERVED, b'{"closed":true}')


def origin_of(path: Path) -> Origin | None:
    """The origin of a segment, from its first line; None if that is missing or damaged.

    Raises:
        OSError: the segment is gone, or cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        first = file.read(_LINE)
        while b"\n" not in first and len(first) < _LONGEST and (more := file.read(_LINE)):
            first += more
    header = Header.parse(first[: first.find(b"\n") + 1])
    return None if header is None else header.origin


@dataclass(slots=True)
class Segment:
    """The result of one look at a segment, without reading the bodies of its calls.

    Attributes:
        header: None when its first line is missing or damaged.
        closed: its writer ended in good order.
        size: bytes of its lines. numbers: bytes of the numbers beside them.
        touched: last write, in seconds since 1970.
    """

    path: Path
    header: Header | None
    closed: bool
    size: int
    numbers: int
    touched: float

    @property
    def bytes(self) -> int:
        """Of both files."""
        return self.size + self.numbers

    @classmethod
    def look(cls, path: Path) -> Segment:
        """Reads both ends of a segment.

        Raises:
            OSError: it is gone, or cannot be read.
        """
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            header = Header.parse(file.readline(_LONGEST))
            file.seek(max(0, status.st_size - len(_CLOSED)))
            last = file.read()
            closed = sound_key(last) == RESERVED and last[HEAD:] == _CLOSED[HEAD:]
        try:
            numbers = arrays_of(path).stat().st_size
        except FileNotFoundError:
            numbers = 0
        return cls(path, header, closed, status.st_size, numbers, status.st_mtime)

    def remove(self) -> None:
        """Removes the lines, then what lies beside them: killed in between, it leaves files that nothing points to.

        Raises:
            OSError: one of the files cannot be removed.
        """
        self.path.unlink(missing_ok=True)
        arrays_of(self.path).unlink(missing_ok=True)
        beside(self.path, INDEX).unlink(missing_ok=True)

    def live(self, silence: float = SILENCE) -> bool:
        """Whether its writer may still be at work: by its process here, elsewhere by how long it was silent.

        Args:
            silence: seconds after which a writer that this machine cannot see counts as gone.
        """
        if self.closed:
            return False
        lives = self.header.writer.lives() if self.header is not None else None
        return time.time() - self.touched < silence if lives is None else lives


class Writer:
    """Appends to a new segment.

    Attributes:
        path: path of the segment.
        begun: when it was begun, by the monotonic clock.

    Raises:
        OSError: it cannot be made; nothing is left behind.
    """

    def __init__(self, folder: Path, origin: Origin, suffix: str = SUFFIX) -> None:
        header = Header.now(origin)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(header.started))
        self.path = folder / f"{stamp}-{header.writer.host}-{header.writer.pid}-{secrets.token_hex(4)}{suffix}"
        self._file = _new(self.path)
        self._numbers: int | None = None
        self._index = Index()
        self._placed = 0
        self._unflushed = self._unnamed = True
        self._removed = False
        self.begun = self._touched = time.monotonic()
        try:
            self.append(RESERVED, header.line())
        except OSError:
            os.close(self._file)
            self.path.unlink(missing_ok=True)
            raise

    @property
    def size(self) -> int:
        """Bytes of its lines."""
        return self._index.size

    def append(self, key: bytes, line: bytes) -> int:
        """Hands the line of a key to the operating system, which keeps it whatever becomes of this process.

        Returns:
            The offset of the line in bytes.

        Raises:
            OSError: it could not be written whole; nothing may be appended here any more.
        """
        offset = self._index.size
        self._write(self._file, line, offset)
        self._index.size += len(line)
        if key != RESERVED:
            self._index.note(key, offset, len(line))
        return offset

    def put(self, key: bytes, reply: Reply) -> tuple[int, int]:
        """Appends a reply under its key, as `append` does; of activations the numbers first.

        Returns:
            Offset and length of its line in bytes.

        Raises:
            ItemError: the reply cannot be kept (`harness.store.packing.pack_reply`).
            OSError: as `append`.
        """
        body = pack_place(self._place(reply)) if isinstance(reply, Activations) else pack_reply(reply)
        line = pack(key, body)
        return self.append(key, line), len(line)

    def _place(self, reply: Activations) -> Place:
        if self._numbers is None:
            self._numbers = _new(arrays_of(self.path))
            self._unnamed = True
        data = reply.values.data
        place = Place(self._placed, reply.values.shape, zlib.crc32(data))
        self._write(self._numbers, data, self._placed)
        self._placed += len(data)
        return place

    def _write(self, file: int, data: bytes, end: int) -> None:
        """Appends a record as a whole, or removes a part that was written."""
        if self._removed:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        written = os.write(file, data)
        try:
            while written < len(data):  # where the disk is full or the file too large, the rest tells which
                written += os.write(file, data[written:])
        except OSError:
            os.ftruncate(file, end)
            raise
        self._unflushed = True

    def flush(self) -> None:
        """Flushes appended records to the disk; may be called from another thread.

        Notices, too, when somebody has removed the segment: later appends raise, as they would be lost.

        Raises:
            OSError: the disk, or the server behind it, did not take it.
        """
        try:
            self._removed = any(os.fstat(file).st_nlink == 0 for file in self._files())
            if self._unflushed and not self._removed:
                self._unflushed = False  # first, because lines appended meanwhile need another flush
                for file in self._files():
                    os.fsync(file)
                if self._unnamed:
                    self._unnamed = False
                    flush(self.path.parent)
                self._touched = time.monotonic()
            elif time.monotonic() - self._touched > TOUCHED_EVERY:
                os.utime(self._file if os.utime in os.supports_fd else self.path)
                self._touched = time.monotonic()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            self._removed = True

    def close(self) -> None:
        """Marks the segment as closed, flushes it and writes its index.

        Raises:
            OSError: as `flush`.
        """
        try:
            with suppress(OSError):  # the mark is a convenience; a full disk must not keep the rest from being flushed
                self.append(RESERVED, _CLOSED)
            self._unflushed = True
            self.flush()
            if not self._removed:
                self._index.save(self.path)
        finally:
            for file in self._files():
                os.close(file)

    def _files(self) -> list[int]:
        """Numbers first, as they must be on the disk before the lines that point to them."""
        return [self._file] if self._numbers is None else [self._numbers, self._file]


def seal(path: Path) -> None:
    """Closes the segment of a writer that is gone; a line that was cut off goes.

    Raises:
        OSError: the segment cannot be written.
    """
    with path.open("r+b") as file:
        whole = 0
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)
        file.seek(whole)
        file.write(_CLOSED)
        file.flush()
        os.fsync(file.fileno())


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | BINARY, 0o666)


@cache
def _version() -> str:
    try:
        return metadata.version("self-evaluation-harness")
    except metadata.PackageNotFoundError:
        return ""
