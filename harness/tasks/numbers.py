"""Finds the number that a text gives as its answer, and its exact value. Nothing is ever evaluated."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from fractions import Fraction

from harness.tasks.texts import own_text

DIGITS = 300
"""Digits of an integer that are read; a degenerate run of digits is then a wrong answer, not a slow one."""

MAX_PLACES = 20
"""Decimal places that `write_number` writes; a value that needs more is written as a fraction."""

_SEGMENT = 300
_MARKERS_READ = 50

_SIGNS = {0x2044: "/", 0x2215: "/", 0x2248: "=", 0x00D7: "x", 0x00B7: "x"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_CLEANING = [
    (re.compile(pattern), into)
    for pattern, into in (
        (r"\{,\}", ","),
        (r"\\([$%#&])", r"\1"),
        (r"\\[,!;:]", ""),
        (r"\\(?:left|right|displaystyle)\b", ""),
        (r"\\(?:times|cdot)\b", "x"),
        (r"(?<=[0-9])(?=\\[dt]?frac)", " "),
        (r"\\[dt]?frac ?([0-9]) ?([0-9])(?![0-9])", r"\1/\2"),
        (r"\\[dt]?frac ?\{ ?(-?[0-9.,]{1,40}) ?\} ?\{ ?([0-9.,]{1,40}) ?\}", r"\1/\2"),
        (r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|operatorname) ?\{", "{"),
        (r"\^ ?\{ ?(-?[0-9]{1,3}) ?\}", r"^\1"),
        (r"(?<=[0-9])_(?=[0-9]{3})", ""),
        (r"(?<![A-Za-z0-9])_{1,3}(?=[0-9-])", ""),
        (r"= {0,3}- {1,3}(?=[0-9$])", "= -"),
    )
]
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3}(?![0-9]))++|[0-9]++)"
_NUMBER = re.compile(
    rf"""
    (?<![A-Za-z0-9_^]) (?<![A-Za-z0-9]\.)               # not inside a word, a decimal or an exponent
    (?P<sign>(?<![)\]}}%])-)? [$€£¥]? (?P<inner>-)?
    (?:
        (?P<mixed>[0-9]{{1,9}})\ (?P<part>[0-9]{{1,9}})/(?P<of>[0-9]{{1,9}}) (?![0-9/])
      | (?P<digits>{_WHOLE}(?:\.[0-9]++)?+ | (?<!\.)\.[0-9]++)
        (?!(?:st|nd|rd|th)\b)
        (?: [eE](?P<e>[+-]?[0-9]{{1,3}})(?![0-9A-Za-z])
          | \ ?[x*]\ ?10\^(?P<ten>-?[0-9]{{1,3}})(?![0-9])
          | \^(?P<power>-?[0-9]{{1,2}})(?![0-9])
          | \ ?/\ ?(?P<denominator>{_WHOLE}(?:\.[0-9]++)?+)(?!/)
        )?
    )
    """,
    re.VERBOSE,
)
_STATED = re.compile(
    r"""
    (?P<hashes>\#{4}) (?!\#)
  | (?P<boxed>\\(?:boxed|fbox)\ {0,3}\{)
  | ^[ \t>*-]{0,8} (?:final[ ])? (?:answer|ans|a) [ \t*]{0,4} [:=]
  | \b answer (?:[ ](?:to|for)[ ](?:the|this|your)[ ](?:question|problem))? [*_]{0,3}
    (?: [ ]{0,3} [:=]
      | [ ](?:is|was|would[ ]be|will[ ]be|must[ ]be|should[ ]be|equals)\b (?![ ](?:not|found|obtained|given)\b) )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_STOP = re.compile(r"[.!?](?=\s|$)")
_EXPLANATION = re.compile(r"[, ]{0,3}(?:\(|not\b|because\b|since\b|as\b)")
_ENUMERATION = re.compile(r"[.)] +[A-Za-z]")


def read_number(text: str) -> Fraction | None:
    """The final number of a text, exactly; None when there is none.

    Which number, in this order:
    1. stated: after "#### ", in \\boxed{}, after "the answer is" / "Answer:" / "A:". Of several statements the *last*
       counts (a text that corrects itself ends with its answer; a self-posed next question is cut before). Within a
       statement the *first* number counts, or in an equation the side that is a single number;
    2. a first line that is nothing but a number with a unit, or goes on with "(", "because", "not" ("42, not 43");
    3. the *last* number of the text.

    Read as written: thousands commas, currency, units, 50% as 50, unicode minus, 1/2 and 1 1/2, 1.5e3, 1.5 x 10^3, and
    LaTeX's \\frac, {,}, \\$, \\text. Ordinals (2nd) and digits inside words (H2O) are no numbers.
    """
    text = _clean(own_text(text))
    for marker in reversed(deque(_STATED.finditer(text), maxlen=_MARKERS_READ)):
        value = _stated(text, marker)
        if value is not None:
            return value
    first = _bare(text.lstrip()[: 2 * DIGITS].split("\n", 1)[0])
    if first is not None:
        return first
    last = deque(_NUMBER.finditer(text), maxlen=1)
    return _value(last[0]) if last else None


def exact(number: str | float) -> Fraction | None:
    """The value of a text that is one number and nothing else but currency, sign, commas or a unit; else None."""
    return _bare(_clean(str(number)).strip())


def write_number(value: Fraction) -> str:
    """The one way to write a value: "42", "-0.5", or "1/3" without a decimal of `MAX_PLACES`."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next((n for n in range(1, MAX_PLACES + 1) if 10**n % value.denominator == 0), None)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _clean(text: str) -> str:
    text = re.sub(r"(?<=[0-9])[\u00a0\u202f\u2009](?=[0-9]{3}(?![0-9]))", "", text)
    text = re.sub(r"(?<=[0-9])(?=[¼-¾⅐-⅞])", " ", text)
    text = re.sub(r"[⁰¹²³⁴-⁹⁻]{1,4}", lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    for pattern, into in _CLEANING:
        text = pattern.sub(into, text)
    return text


def _stated(text: str, marker: re.Match[str]) -> Fraction | None:
    segment = text[marker.end() : marker.end() + _SEGMENT]
    if marker["boxed"]:
        return _equated(_braced(segment))
    segment = segment.lstrip().split("\n", 1)[0]
    if marker["hashes"]:
        # "#### Step 2" and "#### 2. Add" are headings, not answers.
        found = _NUMBER.search(segment)
        if not found or re.search("[A-Za-z]", segment[: found.start()]) or _ENUMERATION.match(segment, found.end()):
            return None
        return _value(found)
    stop = _STOP.search(segment)
    return _equated(segment[: stop.start()] if stop else segment)


def _braced(segment: str) -> str:
    """Up to the brace that closes; the first line when none does."""
    depth = 1
    for at, character in enumerate(segment):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return segment[:at]
    return segment.split("\n", 1)[0]


def _equated(segment: str) -> Fraction | None:
    """The last side of an equation that is one number; without such a side the first number after the last "="."""
    sides = [list(_NUMBER.finditer(side)) for side in segment.split("=")]
    sides = [side for side in sides if side]
    if not sides:
        return None
    if len(sides) == 1:
        return _value(sides[0][0])
    return _value(next((side for side in reversed(sides) if len(side) == 1), sides[-1])[0])


def _bare(line: str) -> Fraction | None:
    found = _NUMBER.search(line)
    if not found or re.search("[A-Za-z0-9=]", line[: found.start()]) or _ENUMERATION.match(line, found.end()):
        return None
    rest = line[found.end() :]
    if _EXPLANATION.match(rest):
        return _value(found)
    return _value(found) if not re.search("[0-9=+*]", rest) and len(rest.split()) <= 3 else None


def _value(found: re.Match[str]) -> Fraction | None:
    sign = -1 if found["sign"] or found["inner"] else 1
    if found["mixed"]:
        parts = int(found["part"]), int(found["of"])
        return sign * (int(found["mixed"]) + Fraction(*parts)) if parts[1] else None
    value = _decimal(found["digits"])
    if found["e"] or found["ten"]:
        value *= Fraction(10) ** int(found["e"] or found["ten"])
    elif found["power"]:
        exponent = int(found["power"])
        if (value == 0 and exponent < 0) or len(found["digits"]) > 40:
            return None
        value = value**exponent
    elif found["denominator"]:
        below = _decimal(found["denominator"])
        if below == 0:
            return None
        value /= below
    return sign * value


def _decimal(digits: str) -> Fraction:
    whole, _, decimals = digits.replace(",", "").partition(".")
    return Fraction(f"{whole[:DIGITS] or '0'}.{decimals[:DIGITS] or '0'}")
