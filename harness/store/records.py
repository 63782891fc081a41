"""Records of the call store: one line each, and the numbers of activations beside the lines.

    =<key, 16 bytes><CRC-32 of key and body, 4 bytes><body>\n                   a call
    <32 zeros>:<CRC-32 of zeros and JSON, 8 hex digits>:<JSON>\n                anything else: header, end of a segment

A body is a text or log-probabilities (`harness.store.packing`), or says in JSON where the numbers of activations lie:
float32 (little-endian) in the file NAME.arrays beside the segment NAME.replies, from an offset in bytes on, of a shape,
with a CRC-32 of their own. No line holds a line end but its own: within a call it is written as two other bytes. So a
damaged line costs itself alone, and no text can pass for a record.
"""

from __future__ import annotations

import binascii
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Reply
from harness.store.packing import unpack_reply

SUFFIX = ".replies"
"""Of the lines of a segment."""

PART = f"{SUFFIX}.part"
"""Of a merged segment that is not whole yet; nobody reads it."""

ARRAYS = ".arrays"
"""Of the numbers of a segment; a segment without activations has no such file."""

INDEX = ".index"
"""Of the places of a segment's records; a small segment has no such file."""

HEAD = 32 + 1 + 8 + 1
"""Bytes before the JSON of a line that is no call."""

RESERVED = bytes(16)
"""The key of lines that are not calls."""

_PLACED = b'{"arrays":'
_CALL, _COLON = b"=", b":"
_OTHER = binascii.hexlify(RESERVED) + _COLON
_ESCAPES = ((b"\x1b", b"\x1b\x01"), (b"\n", b"\x1b\x02"), (b"\r", b"\x1b\x03"))
"""Escapes for bytes that tools take for the end of a line, and for the escape byte."""


def beside(segment: Path, suffix: str) -> Path:
    """The path of a segment's numbers or index, also of an unfinished one."""
    return segment.with_name(segment.name.removesuffix(".part").removesuffix(SUFFIX) + suffix)


def arrays_of(segment: Path) -> Path:
    """The path of a segment's numbers."""
    return beside(segment, ARRAYS)


class Record(NamedTuple):
    """A whole line, taken apart.

    Attributes:
        sound: it has the checksum that it claims.
    """

    key: bytes
    body: bytes
    sound: bool


def pack(key: bytes, body: bytes) -> bytes:
    """The line of a record.

    Args:
        body: of a reply, or JSON under the reserved key.
    """
    if key == RESERVED:
        return b"%s%s%s\n" % (_OTHER, _checksum_in_hex(body), body)
    content = key + _checksum(key, body).to_bytes(4, "big") + body
    for plain, written in _ESCAPES:
        content = content.replace(plain, written)
    return b"=%s\n" % content


def parse(line: bytes) -> Record | None:
    """Takes a line apart; None when it is not whole, or no record."""
    if len(line) < 22 or line[-1] != 10:
        return None
    if line.startswith(_OTHER) and len(line) > HEAD:
        body = line[HEAD:-1]
        return Record(RESERVED, body, line[len(_OTHER) : HEAD] == _checksum_in_hex(body))
    content = _plain(line[1:-1])
    key, body = content[:16], content[20:]
    if not line.startswith(_CALL) or not body:
        return None
    return Record(key, body, content[16:20] == _checksum(key, body).to_bytes(4, "big"))


def _checksum(key: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(key))


def _checksum_in_hex(body: bytes) -> bytes:
    """Of a line that is no call, with the colon behind it."""
    return b"%08x:" % _checksum(_OTHER[:32], body)


def _plain(content: bytes) -> bytes:
    """Content without its escapes."""
    for plain, written in reversed(_ESCAPES):
        content = content.replace(written, plain)
    return content


def key_of(line: bytes) -> bytes | None:
    """The key of a whole line; None when the line is none."""
    parsed = parse(line)
    return None if parsed is None else parsed.key


def sound_key(line: bytes) -> bytes | None:
    """The key of a line that is sound as a whole; None of any other."""
    parsed = parse(line)
    return parsed.key if parsed is not None and parsed.sound else None


def unended(line: bytes) -> bool:
    """Whether the last line of a segment is whole but for its end, which is another byte: nobody writes so."""
    return sound_key(line[:-1] + b"\n") is not None


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
    def of_body(cls, body: bytes) -> Place | None:
        """The place that a body names; None if it is the reply itself, or makes no sense."""
        if not body.startswith(_PLACED):
            return None
        try:
            values = orjson.loads(body)
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
    """The body of a record whose numbers lie elsewhere; `Place.of_body` knows it by its first key."""
    return orjson.dumps(place)


def unpack_body(body: bytes, numbers: bytes) -> Reply | None:
    """The reply of a sound record; None when it holds none.

    Args:
        numbers: the bytes at its place; empty without any.
    """
    if (place := Place.of_body(body)) is not None:
        return Activations(Array(place.shape, numbers)) if place.holds(numbers) else None
    return unpack_reply(body)
