"""Makes text of unknown origin safe to look at: nothing invisible, nothing that reverses the line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# C0 and C1 controls except tab and line feed, zero-width characters, line separators, everything that changes the
# direction of what follows, lone surrogates (not encodable), non-characters, and the invisible "tag" characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with every invisible or direction-changing character written out: NUL as U+2400, others as ⟨U+202E⟩."""
    return _UNSEEN.sub(_shown, text.replace("\r\n", "\n"))


def cut(text: str, limit: int) -> str:
    """The first `limit` characters, and how many more there are."""
    return text if len(text) <= limit else f"{text[:limit]} … [{len(text) - limit:,} more characters not shown]"


def number(value: float | None, digits: int = 3) -> str:
    """A number with a fixed number of decimals and a real minus sign; "undefined" for None."""
    if value is None:
        return "undefined"
    if abs(value) >= 10_000:
        return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}")


def in_family(verdict: Mapping[str, Any]) -> str:
    """What is left of a verdict in the family of its claims, with the adjusted p; a dash for a published number."""
    kind, p = verdict.get("kind_holm"), verdict.get("p_holm")
    if kind is None:
        return "\N{EN DASH}"
    return str(kind) if p is None else f"{kind}, p {number(p)}"


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"
