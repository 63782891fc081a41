"""From typed settings back to plain values, for the manifest of a run and for its digest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


def written(value: Any, path: str) -> Any:
    """A setting as JSON can hold it, from which `harness.config.build` makes an equal one.

    A dataclass becomes {"_target_": its class, and all its fields with their values}, whether they were given or are
    defaults. Two configs that mean the same are therefore written alike, and a changed default is written otherwise.
    Paths and dates are texts, tuples are lists, sets are sorted lists. Mappings keep their order, which may be the
    order of words in a prompt.

    Args:
        path: the setting's name, for the message.

    Raises:
        HarnessError: a value that is none of these, no number, text, true, false or null.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **written_fields(value, path)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): written(value[key], f"{path}.{key}") for key in value}
    if isinstance(value, AbstractSet):
        return sorted((written(part, path) for part in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [written(part, f"{path}[{i}]") for i, part in enumerate(value)]
    if isinstance(value, (Path, date)):
        return str(value)
    raise HarnessError(
        f"{path}: a {type(value).__name__} cannot be written to a manifest; make it a number, text, true or false, "
        "date, path, list, mapping, or a dataclass of these"
    )


def written_fields(settings: Any, path: str) -> dict[str, Any]:
    """The fields of a dataclass with their values, for a place where its class is known."""
    return {
        f.name: written(getattr(settings, f.name), f"{path}.{f.name}") for f in dataclasses.fields(settings) if f.init
    }
