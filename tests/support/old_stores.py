"""Segments as the harness wrote them before: to be read for ever, and never to be written again."""

import binascii
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Reply, Text
from harness.store.segments import Origin


@dataclass(frozen=True)
class Form:
    """A form of the lines of older stores."""

    suffix: str
    packed: bool

    def line(self, key: bytes, body: bytes) -> bytes:
        """A record; the checksum of the first form leaves out the key."""
        name = binascii.hexlify(key)
        if not self.packed:
            return b"%s %08x %s\n" % (name, zlib.crc32(body), body)
        for plain, written in ((b"\x1b", b"\x1b\x01"), (b"\n", b"\x1b\x02"), (b"\r", b"\x1b\x03")):
            body = body.replace(plain, written)
        return b"%s:%08x:%s\n" % (name, zlib.crc32(body, zlib.crc32(name)), body)

    def body(self, reply: Reply, place: Mapping[str, object] | None = None) -> bytes:
        """The body of a reply; of activations, where their numbers lie."""
        if isinstance(reply, Activations):
            return orjson.dumps(place)
        if self.packed:
            return _packed_text(reply) if isinstance(reply, Text) else _packed_logprobs(reply)
        if isinstance(reply, Text):
            kept = {"text": reply.text, "tokens": reply.tokens, "logprobs": reply.logprobs, "finish": reply.finish}
            return orjson.dumps(kept)
        return orjson.dumps(reply)


OLD_FORMS = [
    pytest.param(Form(".calls", packed=False), id="JSON"),
    pytest.param(Form(".replies", packed=True), id="packed"),
]


def old_segment(
    folder: Path, origin: Origin, replies: Mapping[bytes, Reply], form: Form, name: str = "20250101-host-7-abcd"
) -> Path:
    """A closed segment, with its numbers beside it."""
    writer = {"host": "host", "pid": 7, "machine": "", "born": ""}
    header = {"origin": origin, "harness": "0.1.0", **writer, "started": 1795827991.5}
    written, numbers = form.line(bytes(16), orjson.dumps(header)), b""
    for key, reply in replies.items():
        place = None
        if isinstance(reply, Activations):
            array: Array = reply.values
            place = {"arrays": len(numbers), "shape": array.shape, "crc": zlib.crc32(array.data)}
            numbers += array.data
        written += form.line(key, form.body(reply, place))
    path = folder / f"{name}{form.suffix}"
    path.write_bytes(written + form.line(bytes(16), b'{"closed":true}'))
    if numbers:
        path.with_suffix(".arrays").write_bytes(numbers)
    return path


def _packed_text(reply: Text) -> bytes:
    """Text, token ids and the last bytes of the numbers, compressed from 1024 bytes on; then all other bytes."""
    text, count = reply.text.encode(), len(reply.tokens)
    id_width = max(1, (max(reply.tokens, default=0).bit_length() + 7) // 8)
    ids = _planes(struct.pack(f"<{count}I", *reply.tokens), 4)[: id_width * count]
    width, numbers = _packed_floats(reply.logprobs)
    noise = len(reply.logprobs) * (width - 1)
    soft = text + ids + numbers[noise:]
    kept = zlib.compress(soft, 1) if len(soft) >= 1024 else soft
    sizes = len(text), count, len(reply.logprobs), len(kept)
    head = struct.pack("<BBBIIII", ("stop", "length").index(reply.finish), id_width, width, *sizes)
    return b"T" + head + kept + numbers[:noise]


def _packed_logprobs(reply: Logprobs) -> bytes:
    width, numbers = _packed_floats(reply.values)
    return b"L" + struct.pack("<BI", width, len(reply.values)) + numbers


def _packed_floats(values: tuple[float, ...]) -> tuple[int, bytes]:
    single = struct.pack(f"<{len(values)}f", *values)
    if struct.unpack(f"<{len(values)}f", single) == values:
        return 4, _planes(single, 4)
    return 8, _planes(struct.pack(f"<{len(values)}d", *values), 8)


def _planes(data: bytes, width: int) -> bytes:
    return b"".join(data[i::width] for i in range(width))
