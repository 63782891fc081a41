"""How large the call store is, how fast it opens, and what a call costs, with a thousand, 100,000 and a million in it.

Prints bytes a token of records of several lengths, and for each size of store: seconds and bytes read until the first
answer, reads at random, and the harness's CPU time a call (`bench_overhead.py`) on a store that holds so many calls of
the same model. A store of other models is opened, too: what is skipped costs nothing.

    python scripts/bench_store.py [--records 1000 100000 1000000] [--segments 1]
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from harness.calls.calls import Text
from harness.store.packing import pack_reply
from harness.store.records import SUFFIX, pack
from harness.store.segments import Origin, Segment
from harness.store.store import Store

TOKENS = 60
READS = 100_000
ORIGIN = Origin.of({"engine": "instant"}, "bench", "bench")  # that of bench_overhead.py
OTHER = Origin.of({"engine": "another"}, "bench", "bench")
WORDS = [
    "the",
    "of",
    "answer",
    "because",
    "number",
    "is",
    "not",
    "that",
    "Paris",
    "would",
    "to",
    "it",
    "and",
    "42",
    ".",
]


def reply(rng: random.Random, count: int = TOKENS) -> Text:
    """A text as a model with 150,000 tokens would give it, most of them frequent; numbers as float32 has them."""
    tokens = tuple(min(151_000, int(rng.paretovariate(0.4) * 3)) for _ in range(count))
    logprobs = struct.unpack(f"{count}f", struct.pack(f"{count}f", *(-rng.expovariate(1.0) for _ in tokens)))
    return Text(" ".join(rng.choice(WORDS) for _ in tokens), tokens, logprobs, "stop")


def print_bytes() -> None:
    """Bytes a token of records, their text and head included, and of JSON as it was before."""
    rng = random.Random(0)
    print("tokens of a text   bytes a token   as JSON")
    for count in (16, 60, 256, 1024, 4096):
        texts = [reply(rng, count) for _ in range(4096 // count)]
        size = sum(len(pack(rng.randbytes(16), pack_reply(text))) for text in texts) / len(texts)
        json_size = sum(43 + len(orjson.dumps(text)) - len(',"thought":null') for text in texts) / len(texts)
        print(f"{count:16,}   {size / count:13.1f}   {json_size / count:7.1f}")


def fill(folder: Path, records: int, segments: int, origin: Origin) -> tuple[float, bytes]:
    """Puts records under random keys, in so many segments; gives the CPU seconds, and one of the keys."""
    rng = random.Random(0)
    replies = [reply(rng) for _ in range(1000)]  # making them is not what is measured
    begin = time.process_time()
    for segment in range(segments):
        store = Store(folder)
        for i in range(segment, records, segments):
            key = rng.randbytes(16)
            store.put(key, origin, replies[i % len(replies)])
        store.close()
    return time.process_time() - begin, key


def peak_memory() -> float:
    """Most kilobytes of memory that this process has had. (`getrusage` would count what its parent had.)"""
    return float(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def bytes_read() -> float:
    """Bytes that this process has read from files."""
    return float(Path("/proc/self/io").read_text().split()[1])


def opened(folder: Path, key: bytes) -> dict[str, float]:
    """What a process does until its first answer, and how fast it then reads at random."""
    before, read = peak_memory(), bytes_read()
    begin, cpu = time.perf_counter(), time.process_time()
    store = Store(folder)
    assert store.get(key, ORIGIN) is not None
    seconds, cpu, read = time.perf_counter() - begin, time.process_time() - cpu, bytes_read() - read
    peak = peak_memory()
    keys = random.Random(1).sample(list(store._index), min(READS, len(store._index)))
    begin = time.process_time()
    found = sum(store.get(key, ORIGIN) is not None for key in keys)
    reading = time.process_time() - begin
    assert found == len(keys)
    assert not store.dropped
    store.close()
    return {"seconds": seconds, "cpu": cpu, "read": read, "memory": peak - before, "reads": found / reading}


def measure(records: int, segments: int) -> dict[str, float]:
    """The row of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, key = fill(folder, records, segments, ORIGIN)
        size = sum(Segment.look(path).bytes for path in folder.glob(f"*{SUFFIX}"))
        row: dict[str, float] = {"records": records, "put": 1e6 * seconds / records, "size": size}
        row |= json.loads(python(__file__, "--open", name, "--key", key.hex()))
        lines = python(str(Path(__file__).with_name("bench_overhead.py")), "--items", "1000", "--store", name)
        asked, replayed = (float(line.partition(": ")[2].split()[0]) for line in lines.splitlines()[1:3])
        return row | {"asked": asked, "replayed": replayed}


def skipped(records: int) -> dict[str, float]:
    """Opening a store of so many calls of another model, and one of ours."""
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), records, 10, OTHER)
        _, key = fill(Path(name), 1, 1, ORIGIN)
        row: dict[str, float] = json.loads(python(__file__, "--open", name, "--key", key.hex()))
        return row


def main() -> None:
    """Prints the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    options.add_argument("--segments", type=int, default=1)
    options.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--key", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.open:
        print(json.dumps(opened(given.open, bytes.fromhex(given.key))))
        return
    print_bytes()
    print(f"\ncalls of {TOKENS} tokens | stored MB | until the first answer: s, CPU s, MB read, MB of memory | "
          "gets a CPU s | put, CPU µs | a call asked, CPU ms (ratio) | from the store, CPU ms (ratio)")  # fmt: skip
    first: dict[str, float] = {}
    for records in given.records:
        row = measure(records, given.segments)
        first = first or row
        cells = (
            f"{records:,}",
            f"{row['size'] / 1e6:.1f}",
            f"{row['seconds']:.2f}, {row['cpu']:.2f}, {row['read'] / 1e6:.1f}, {row['memory'] / 1e3:.0f}",
            f"{row['reads']:,.0f}",
            f"{row['put']:.1f}",
            f"{row['asked']:.4f} ({row['asked'] / first['asked']:.2f})",
            f"{row['replayed']:.4f} ({row['replayed'] / first['replayed']:.2f})",
        )
        print(" | ".join(cells), flush=True)
    row = skipped(given.records[-1])
    print(f"{given.records[-1]:,} of another model | {row['seconds']:.2f} s, {row['read'] / 1e6:.2f} MB read")


def python(*words: str) -> str:
    """What a process of its own prints."""
    return subprocess.run([sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
