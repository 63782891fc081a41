"""A server on loopback whose replies never end, burst when unpacked, or hold numbers that no model can have given."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.loopback import FakeVLLM, Handler

ENDLESS = ("gzip bomb", "endless string", "drip", "endless headers", "silence", "endless error", "br", "endless gzip")
"""How a reply is spoiled."""


class Hostile(FakeVLLM):
    """Answers as it should, but for the replies of one endpoint.

    Attributes:
        mode: one of `ENDLESS`; "" is well behaved.
        where: the end of the path of the spoiled endpoint.
        twist: changes the JSON of the answers of /completions.
        sent: bytes of spoiled replies.
    """

    def __init__(self) -> None:
        self.mode = ""
        self.where = "/completions"
        self.twist: Callable[[Any], object] = bool
        self.sent = 0
        self.stopped = threading.Event()
        super().__init__()

    def kill(self) -> None:
        self.stopped.set()
        super().kill()

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status, extra, answer = super().respond(path, headers, body)
        if path.endswith("/completions") and status == 200:
            values = json.loads(answer)
            self.twist(values)
            answer = json.dumps(values).encode()
        return status, extra, answer

    def deliver(self, handler: Handler, status: int, headers: dict[str, str], body: bytes) -> None:
        if not self.mode or not handler.path.endswith(self.where):
            super().deliver(handler, status, headers, body)
            return
        handler.close_connection = True
        for piece, pause in self._spoiled():
            if self.stopped.wait(pause):
                return
            handler.wfile.write(piece)
            self.sent += len(piece)

    def _spoiled(self) -> Iterator[tuple[bytes, float]]:
        """Pieces of a reply, and the seconds before each."""
        status = 500 if self.mode == "endless error" else 200
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n" % status
        if self.mode == "silence":
            yield b"", 3600.0
        if self.mode == "endless headers":
            yield head, 0.0
            for i in range(1 << 30):
                yield b"X-%d: y\r\n" % i, 0.1
        if self.mode == "drip":
            yield head + b"\r\n{", 0.0
            while True:
                yield b" ", 0.1
        if self.mode in ("gzip bomb", "endless gzip", "br"):
            encoding = b"br" if self.mode == "br" else b"gzip"
            yield head + b"Content-Encoding: %s\r\n\r\n" % encoding, 0.0
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            if self.mode == "endless gzip":  # blocks that hold nothing, and a beginning that never ends
                yield b"\x1f\x8b\x08\x10" + bytes(6), 0.0
                while True:
                    yield b"c" * 65536, 0.0
            while True:
                yield packer.compress(bytes(50_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH), 0.0
        yield head + b'\r\n"', 0.0
        while True:
            yield b"a" * 65536, 0.0


@contextmanager
def memory() -> Iterator[Callable[[], float]]:
    """Tells by how many megabytes this process has grown at most since then."""

    def resident() -> int:
        return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])

    before = resident()
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], resident())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield lambda: (most[0] - before) / 1e3
    finally:
        done.set()
        watching.join()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Asserts that it took no longer."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < seconds
