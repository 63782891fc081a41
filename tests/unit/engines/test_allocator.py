"""Freed memory is kept: blocks of the size of a layer's activations are mapped once."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from harness.engines.allocator import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "keep":
    keep_freed_memory()
np.ones(8 << 20)
before = faults()
for _ in range(10):
    np.ones(8 << 20)
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_large_blocks_are_mapped_once() -> None:
    keep, plain = (
        int(subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True).stdout)
        for how in ("keep", "plain")
    )
    # Ten blocks of 64 MiB are 160,000 pages of 4 KiB, or 320 of 2 MiB.
    assert plain >= 300
    assert keep < plain / 20
