"""Finds the number that a working comes to: the side of an equation, the end of a sum, the close of a sentence."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Sequence

from harness.tasks.number_words import read_words
from harness.tasks.numerals import Quantity, quantities

_FILLERS = re.compile(
    r"""(?: [\s*_"'`$({\[:,=~<>|+\u20ac\u00a3] | \\[(\[] | -> | \b(?:about|around|approximately|approx\.?|roughly|nearly
        |almost|exactly|only|just|simply|equal|to|a|an|the|total|of|therefore|thus|then|now|also|still|actually|indeed|definitely
        |clearly|likely|probably|most|at|least|up|it's|it
        |i\.e|that's|should|final|answer|is|be|usd|us|eur|inr|rs\.?|[a-z](?=\ ?=))\b\.?
    )*+""",
    re.VERBOSE | re.IGNORECASE,
)
# A clause that closes a working, and a verb that turns the numbers before it into its subject.
_CONCLUSION = re.compile(
    r"\b(?:so|thus|hence|therefore|altogether|in total|(?<!of )which|that is|i\.e|making|giving|totall?ing|leaving"
    r"|for a total of)\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:makes?|gives?|equals?|totals?|yields?|leaves?|comes? to|adds? up to)\b", re.IGNORECASE)
_COPULA = re.compile(r"\b(?:is|are)\b", re.IGNORECASE)
_PAUSE = re.compile(r"[,;:](?:\s+(?:or|namely|that is)\b)?")
# "I first thought 12, but it is 13."
_AFTER_BUT = re.compile(
    r"\bbut (?:now |actually )?(?:it|that|the (?:\w{1,12} )?answer) (?:is|was|should be)\b", re.IGNORECASE
)
_UNKNOWN = re.compile(r"(?<![A-Za-z\\])([A-Za-z]) ?=")
_TWO_VALUES = re.compile(r"\b([A-Za-z]) ?= ?[^=,;]{1,20} and \1 ?=")  # "x = 2 and x = 3"
_COMPOUND = re.compile(r"[-+*/x] ?[A-Za-z] ?=[^=]*$")
_LISTED = re.compile(r"(?:,? and|,? or|[,;])\s{0,2}[$(]?", re.IGNORECASE)
_REASON = re.compile(r"\b(?:because|since|given that|as (?=she|he|it|they|there|we|each|the))\b|\((?=[^()]*$)")
NO_VALUE = re.compile(
    r"[\s*_:]{0,4}(?:\w{1,15}ly )?(?:undefined|infinite|infinity|unknown|indeterminate|impossible|not defined"
    r"|no solution|null|n/a|nan|to be determined|unclear|not clear)\b",
    re.IGNORECASE,
)
"""Words that stand where a statement would have a number, and say that there is none."""


def lead(segment: str, at: int) -> int:
    """The end of words that only lead to a number ("about", "a total of $")."""
    found = _FILLERS.match(segment, at)
    return found.end() if found else at


def equated(segment: str, found: Sequence[Quantity]) -> Quantity:
    """The last side of an equation that is one number; without such a side the first number after the last "=".

    Equations of two unknowns ("x = 3, y = 4") give no number.
    """
    concluded = [m.end() for m in _CONCLUSION.finditer(segment) if "=" in segment[m.end() :]]
    names = {name[1] for name in _UNKNOWN.finditer(segment, concluded[-1] if concluded else 0)}
    if (len(names) > 1 and not _COMPOUND.search(segment)) or _TWO_VALUES.search(segment):
        return Quantity(found[0].start, found[-1].end, None)
    sides: list[list[Quantity]] = []
    at = -1
    for quantity in found:
        if segment.rfind("=", 0, quantity.start) != at or not sides:
            at = segment.rfind("=", 0, quantity.start)
            sides.append([])
        sides[-1].append(quantity)
    single = (side[0] for side in reversed(sides) if len(side) == 1 and side[0].value is not None)
    return next(single, sides[-1][0])


def closing(segment: str, found: Sequence[Quantity], direct: bool) -> Quantity | None:
    """The number that closes a working: "3 boxes of 14 make 42", "20 plus 22, which is 42", "adding 20 and 22: 42"."""
    first = found[0]
    for last in reversed(found[1:]):
        before = [q for q in found if q.end <= last.start and q is not last]
        between = segment[before[-1].end : last.start]
        operands = len(before) >= 2 or first.value is None
        if (_CONCLUSION.search(between) and (operands or not direct)) or _AFTER_BUT.search(between):
            return last
        if not _PAUSE.search(segment, first.end, last.start) and (
            _VERB.search(between) or (operands and _COPULA.search(between))
        ):
            return last
        pause = _PAUSE.search(between)
        if (
            operands
            and not (direct and first.value is not None)
            and pause
            and lead(segment, before[-1].end + pause.end()) >= last.start
        ):
            return last
    return None


def concludes(rest: str) -> bool:
    """Whether a working goes on and comes to a number ("That makes 42")."""
    last = deque(quantities(rest), maxlen=1)
    if not last:
        return False
    *before, clause = re.split(r"[,;)] ", rest[: last[0].start])
    clause = f"{before[-1]} {clause}" if before and not re.search("[0-9]", before[-1]) else clause
    return (
        any(pattern.search(clause) for pattern in (_CONCLUSION, _VERB, re.compile("=")))
        or _CONCLUSION.search(rest, last[0].end) is not None
    )


def is_list(segment: str, found: Sequence[Quantity]) -> bool:
    """Whether a segment is nothing but several numbers that differ ("3, 5")."""
    if len(found) < 2 or len({q.value for q in found}) == 1 or lead(segment, 0) < found[0].start:
        return False
    gaps = (segment[left.end : right.start] for left, right in itertools.pairwise(found))
    return all(_LISTED.fullmatch(gap) for gap in gaps) and not re.search("[A-Za-z]", segment[found[-1].end :])


def chosen(segment: str, rest: str) -> Quantity | None:
    """The number that a statement gives; a working that goes on after it (`rest`) is left to be read from its end."""
    found = [q for q in quantities(segment) if q.counts]
    start = lead(segment, 0)
    if not found:
        return Quantity(0, start, None) if NO_VALUE.match(segment, start) else worded(segment)
    first = found[0]
    direct = start >= first.start
    reason = _REASON.search(segment, first.end) if direct and first.value is not None else None
    if reason and reason[0] != "(" and "=" not in segment[: reason.start()]:
        segment, found = segment[: reason.start()], [q for q in found if q.start < reason.start()]
    ended = direct and re.match(r"[^=\n]{0,20}[;(]", segment[first.end :])
    if "=" in segment and not ended:
        return equated(segment, found)
    closed = closing(segment, found, direct)
    if closed:
        return closed
    if is_list(segment, found) or (not direct and NO_VALUE.match(segment)):
        return Quantity(first.start, found[-1].end, None)
    return None if not direct and concludes(rest) else first


def worded(segment: str) -> Quantity | None:
    """The number in words that a segment begins with."""
    start = lead(segment, 0)
    article = re.search(r"\ba\s{0,2}$", segment[:start])  # "a quarter", "a hundred"
    start = article.start() if article else start
    worded = read_words(segment[start:])
    return Quantity(start, start + worded[1], worded[0]) if worded else None
