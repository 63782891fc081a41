"""What the key of a call costs: plain, with a vector added, and with 64 positions replaced.

A protocol keeps its vectors and makes a new call around them for every question: that is what is timed.

    python scripts/bench_keys.py [--calls 2000] [--prompt 200] [--width 4096]
"""

from __future__ import annotations

import argparse
import time

from harness.calls.arrays import Array
from harness.calls.calls import Choose, call_key
from harness.calls.interventions import Add, Intervention, Replace

REPLACED = 64
LIMIT = 0.2
"""Milliseconds of CPU that a key may cost."""


def milliseconds(prompt: tuple[int, ...], interventions: tuple[Intervention, ...], calls: int) -> float:
    """CPU time of a call's key, in milliseconds: the middle one of five rounds."""
    rounds = []
    for _ in range(5):
        begin = time.process_time()
        for token in range(calls):
            call_key("identity", Choose(prompt, (token,), interventions))
        rounds.append(1e3 * (time.process_time() - begin) / calls)
    return sorted(rounds)[2]


def main() -> None:
    """Prints the table; ends with an error when a key costs more than the limit."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=2000)
    options.add_argument("--prompt", type=int, default=200, help="tokens")
    options.add_argument("--width", type=int, default=4096)
    given = options.parse_args()
    prompt = tuple(range(max(given.prompt, REPLACED)))
    positions = prompt[:REPLACED]
    vector, values = Array.of(range(given.width)), Array.of([range(given.width)] * REPLACED)
    kinds: dict[str, tuple[Intervention, ...]] = {
        "plain": (),
        f"Add of {given.width}": (Add(0, "resid_post", vector, 1.0, positions),),
        f"Replace of {REPLACED} x {given.width}": (Replace(0, "resid_post", values, positions),),
    }
    costs = {name: milliseconds(prompt, interventions, given.calls) for name, interventions in kinds.items()}
    for name, cost in costs.items():
        print(f"{name:<24} {cost:.4f} ms a key, {cost / costs['plain']:.1f} times plain")
    if max(costs.values()) > LIMIT:
        raise SystemExit(f"a key costs more than {LIMIT} ms")


if __name__ == "__main__":
    main()
