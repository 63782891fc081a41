"""Rules that answer a question about a story without any idea of minds: the marks that a reader of minds must beat."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Fields = Mapping[str, Any]


def near_agent(probe: Fields) -> str:
    """The container that was named last when the story speaks of the agent for the last time."""
    *_, last = re.finditer(rf"\b{probe['agent']}\b", probe["story"], re.IGNORECASE)
    return str(re.findall(rf"\b({'|'.join(probe['options'])})\b", probe["story"][: last.start()])[-1])


def who_left(probe: Fields) -> str:
    """The place before the last move if the agent leaves the room, else the last one.

    It is right about all beliefs about the agent's belief (second order), which hang on who seems to see the move.
    """
    gone = re.search(rf"\b{probe['agent']} (?:left the room|went out|walked out)", probe["story"], re.IGNORECASE)
    return str(probe["places"][-2 if gone else -1])


RULES: Mapping[str, Callable[[Fields], str]] = {
    "first place": lambda probe: str(probe["places"][0]),
    "last place": lambda probe: str(probe["places"][-1]),
    "place before": lambda probe: str(probe["places"][-2]),
    "near agent": near_agent,
    "who left": who_left,
    "first option": lambda probe: str(probe["options"][0]),
    "longest option": lambda probe: str(max(probe["options"], key=len)),
}
"""By the thing's place in the beginning, in the end, and before the last move; by the words; by the list of options."""
