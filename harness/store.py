"""The call store: every answered call, kept for ever under its key.

A folder of append-only segments, one per writing process, read by any number. No locks: a process writes only
to a segment of its own, whose name nobody else can have. One call is one line:

    <key, 32 hex digits> <crc32 of the rest, 8 hex digits> <reply as JSON>

A line that is cut off or fails its checksum is dropped and counted, and is asked again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.calls import Reply, pack_reply, unpack_reply
from harness.errors import HarnessError

_HEAD = 32 + 1 + 8 + 1


class Store:
    """Opens a folder of segments and indexes it; replies stay on disk until they are asked for.

    Attributes:
        dropped: lines that could not be read when the store was opened.
        hits, misses: lookups answered from the store, and calls that had to be asked.

    Raises:
        HarnessError: the folder cannot be created or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dropped = self.hits = self.misses = 0
        self._index: dict[bytes, tuple[int, int, int]] = {}  # key -> segment number, offset, length
        self._readers: list[int] = []
        self._writer: int | None = None
        self._written = 0
        self._asking: dict[bytes, asyncio.Future[Reply]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.calls")):
                self._scan(path)
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
        segment, offset, length = place
        line = os.pread(self._readers[segment], length, offset)
        if not _sound(line):
            self.dropped += 1
            del self._index[key]
            return None
        self.hits += 1
        return unpack_reply(line[_HEAD:])

    async def once(self, key: bytes, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """Asks for a reply and stores it; calls of the same key that come meanwhile wait for the same answer."""
        waiting = self._asking.get(key)
        if waiting is not None:
            return await asyncio.shield(waiting)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asking[key] = future
        try:
            reply = await ask()
            self.put(key, reply)
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

    def put(self, key: bytes, reply: Reply) -> None:
        """Appends a reply; it survives the death of this process from here on.

        Raises:
            HarnessError: the disk is full or the folder not writable.
        """
        body = pack_reply(reply)
        line = b"%s %08x %s\n" % (key.hex().encode(), zlib.crc32(body), body)
        try:
            if self._writer is None:
                self._open_segment()
            assert self._writer is not None
            done = os.write(self._writer, line)
            if done != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._writer = None  # its last line may be torn: whoever goes on begins a new segment
            raise HarnessError(
                f"cannot write to the call store {self.folder}: {error.strerror}; free space or set store=FOLDER, "
                "then run the same command again: what was answered is kept"
            ) from error
        self._index[key] = (len(self._readers) - 1, self._written, len(line))
        self._written += len(line)

    def close(self) -> None:
        """Flushes to the disk and closes every segment."""
        if self._writer is not None:
            os.fsync(self._writer)
            os.close(self._writer)
            self._writer = None
        for reader in self._readers:
            os.close(reader)
        self._readers = []
        self._index = {}

    def _open_segment(self) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        path = self.folder / f"{stamp}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.calls"
        self._writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        self._written = 0
        self._readers.append(os.open(path, os.O_RDONLY))

    def _scan(self, path: Path) -> None:
        segment = len(self._readers)
        self._readers.append(os.open(path, os.O_RDONLY))
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and len(line) > _HEAD and line[32:33] == b" ":
                    try:
                        self._index[bytes.fromhex(line[:32].decode())] = (segment, offset, len(line))
                    except ValueError:
                        self.dropped += 1
                else:
                    self.dropped += 1
                offset += len(line)


def _sound(line: bytes) -> bool:
    if not line.endswith(b"\n") or len(line) <= _HEAD:
        return False
    try:
        return int(line[33:41], 16) == zlib.crc32(line[_HEAD:-1])
    except ValueError:
        return False
