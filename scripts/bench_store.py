"""How fast the call store is, and how large: opened, read and replayed with a million calls in it.

Writes records of 60 generated tokens with their log-probabilities, opens the store in a process of its own, reads at
random, and repeats a protocol run (that of `bench_overhead.py`) whose calls lie among them.

    python scripts/bench_store.py [--records 1000000] [--segments 1]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.calls.calls import Text
from harness.store.segments import Origin, Segment
from harness.store.store import Store

TOKENS = 60
READS = 100_000


def reply(rng: random.Random) -> Text:
    """A text of 60 tokens, as a model with 50,000 would give it; numbers as they come out of float32."""
    tokens = tuple(rng.randrange(50_000) for _ in range(TOKENS))
    logprobs = tuple(-round(rng.expovariate(1.0), 9) for _ in tokens)
    return Text(" ".join(rng.choice(("the", "answer", "because", "number")) for _ in tokens), tokens, logprobs, "stop")


def fill(folder: Path, records: int, segments: int) -> float:
    """Puts records under random keys, in so many segments; gives the seconds."""
    rng = random.Random(0)
    replies = [reply(rng) for _ in range(1000)]  # making them is not what is measured
    origin = Origin.of({"engine": "bench"}, "bench", "bench")
    begin = time.perf_counter()
    for segment in range(segments):
        store = Store(folder / str(segment))
        for i in range(segment, records, segments):
            store.put(rng.randbytes(16), origin, replies[i % len(replies)])
        store.close()
        for path in (folder / str(segment)).iterdir():
            path.rename(folder / path.name)
        (folder / str(segment)).rmdir()
    return time.perf_counter() - begin


def peak_memory() -> float:
    """Most kilobytes of memory that this process has had. (`getrusage` would count what its parent had.)"""
    return float(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def opened(folder: Path) -> dict[str, float]:
    """What opening costs a process, and how fast it then reads at random."""
    before = peak_memory()
    begin, cpu = time.perf_counter(), time.process_time()
    store = Store(folder)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    peak = peak_memory()
    keys = random.Random(1).sample(list(store._index), min(READS, len(store)))
    begin = time.perf_counter()
    found = sum(store.get(key) is not None for key in keys)
    reading = time.perf_counter() - begin
    assert found == len(keys)
    assert not store.dropped
    store.close()
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "before": before,
        "reads": found / reading,
    }


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--segments", type=int, default=1)
    options.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.open:
        print(json.dumps(opened(given.open)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = fill(folder, given.records, given.segments)
        size = sum(Segment.look(path).bytes for path in folder.glob("*.replies"))
        print(f"written:         {given.records:,} calls in {given.segments} segments, {size / 1e9:.2f} GB, "
              f"{size / given.records:.0f} B a call, {given.records / seconds:,.0f} calls/s")  # fmt: skip
        got = json.loads(python(__file__, "--open", name))
        print(f"opened:          {got['seconds']:.2f} s ({got['cpu']:.2f} s of CPU)")
        print(f"peak memory:     {got['peak'] / 1e3:.0f} MB ({got['before'] / 1e3:.0f} MB before)")
        print(f"read at random:  {got['reads']:,.0f} calls/s")
        print("a run on it, asked and then repeated:")
        print(python(str(Path(__file__).with_name("bench_overhead.py")), "--store", name), end="")


def python(*words: str) -> str:
    """What a process of its own prints."""
    return subprocess.run([sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
