"""The call store: every answered call, kept for ever under its key.

A folder of append-only segments (`harness.store.segments`), each written by one process, read by any number, or such
folders in object storage (`harness.store.remote`). Opening it reads nothing but names; the first call of a model reads
where the records of that model lie (`harness.store.index`), and no others; replies stay on disk. A record that is cut
off, fails its checksum or has lost the numbers beside it is dropped and counted, and is asked again. What was put
survives the death of the process at once, and the death of the machine after at most `FLUSH_EVERY` seconds.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.calls.calls import Reply
from harness.console import log
from harness.errors import HarnessError
from harness.store.index import Index
from harness.store.records import SUFFIXES, Place, arrays_of, key_of, sound, unpack_line
from harness.store.segments import Origin, Readers, Segment, Writer, origin_of

FLUSH_EVERY = 2.0
"""Seconds between two flushes to the disk, which a thread of the store does."""

LOOK_EVERY = 256
"""Misses after which the store looks for what other processes have answered meanwhile."""

LOOK_SHARE = 0.05
"""Of the time that may be spent on looking."""

_LENGTH, _OFFSET = 40, 48
"""Bits of a record's length and offset in an index entry; the segment's number stands above them. A packed integer
takes a third of the memory of a tuple."""


@dataclass(slots=True)
class _Known:
    """A segment that was found.

    Attributes:
        identity: of the model whose calls it holds; None when its first line does not tell.
        end: bytes that were read; `sys.maxsize` of those that this process writes, which are indexed as they are put.
        closed: its writer ended in good order: nothing will be added.
        indexed: its index was read in place of its records.
        damaged: records of it that were counted as dropped.
    """

    path: Path
    identity: str | None
    end: int = 0
    closed: bool = False
    indexed: bool = False
    damaged: int = 0


class Store:
    """Opens a folder of segments.

    One thread (of the event loop) uses it; other processes may use the same folder at the same time.

    Attributes:
        dropped: records left out because they are damaged or were cut off, of the models asked about.
        hits, misses: lookups answered from the store, and calls that had to be asked.

    Raises:
        HarnessError: the folder cannot be created or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dropped = self.hits = self.misses = 0
        self._index: dict[bytes, int] = {}
        self._segments: list[_Known] = []
        self._known: set[Path] = set()
        self._asked: set[str] = set()
        self._lost: set[int] = set()
        self._readers = Readers()
        self._writers: dict[Origin, tuple[int, Writer]] = {}
        self._left: list[Writer] = []
        self._asking: dict[bytes, asyncio.Future[Reply]] = {}
        self._flusher: threading.Thread | None = None
        self._closing = threading.Event()
        self._unflushed: OSError | None = None
        self._absent, self._next_look = 0, 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.scandir(folder).close()
        except OSError as error:
            raise HarnessError(
                f"cannot open the call store {folder}: {error.strerror}; set store=FOLDER to another"
            ) from error

    def __len__(self) -> int:
        """Calls of all models, whose indexes are read for it."""
        self._reading(self._find_segments)
        for identity in {"", *(known.identity or "" for known in self._segments)}:
            self._know(identity)
        return len(self._index)

    def get(self, key: bytes, origin: Origin) -> Reply | None:
        """The stored reply to a call of a model, whoever asked it first; None when there is none.

        Raises:
            HarnessError: the folder cannot be read.
        """
        self._know(origin.identity)
        place = self._index.get(key)
        if place is None:
            place = self._look_again(key)
            if place is None:
                return None
        found = self._look(key, place)
        if found in ("gone", "torn") and (moved := self._moved(key, place)) is not None:
            found = self._look(key, place := moved)
        if found == "damaged" and (better := self._reread(key, place)) is not None:
            found = self._look(key, better)
        if isinstance(found, str):
            self.dropped += found != "gone" and key in self._index
            self._index.pop(key, None)
            return None
        self.hits += 1
        return found

    async def once(self, key: bytes, origin: Origin, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """Asks for a reply and stores it; calls of the same key that come meanwhile wait for the same answer."""
        while (waiting := self._asking.get(key)) is not None:
            try:
                return await asyncio.shield(waiting)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not waiting.cancelled() or (task is not None and task.cancelling()):
                    raise
                # The task that was asking got cancelled, not this one. Ask again.
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asking[key] = future
        try:
            reply = await ask()
            self.put(key, origin, reply)
        except Exception as error:
            future.set_exception(error)
            future.exception()  # seen: perhaps nobody waits for it
            raise
        except asyncio.CancelledError:
            future.cancel()
            raise
        else:
            self.misses += 1
            future.set_result(reply)
            return reply
        finally:
            del self._asking[key]

    def put(self, key: bytes, origin: Origin, reply: Reply) -> None:
        """Appends a reply to the segment of its origin; it survives the death of this process from here on.

        Raises:
            ItemError: the reply holds a number that is none, or would not come back equal.
            HarnessError: the disk is full or the folder not writable; nothing that was put before is lost.
        """
        try:
            if self._unflushed is not None:
                raise self._unflushed
            self._index[key] = self._append(origin, key, reply)
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Flushes to the disk and closes every segment.

        Raises:
            HarnessError: the disk did not take everything; all segments are closed nevertheless.
        """
        self._closing.set()
        if self._flusher is not None:
            self._flusher.join()
        self._left += [writer for _, writer in self._writers.values()]
        failed = self._unflushed
        for writer in self._left:
            try:
                writer.close()
            except OSError as error:
                failed = error
        self._readers.close()
        self._writers, self._left, self._index = {}, [], {}
        if failed is not None:
            raise self._unwritable(failed) from failed

    def _append(self, origin: Origin, key: bytes, reply: Reply) -> int:
        """The place of the record."""
        if origin in self._writers:
            number, writer = self._writers[origin]
            try:
                return _place(number, *writer.put(key, reply))
            except OSError:  # its end may be torn, its size limited, or somebody removed it: a new one may still go
                self._left.append(self._writers.pop(origin)[1])
        writer = Writer(self.folder, origin)
        number = len(self._segments)
        self._segments.append(_Known(writer.path, origin.identity, sys.maxsize))
        self._known.add(writer.path)
        self._writers[origin] = number, writer
        if self._flusher is None:
            target = (weakref.ref(self), self._closing)
            self._flusher = threading.Thread(target=_flush, args=target, name="store", daemon=True)
            self._flusher.start()
        return _place(number, *writer.put(key, reply))

    def flush(self) -> None:
        """Makes what was put survive the death of the machine; the store's thread does it every few seconds."""
        for writer in [*self._left, *(writer for _, writer in list(self._writers.values()))]:
            try:
                writer.flush()
            except OSError as error:
                self._unflushed = error

    @property
    def broken(self) -> bool:
        """Whether the disk has refused a flush: what was put since may not be kept, and nothing more can be put."""
        return self._unflushed is not None

    def refresh(self) -> None:
        """Indexes what other processes have written since, of the models asked about.

        Raises:
            HarnessError: the folder cannot be read.
        """
        self._reading(self._read_on)

    def _reading(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            raise HarnessError(f"cannot read the call store {self.folder}: {error.strerror}") from error

    def _read_on(self) -> None:
        for number, known in enumerate(self._segments):
            if 0 < known.end < sys.maxsize and not known.closed:
                self._scan(number)
        self._find_segments()

    def _know(self, identity: str) -> None:
        """Indexes the segments of a model, and those that do not say whose they are."""
        if identity in self._asked:
            return
        before = self.dropped
        self._asked.add(identity)
        self._reading(self._find_segments)
        if more := self.dropped - before:
            log(f"{more} damaged records in {self.folder} are left out; those calls are asked again")

    def _look_again(self, key: bytes) -> int | None:
        """Looks now and then for what others have answered; gives the place of the record."""
        self._absent += 1
        begin = time.monotonic()
        if self._absent < LOOK_EVERY or begin < self._next_look:
            return None
        self.refresh()
        now = time.monotonic()
        self._absent, self._next_look = 0, now + (now - begin) / LOOK_SHARE
        return self._index.get(key)

    def _look(self, key: bytes, place: int) -> Reply | Literal["gone", "torn", "damaged"]:
        """The reply of a record.

        Or why there is none: its segment cannot be read any more, the numbers beside it cannot, or one is damaged.
        """
        path = self._segments[place >> _LENGTH + _OFFSET].path
        offset = place >> _LENGTH & (1 << _OFFSET) - 1
        line = self._readers.read(path, offset, place & (1 << _LENGTH) - 1)
        if line is None:
            return "gone"
        if not sound(line) or key_of(line) != key:
            return "damaged"
        numbers: bytes | None = b""
        if (where := Place.of_line(line)) is not None:
            numbers = self._readers.read(arrays_of(path), where.arrays, where.length)
        if numbers is None:
            return "torn"
        return unpack_line(line, numbers) or "damaged"

    def _moved(self, key: bytes, place: int) -> int | None:
        """Where a record of an unreadable segment lies now, when somebody has merged it into a new segment."""
        segment = place >> _LENGTH + _OFFSET
        if segment not in self._lost:
            self._lost.add(segment)
            try:
                self._find_segments()
            except OSError:
                return None
        moved = self._index[key]
        return None if moved == place else moved

    def _reread(self, key: bytes, place: int) -> int | None:
        """Where a record lies by the segment itself, when its index does not fit; None when that does not help."""
        number = place >> _LENGTH + _OFFSET
        known = self._segments[number]
        if not known.indexed:
            return None
        for other in [other for other, at in self._index.items() if at >> _LENGTH + _OFFSET == number]:
            del self._index[other]
        self.dropped -= known.damaged
        known.end, known.indexed, known.damaged = 0, False, 0
        try:
            self._scan(number, trusting=False)
        except OSError:
            return None
        return self._index.get(key)

    def _find_segments(self) -> None:
        """Notes the segments that are not known yet, and indexes those of models asked about."""
        with os.scandir(self.folder) as entries:
            found = [Path(entry.path) for entry in entries if entry.name.endswith(SUFFIXES) and _is_file(entry)]
        for path in sorted(set(found) - self._known):
            try:
                origin = origin_of(path)
            except OSError as error:
                _raise_unless_gone(path, error)
                continue
            self._known.add(path)
            self._segments.append(_Known(path, None if origin is None else origin.identity))
        for number, known in enumerate(self._segments):
            if not known.end and self._asked and (known.identity is None or known.identity in self._asked):
                self._scan(number)

    def _scan(self, number: int, trusting: bool = True) -> None:
        """Indexes a segment from where it was last read to its present end.

        Args:
            trusting: reads its index in place of its records, where it has one.
        """
        known = self._segments[number]
        try:
            if known.path.stat().st_size > known.end:
                self._read_segment(number, known, trusting)
        except OSError as error:
            _raise_unless_gone(known.path, error)

    def _read_segment(self, number: int, known: _Known, trusting: bool) -> None:
        found = Index.load(known.path) if trusting and not known.end else None
        known.indexed |= found is not None
        index = found if found is not None else Index(known.end)
        start, size = known.end, index.size
        index.read_on(known.path)
        segment = Segment.look(known.path)
        known.closed = segment.closed
        live = segment.live()
        if not live:
            index.give_up_tail()
            if start == 0 and index.size > size:
                index.save(known.path)
        base = number << _OFFSET
        self._index.update([(key, (base | offset) << _LENGTH | length) for key, offset, length in index.places()])
        known.end = index.size
        known.damaged += index.damaged
        self.dropped += index.damaged

    def _unwritable(self, error: OSError) -> HarnessError:
        return HarnessError(
            f"cannot write to the call store {self.folder}: {error.strerror}; free space or set store=FOLDER, "
            "then run the same command again: what was answered is kept"
        )


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether a name stands for a file, if need be by links; a loop of them stands for none."""
    return entry.is_file(follow_symlinks=False) or (entry.is_symlink() and Path(entry.path).is_file())


def _raise_unless_gone(path: Path, error: OSError) -> None:
    """Names a segment that cannot be read; one that was merged or pruned at this moment is no error."""
    if error.errno not in (errno.ENOENT, errno.ESTALE):
        raise OSError(error.errno, f"{path.name}: {error.strerror}") from error


def _place(segment: int, offset: int, length: int) -> int:
    """An index entry."""
    return (segment << _OFFSET | offset) << _LENGTH | length


def _flush(store: weakref.ref[Store], closing: threading.Event) -> None:
    """Flushes a store until it is closed or forgotten."""
    while not closing.wait(FLUSH_EVERY):
        opened = store()
        if opened is None:
            return
        opened.flush()
        del opened
