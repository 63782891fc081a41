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


RULES: Mapping[str, Callable[[Fields], str]] = {
    "first place": lambda probe: str(probe["places"][0]),
    "last place": lambda probe: str(probe["places"][-1]),
    "place before": lambda probe: str(probe["places"][-2]),
    "near agent": near_agent,
    "first option": lambda probe: str(probe["options"][0]),
    "longest option": lambda probe: str(max(probe["options"], key=len)),
}
"""By the thing's place in the beginning, in the end, and before the last move; by the words; by the list of options."""
