"""Packs replies into the bytes of a record of the call store, and unpacks them.

A text is its UTF-8, its token ids and its log-probabilities, packed: 1 to 4 bytes a token id, 4 bytes a number that
float32 holds exactly (engines compute in float32), 8 bytes otherwise. The bytes of equal significance stand together.
Those that repeat themselves are compressed, where that makes them fewer. Every number comes back equal.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

from harness.calls.calls import Logprobs, Text
from harness.errors import ItemError

_FINISH = ("stop", "length")

_LOGPROBS, _TEXT = 0xC0, 0x80
"""First bytes of bodies; the place of activations is JSON, and begins with a brace."""

_WIDE, _COMPRESSED, _MANY = 2, 16, 32
"""Bits of the first byte: 8 bytes a number; compressed; 4 bytes a count. Of a text, bit 0 says how it ended, and bits 2
and 3 how many bytes a token id has."""

_COUNTS = struct.Struct("<BB"), struct.Struct("<II")
"""Token ids and numbers of a text. Its own length follows from the rest."""

_WBITS = -15  # of zlib: without a head and a checksum, which the record has
_BLOCKS_FROM = 256  # bytes; a block of fewer costs more than it saves


def pack_reply(reply: Text | Logprobs) -> bytes:
    """The body of a record that holds its reply itself. A text is kept as the engine gave it, its thought in it.

    Raises:
        ItemError: the reply would not come back equal, or holds a number that no engine can mean.
    """
    if isinstance(reply, Logprobs):
        width, numbers = _pack_floats(reply.values)
        return bytes([_LOGPROBS | (_WIDE if width == 8 else 0)]) + numbers
    if reply.finish not in _FINISH:
        raise _refused(f"a text that ended with {reply.finish!r}")
    try:
        text = reply.text.encode()
    except UnicodeEncodeError:
        raise _refused("a text with half a surrogate pair, which is no Unicode") from None
    id_width, ids = _pack_ids(reply.tokens)
    width, numbers = _pack_floats(reply.logprobs)
    # The last planes of a number's bytes are noise; the others repeat themselves.
    noise = len(reply.logprobs) * (width - 1)
    parts, hard = (text, ids, numbers[noise:]), numbers[:noise]
    soft, packed = b"".join(parts), _compress(parts)
    kind = _TEXT | _FINISH.index(reply.finish) | id_width - 1 << 2
    if width == 8:
        kind |= _WIDE
    if len(packed) < len(soft):
        kind |= _COMPRESSED
        soft = packed
    counts = len(reply.tokens), len(reply.logprobs)
    if max(counts) > 255:
        kind |= _MANY
    return bytes([kind]) + _counts(kind).pack(*counts) + soft + hard


def _compress(parts: Sequence[bytes]) -> bytes:
    """Compresses the parts as one stream. Each has a block, and so a code, of its own: they have little in common."""
    compressor = zlib.compressobj(wbits=_WBITS)
    end = zlib.Z_BLOCK if sum(map(len, parts)) >= _BLOCKS_FROM else zlib.Z_NO_FLUSH
    blocks = [compressor.compress(part) + compressor.flush(end) for part in parts]
    return b"".join(blocks) + compressor.flush()


def unpack_reply(body: bytes) -> Text | Logprobs | None:
    """The reply that `pack_reply` made a body of; None when it is none."""
    try:
        kind = body[0]
        if kind & ~_WIDE == _LOGPROBS:
            width = _width(kind)
            return Logprobs(_unpack_floats(body[1:], (len(body) - 1) // width, width))
        return _unpack_text(kind, body) if kind >> 6 == _TEXT >> 6 else None
    except (ValueError, IndexError, struct.error, zlib.error):
        return None


def _unpack_text(kind: int, body: bytes) -> Text:
    counts, width, id_width = _counts(kind), _width(kind), (kind >> 2 & 3) + 1
    ids, numbers = counts.unpack_from(body, 1)
    hard = len(body) - numbers * (width - 1)
    soft = body[1 + counts.size : hard]
    if kind & _COMPRESSED:
        soft = zlib.decompress(soft, _WBITS)
    top = len(soft) - numbers
    text = top - ids * id_width
    if text < 0:
        raise ValueError("fewer bytes than counted")
    return Text(
        soft[:text].decode(),
        _unpack_ids(soft[text:top], ids, id_width),
        _unpack_floats(body[hard:] + soft[top:], numbers, width),
        _FINISH[kind & 1],  # type: ignore[arg-type]
    )


def _counts(kind: int) -> struct.Struct:
    return _COUNTS[kind & _MANY > 0]


def _width(kind: int) -> int:
    """Bytes a number."""
    return 8 if kind & _WIDE else 4


def _pack_ids(ids: Sequence[int]) -> tuple[int, bytes]:
    """Bytes an id, and the ids, least significant bytes first."""
    try:
        whole = struct.pack(f"<{len(ids)}I", *ids)
    except struct.error:
        raise _refused("a token id that is no number from 0 to 4,294,967,295") from None
    width = max(1, (max(ids, default=0).bit_length() + 7) // 8)
    return width, _planes(whole, 4)[: width * len(ids)]


def _unpack_ids(planes: bytes, count: int, width: int) -> tuple[int, ...]:
    """Token ids from their planes of bytes."""
    return struct.unpack(f"<{count}I", _woven(planes + bytes((4 - width) * count), 4))


def _pack_floats(values: Sequence[float]) -> tuple[int, bytes]:
    """Bytes a number, and the numbers, least significant bytes first; minus infinity is a probability of zero."""
    given = tuple(values)
    for width, letter in ((4, "f"), (8, "d")):
        form = f"<{len(given)}{letter}"
        try:
            packed = struct.pack(form, *given)
        except OverflowError:  # beyond float32
            continue
        except struct.error:
            break
        if struct.unpack(form, packed) == given:
            if math.inf in given:
                break
            return width, _planes(packed, width)
    wrong = next((v for v in given if not isinstance(v, (int, float)) or not v < math.inf), None)
    raise _refused(f"a log-probability of {wrong!r}"[:80])


def _unpack_floats(planes: bytes, count: int, width: int) -> tuple[float, ...]:
    """Numbers from their planes of bytes."""
    return struct.unpack(f"<{count}{'f' if width == 4 else 'd'}", _woven(planes, width))


def _planes(data: bytes, width: int) -> bytes:
    """The first bytes of all numbers, then the second bytes, and so on."""
    return b"".join([data[i::width] for i in range(width)])


def _woven(planes: bytes, width: int) -> bytes:
    """The reverse of `_planes`."""
    count = len(planes) // width
    data = bytearray(len(planes))
    for i in range(width):
        data[i::width] = planes[i * count : (i + 1) * count]
    return bytes(data)


def _refused(what: str) -> ItemError:
    return ItemError(f"the engine's reply cannot be kept, and is not used: {what}")
