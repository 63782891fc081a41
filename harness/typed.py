"""Checks and converts one value to a type, or says in plain words why it does not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.files import user_path

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

NEEDED = {
    "int": "a whole number is needed",
    "float": "a number is needed",
    "bool": "true or false is needed",
    "string": "a text is needed; put quotes around one that looks like a number",
    "list": "a list is needed: [first, second]",
    "tuple": "a list is needed: [first, second]",
    "sequence": "a list is needed: [first, second]",
    "dict": "a mapping is needed: {name: value}",
    "mapping": "a mapping is needed: {name: value}",
    "date": "a date is needed: 2024-07-26",
    "path": "a path is needed",
    "none": "null is needed",
}
"""The wanted type for each kind of pydantic error, by the first word of its name (`int_parsing`, `bool_type`)."""

RANGES = {
    "greater_than": "a number above {gt:g} is needed",
    "greater_than_equal": "{ge:g} or more is needed",
    "less_than": "a number below {lt:g} is needed",
    "less_than_equal": "{le:g} or less is needed",
    "too_short": "a list of {min_length} or more is needed",
}
"""Words for the ranges of a type, as in `Annotated[int, Ge(1)]`."""

LARGEST = 2**63 - 1


def typed(value: Any, hint: Any, path: str) -> Any:
    """The value, converted where that loses nothing ("3" to 3); of a path, `~` is the home folder.

    Args:
        hint: any type hint.
        path: the setting's name, for the message.

    Raises:
        HarnessError: it is of another type; the message names the setting, or the part of it that is wrong.
    """
    from pydantic import ValidationError

    try:
        found = _adapter(hint).validate_python(value)
    except ValidationError as error:
        raise HarnessError(_explain(error.errors(), value, path)) from error
    _refuse_odd_numbers(value, found, path)
    if not isinstance(found, Path):
        return found
    if value == "":
        raise HarnessError(f"{path}=: {NEEDED['path']}; '.' is the working directory")
    return user_path(found)


@lru_cache(maxsize=1024)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    """Reads values of a type. Making it takes longer than reading most values."""
    from pydantic import TypeAdapter

    return TypeAdapter(hint)


def _refuse_odd_numbers(given: Any, found: Any, path: str) -> None:
    """Raises HarnessError: infinity or NaN, an integer of more than 64 bits, neither of which a file of results can
    hold; or true or false where a number is wanted: YAML reads `yes` and `on` so, and Python counts them as 1 and 0."""
    if isinstance(found, (int, float)):
        if isinstance(found, int) and not -LARGEST - 1 <= found <= LARGEST:
            raise HarnessError(f"{path}={str(found)[:40]}: a number from -2^63 to 2^63-1 is needed")
        if not math.isfinite(found):
            raise HarnessError(f"{path}={found}: a finite number is needed")
        if isinstance(given, bool) and not isinstance(found, bool):
            raise HarnessError(f"{path}={str(given).lower()}: {NEEDED[type(found).__name__]}")
    elif isinstance(found, Mapping):
        for key, part in found.items():
            _refuse_odd_numbers(given.get(key) if isinstance(given, Mapping) else None, part, f"{path}.{key}")
    elif isinstance(found, (list, tuple)):
        parts = given if isinstance(given, (list, tuple)) and len(given) == len(found) else [None] * len(found)
        for i, (before, part) in enumerate(zip(parts, found, strict=True)):
            _refuse_odd_numbers(before, part, f"{path}[{i}]")


def _explain(problems: list[ErrorDetails], value: Any, path: str) -> str:
    """The first thing that is wrong; of a union, what any of its members would need there."""
    steps = _inside(value, problems[0]["loc"])
    same = [problem for problem in problems if _inside(value, problem["loc"]) == steps]
    inside = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    if problems[0]["type"] == "missing":
        return f"{path}{inside}.{problems[0]['loc'][-1]}: not set"
    needed = " or ".join(dict.fromkeys(map(_needed, same)))
    return f"{path}{inside}={same[0]['input'] if steps else value}: {needed}"


def _needed(problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind == "literal_error":
        return f"{problem['ctx']['expected']} is needed"
    if kind == "is_instance_of" and problem["ctx"]["class"] == "Sequence":
        kind = "list"
    if kind in RANGES:
        return RANGES[kind].format(**problem["ctx"])
    return NEEDED.get(kind.partition("_")[0], problem["msg"])


def _inside(value: Any, loc: tuple[int | str, ...]) -> list[int | str]:
    """The steps of a location that lead into the value; others name members of a union."""
    steps: list[int | str] = []
    for part in loc:
        try:
            value = value[part]
        except (TypeError, KeyError, IndexError):
            return steps
        steps.append(part)
    return steps
