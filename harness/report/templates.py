"""Fills page templates: all text is escaped, and the page's policy names the only scripts that may run, by digest."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.resources import files
from typing import Any

from harness.console import visible
from harness.metrics.labels import metric_label
from harness.metrics.levels import level_words
from harness.report.text import cut, in_family, moment, number

LONGEST = 4000
"""Characters of any one text on a page."""


@functools.cache
def environment() -> Any:
    """The Jinja environment of all pages, which knows their CSS (`style`) and JavaScript (`script`, `script_digest`).

    Filters: `seen` for text of unknown origin, `label` for names, `metric` for names of metrics, `level`, `moment` for
    times, and `num` for numbers.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup, escape

    def label(text: object) -> Markup:
        """A name that may be broken after a slash or underscore, and nowhere inside a word."""
        safe = str(escape(visible(cut(str(text), LONGEST))))
        return Markup(re.sub("([/_@])", r"\1<wbr>", safe))

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
        "label": label,
        "metric": metric_label,
        "level": level_words,
        "moment": moment,
        "seen": lambda text: visible(cut(str(text), LONGEST)),
    }
    style, script = ((files("harness.report") / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # As a content security policy names a script: SHA-256 in base64.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals |= {"style": style, "script": script, "script_digest": digest}
    return made
