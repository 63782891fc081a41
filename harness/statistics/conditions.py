"""Conditions on a run's settings, under which its numbers may be compared with a published one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import HarnessError
from harness.metrics.levels import level_text

Wanted = str | bool | int | float | None
"""The required value of a setting, or a bound as a text: ">=512" or "<=512"."""

_CONDITION = re.compile(r"\s*([^\s<>=]+)\s*(>=|<=|=)(.*)", re.DOTALL)
_BOUND = re.compile(r"(>=|<=)\s*(.*)", re.DOTALL)
_BOUNDS = {">=": "or more", "<=": "or less"}


def read_conditions(text: str) -> dict[str, str]:
    """Conditions as a table has them: "experiment.temperature=0; experiment.max_tokens>=1024".

    Returns:
        The conditions by key, as `Reference.requires` takes them: {"experiment.temperature": "0",
        "experiment.max_tokens": ">=1024"}.

    Raises:
        HarnessError: a part that is no condition, or two of one key.
    """
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        parsed = _CONDITION.fullmatch(part)
        if parsed is None or not parsed[3].strip():
            raise HarnessError(f"requires: {part.strip()!r} is none of key=value, key>=number and key<=number")
        key, relation, value = parsed[1], parsed[2], parsed[3].strip()
        if key in found:
            raise HarnessError(f"requires: two conditions on {key!r}")
        found[key] = value if relation == "=" else f"{relation}{value}"
    return found


def condition_texts(what: str, conditions: Mapping[str, Wanted]) -> dict[str, str]:
    """Conditions with their bounds as text.

    Raises:
        HarnessError: a bound that is no number.
    """
    texts = {key: setting_text(value) for key, value in conditions.items()}
    for key, text in texts.items():
        bound = _BOUND.fullmatch(text)
        if bound is not None and _number(bound[2]) is None:
            raise HarnessError(f"{what}: requires {key}{text}: a bound is a number")
    return texts


def setting_text(value: Any) -> str:
    """A setting as conditions compare it: null, true, a number, a list as "[a, b]", a text as it is."""
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(setting_text, value))}]"
    return level_text(value) if isinstance(value, (str, bool, int, float)) else str(value)


def unmet(conditions: Mapping[str, Wanted], settings: Mapping[str, str]) -> list[str]:
    """In words, the conditions that the settings of a run do not meet.

    Args:
        settings: all of a run's by dotted key, see `setting_text`.
    """
    return [
        f"{key} is {settings[key]}, published at {_told(wanted)}" if key in settings else f"this run has no {key}"
        for key, wanted in condition_texts("", conditions).items()
        if key not in settings or not _met(settings[key], wanted)
    ]


def _met(setting: str, wanted: str) -> bool:
    bound = _BOUND.fullmatch(wanted)
    if bound is None and setting == wanted:
        return True
    ours, theirs = _number(setting), _number(wanted if bound is None else bound[2])
    if ours is None or theirs is None:
        return False
    relation = "=" if bound is None else bound[1]
    return ours >= theirs if relation == ">=" else ours <= theirs if relation == "<=" else ours == theirs


def _told(wanted: str) -> str:
    bound = _BOUND.fullmatch(wanted)
    return wanted if bound is None else f"{bound[2]} {_BOUNDS[bound[1]]}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
