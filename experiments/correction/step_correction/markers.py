"""Finds words with which a model takes back what it wrote; whether anything changes after them is another question."""

from __future__ import annotations

import re
from collections.abc import Sequence

MARKERS = (
    *("wait", "actually", "hold on", "hmm", "oops", "sorry", "scratch that", "on second thought"),
    *("let me check", "let me double-check", "let me re-check", "let me recheck", "let me verify", "let me correct"),
    *("mistake", "correction", "i made an error", "is wrong", "is incorrect", "is not right", "is not correct"),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def first_marker(text: str, markers: Sequence[str], *, known: str | None = None) -> int | None:
    """Where the first marker begins; None without one.

    Args:
        markers: phrases, in any capitals and with any white space between their words; "no mistake" is none.
        known: a question; markers count only after the first number that it does not hold, as nothing can be taken back
            before something is computed. None where something has been computed before the text.
    """
    start = 0
    if known is not None:
        given = set(_NUMBER.findall(known))
        start = next((found.end() for found in _NUMBER.finditer(text) if found[0] not in given), len(text))
    phrases = "|".join(r"\s+".join(map(re.escape, marker.split())) for marker in markers)
    found = (
        re.compile(rf"(?<!\w)(?<!\bno )(?<!\bnothing )(?:{phrases})(?!\w)", re.IGNORECASE).search(text, start)
        if phrases
        else None
    )
    return found.start() if found else None
