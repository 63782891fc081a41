"""Indexes of segments: where each record lies, so that opening a store need not read the records.

A segment of some size has one beside it (NAME.index, 32 bytes a record), written when the segment is closed, or by
whoever first reads a segment whose writer is gone. It is only a shorter way: an index that is missing, damaged or of
another segment is made anew, one that ends too early is read on from there, and a record is served only when its own
checksum and key hold.
"""

from __future__ import annotations

import os
import secrets
import struct
import zlib
from array import array
from contextlib import suppress
from pathlib import Path

from harness.store.records import INDEX, RESERVED, beside, lines, sound_key, unended

INDEXED_FROM = 1 << 16
"""Bytes of a segment; a smaller one is read as fast as its index."""

_MAGIC = int.from_bytes(b"HSINDEX1", "big")
# In the order of bytes of this machine: one of the other order finds another magic number, and makes its own index.
_HEAD = struct.Struct("=QQQQII")  # magic, bytes and damaged records of the segment, records, two checksums
_ENDS = 4096


class Index:
    """The places of the sound records at the beginning of a segment.

    Attributes:
        size: bytes of the segment that were read.
        damaged: lines among them that are no sound records.
        keys: 16 bytes a record. offsets, lengths: of its line, in bytes.
        tail: the last line, when it has no end.
    """

    __slots__ = ("damaged", "keys", "lengths", "offsets", "size", "tail")

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.damaged = 0
        self.keys = bytearray()
        self.offsets, self.lengths = array("Q"), array("Q")
        self.tail = b""

    def __len__(self) -> int:
        return len(self.offsets)

    def note(self, key: bytes, offset: int, length: int) -> None:
        """Adds a record."""
        self.keys += key
        self.offsets.append(offset)
        self.lengths.append(length)

    def read_on(self, segment: Path) -> None:
        """Adds the records of a segment from `size` on, every one checked; a last line without an end is left.

        Raises:
            OSError: the segment is gone, or cannot be read.
        """
        self.tail = b""
        for offset, line in lines(segment, self.size):
            if line[-1] != 10 and not unended(line):
                self.tail = line
                return
            key = sound_key(line)
            if key is None:
                self.damaged += 1
            elif key != RESERVED:
                self.note(key, offset, len(line))
            self.size = offset + len(line)

    def give_up_tail(self) -> None:
        """Counts the last line as damaged: nobody is writing it."""
        self.damaged += self.tail != b""
        self.size += len(self.tail)
        self.tail = b""

    def save(self, segment: Path) -> None:
        """Writes it beside its segment, which nobody writes any more. A disk that refuses it only costs time later."""
        if self.size < INDEXED_FROM:
            return
        path = beside(segment, INDEX)
        part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        content = bytes(self.keys) + self.offsets.tobytes() + self.lengths.tobytes()
        try:
            head = _HEAD.pack(_MAGIC, self.size, self.damaged, len(self), _ends(segment, self.size), 0)
            head = head[:-4] + struct.pack("=I", zlib.crc32(content, zlib.crc32(head[:-4])))
            part.write_bytes(head + content)
            part.rename(path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    @classmethod
    def load(cls, segment: Path) -> Index | None:
        """The index beside a segment; None when there is none, or it is damaged, or of other bytes."""
        try:
            data = beside(segment, INDEX).read_bytes()
            magic, size, damaged, count, ends, checksum = _HEAD.unpack_from(data)
            content = memoryview(data)[_HEAD.size :]
            if (
                magic != _MAGIC
                or len(content) != 32 * count
                or zlib.crc32(content, zlib.crc32(data[: _HEAD.size - 4])) != checksum
                or _ends(segment, size) != ends
            ):
                return None
        except (OSError, struct.error):
            return None
        index = cls(size)
        index.damaged = damaged
        index.keys += content[: 16 * count]
        index.offsets.frombytes(content[16 * count : 24 * count])
        index.lengths.frombytes(content[24 * count :])
        return index


def _ends(segment: Path, size: int) -> int:
    """A checksum of both ends of the first `size` bytes of a segment, and of their number.

    Raises:
        OSError: the segment is shorter, or cannot be read.
    """
    with segment.open("rb", buffering=0) as file:
        first = file.read(min(_ENDS, size))
        file.seek(max(0, size - _ENDS))
        last = file.read(min(_ENDS, size))
    if len(last) < min(_ENDS, size):
        raise OSError(f"{segment} is shorter than its index says")
    return zlib.crc32(last, zlib.crc32(first, size & 0xFFFFFFFF))
