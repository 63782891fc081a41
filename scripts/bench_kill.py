"""Kills real runs at random moments, goes on with them, and counts what was lost: it must be nothing.

One undisturbed run says what the outcomes are, which calls they need and how long it takes. Then chains: a run of the
same job in an empty folder is killed (SIGKILL) at a random moment, the same command goes on, is killed again, up to
four times, and at last runs to its end. Half of the moments are random in time, from start-up to report, the others
random in progress, soon after some number of calls. Every chain must end with the same outcomes, and with every call
stored exactly once: a call asked a second time would be there twice. The same is byte by byte for the fake engine; of a
real one, whose batches are others after a kill, numbers may differ by the noise of float32 sums, words may not.

    python scripts/bench_kill.py --kills 100
    python scripts/bench_kill.py --kills 10 --engine vllm
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.outcomes import Table  # noqa: E402
from harness.store.records import RESERVED, key_of  # noqa: E402

COMMON = ["experiment=pTrue", "tracker=none", "replicates=50", "experiment.shots=4", "experiment.judged=5"]
COMMON += ["experiment.arms=[zero-shot,few-shot]"]
JOBS = {
    "fake": ["engine=fake", "engine.delay=0.15", "window=2", "limit=12"],
    "vllm": ["engine=vllm", "engine.max_model_len=2048", "engine.kv_cache_gib=0.5", "limit=8"],
}
KILLS_PER_CHAIN = 4
NOISE = {"fake": 0.0, "vllm": 1e-4}
"""By how much numbers of the outcomes may differ."""


@dataclass
class Tally:
    """What came of it.

    Attributes:
        seconds: of the undisturbed run. calls: that it needs.
        kills: by what was going on. gone_on: runs to the end after them.
        repeated: calls stored more than once. missing: calls that the undisturbed run has and a chain has not.
        different: chains with other outcomes.
    """

    seconds: float
    calls: int
    kills: Counter[str] = field(default_factory=Counter)
    gone_on: int = 0
    repeated: int = 0
    missing: int = 0
    different: int = 0


def stored(runs: Path) -> Counter[str]:
    """Keys of all whole records of a store, each with how often it is there."""
    found: Counter[str] = Counter()
    for path in (runs / "store").glob("*.replies"):
        for line in path.read_bytes().splitlines(keepends=True):
            key = key_of(line)
            if key is not None and key != RESERVED:
                found[key.hex()] += 1
    return found


def outcomes(runs: Path) -> Path:
    """The outcomes of the only run in a folder."""
    (path,) = runs.glob("*/*/outcomes.parquet")
    return path


def same(first: Path, second: Path, noise: float) -> bool:
    """Whether two files of outcomes are equal, numbers up to `noise`."""
    if first.read_bytes() == second.read_bytes():
        return True
    if not noise:
        return False
    one, two = Table.load(first), Table.load(second)
    if one.kinds != two.kinds or len(one) != len(two):
        return False
    numbers = [name for name, kind in one.kinds.items() if kind in ("probability", "score", "number")]
    return all(
        np.allclose(one.columns[name], two.columns[name], rtol=0.0, atol=noise, equal_nan=True)
        if name in numbers
        else list(map(str, one.columns[name])) == list(map(str, two.columns[name]))
        for name in one.kinds
    )


def start(words: list[str], runs: Path) -> subprocess.Popen[bytes]:
    """Starts the job, its output in a file."""
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / "output.txt").open("ab") as output:
        command = [sys.executable, "-m", "harness", "run", *words, f"runs={runs}"]
        return subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)


def finish(words: list[str], runs: Path) -> float:
    """Runs the job to its end; gives the seconds."""
    begin = time.monotonic()
    process = start(words, runs)
    if process.wait() != 0:
        sys.exit(f"the run failed:\n{(runs / 'output.txt').read_text()[-3000:]}")
    return time.monotonic() - begin


def kill(words: list[str], runs: Path, tally: Tally, rng: random.Random) -> bool:
    """Starts the job and kills it at a random moment; False when it had ended by then."""
    before = stored(runs).total()
    in_time = before >= tally.calls or rng.random() < 0.5
    calls = 0 if in_time else rng.randint(before + 1, tally.calls)
    delay = rng.uniform(0, tally.seconds if in_time else 0.5)
    process = start(words, runs)
    while stored(runs).total() < calls and process.poll() is None:
        time.sleep(0.02)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def phase(found: int, needed: int) -> str:
    """What a run that was killed with so many calls stored was doing."""
    return "before the first call" if not found else "while asking" if found < needed else "after the last call"


def measure(words: list[str], kills: int, folder: Path, rng: random.Random, noise: float = 0.0) -> Tally:
    """Kills until it is enough, and counts."""
    undisturbed = folder / "undisturbed"
    tally = Tally(finish(words, undisturbed), 0)
    wanted, right = stored(undisturbed), outcomes(undisturbed)
    tally.calls = len(wanted)
    while tally.kills.total() < kills:
        runs = folder / "chain"
        for _ in range(min(KILLS_PER_CHAIN, kills - tally.kills.total())):
            if not kill(words, runs, tally, rng):
                break
            tally.kills[phase(len(stored(runs)), tally.calls)] += 1
        finish(words, runs)
        tally.gone_on += 1
        found = stored(runs)
        tally.repeated += found.total() - len(found)
        tally.missing += len(wanted.keys() ^ found.keys())
        tally.different += not same(outcomes(runs), right, noise)
        print(f"{tally.kills.total()} kills: {tally.repeated} repeated calls, {tally.missing} missing or foreign, "
              f"{tally.different} chains with other outcomes", file=sys.stderr, flush=True)  # fmt: skip
        shutil.rmtree(runs)
    return tally


def main() -> int:
    """Prints the tally; 1 when anything was lost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--engine", choices=sorted(JOBS), default="fake")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [*COMMON, *JOBS[given.engine]]
        tally = measure(words, given.kills, Path(folder), random.Random(given.seed), NOISE[given.engine])
    if given.json:
        print(json.dumps(vars(tally)))
    else:
        print(f"undisturbed run: {tally.calls} calls, {tally.seconds:.1f} s")
        print(f"kills: {tally.kills.total()} ({', '.join(f'{n} {what}' for what, n in tally.kills.most_common())})")
        print(f"runs to the end after them: {tally.gone_on}, with other outcomes: {tally.different}")
        print(f"calls repeated: {tally.repeated}, missing or foreign: {tally.missing}")
    return 1 if tally.repeated or tally.missing or tally.different else 0


if __name__ == "__main__":
    sys.exit(main())
