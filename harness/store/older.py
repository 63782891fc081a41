"""Unpacks the replies of stores that were written before."""

from __future__ import annotations

import base64
import math
import struct
import zlib

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Reply, Text
from harness.store.packing import unpack_floats, unpack_ids

_COMPRESSED_FROM = 1024  # bytes
_FINISH = ("stop", "length")
_TEXT = struct.Struct("<BBBIIII")  # finish, bytes a token id and a number; bytes of text, ids, numbers, packed part
_LOGPROBS = struct.Struct("<BI")  # bytes a number, numbers


def unpack_older(body: bytes) -> Reply | None:
    """The reply of the body of an older store; None when it holds none."""
    try:
        if body.startswith(b"T"):
            return _unpack_text(body)
        if body.startswith(b"L"):
            width, count = _LOGPROBS.unpack_from(body, 1)
            return Logprobs(unpack_floats(body[1 + _LOGPROBS.size :], count, width))
        return _unpack_json(body)
    except (ValueError, KeyError, TypeError, IndexError, struct.error, zlib.error):
        return None


def _unpack_json(body: bytes) -> Reply:
    values = orjson.loads(body)
    if "float32" in values:
        return Activations(Array(tuple(values["shape"]), base64.b64decode(values["float32"])))
    if "values" in values:
        return Logprobs(_floats(values["values"]))
    return Text(values["text"], tuple(values["tokens"]), _floats(values["logprobs"]), values["finish"])


def _unpack_text(body: bytes) -> Text:
    finish, id_width, width, text, ids, numbers, packed = _TEXT.unpack_from(body, 1)
    start = 1 + _TEXT.size
    soft, hard = body[start : start + packed], body[start + packed :]
    whole = text + ids * id_width + numbers
    if whole >= _COMPRESSED_FROM:
        soft = zlib.decompressobj().decompress(soft, whole + 1)
    if len(soft) != whole:
        raise ValueError("a text of another length")
    end = text + ids * id_width
    return Text(
        soft[:text].decode(),
        unpack_ids(soft[text:end], ids, id_width),
        unpack_floats(hard + soft[end:], numbers, width),
        _FINISH[finish],  # type: ignore[arg-type]
    )


def _floats(values: list[float | None]) -> tuple[float, ...]:
    # JSON has no infinities: a probability of exactly zero comes back as null.
    return tuple(-math.inf if v is None else v for v in values)
