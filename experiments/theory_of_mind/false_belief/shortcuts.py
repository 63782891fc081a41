"""Rules that answer questions about a story without any idea of minds: baselines for every score."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Probe = Mapping[str, Any]
Rule = Callable[[Probe, random.Random], str]
"""Takes a probe (`questions.probe`) and random numbers; gives a container."""


def first_place(probe: Probe, rng: random.Random) -> str:
    """The first place of the thing."""
    return str(probe["places"][0])


def last_place(probe: Probe, rng: random.Random) -> str:
    """The present place of the thing."""
    return str(probe["places"][-1])


def place_before(probe: Probe, rng: random.Random) -> str:
    """The place of the thing before its last move."""
    return str(probe["places"][-2:][0])


def last_mention(probe: Probe, rng: random.Random) -> str:
    """The last place in which the story puts the thing, even in the words of somebody who lies."""
    return _named(probe, rf"\b{probe['thing']}\b[^.]*?\b(%s)\b", probe["story"])


def near_agent(probe: Probe, rng: random.Random) -> str:
    """The container that was named last when the story speaks of the agent for the last time."""
    *_, last = re.finditer(rf"\b{probe['agent']}\b", probe["story"], re.IGNORECASE)
    return _named(probe, r"\b(%s)\b", probe["story"][: last.start()])


def last_two_places(probe: Probe, rng: random.Random) -> str:
    """The present place or the one before, at random; reality and the beginning are known.

    This rule follows every move, and does not know who saw it. It answers FB and TB alike, and so gets both of them
    right in a quarter of the families. No rule that answers them alike can do better: when p is the chance to name the
    old place, both are right with p (1 - p).
    """
    places: Sequence[str] = probe["places"]
    return rng.choice({"reality": places[-1:], "memory": places[:1]}.get(probe["kind"], places[-2:]))


def _named(probe: Probe, pattern: str, text: str) -> str:
    """The container in the last match of a pattern that has %s in the place of its name."""
    return str(re.findall(pattern % "|".join(probe["options"]), text)[-1])


RULES: Mapping[str, Rule] = {
    "first place": first_place,
    "last place": last_place,
    "place before": place_before,
    "last mention": last_mention,
    "near agent": near_agent,
    "last two places": last_two_places,
}
