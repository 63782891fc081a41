"""The call store: every answered call, kept for ever under its key.

A folder of append-only segments (`harness.store.segments`), each written by one process, read by any number, or such
folders in object storage (`harness.store.remote`). Opening it reads nothing but names; the first call of a model reads
where the records of that model lie (`harness.store.index`), and no others; replies stay on disk. A record that is cut
off, fails its checksum or has lost the numbers beside it is dropped and counted, and is asked again. What was put
survives the death of the process at once, and the death of the machine after at most `FLUSH_EVERY` seconds.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Literal

from harness.calls.calls import Reply
from harness.console import log
from harness.errors import HarnessError
from harness.files import refused
from harness.store.found import Known, number_of, packed, place_of, raise_unless_gone, segments_in, span_of
from harness.store.index import Index
from harness.store.readers import Readers
from harness.store.records import Place, arrays_of, parse, unpack_body
from harness.store.remote import NOBODY, Remote, address_of, push_or_say
from harness.store.segments import Origin, Segment, Writer, origin_of

FLUSH_EVERY = 2.0
"""Seconds between two flushes to the disk, which a thread of the store does."""

LOOK_EVERY = 256
"""Misses after which the store looks for new answers of other processes."""

LOOK_SHARE = 0.05
"""Of the time that may be spent on looking."""

UPLOAD_BYTES, UPLOAD_AFTER = 64 << 20, 600.0
"""Size and age (seconds) at which a segment is closed and uploaded, of a store in object storage."""


class Store:
    """Opens a folder of segments, or an address in object storage (s3://BUCKET/FOLDER).

    One thread (of the event loop) uses it; other processes may use the same folder at the same time.

    Attributes:
        where: the folder or address. folder: where this process writes: the same, or the local side of an address.
        dropped: records left out because they are damaged or were cut off, of the models asked about.
        hits, misses: lookups answered from the store, and calls that had to be asked.

    Raises:
        HarnessError: the folder cannot be created or read.
    """

    def __init__(self, where: Path | str) -> None:
        address = address_of(where)
        self.where = where
        self._remote = Remote(address) if address is not None else None
        self.folder = folder = Path(where) if self._remote is None else self._remote.local
        self.dropped = self.hits = self.misses = 0
        self._index: dict[bytes, int] = {}
        self._segments: list[Known] = []
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
        self._absent, self._next_look, self._to_upload = 0, 0.0, False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.scandir(folder).close()
        except OSError as error:
            raise HarnessError(
                f"cannot open the call store {folder}: {error.strerror}; set store=FOLDER to another"
            ) from error
        if self._remote is not None:
            self._remote.push()  # what runs that died have left

    def __len__(self) -> int:
        """Calls of all models, whose indexes are read for it."""
        self._reading(self._find_segments)
        for identity in {"", *(known.identity or "" for known in self._segments)}:
            self._know(identity)
        return len(self._index)

    def holds(self, identity: str) -> bool:
        """Whether there may be answers of a model, by the first lines of segments alone.

        Raises:
            HarnessError: the folder cannot be read.
        """
        self._pull([identity])
        self._reading(self._find_segments)
        return any(known.identity in (identity, None) for known in self._segments)

    def get(self, key: bytes, origin: Origin) -> Reply | None:
        """The stored reply to a call of a model, whoever asked it first; None when there is none.

        Raises:
            HarnessError: the folder cannot be read.
        """
        self._know(origin.identity)
        place = self._index.get(key)
        place = self._look_again(key) if place is None else place
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
        if self._remote is not None:
            push_or_say(self._remote)
        self._readers.close()
        self._writers, self._left, self._index = {}, [], {}
        if failed is not None:
            raise self._unwritable(failed) from failed

    def _append(self, origin: Origin, key: bytes, reply: Reply) -> int:
        """The place of the record."""
        if self._remote is not None and origin in self._writers and _is_to_go(self._writers[origin][1]):
            self._writers.pop(origin)[1].close()
            self._to_upload = True
        if origin in self._writers:
            number, writer = self._writers[origin]
            try:
                return place_of(number, *writer.put(key, reply))
            except OSError:  # its end may be torn, its size limited, or somebody removed it: a new one may still go
                self._left.append(self._writers.pop(origin)[1])
        writer = Writer(self.folder, origin)
        number = len(self._segments)
        self._segments.append(Known(writer.path, origin.identity, sys.maxsize))
        self._known.add(writer.path)
        self._writers[origin] = number, writer
        if self._flusher is None:
            target = (weakref.ref(self), self._closing)
            self._flusher = threading.Thread(target=_flush, args=target, name="store", daemon=True)
            self._flusher.start()
        return place_of(number, *writer.put(key, reply))

    def flush(self) -> None:
        """Flushes records to the disk; the store's thread does so every few seconds."""
        for writer in [*self._left, *(writer for _, writer in list(self._writers.values()))]:
            try:
                writer.flush()
            except OSError as error:
                self._unflushed = error

    def upload(self) -> None:
        """Uploads segments that were closed since, of a store in object storage; the store's thread does it."""
        if self._to_upload and self._remote is not None:
            self._to_upload = False
            push_or_say(self._remote)

    @property
    def broken(self) -> bool:
        """Whether the disk has refused a flush: later records may be lost, and no more can be put."""
        return self._unflushed is not None

    def refresh(self) -> None:
        """Indexes what other processes have written since, of the models asked about.

        Raises:
            HarnessError: the folder cannot be read.
        """
        self._pull(self._asked)
        self._reading(self._read_on)

    def _pull(self, identities: Iterable[str]) -> None:
        """Fetches the segments of some models, of a store in object storage."""
        if self._remote is not None:
            for identity in sorted({*identities, NOBODY} - {""}):
                self._remote.pull(identity)

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
        self._pull([identity])
        self._reading(self._find_segments)
        if more := self.dropped - before:
            log(f"{more} damaged records in {self.folder} are left out; those calls are asked again")

    def _look_again(self, key: bytes) -> int | None:
        """Looks now and then for what others have answered; gives the place of the record."""
        self._absent += 1
        begin = time.monotonic()
        if self._absent < LOOK_EVERY or begin < self._next_look:
            return None
        try:
            self.refresh()
        except HarnessError as error:  # not found is found later, or asked: no reason to end a run
            log(str(error))
        self._absent, self._next_look = 0, (now := time.monotonic()) + (now - begin) / LOOK_SHARE
        return self._index.get(key)

    def _look(self, key: bytes, place: int) -> Reply | Literal["gone", "torn", "damaged"]:
        """The reply of a record.

        Or why there is none: its segment cannot be read any more, the numbers beside it cannot, or one is damaged.
        """
        path = self._segments[number_of(place)].path
        line = self._readers.read(path, *span_of(place))
        if line is None:
            return "gone"
        record = parse(line)
        if record is None or not record.sound or record.key != key:
            return "damaged"
        numbers: bytes | None = b""
        if (where := Place.of_body(record.body)) is not None:
            numbers = self._readers.read(arrays_of(path), where.arrays, where.length)
        if numbers is None:
            return "torn"
        return unpack_body(record.body, numbers) or "damaged"

    def _moved(self, key: bytes, place: int) -> int | None:
        """The present place of a record of an unreadable segment that was merged into a new one."""
        segment = number_of(place)
        if segment not in self._lost:
            self._lost.add(segment)
            try:
                self._find_segments()
            except OSError:
                return None
        moved = self._index[key]
        return None if moved == place else moved

    def _reread(self, key: bytes, place: int) -> int | None:
        """The place of a record by the segment itself, when its index does not fit; None if it is not there."""
        number = number_of(place)
        known = self._segments[number]
        if not known.indexed:
            return None
        for other in [other for other, at in self._index.items() if number_of(at) == number]:
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
        found = segments_in(self.folder)
        if self._remote is not None:
            found += [path for folder in self._remote.folders() for path in segments_in(folder)]
        for path in sorted(set(found) - self._known):
            try:
                origin = origin_of(path)
            except OSError as error:
                raise_unless_gone(path, error)
                continue
            self._known.add(path)
            self._segments.append(Known(path, None if origin is None else origin.identity))
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
            raise_unless_gone(known.path, error)

    def _read_segment(self, number: int, known: Known, trusting: bool) -> None:
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
        self._index.update(packed(number, index))
        known.end = index.size
        known.damaged += index.damaged
        self.dropped += index.damaged

    def _unwritable(self, error: OSError) -> HarnessError:
        fix = "set store=FOLDER, then run the same command again: what was kept is found there"
        return refused(f"to the call store {self.folder}", error, fix)


def _is_to_go(writer: Writer) -> bool:
    return writer.size > UPLOAD_BYTES or time.monotonic() - writer.begun > UPLOAD_AFTER


def _flush(store: weakref.ref[Store], closing: threading.Event) -> None:
    """Flushes a store until it is closed or forgotten."""
    while not closing.wait(FLUSH_EVERY):
        opened = store()
        if opened is None:
            return
        opened.flush()
        opened.upload()
        del opened
