"""Reads the figures of a run directory and checks them before they become part of a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

_NAMES = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "use", "defs"}
    | {"clipPath", "title", "style"}
)
_STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"

NOTHING = "Nothing to draw."
"""What a figure without rows says of itself."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: `svg` is one element, safe to put into a page; `alt` describes it in words."""

    name: str
    title: str
    alt: str
    svg: str

    @property
    def empty(self) -> bool:
        """Whether there was nothing to draw."""
        return NOTHING in self.alt


def load_picture(file: Path) -> Picture:
    """Reads a figure that `report.figures.draw` made.

    Raises:
        HarnessError: it is damaged, or holds what no figure of a run holds (a script, a link, another style).
    """
    try:
        text = file.read_text(encoding="utf-8")
        # Entities could grow without bounds when parsed, and no figure has any of its own.
        if "<!ENTITY" in text:
            raise HarnessError(f"{file} is no figure of a run: it declares an entity; remove it, then render again")
        root = ET.fromstring(text)
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}") from error
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file} is damaged: {error}; run its command again") from error
    title = next((e.text or "" for e in root.iter(f"{_DUBLIN}title")), file.stem)
    alt = next((e.text or "" for e in root.iter(f"{_DUBLIN}description")), title)
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", text[max(0, text.find("<svg")) :], flags=re.DOTALL)
    _check(file, body)
    return Picture(file.stem, title, alt, body)


def _check(file: Path, body: str) -> None:
    """Only shapes and text get into a page, even where somebody edited the file."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise HarnessError(f"{file} is damaged: {error}; run its command again") from error
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2]
        strange = name not in _NAMES or (name == "style" and (element.text or "").strip() != _STYLE)
        for attribute, value in element.attrib.items():
            local = attribute.rpartition("}")[2].lower()
            outside = re.search(r"url\((?!#)|@import", value, re.IGNORECASE)
            strange |= local.startswith("on") or (local == "href" and not value.startswith("#")) or bool(outside)
        if strange:
            raise HarnessError(
                f"{file} is no figure of a run: its <{name[:40]}> holds what none has; remove it, then render again"
            )
