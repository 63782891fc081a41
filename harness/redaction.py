"""Removes credentials from whatever is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

STRUCK = "***"
_SECRET = re.compile(r"(^|[._-])(api_?key|key|token|secret|password|passwd|credentials?)$", re.IGNORECASE)


def without_secrets(value: Any) -> Any:
    """The value with everything that looks like a credential struck out: keys by name, passwords in addresses.

    A switch is none, whatever it is called (`per_token: true`): a run has to be made again from its config.
    """
    if isinstance(value, Mapping):
        return {
            key: STRUCK if _SECRET.search(str(key)) and v and v is not True else without_secrets(v)
            for key, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(v) for v in value]
    if isinstance(value, str):
        key, given, _ = value.partition("=")
        if given and _SECRET.search(key):
            return f"{key}={STRUCK}"
        return re.sub(r"://[^/@\s]+@", f"://{STRUCK}@", value)
    return value
