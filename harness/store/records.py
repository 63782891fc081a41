"""Records of the call store: one line each, and the numbers of activations beside the lines.

    <key, 32 hex digits> <crc32 of the rest, 8 hex digits> <JSON>\n

Lines whose key is all zeros are not calls. The JSON is a text or log-probabilities, or says where the numbers of
activations lie: float32 (little-endian) in the file NAME.arrays beside the segment NAME.calls, from an offset in bytes
on, of a shape, with a CRC-32 of their own. Stores written before have them in the line, in base 64.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Reply, Text

SUFFIX = ".calls"
"""Of the lines of a segment."""

PART = f"{SUFFIX}.part"
"""Of a merged segment that is not whole yet; nobody reads it."""

ARRAYS = ".arrays"
"""Of the numbers of a segment; a segment without activations has no such file."""

HEAD = 32 + 1 + 8 + 1
RESERVED = bytes(16)
"""The key of lines that are not calls."""

_PLACED = b'{"arrays":'


def arrays_of(segment: Path) -> Path:
    """Where the numbers of a segment lie, of one that is not whole yet, too."""
    return segment.with_name(segment.name.removesuffix(".part").removesuffix(SUFFIX) + ARRAYS)


def pack(key: bytes, body: bytes) -> bytes:
    """The line of a record."""
    return b"%s %08x %s\n" % (binascii.hexlify(key), zlib.crc32(body), body)


def key_of(line: bytes) -> bytes | None:
    """The key of a whole line, its body unread; None when the line is none."""
    if len(line) <= HEAD or line[-1] != 10 or line[32] != 32 or line[41] != 32:
        return None
    try:
        return binascii.unhexlify(line[:32])
    except binascii.Error:
        return None


def sound(line: bytes) -> bool:
    """Whether a line is whole and has the checksum that it claims."""
    if len(line) <= HEAD or line[-1] != 10:
        return False
    try:
        return int(line[33:41], 16) == zlib.crc32(line[HEAD:-1])
    except ValueError:
        return False


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
    """Where the numbers of a record lie.

    Attributes:
        arrays: offset in bytes. crc: CRC-32 of the numbers.
    """

    arrays: int
    shape: tuple[int, ...]
    crc: int

    @classmethod
    def of_line(cls, line: bytes) -> Place | None:
        """What a sound line says; None when it holds its reply itself, or nothing that makes sense."""
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


def pack_reply(reply: Text | Logprobs) -> bytes:
    """The body of a record that holds its reply itself. A text is kept as the engine gave it, its thought in it."""
    if isinstance(reply, Text):
        kept = {"text": reply.text, "tokens": reply.tokens, "logprobs": reply.logprobs, "finish": reply.finish}
        return orjson.dumps(kept)
    return orjson.dumps(reply)


def pack_place(place: Place) -> bytes:
    """The body of a record whose numbers lie elsewhere; `Place.of_line` knows it by its first key."""
    return orjson.dumps(place)


def unpack_reply(line: bytes, numbers: bytes) -> Reply | None:
    """The reply of a sound line; None when it holds none.

    Args:
        numbers: what lies at its place; nothing when it has none.
    """
    if (place := Place.of_line(line)) is not None:
        return Activations(Array(place.shape, numbers)) if place.holds(numbers) else None
    try:
        return _unpack(orjson.loads(line[HEAD:]))
    except (ValueError, KeyError, TypeError):
        return None


def _unpack(values: dict[str, Any]) -> Reply:
    if "float32" in values:
        return Activations(Array(tuple(values["shape"]), base64.b64decode(values["float32"])))
    if "values" in values:
        return Logprobs(_floats(values["values"]))
    return Text(values["text"], tuple(values["tokens"]), _floats(values["logprobs"]), values["finish"])


def _floats(values: list[float | None]) -> tuple[float, ...]:
    # JSON has no infinities: a probability of exactly zero comes back as null.
    return tuple(-math.inf if v is None else v for v in values)
