"""Records of the call store: one line each, and the numbers of activations beside the lines.

    <key, 32 hex digits>:<crc32 of key and body, 8 hex digits>:<body>\n

Lines whose key is all zeros are not calls, and hold JSON. A body is a text or log-probabilities
(`harness.store.packing`), or says in JSON where the numbers of activations lie: float32 (little-endian) in the file
NAME.arrays beside the segment NAME.replies, from an offset in bytes on, of a shape, with a CRC-32 of their own. No body
holds a line end: it is written as two other bytes. So a damaged line costs itself alone, and no text can pass for a
record. Stores written before (NAME.calls) have spaces for the colons, JSON alone, and a checksum of the body only.
"""

from __future__ import annotations

import binascii
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Reply
from harness.store import packing

SUFFIX = ".replies"
"""Of the lines of a segment."""

OLD_SUFFIX = ".calls"
"""Of segments that are read, and not written any more."""

SUFFIXES = (SUFFIX, OLD_SUFFIX)

PART = f"{SUFFIX}.part"
"""Of a merged segment that is not whole yet; nobody reads it."""

ARRAYS = ".arrays"
"""Of the numbers of a segment; a segment without activations has no such file."""

INDEX = ".index"
"""Of the places of a segment's records; a small segment has no such file."""

HEAD = 32 + 1 + 8 + 1
RESERVED = bytes(16)
"""The key of lines that are not calls."""

_PLACED = b'{"arrays":'
_NEW, _OLD = ord(":"), ord(" ")
_ESCAPES = ((b"\x1b", b"\x1b\x01"), (b"\n", b"\x1b\x02"), (b"\r", b"\x1b\x03"))
"""Escapes in a body for bytes that tools take for the end of a line, and the escape byte."""


def beside(segment: Path, suffix: str) -> Path:
    """The path of a segment's numbers or index, also of an unfinished one."""
    name = segment.name.removesuffix(".part")
    for end in SUFFIXES:
        name = name.removesuffix(end)
    return segment.with_name(name + suffix)


def arrays_of(segment: Path) -> Path:
    """The path of a segment's numbers."""
    return beside(segment, ARRAYS)


def pack(key: bytes, body: bytes) -> bytes:
    """The line of a record."""
    name = binascii.hexlify(key)
    for plain, written in _ESCAPES:
        if plain in body:
            body = body.replace(plain, written)
    return b"%s:%08x:%s\n" % (name, zlib.crc32(body, zlib.crc32(name)), body)


def key_of(line: bytes) -> bytes | None:
    """The key of a whole line, its body unread; None when the line is none."""
    if len(line) <= HEAD or line[-1] != 10 or line[32] != line[41] or line[32] not in (_NEW, _OLD):
        return None
    try:
        return binascii.unhexlify(line[:32])
    except binascii.Error:
        return None


def sound(line: bytes) -> bool:
    """Whether a line is whole and has the checksum that it claims."""
    if len(line) <= HEAD or line[-1] != 10 or line[32] != line[41]:
        return False
    # The key's letters are looked at, too: other letters of the same value are a flip as any other.
    seed = zlib.crc32(line[:32]) if line[32] == _NEW else 0
    return line[33:41] == b"%08x" % zlib.crc32(line[HEAD:-1], seed) and line[32] in (_NEW, _OLD)


def sound_key(line: bytes) -> bytes | None:
    """The key of a line that is sound as a whole; None of any other."""
    return key_of(line) if sound(line) else None


def unended(line: bytes) -> bool:
    """Whether the last line of a segment is whole but for its end, which is another byte: nobody writes so."""
    return sound(line[:-1] + b"\n")


def lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines of a segment from an offset on, each with its own offset in bytes; the last may lack its end."""
    offset = start
    with path.open("rb", buffering=1 << 20) as file:
        file.seek(start)
        for line in file:
            yield offset, line
            offset += len(line)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a record's numbers.

    Attributes:
        arrays: offset in bytes. crc: CRC-32 of the numbers.
    """

    arrays: int
    shape: tuple[int, ...]
    crc: int

    @classmethod
    def of_line(cls, line: bytes) -> Place | None:
        """The place that a sound line names; None if the line holds its reply, or makes no sense."""
        if not line.startswith(_PLACED, HEAD):
            return None
        try:
            values = orjson.loads(line[HEAD:])
            place = cls(int(values["arrays"]), tuple(map(int, values["shape"])), int(values["crc"]))
        except (ValueError, KeyError, TypeError):
            return None
        return place if place.arrays >= 0 and min(place.shape, default=0) >= 0 else None

    @property
    def length(self) -> int:
        """Bytes of the numbers."""
        return 4 * math.prod(self.shape)

    def holds(self, numbers: bytes | None) -> bool:
        """Whether these are the numbers that were stored here."""
        return numbers is not None and len(numbers) == self.length and zlib.crc32(numbers) == self.crc


def pack_place(place: Place) -> bytes:
    """The body of a record whose numbers lie elsewhere; `Place.of_line` knows it by its first key."""
    return orjson.dumps(place)


def unpack_line(line: bytes, numbers: bytes) -> Reply | None:
    """The reply of a sound line; None when it holds none.

    Args:
        numbers: the bytes at its place; empty without any.
    """
    if (place := Place.of_line(line)) is not None:
        return Activations(Array(place.shape, numbers)) if place.holds(numbers) else None
    body = line[HEAD:-1]
    if line[32] == _OLD:
        return packing.unpack_json(body)
    for plain, written in reversed(_ESCAPES):
        body = body.replace(written, plain)
    return packing.unpack_reply(body)
