"""Reads answers that are marks on a list of options: right or wrong behind each, a tick, bold print, a probability."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Set

from harness.tasks.statements import READ
from harness.tasks.texts import word_set

WORDS = word_set("right correct true yes wrong incorrect false no")
"""Words that mark an option; where one of them is an option itself, they mark nothing."""

_RIGHT = r"right|correct|true|yes"
_WRONG = r"wrong|incorrect|false|no|not (?:right|correct|true)"
_TICK, _CROSS = "[\u2705\u2713\u2714\u2611]", "[\u274c\u2717\u2718\u2716\u274e]"
# "A: wrong. B: right.", "A \u2717 B \u2713"
_INLINE = re.compile(
    rf"(?<![A-Za-z0-9'])\(?([A-Z])[).:]{{1,2}} ?(?:it(?:'s| is) |this is |is )?(?:(?P<yes>{_RIGHT})|{_WRONG})"
    r"\b(?= ?[.,;:!\n]| ?$)"
    rf"|(?<![A-Za-z0-9'])(?-i:(?P<ticked>[A-Z]))[).:]{{0,2}} ?(?:(?P<tick>{_TICK})|{_CROSS})",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"^[ \t|>*\u2022-]{0,8}(?:[0-9]{1,2}[.)] )?(?:\[(?P<box>[ xX])\][ ]{0,2})?(?:option |choice )?"
    r"[*(]{0,3}(?P<letter>[A-Z])\b(?!')"
    r"(?P<rest>[^\n]{0,200})$",
    re.MULTILINE | re.IGNORECASE,
)
_VERDICT = re.compile(
    rf"(?P<tick>{_TICK})|{_CROSS}"
    rf"|(?:^|[-:|(<]|\b(?:this|it|that|option) is|\b(?:it's|that's))[\s*|-]{{0,4}}(?:(?P<yes>{_RIGHT})|{_WRONG})\b",
    re.IGNORECASE,
)
_PROBABLE = re.compile(
    r"(?<![A-Za-z0-9'])\(?(?P<letter>[A-Z])[)\"']{0,2}(?: ?[:=] ?| \(|: | - )"
    r"(?:(?P<percent>[0-9]{1,3}(?:\.[0-9]{1,2})?) ?%|(?P<share>[01]?\.[0-9]{1,3}))"
)


def marked(text: str, shown: Set[str]) -> str | None:
    """The only one of several listed options that a text marks as right; None without such a list."""
    lines = [(m["letter"].upper(), _marks(m)) for m in deque(_LINE.finditer(text), maxlen=READ)]
    inline = [
        ((m[1] or m["ticked"]).upper(), bool(m["yes"] or m["tick"])) for m in deque(_INLINE.finditer(text), maxlen=READ)
    ]
    by_line = any(mark is not None for _, mark in lines) and len({letter for letter, _ in lines}) > 1
    verdicts = [(letter, yes) for letter, yes in (lines if by_line else inline) if letter in shown]
    right = {letter for letter, yes in verdicts if yes}
    return right.pop() if len({letter for letter, _ in verdicts}) > 1 and len(right) == 1 else None


def likeliest(text: str, shown: Set[str]) -> str | None:
    """The option that a text gives the highest of several probabilities; None without a single one."""
    said = {
        m["letter"]: float(m["percent"]) / 100 if m["percent"] else float(m["share"])
        for m in deque(_PROBABLE.finditer(text), maxlen=READ)
        if m["letter"] in shown
    }
    best = [letter for letter, p in said.items() if p == max(said.values())]
    return best[0] if len(said) > 1 and len(best) == 1 else None


def _marks(line: re.Match[str]) -> bool | None:
    """Whether a line marks its option as right; None without a mark."""
    if line["box"]:
        return line["box"] != " "
    found = _VERDICT.search(line["rest"].lstrip(" ).:*\u2013"))
    return None if found is None else bool(found["tick"] or found["yes"])
