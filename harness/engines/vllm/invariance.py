"""Switches vLLM's batch-invariant kernels on: the same prompt then gets the same bits in any batch.

Kernels usually choose how to split a sum by the size of the batch, so that log p of one prompt moves in its last digits
with the other prompts in flight. vLLM has slower kernels that always split alike, for some GPUs. It reads the switch
from the environment while it is imported, which is why one process cannot hold engines of both kinds.
"""

from __future__ import annotations

import os
import sys

from harness.errors import HarnessError

VARIABLE = "VLLM_BATCH_INVARIANT"


def switch(on: bool) -> None:
    """Sets the variable that vLLM reads, before vLLM is imported.

    Raises:
        HarnessError: the variable is set by hand, against the setting; or vLLM was imported with the other value.
    """
    given = os.environ.get(VARIABLE, "0") not in ("", "0")
    if given == on:
        return
    if given:
        raise HarnessError(
            f"{VARIABLE} is set, which changes the numbers: write engine.batch_invariant=true, so that the run "
            f"says so, or unset {VARIABLE}"
        )
    if "vllm" in sys.modules:
        raise HarnessError(
            "engine.batch_invariant=true: vLLM was imported without it in this process; run the two kinds of engine by "
            "commands of their own"
        )
    os.environ[VARIABLE] = "1"


def check_device(on: bool, cuda: bool) -> None:
    """Raises HarnessError: batch-invariant kernels are asked for where there are none."""
    if on and not cuda:
        raise HarnessError(
            "engine.batch_invariant=true needs a GPU: vLLM has no batch-invariant kernels for CPUs; leave it out"
        )
