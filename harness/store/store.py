"""The call store: every answered call, kept for ever under its key.

A folder of append-only segments (`harness.store.segments`), each written by one process, read by any number. Opening it
reads the lines of every segment once to index the keys; replies stay on disk. A record that is cut off, fails its
checksum or has lost the numbers beside it is dropped and counted, and is asked again. What was put survives the death
of the process at once, and the death of the machine after at most `FLUSH_EVERY` seconds.
"""

from __future__ import annotations

import asyncio
import errno
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from harness.calls.calls import Reply
from harness.errors import HarnessError
from harness.store.records import RESERVED, SUFFIX, Place, arrays_of, key_of, lines, sound, unpack_reply
from harness.store.segments import Origin, Readers, Segment, Writer

FLUSH_EVERY = 2.0
"""Seconds between two flushes to the disk, which a thread of the store does."""

_LENGTH, _OFFSET = 40, 48
"""Bits of a record's length and offset in an index entry; the segment's number stands above them. A packed integer
takes a third of the memory of a tuple."""


class Store:
    """Opens a folder of segments and indexes it.

    One thread (of the event loop) uses it; other processes may use the same folder at the same time.

    Attributes:
        dropped: records left out because they are damaged or were cut off.
        hits, misses: lookups answered from the store, and calls that had to be asked.

    Raises:
        HarnessError: the folder cannot be created or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dropped = self.hits = self.misses = 0
        self._index: dict[bytes, int] = {}
        self._segments: list[Path] = []
        self._ends: list[int] = []
        self._known: set[Path] = set()
        self._lost: set[int] = set()
        self._readers = Readers()
        self._writers: dict[Origin, tuple[int, Writer]] = {}
        self._left: list[Writer] = []
        self._asking: dict[bytes, asyncio.Future[Reply]] = {}
        self._flusher: threading.Thread | None = None
        self._closing = threading.Event()
        self._unflushed: OSError | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._find_segments()
        except OSError as error:
            raise HarnessError(
                f"cannot open the call store {folder}: {error.strerror}; set store=FOLDER to another"
            ) from error

    def __len__(self) -> int:
        return len(self._index)

    def get(self, key: bytes) -> Reply | None:
        """The stored reply, or None."""
        place = self._index.get(key)
        if place is None:
            return None
        found = self._look(place)
        if found in ("gone", "torn") and (moved := self._moved(key, place)) is not None:
            found = self._look(moved)
        if isinstance(found, str):
            self.dropped += found != "gone"
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
        self._segments.append(writer.path)
        self._ends.append(sys.maxsize)  # its records are indexed as they are put
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
        """Indexes what other processes have written since the store was opened or last refreshed.

        Raises:
            HarnessError: the folder cannot be read.
        """
        try:
            for number in range(len(self._segments)):
                self._scan(number)
            self._find_segments()
        except OSError as error:
            raise HarnessError(f"cannot read the call store {self.folder}: {error.strerror}") from error

    def _look(self, place: int) -> Reply | Literal["gone", "torn", "damaged"]:
        """The reply of a record.

        Or why there is none: its segment cannot be read any more, the numbers beside it cannot, or one is damaged.
        """
        path = self._segments[place >> _LENGTH + _OFFSET]
        offset = place >> _LENGTH & (1 << _OFFSET) - 1
        line = self._readers.read(path, offset, place & (1 << _LENGTH) - 1)
        if line is None:
            return "gone"
        if not sound(line):
            return "damaged"
        numbers: bytes | None = b""
        if (where := Place.of_line(line)) is not None:
            numbers = self._readers.read(arrays_of(path), where.arrays, where.length)
        if numbers is None:
            return "torn"
        return unpack_reply(line, numbers) or "damaged"

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

    def _find_segments(self) -> None:
        """Indexes the segments that are not known yet."""
        for path in sorted(set(self.folder.glob(f"*{SUFFIX}")) - self._known):
            self._known.add(path)
            self._segments.append(path)
            self._ends.append(0)
            self._scan(len(self._segments) - 1)

    def _scan(self, number: int) -> None:
        """Indexes a segment from where it was last read to its present end."""
        path = self._segments[number]
        try:
            if path.stat().st_size > self._ends[number]:
                self._ends[number] = self._index_lines(number, path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESTALE):  # merged or pruned at this moment
                raise OSError(error.errno, f"{path.name}: {error.strerror}") from error

    def _index_lines(self, number: int, path: Path) -> int:
        index = self._index
        end, line = self._ends[number], b""
        for offset, line in lines(path, end):
            end = offset + len(line)
            key = key_of(line)
            if key is None:
                self.dropped += 1
            elif key != RESERVED:
                index[key] = _place(number, offset, len(line))
        if not line.endswith(b"\n") and Segment.look(path).live():
            self.dropped -= line != b""  # is being written
            return end - len(line)
        return end

    def _unwritable(self, error: OSError) -> HarnessError:
        return HarnessError(
            f"cannot write to the call store {self.folder}: {error.strerror}; free space or set store=FOLDER, "
            "then run the same command again: what was answered is kept"
        )


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
