"""`python -m tests.fuzz [TARGET...] --minutes 60 --seed 0`: hours by hand of what the test suite does for seconds."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from itertools import cycle

from tests.fuzz.loop import attack
from tests.fuzz.targets import TARGETS

ROUND = 200
"""Inputs of one target before the next has its turn."""


def main() -> int:
    """Prints each new kind of broken promise once; the exit code is 1 when there was one."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all by default")
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=0, help="of the first input; each input has the next one")
    options.add_argument("--inputs", type=int, help="inputs of each target, whatever time they take")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    end, count, kinds = time.monotonic() + 60 * chosen.minutes, 0, set()
    for turn, name in enumerate(cycle(chosen.targets or TARGETS)):
        turns = turn // len(chosen.targets or TARGETS)
        if (chosen.inputs is not None and turns) or (chosen.inputs is None and time.monotonic() > end):
            break
        for broken in attack(TARGETS[name], chosen.seed + turns * ROUND, chosen.inputs or ROUND):
            count += 1
            kind = (name, broken.told.partition(": ")[0]) if broken else None
            if broken and kind not in kinds:
                kinds.add(kind)
                print(f"{name}, seed {broken.seed}: {broken.told}", flush=True)
            if chosen.inputs is None and time.monotonic() > end:
                break
    print(f"{count} inputs, {len(kinds)} kinds of broken promises")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
