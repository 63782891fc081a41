"""Holds an item whose protocol has ended."""

from __future__ import annotations

from dataclasses import dataclass

from harness.items import Item
from harness.outcomes import ItemResult
from harness.subject.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Finished:
    """An item whose protocol ended: its rows and everything that was asked for them."""

    item: Item
    result: ItemResult
    transcript: Transcript
