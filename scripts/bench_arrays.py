"""What a `Read` costs in the call store: its numbers in base 64 in the line, as once, and raw beside the segment.

python scripts/bench_arrays.py [--layers 32] [--positions 50] [--width 4096] [--reads 5]
"""

from __future__ import annotations

import argparse
import base64
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from harness.calls.arrays import Array
from harness.calls.calls import Activations
from harness.store.records import SUFFIXES
from harness.store.segments import Origin, Segment
from harness.store.store import Store

ORIGIN = Origin.of({"engine": "bench"}, "bench", "bench")


def in_the_line(folder: Path, replies: list[Activations]) -> tuple[int, float, float]:
    """Bytes on disk, and seconds to put and to get, of numbers in base 64."""

    def put() -> None:
        for i, reply in enumerate(replies, 1):
            numbers = base64.b64encode(reply.values.data).decode()
            body = orjson.dumps({"shape": reply.values.shape, "float32": numbers})
            with (folder / "old.calls").open("ab") as file:
                file.write(b"%032x %08x %s\n" % (i, zlib.crc32(body), body))

    return measured(folder, replies, timed(put))


def beside(folder: Path, replies: list[Activations]) -> tuple[int, float, float]:
    """The same of numbers as the store writes them."""
    store = Store(folder)

    def put() -> None:
        for i, reply in enumerate(replies, 1):
            store.put(i.to_bytes(16, "big"), ORIGIN, reply)

    written = timed(put)
    store.close()
    return measured(folder, replies, written)


def measured(folder: Path, replies: list[Activations], written: float) -> tuple[int, float, float]:
    """Bytes on disk, and seconds to put and to get."""
    store = Store(folder)
    found: list[object] = []
    read = timed(lambda: found.extend(store.get(i.to_bytes(16, "big"), ORIGIN) for i in range(1, len(replies) + 1)))
    store.close()
    assert found == replies
    return sum(Segment.look(path).bytes for path in folder.iterdir() if path.suffix in SUFFIXES), written, read


def timed(act: Callable[[], object]) -> float:
    """CPU seconds."""
    begin = time.process_time()
    act()
    return time.process_time() - begin


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("layers", 32), ("positions", 50), ("width", 4096), ("reads", 5)):
        options.add_argument(f"--{name}", type=int, default=value)
    given = options.parse_args()
    shape = (given.layers, given.positions, given.width)
    rng = np.random.default_rng(0)
    replies = [Activations(Array.of(rng.standard_normal(shape, dtype=np.float32))) for _ in range(given.reads)]
    table = {}
    for name, way in (("base 64 in the line", in_the_line), ("raw beside it", beside)):
        with tempfile.TemporaryDirectory() as folder:
            table[name] = way(Path(folder), replies)
    n = given.reads
    print(f"a read of {' x '.join(map(str, shape))} numbers; CPU")
    for name, (size, put, got) in table.items():
        print(f"{name:<20} {size / n / 1e6:6.2f} MB   put {put / n:.4f} s   get {got / n:.4f} s")
    (_, *old), (_, *new) = table.values()
    print(f"put {old[0] / new[0]:.1f} times and get {old[1] / new[1]:.1f} times faster")


if __name__ == "__main__":
    main()
