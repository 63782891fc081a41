"""Graders of solutions whose answer is no number and no letter: words, yes or no, a formula, or the whole text."""

from __future__ import annotations

import re
from collections import deque

from harness.items import Grade, Item, grader
from harness.tasks.graders import NOTHING, aliases, short_answer
from harness.tasks.numbers import exact
from harness.tasks.texts import own_text

_STATED = re.compile(r"\banswer(?:\s+is)?\s*(?::|\bis\b:?)\s*|\banswer is\b:?\s*", re.IGNORECASE)
_YES_NO = re.compile(r"\b(yes|no|true|false)\b", re.IGNORECASE)
_OPENS = re.compile(r"\W{0,4}(?:yes|no|true|false)\b(?! (?:and|or)\b)", re.IGNORECASE)
_DENIED = re.compile(
    r"\bnot (?:yes|no|true|false)\b|\bneither \w{2,5} nor \w{2,5}\b"
    r"|\b(?:yes|no|true|false) (?:is|would be) (?:wrong|false)\b",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_FUNCTION = re.compile(r"[A-Za-z]\([a-z](?:,[a-z]){0,3}\)")
_DOLLARS = re.compile(r"\$([^$\n]{1,300})\$")
_PLAIN = (
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\(?:left|right|displaystyle|,|!|;|:| )"), ""),
    (re.compile(r"\\(?:text|mbox|mathrm|textbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\frac\s*([0-9])\s*([0-9])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\sqrt\s*([0-9a-z])"), r"\\sqrt{\1}"),
    (re.compile(r"\^\s*\{?\\circ\}?|\\%|%|\\\$|\$|\s"), ""),
)


@grader
def final_words(text: str, item: Item) -> Grade:
    """The words behind the last "the answer is" of a solution, or the whole text without it, as `graders.short_answer`.

    Gold: a list of accepted answers, the usual one first.
    """
    return short_answer(_ending(text), item)


@grader
def final_yes_no(text: str, item: Item) -> Grade:
    """The first yes or no behind the last "the answer is".

    Without these words the one that opens the text, or else the only one of the two that it holds. One that is denied
    ("not no") is none.

    Gold: "yes" or "no".
    """
    said = own_text(text)
    stated = _ending(said)
    found = ["yes" if word.lower() in ("yes", "true") else "no" for word in _YES_NO.findall(_DENIED.sub("", stated))]
    opens = _OPENS.match(stated)
    if not found or (stated == said and len(set(found)) > 1 and not opens):
        return NOTHING
    return Grade(found[0], found[0] == item.gold)


@grader
def whole_text(text: str, item: Item) -> Grade:
    """The whole text, equal but for spaces, line breaks and capitals. Gold: a list of accepted texts."""
    answer = _one_line(own_text(text))
    return Grade(answer, answer in map(_one_line, aliases(item.gold))) if answer else NOTHING


@grader
def final_formula(text: str, item: Item) -> Grade:
    """The formula in the last box of LaTeX, else that behind the last "the answer is", else the last between $ and $.

    It is compared as text, without spaces and marks that only change its look, or as a number where both are numbers.
    An equal formula in other terms, as x+1 for 1+x, is wrong: nothing is computed.

    Gold: a list of formulas.
    """
    said = _formula(own_text(text))
    if not said:
        return NOTHING
    golds = [_written(_formula(gold) or gold) for gold in map(str, aliases(item.gold))]
    answer = _written(said)
    value = exact(answer)
    return Grade(answer, answer in golds or (value is not None and value in map(exact, golds)))


def _one_line(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ending(text: str) -> str:
    """What stands behind the last "the answer is"; the whole text without it."""
    last = deque(_STATED.finditer(text), maxlen=1)
    return text[last[0].end() :].strip() if last and text[last[0].end() :].strip() else text


def _formula(text: str) -> str:
    """The last formula that a text gives as its answer; "" without one."""
    boxed = deque(_BOXED.finditer(text), maxlen=1)
    if boxed:
        return _braced(text[boxed[0].end() :])
    stated = _ending(text)
    if stated != text:
        line = stated.splitlines()[0]
        inside = _DOLLARS.search(line)
        return inside[1] if inside else line
    dollars = deque(_DOLLARS.finditer(text), maxlen=1)
    return dollars[0][1] if dollars else text if len(text) <= 60 and "\n" not in text else ""


def _braced(text: str) -> str:
    """The text up to the brace that closes one opened before it; all of it where none does."""
    depth = 1
    for at, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if not depth:
            return text[:at]
    return text


def _written(formula: str) -> str:
    """A formula without what two writers may do differently."""
    text = formula.strip().rstrip(".")
    for pattern, into in _PLAIN:
        text = pattern.sub(into, text)
    left, equals, right = text.partition("=")
    return right if equals and right and (len(left) <= 2 or _FUNCTION.fullmatch(left)) else text
