"""Fixed texts of a protocol as settings: `string.Template`s by name, which a config may replace one by one.

Braces mean nothing in them, so that prompts which show JSON stay readable; a dollar sign is written `$$`.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from harness.errors import HarnessError, nearest


def filled_in(given: Mapping[str, str], texts: Mapping[str, str], path: str) -> dict[str, str]:
    """All texts, the given ones in place of the protocol's own.

    Args:
        path: path of the setting, for messages.

    Raises:
        HarnessError: a text that the protocol does not have, a dollar sign that begins no placeholder, or a placeholder
            that the protocol does not fill.
    """
    for name, text in given.items():
        if name not in texts:
            raise HarnessError(f"there is no setting {path}.{name}{nearest(name, texts)}")
        template = Template(text)
        if not template.is_valid():
            raise HarnessError(f"{path}.{name}: a dollar sign that begins no placeholder is written $$")
        known = Template(texts[name]).get_identifiers()
        for placeholder in template.get_identifiers():
            if placeholder not in known:
                raise HarnessError(f"{path}.{name}: nothing fills ${placeholder}{nearest(placeholder, known)}")
    return {name: given.get(name, text) for name, text in texts.items()}


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its placeholders filled; a dollar sign inside a value stays what it is."""
    return Template(text).substitute(values)
