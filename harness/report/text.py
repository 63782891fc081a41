"""Shortens texts and writes numbers for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


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


def in_brackets(low: float | None, high: float | None) -> str:
    """ " [low, high]" with both ends, "" without."""
    return "" if low is None or high is None else f" [{number(low)}, {number(high)}]"


def moment(time: object) -> str:
    """A time of a manifest for people, to the minute: "2026-11-28 18:20 UTC". What is no time stays as it is."""
    try:
        at = datetime.fromisoformat(str(time))
    except ValueError:
        return str(time)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at.tzinfo is not None else f"{at:%Y-%m-%d %H:%M}"


def in_family(verdict: Mapping[str, Any]) -> str:
    """What is left of a verdict in the family of its claims, with the adjusted p; a dash for a published number."""
    kind, p = verdict.get("kind_holm"), verdict.get("p_holm")
    if kind is None:
        return "\N{EN DASH}"
    return str(kind) if p is None else f"{kind}, p {number(p)}"
