"""Divides the test items of a run among several engines that write to one store."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from harness.errors import HarnessError
from harness.tasks.base import Split


def parse_shard(text: str) -> tuple[int, int]:
    """Reads "i/n", shard i of n, counted from 0.

    Raises:
        HarnessError: it is none.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not int(match[1]) < int(match[2]):
        raise HarnessError(f"shard={text}: write i/n with 0 <= i < n, as shard=0/4 to shard=3/4")
    return int(match[1]), int(match[2])


def shard(items: Split, text: str) -> Split:
    """Every n-th test item, from the i-th, in the order of their ids; the training items stay whole.

    The n shards hold every test item once, and differ in size by one at most.

    Raises:
        HarnessError: "i/n" is malformed, or there are fewer test items than shards.
    """
    i, n = parse_shard(text)
    if len(items.test) < n:
        raise HarnessError(f"shard={text}: there are only {len(items.test)} test items; cut them into fewer shards")
    digest = hashlib.sha256(f"{items.fingerprint} {text}".encode()).hexdigest()[:16]
    return replace(items, test=items.test[i::n], fingerprint=digest)
