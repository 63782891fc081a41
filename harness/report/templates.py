"""Fills page templates: all text is escaped, and the page's policy names the only scripts that may run, by digest."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from harness.console import visible
from harness.report.text import cut, in_family, number

LONGEST = 4000
"""Characters of any one text on a page."""


def environment() -> Any:
    """The Jinja environment of all pages: filters `seen` for text of unknown origin and `num` for numbers."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("harness", "report"),
        autoescape=select_autoescape(["j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "num": number,
        "visible": visible,
        "in_family": in_family,
        "seen": lambda text: visible(cut(str(text), LONGEST)),
    }
    return made


def style() -> str:
    """The pages' CSS."""
    return (files("harness.report") / "page.css").read_text(encoding="utf-8")


def script() -> tuple[str, str]:
    """The pages' JavaScript and its SHA-256 as a content security policy names it, base64."""
    text = (files("harness.report") / "page.js").read_text(encoding="utf-8")
    return text, base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
