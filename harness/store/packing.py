"""Packs replies into the bytes of a record of the call store, and unpacks them.

A text is its UTF-8, its token ids and its log-probabilities, packed: 1 to 4 bytes a token id, 4 bytes a number that
float32 holds exactly (engines compute in float32), 8 bytes otherwise. The bytes of equal significance stand together,
and those that repeat themselves are compressed, which leaves about 7 bytes a token. Every number comes back equal.
Stores written before hold JSON instead.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Reply, Text
from harness.errors import ItemError

COMPRESSED_FROM = 1024
"""Bytes; less is not worth the time."""

_TEXT, _LOGPROBS = b"T", b"L"
_FINISH = ("stop", "length")
_TEXT_HEAD = struct.Struct(
    "<BBBIIII"
)  # finish, bytes a token id and a number; bytes of text, ids, numbers, packed part
_LOGPROBS_HEAD = struct.Struct("<BI")  # bytes a number, numbers


def pack_reply(reply: Text | Logprobs) -> bytes:
    """The body of a record that holds its reply itself. A text is kept as the engine gave it, its thought in it.

    Raises:
        ItemError: the reply would not come back equal, or holds a number that no engine can mean.
    """
    if isinstance(reply, Logprobs):
        width, numbers = _pack_floats(reply.values)
        return _LOGPROBS + _LOGPROBS_HEAD.pack(width, len(reply.values)) + numbers
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
    soft, hard = text + ids + numbers[noise:], numbers[:noise]
    packed = zlib.compress(soft, 1) if len(soft) >= COMPRESSED_FROM else soft
    sizes = len(text), len(reply.tokens), len(reply.logprobs), len(packed)
    return _TEXT + _TEXT_HEAD.pack(_FINISH.index(reply.finish), id_width, width, *sizes) + packed + hard


def unpack_reply(body: bytes) -> Text | Logprobs | None:
    """The reply that `pack_reply` made a body of; None when it is none."""
    try:
        if body.startswith(_TEXT):
            return _unpack_text(body)
        if body.startswith(_LOGPROBS):
            width, count = _LOGPROBS_HEAD.unpack_from(body, 1)
            return Logprobs(_unpack_floats(body[1 + _LOGPROBS_HEAD.size :], count, width))
    except (ValueError, IndexError, struct.error, zlib.error):
        pass
    return None


def unpack_json(body: bytes) -> Reply | None:
    """The reply of a record of an older store; None when it holds none."""
    try:
        values = orjson.loads(body)
        if "float32" in values:
            return Activations(Array(tuple(values["shape"]), base64.b64decode(values["float32"])))
        if "values" in values:
            return Logprobs(_floats(values["values"]))
        return Text(values["text"], tuple(values["tokens"]), _floats(values["logprobs"]), values["finish"])
    except (ValueError, KeyError, TypeError):
        return None


def _unpack_text(body: bytes) -> Text:
    finish, id_width, width, text, ids, numbers, packed = _TEXT_HEAD.unpack_from(body, 1)
    start = 1 + _TEXT_HEAD.size
    soft, hard = body[start : start + packed], body[start + packed :]
    whole = text + ids * id_width + numbers
    if whole >= COMPRESSED_FROM:
        soft = zlib.decompressobj().decompress(soft, whole + 1)
    if len(soft) != whole:
        raise ValueError("a text of another length")
    end = text + ids * id_width
    return Text(
        soft[:text].decode(),
        _unpack_ids(soft[text:end], ids, id_width),
        _unpack_floats(hard + soft[end:], numbers, width),
        _FINISH[finish],  # type: ignore[arg-type]
    )


def _pack_ids(ids: Sequence[int]) -> tuple[int, bytes]:
    """Bytes an id, and the ids, least significant bytes first."""
    try:
        whole = struct.pack(f"<{len(ids)}I", *ids)
    except struct.error:
        raise _refused("a token id that is no number from 0 to 4,294,967,295") from None
    width = max(1, (max(ids, default=0).bit_length() + 7) // 8)
    return width, _planes(whole, 4)[: width * len(ids)]


def _unpack_ids(planes: bytes, count: int, width: int) -> tuple[int, ...]:
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
    if width not in (4, 8):
        raise ValueError("numbers of another kind")
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


def _floats(values: list[float | None]) -> tuple[float, ...]:
    # JSON has no infinities: a probability of exactly zero comes back as null.
    return tuple(-math.inf if v is None else v for v in values)


def _refused(what: str) -> ItemError:
    return ItemError(f"the engine's reply cannot be kept, and is not used: {what}")
