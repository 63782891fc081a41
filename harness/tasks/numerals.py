"""Finds the numbers that a text writes, and their exact values: digits, LaTeX, grouping, fractions, powers, magnitudes.

Nothing is ever evaluated: numbers joined by an operator, a range or "or" are one quantity without a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

DIGITS = 300
"""Digits of an integer that are read; a degenerate run of digits is then a wrong answer, not a slow one."""

_SIGNS = {
    0x2044: "/",
    0x2215: "/",
    0x2248: "=",
    0x00D7: "x",
    0x00B7: "x",
    0x22C5: "x",
    0x2219: "x",
    0x066B: ".",
    0x066C: ",",
    0x066A: "%",
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_ARGUMENT = r" ?(?:\{([^{}\\]{0,60})\}|([0-9]))"
_FRACTION = re.compile(rf"\\[cdt]?frac{_ARGUMENT}{_ARGUMENT}")
_SIGNED = re.compile(r"\s{0,3}(-?)\s{0,3}([0-9.,]{1,40})\s{0,3}")
_CLEANING = [
    (re.compile(pattern), into)
    for pattern, into in (
        (r"(?<![0-9.,])([0-9]{1,3})(?: \1(?![0-9])){2,}(?![0-9.,])", r"\1"),  # "180 180 180" is said in a loop
        (r"([0-9])(?: (?:dollars?|euros?))?,? and ([0-9]{2}) cents?\b", r"\1.\2"),
        (r"(?<=[0-9])\*\*(?=-?[0-9])| ?\^ (?=-?[0-9])", "^"),
        (r"[ \t]{0,8}\n[ \t]{0,8}(?==\s?[-$0-9(])", " "),
        (r"\{,\}", ","),
        (r"\\([$%#&{}])", r"\1"),
        (r"\b(Rs|Fr|No|no|ca|approx)\.(?=[0-9])", r"\1 "),
        (r"(?<=[0-9)%])\s?(?:->|=>|\u2192|\u21d2|\u27f9)\s?(?=[$0-9(-])", " = "),
        (r"(?<=\n)[=-]{3,200}[ \t]{0,8}(?:\n|$)", ""),
        (r"(?<=[0-9])(?:\\[,;: ]|~|\{ \})(?=[0-9]{3}(?![0-9]))", ","),
        (r"\\[,!;:]", ""),
        (r"\\ |~|\\q?quad(?![A-Za-z])", " "),
        (r"\\(?:left|right|displaystyle|limits)(?![A-Za-z])", ""),
        (r"\\(?:times|cdot)(?![A-Za-z])", "x"),
        (r"\\(?:div)(?![A-Za-z])", "÷"),
        (r"\\(?:pm|mp)(?![A-Za-z])", "±"),
        (r"\\(?:approx|simeq|sim)(?![A-Za-z])", "="),
        (r"\^ ?(?:\{ ?\\circ ?\}|\\circ(?![A-Za-z]))", "°"),
        (r"\\(?:text(?:bf|it|rm|sf)?|math(?:rm|bf|it|sf)|mbox|operatorname) ?\{([^{}\\]{0,100})\}", r" \1 "),
        (r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname|bf|bm|boldsymbol) ?\{", " {"),
        (r"\^ ?\{ ?(-?[0-9]{1,3}) ?\}", r"^\1"),
        (r"\\(?:overline|bar|dot) ?\{? ?([0-9]{1,20}) ?\}?", r"‾\1"),
        (r"(?<=[0-9])_(?=[0-9]{3})", ""),
        (r"(?<![A-Za-z0-9])_{1,3}(?=[0-9-])", ""),
        (r"(?<=[0-9])(?=\\[cdt]?frac)", " "),
        (r"(?<=[0-9]) and (?:a|one)[ -]half\b", " 1/2"),
        (r"\{-\}", "-"),
        (r"-[({] ?([0-9.,]{1,40}) ?[)}]", r"-\1"),
        (r"(=|\{|\(|\bis|\bof) {0,3}- {1,3}(?=[0-9$.\\])", r"\1 -"),
    )
]
_WHOLE = r"""(?:
    [0-9]{1,3} (?:,[0-9]{3}(?![0-9]))++           # 1,234,567
  | [0-9]{1,2} (?:,[0-9]{2}(?![0-9]))++ ,[0-9]{3}(?![0-9])  # 1,23,456
  | [0-9]{1,3} (?:'[0-9]{3}(?![0-9]))++           # 1'234'567
  | [1-9][0-9]{0,2} (?:\ [0-9]{3}(?![0-9]))++     # 1 234 567
  | [0-9]++
)"""
_COMMA_DECIMAL = r"""(?:
    [0-9]{1,3} (?:\.[0-9]{3}(?![0-9])){2,}+ (?:,[0-9]++)?          # 1.000.000
  | [0-9]{1,3} (?:[. ][0-9]{3}(?![0-9]))++ ,[0-9]{1,2}(?![0-9])    # 12.345,67
  | (?<![(\[{]) (?<![0-9],) [0-9]++ ,[0-9]{1,2}(?!,?[0-9])         # 3,5
)"""
# Words of magnitude, and the shortest forms of the same, in the languages whose words do not mean different magnitudes.
_SCALES = {
    word: value
    for value, words in (
        (100, "hundred hundreds"),
        (12, "dozen dozens"),
        (1000, "thousand thousands \u0442\u044b\u0441\u044f\u0447 \u0442\u044b\u0441\u044f\u0447\u0438"),
        (10**5, "lakh lakhs"),
        (
            10**6,
            "million millions millionen millones mill\u00f3n milione milioni milh\u00e3o milh\u00f5es miljoen "
            "\u043c\u0438\u043b\u043b\u0438\u043e\u043d \u043c\u0438\u043b\u043b\u0438\u043e\u043d\u0430 "
            "\u043c\u0438\u043b\u043b\u0438\u043e\u043d\u043e\u0432",
        ),
        (10**7, "crore crores"),
        (10**9, "billion billions milliard milliards milliarde milliarden miliardi"),
        (10**12, "trillion trillions"),
    )
    for word in words.split()
}
_SHORT = {"k": 1000, "K": 1000, "M": 10**6, "m": 10**6, "mn": 10**6, "B": 10**9, "bn": 10**9, "T": 10**12} | {
    "\u4e07": 10**4,
    "\u842c": 10**4,
    "\u4ebf": 10**8,
    "\u5104": 10**8,
}
_NUMERAL = re.compile(
    rf"""
    (?<![A-Za-z0-9_^‾]) (?<![A-Za-z0-9]\.) (?<![A-Za-z]-)  # not inside a word (GPT-4), a decimal or an exponent
    (?: (?P<worded>negative|minus|Negative|Minus) \ )?
    (?P<sign>(?<![)\]}}%])-)? (?P<currency>[$€£¥₹]\ ?)? (?P<inner>-)?
    (?:
        (?P<mixed>[0-9]{{1,9}})(?:[ -]|\ and\ )(?P<part>[0-9]{{1,9}})/(?P<of>[0-9]{{1,9}}) (?![0-9/])
      | (?: (?P<comma>{_COMMA_DECIMAL}) | (?P<digits>{_WHOLE}(?:\.[0-9]++|\.(?=‾))?+ | (?<!\.)\.[0-9]++) )
        (?:‾(?P<repeated>[0-9]{{1,20}}))?
        (?!(?:st|nd|rd|th)\b)
        (?: [eE](?P<e>[+-]?[0-9]{{1,3}})(?![0-9A-Za-z])
          | \ ?[xX*]\ ?10\ ?\^(?P<ten>-?[0-9]{{1,3}})(?![0-9])
          | \^(?P<power>-?[0-9]{{1,2}})(?![0-9])
          | \ ?/\ ?(?P<denominator>{_WHOLE}(?:\.[0-9]++)?+)(?!/)
        )?
        (?: [ -]?(?P<scale>(?i:{"|".join(sorted(_SCALES, key=len, reverse=True))}))\b
          | (?P<short>[kKMBT]|bn|mn|[\u4e07\u842c\u5104\u4ebf]|(?(currency)m|(?!)))(?![A-Za-z0-9'])
        )?
    )
    (?P<below>(?:\ ?°|\ degrees?)?(?:\ ?[CF]|\ Celsius|\ Fahrenheit)?\ below\ zero)?
    """,
    re.VERBOSE,
)
_JOINED = re.compile(
    r"""[*$)}%°]{0,2} (?:
        \ {0,3} (?: [+*÷±/^] | -{1,3} | x | plus|minus|times|divided\ by|multiplied\ by|to|or|and|over ) \ {0,3}
      | : | \ (?:(?P<unit>[A-Za-z]{1,20})\ )? (?:or|to) \ (?:[a-z]\ ?=\ ?)?
      | (?:,?\ or)?,?\ (?:maybe|perhaps|possibly)\ (?:even\ )?
    ) [*$(\\{]{0,2}""",
    re.VERBOSE,
)
_RATE = re.compile(r" (?:each|per|apiece|a piece)\b", re.IGNORECASE)
_OPERATED = re.compile(r"(?:√|\\sqrt\b|\\infty)[^=\n]{0,20}$|±\s?$|\\(?:[cdt]?frac|[dt]?binom)[^=\n]{0,40}$")
# A factorial, a root or a variable that the number multiplies.
_GOES_ON = re.compile(
    r"!(?=\s?[})$+*/=])|\s?(?:\\sqrt|√|\\pi|π)|[xyzn](?![A-Za-z])|[a-z](?:\s?[+*]\s?[0-9a-z(]|\s-\s[0-9(])"
)
_LABEL_BEFORE = re.compile(
    r"\b(?:step|question|problem|exercise|example|equation|figure|table|chapter|error|part)s?[ #]{1,3}$", re.IGNORECASE
)
# "I am 95% sure that it is 18", "Confidence: 0.95"
_SURE_AFTER = re.compile(r"\s?(?:%|percent)?\s?\*{0,2}\)?\s?(?:sure|certain|confident|confidence)\b", re.IGNORECASE)
_SURE_BEFORE = re.compile(r"\bconfidence\b[^0-9\n]{0,30}$", re.IGNORECASE)
_LINE_BEFORE = re.compile(r"(?:^|\n)[ \t>*#]{0,8}$")
# "14 October", "October 14"
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_MONTH_AFTER = re.compile(rf" (?:of )?{_MONTH}\b")
_MONTH_BEFORE = re.compile(rf"\b{_MONTH} $")
_ENUMERATES = re.compile(r"[.)] +[*\"(]{0,3}[A-Za-z]")
_DENIED = re.compile(
    r"""(?: (?: \b(?:not|never|cannot[ ]be|rather[ ]than|instead[ ]of|anything[ ]but|neither|nor|no[ ]longer
              |(?<!no[ ])(?<!a[ ])(?<!any[ ])(?<!without[ ])doubt
              |nicht|niet|pas|non[ ]è|não[ ]é|no[ ]es) | n't\b | 不是? )
            (?:[ ](?:\w{1,12}ly|equal|to|be|just|the|about|by|is|has|have|at|all|case|true|that|answer|it|it's))*
          | [0-9] [^.\n]{0,30} \b(?:though|although)[ ](?:it|that|the[ ]answer)[ ](?:could|might|may)(?:[ ]also)?[ ]be
        ) [ *$("'\\{]{0,4}$""",
    re.IGNORECASE | re.VERBOSE,
)
_DENIED_AFTER = re.compile(r"[*$)\"'}]{0,3} (?:is|are|was|would be) (?:not|wrong|incorrect|too)\b")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written, or several that are joined.

    Attributes:
        value: None of an expression ("6 x 7"), a range ("40-45") and alternatives ("5 or 6").
        counts: False of a number that counts nothing: "step 3", "2." at the beginning of a line, "95% sure", "14 May".
    """

    start: int
    end: int
    value: Fraction | None
    counts: bool = True


def clean(text: str) -> str:
    """The text with numbers in one notation: ASCII digits, no LaTeX around them, powers as "^", fractions as "/"."""
    text = re.sub(r"(?<=[0-9])[\u00a0\u202f\u2009](?=[0-9]{3},[0-9]{1,2}(?![0-9]))", " ", text)
    text = re.sub(r"(?<=[0-9])[\u00a0\u202f\u2009](?=[0-9]{3}(?![0-9]))", ",", text)
    text = re.sub(r"(?<=[0-9])-?(?=[¼-¾⅐-⅞])", " ", text)
    text = re.sub(r"[⁰¹²³⁴-⁹⁻]{1,4}", lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    for pattern, into in _CLEANING:
        text = pattern.sub(into, text)
    for _ in range(3):  # fractions in fractions
        text = _FRACTION.sub(_fraction, text)
    return text


def quantities(text: str) -> Iterator[Quantity]:
    """The quantities of a cleaned text in their order, without those that the text denies ("not 12")."""
    group: list[re.Match[str]] = []
    for found in _NUMERAL.finditer(text):
        if group and not _joined(text, group[-1], found):
            yield from _quantity(text, group)
            group = []
        group.append(found)
    if group:
        yield from _quantity(text, group)


def values(text: str) -> set[Fraction]:
    """The values of all numbers of a cleaned text, each by itself."""
    return {value for found in _NUMERAL.finditer(text) if (value := _value(found)) is not None}


def _joined(text: str, left: re.Match[str], right: re.Match[str]) -> bool:
    if right.start() - left.end() > 40:
        return False
    between = text[left.end() : right.start()]
    if right["worded"] and not between.strip():
        return True
    if " or " in between and _RATE.match(text, right.end()):
        return False  # "$24, or $4 each"
    join = _JOINED.fullmatch(between)
    return join is not None and (not join["unit"] or text.startswith(f" {join['unit']}", right.end()))


def _quantity(text: str, group: list[re.Match[str]]) -> Iterator[Quantity]:
    start, end = group[0].start(), group[-1].end()
    before, after = text[max(0, start - 60) : start], text[end : end + 40]
    if _DENIED.search(before) or _DENIED_AFTER.match(after):
        return
    several = {_value(found) for found in group}
    # "0.5 or 1/2" is one value, "4 x 4" is not.
    value = several.pop() if len(several) == 1 and (len(group) == 1 or " or " in text[start:end]) else None
    if _OPERATED.search(before) or _GOES_ON.match(after):
        value = None
    enumerates = len(group) == 1 and _ENUMERATES.match(after) and _LINE_BEFORE.search(before)
    dated = _MONTH_AFTER.match(after) or (_MONTH_BEFORE.search(before) and value is not None and value <= 31)
    sure = _SURE_AFTER.match(after) or _SURE_BEFORE.search(before)
    yield Quantity(start, end, value, not (enumerates or dated or sure or _LABEL_BEFORE.search(before)))


def _fraction(found: re.Match[str]) -> str:
    """ "7/2" for plain numbers above and below, else "(x)/(y)"."""
    above, below = found[1] or found[2] or "", found[3] or found[4] or ""
    numbers = _SIGNED.fullmatch(above), _SIGNED.fullmatch(below)
    if not numbers[0] or not numbers[1]:
        return f"({above})/({below})"
    sign = "-" if numbers[0][1] != numbers[1][1] else ""
    return f"{sign}{numbers[0][2]}/{numbers[1][2]}"


def _value(found: re.Match[str]) -> Fraction | None:
    negative = found["sign"] or found["inner"] or found["worded"] or found["below"]
    sign = -1 if negative else 1
    if found["mixed"]:
        parts = int(found["part"]), int(found["of"])
        return sign * (int(found["mixed"]) + Fraction(*parts)) if parts[1] else None
    digits = found["digits"] or found["comma"].replace(".", "").replace(" ", "").replace(",", ".")
    value = _decimal(digits, found["repeated"] or "")
    if found["e"] or found["ten"]:
        value *= Fraction(10) ** int(found["e"] or found["ten"])
    elif found["power"]:
        exponent = int(found["power"])
        if (value == 0 and exponent < 0) or len(digits) > 40:
            return None
        value = value**exponent
    elif found["denominator"]:
        below = _decimal(found["denominator"])
        if below == 0:
            return None
        value /= below
    return sign * value * _scale(found)


def _scale(found: re.Match[str]) -> int:
    short = found["short"] or ""
    if short in ("B", "T") and not found["currency"]:
        return 1  # "3B" may be a model, a flat or an option
    return _SCALES[found["scale"].lower()] if found["scale"] else _SHORT.get(short, 1)


def _decimal(digits: str, repeated: str = "") -> Fraction:
    whole, _, decimals = re.sub("[, ']", "", digits).partition(".")
    value = Fraction(f"{whole[:DIGITS] or '0'}.{decimals[:DIGITS] or '0'}")
    if repeated:
        value += Fraction(int(repeated), (10 ** len(repeated) - 1) * 10 ** len(decimals[:DIGITS]))
    return value
