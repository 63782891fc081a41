"""Segments as the harness wrote them before records were packed: to be read for ever, and never to be written again."""

import binascii
import zlib
from collections.abc import Mapping
from pathlib import Path

import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Reply, Text
from harness.store.segments import Origin


def old_line(key: bytes, body: bytes) -> bytes:
    """A record whose checksum leaves out the key."""
    return b"%s %08x %s\n" % (binascii.hexlify(key), zlib.crc32(body), body)


def old_body(reply: Reply, place: Mapping[str, object] | None = None) -> bytes:
    """The JSON of a reply; of activations, where their numbers lie."""
    if isinstance(reply, Text):
        kept = {"text": reply.text, "tokens": reply.tokens, "logprobs": reply.logprobs, "finish": reply.finish}
        return orjson.dumps(kept)
    return orjson.dumps(place if isinstance(reply, Activations) else reply)


def old_segment(
    folder: Path, origin: Origin, replies: Mapping[bytes, Reply], name: str = "20250101-host-7-abcd"
) -> Path:
    """A closed segment, with its numbers beside it."""
    writer = {"host": "host", "pid": 7, "machine": "", "born": ""}
    header = {"origin": origin, "harness": "0.1.0", **writer, "started": 1795827991.5}
    written, numbers = old_line(bytes(16), orjson.dumps(header)), b""
    for key, reply in replies.items():
        place = None
        if isinstance(reply, Activations):
            array: Array = reply.values
            place = {"arrays": len(numbers), "shape": array.shape, "crc": zlib.crc32(array.data)}
            numbers += array.data
        written += old_line(key, old_body(reply, place))
    path = folder / f"{name}.calls"
    path.write_bytes(written + old_line(bytes(16), b'{"closed":true}'))
    if numbers:
        path.with_suffix(".arrays").write_bytes(numbers)
    return path
