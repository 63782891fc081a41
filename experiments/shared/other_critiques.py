"""Critiques of other items, shown in place of an item's own one: the control for what a critique says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness import HarnessError


@dataclass(frozen=True, slots=True)
class Other:
    """A critique of another item's answer, with its verdict and its length in tokens."""

    text: str
    says_wrong: bool | None
    tokens: int


def pick(others: Sequence[Other], says_wrong: bool | None, rng: random.Random) -> tuple[Other, bool]:
    """One of the critiques with the same verdict, by chance, so that it differs in its content alone.

    Returns:
        The critique, and whether there was one with that verdict; if not, it is any of them.

    Raises:
        HarnessError: there are none at all.
    """
    if not others:
        raise HarnessError("there are no critiques of other items; set experiment.others to 1 or more")
    alike = [other for other in others if other.says_wrong is says_wrong]
    return rng.choice(alike or list(others)), bool(alike)
