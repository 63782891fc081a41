"""Rules that answer questions about a story without any idea of minds: what a score has to be compared with."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Mapping[str, Any], str, random.Random], str]
"""Takes a probe, its right answer and random numbers; gives a container."""


def first_place(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
    """Where the thing was in the beginning."""
    return str(probe["places"][0])


def last_place(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
    """Where the thing is now."""
    return str(probe["places"][-1])


def place_before(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
    """Where the thing was before it was last moved."""
    return str(probe["places"][-2:][0])


def held_place(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
    """Any place where the thing has been; where it is and where it was at first are known.

    This rule has followed every move, and knows nothing of who saw them.
    """
    held = rng.choice(sorted(set(probe["places"])))
    return gold if probe["kind"] in {"reality", "memory"} else held


RULES: Mapping[str, Rule] = {
    "first place": first_place,
    "last place": last_place,
    "place before": place_before,
    "held place": held_place,
}
