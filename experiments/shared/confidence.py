"""Reads a stated confidence from a text as a probability. Nothing is evaluated, clipped or filled in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from harness import Probability
from harness.tasks.texts import own_text, word_list, words

Scale = Literal["percent", "probability", "words"]
Instrument = Literal["confidence", "uncertainty"]

PHRASES: Mapping[str, float] = {
    "almost no chance": 0.05,
    "highly unlikely": 0.15,
    "chances are slight": 0.25,
    "unlikely": 0.35,
    "less than even": 0.45,
    "better than even": 0.55,
    "likely": 0.65,
    "very good chance": 0.75,
    "highly likely": 0.85,
    "almost certain": 0.95,
}
"""The classes of Yoon et al. (2025, arXiv 2505.14489), with the middle of the tenth that each stands for."""

STATEMENT = 200
"""Characters of a statement that are read; the rest of a longer one is not."""

NEAR = 60
"""Characters around a percentage within which it may be called a confidence."""

_SMALL = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = word_list("twenty thirty forty fifty sixty seventy eighty ninety")
_SPELLED: Mapping[str, int] = (
    {word: value for value, word in enumerate(_SMALL)}
    | {word: 10 * value for value, word in enumerate(_TENS, 2)}
    | {f"{ten} {one}": 10 * t + o for t, ten in enumerate(_TENS, 2) for o, one in enumerate(_SMALL[1:10], 1)}
    | {"one hundred": 100, "a hundred": 100, "hundred": 100}
)
_FRACTIONS: Mapping[str, str] = {
    "half": "1/2",
    "one half": "1/2",
    "a half": "1/2",
    "a third": "1/3",
    "a quarter": "1/4",
} | {
    f"{one} {part}{'s' if n > 1 else ''}": f"{n}/{of}"
    for n, one in enumerate(_SMALL[:11])
    for part, of in (
        ("third", 3),
        ("quarter", 4),
        ("fourth", 4),
        ("fifth", 5),
        ("sixth", 6),
        ("eighth", 8),
        ("tenth", 10),
    )
    if n
}
_FRACTION = re.compile(
    rf"\b(?:{'|'.join(sorted((name.replace(' ', '[ -]') for name in _FRACTIONS), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_DOTS = re.compile(r"(?<=[0-9%])\.{2,3}(?=[0-9])")
_POINT = re.compile(r"\b(?:([0-9]{1,3}) )?point ((?:[0-9] ){0,3}[0-9])\b", re.IGNORECASE)
_FIFTY = re.compile(r"\b50\s?[-:]\s?50\b")
_ABOVE = re.compile(r"\b100 and ([0-9]{1,2})(?=\s?(?:%|percent|per cent))", re.IGNORECASE)
_SPELLED_NUMBER = re.compile(
    rf"\b(?:{'|'.join(sorted((name.replace(' ', '[ -]') for name in _SPELLED), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"""
    (?<![\w.,]) (?<![0-9]e[-+]) (?P<sign>[-+]?) (?P<number>[0-9]{1,12}+(?:[.,][0-9]{1,12}+)?+|\.[0-9]{1,12}+)
    (?! [0-9] | (?:st|nd|rd|th|s)\b | e[-+]?[0-9] )
    (?: [\s\])}*\\$]{0,4} (?P<percent>%|percent\b|per\ cent\b|pct\b)
      | \s{0,2} [*)\](]{0,3} \s{0,2} (?:/|(?:times\ )?out\ of(?:\ every)?|in|(?P<loose>of)\ ) \s{0,2}
        (?P<of>[0-9]{1,6}) (?:\.0)? (?!\.?[0-9])
    )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A scale that is named: "on a scale from 0 to 100", "(0-100)", "on a 10-point scale".
_SCALE_SHOWN = re.compile(
    r"(?:\bon\s(?:an?\s|the\s)?)?(?:\b(?:scale|range|from|between|of)\s{1,3}(?:from\s|of\s|between\s)?|[(\[])?"
    r"[01]\s?%?\s{0,2}(?:-|to|and)\s{0,2}(?P<most>100|10|5|1)\b(?:\s?%|\.0)?[)\]]?(?:\s?-?\s?(?:scale|range))?"
    r"|\bon\s(?:an?\s|the\s)?(?P<points>100|10|5)-point\sscale",
    re.IGNORECASE,
)
_SCALE_WORD = re.compile(r"^(?:on\s|\(|\[|scale|range|from\s|between\s|of\s)|(?:scale|range)$", re.IGNORECASE)
_OUT_OF = re.compile(r"(?<![\w.,/])([0-9](?:\.[0-9]{1,4})?|10)(?![\w.,]*[0-9]|\s?[/%]|\s?(?:out|in)\b)")
_RANGE = re.compile(r"[\s)\]*%]{0,4}(?:-|to|~|\u00b1|\+/-)\s{0,2}")
_OR = re.compile(r"[\s)\]*%]{0,4},?\s{0,2}or\s{1,2}(?:maybe\s|perhaps\s)?")
_BETWEEN = re.compile(r"\bbetween\s{0,2}$", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|isn't|never|than)\s(?:\w{1,12}\s)?$", re.IGNORECASE)
_HEDGE = re.compile(
    r"[\s:*\[{$~(\"'=`]*(?:(?:now|only|still|therefore|thus|about|around|approximately|roughly|probably|perhaps|maybe|"
    r"at|at least|at most|a|an|equal to|simply|just|nearly|almost|over|not|but|\\boxed|\\text)[\s:*\[{$~(\"'=`]*){0,4}",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<=[1-9]),(?=[0-9]{3}$)")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")
_OF_CONFIDENCE = re.compile(r"\b(?:confiden|sure\b|certain)", re.IGNORECASE)
_OF_UNCERTAINTY = re.compile(r"\bun(?:certain|sure\b)|\bdoubt", re.IGNORECASE)
# "a 20% chance that I'm wrong, so 80%"
_OF_ERROR = re.compile(
    r"[^.!?\n%]{0,40}\b(?:wrong|incorrect|mistaken|mistakes?|doubt\w{0,3}|uncertain\w{0,2}|unsure|errors?"
    r"|misread\w{0,3})\b",
    re.IGNORECASE,
)
_ANSWER_BEFORE = re.compile(
    r"(?<!confidence in my )(?<!confidence in this )(?<!confidence in the )\banswer(?: is|:)[\s:*$(\[{]{0,4}"
    r"(?:(?:about|around|approximately)\s)?$",
    re.IGNORECASE,
)
_TYPED = str.maketrans({0x2212: "-", 0x2013: "-", 0x2044: "/", 0x066A: "%", 0x066B: "."})


def read_confidence(text: str, scale: Scale, mapping: Mapping[str, float]) -> Probability | None:
    """The probability that a short statement gives; None when it gives none, several, or an impossible one.

    In numbers of any script: "85%", "[85] %", "ninety percent", "9/10", "nine out of ten", "3 in 4" mean the same on
    both scales of numbers. A bare number above 1 is a percentage on both (Zeng et al. 2025: divide by 100 if above 1),
    one with a point and not above 1 a probability on both ("0.8", "1.0"). A bare "1" goes by the scale: one percent
    among percents, certainty among probabilities. "110%", "-5%", "80-90%", "70% or 80%" and words ("very high") give
    None. Beside a percentage whole numbers are no confidences ("85% sure, as 2 + 2 = 4"), nor are percentages of error
    beside one of confidence ("20% that I'm wrong, so 80%"); "50/50" is one half.
    In words: the one phrase of the mapping that the statement holds, not denied; the longest where one holds another
    ("highly likely" is not "likely"). Numbers give None there: another scale was asked for.

    Args:
        mapping: phrase -> probability, for the scale "words".
    """
    text = own_text(text)[:STATEMENT]
    if scale == "words":
        return _phrase(text, mapping)
    text = _out_of_ten(_plain(text))
    found = list(_QUANTITY.finditer(text))
    if any(_in_range(text, one) or _DENIED.search(text[: one.start()]) for one in found):
        return None
    if any(one["percent"] or "out of" in one[0].lower() for one in found):
        found = [one for one in found if one["percent"] or (one["of"] and not one["loose"]) or "." in one["number"]]
    found = [one for one in found if not _OF_ERROR.match(text, one.end())] or found
    values = {_value(one, scale) for one in found}
    value = values.pop() if len(values) == 1 else None
    return None if value is None else Probability(value)


def read_stated(text: str, instrument: Instrument) -> tuple[Probability | None, bool]:
    """The confidence at the end of a whole reply, and whether it stood in the form asked for.

    The form is "... confidence is 85%", of several the last. Its number directly follows, or is the first percentage of
    the sentence that is not denied ("is not 50% but 85%"). Without the form the number of a label ("Confidence: 85")
    or the last percentage that is called a confidence is taken ("I am 85% sure"), else the last that is not the answer
    (Zong et al. 2025: the last anywhere),
    unless the reply states the other instrument. An uncertainty u comes back as 1 - u.
    """
    text = _out_of_ten(_plain(own_text(text)))
    told = list(re.finditer(rf"\b{instrument}(?: score| level| percentage)? is\b\s*", text, re.IGNORECASE))
    if told:
        found = _first_stated(_SENTENCE_END.split(text[told[-1].end() :][:STATEMENT], maxsplit=1)[0])
    else:
        other = "uncertainty" if instrument == "confidence" else "confidence"
        if re.search(rf"\b{other} is\b", text, re.IGNORECASE):
            return None, False
        labelled = list(re.finditer(rf"\b{instrument}\b[^\n:=0-9]{{0,30}}[:=][ *_]{{0,4}}", text, re.IGNORECASE))
        line = text[labelled[-1].end() :][:STATEMENT].split("\n", 1)[0] if labelled else ""
        found = _first_stated(line) or _last_percentage(text, instrument)
    value = None if found is None else _value(found, "percent")
    if value is None:
        return None, False
    return Probability(value if instrument == "confidence" else 1 - value), bool(told)


def _first_stated(sentence: str) -> re.Match[str] | None:
    """The quantity that the rest of "the confidence is" gives; None without one and for a range."""
    begin = _HEDGE.match(sentence)
    for found in _QUANTITY.finditer(sentence):
        if _in_range(sentence, found):
            return None
        if _DENIED.search(sentence[: found.start()]):
            continue
        direct = begin is not None and found.start() <= begin.end()
        following = _OR.match(sentence, found.end())
        if following and _QUANTITY.match(sentence, following.end()):
            return None
        if direct or found["percent"] or found["of"]:
            return found
    return None


def _last_percentage(text: str, instrument: Instrument) -> re.Match[str] | None:
    """The last percentage called by the instrument's name, else the last that is neither the answer nor the other's."""
    own, other = _OF_CONFIDENCE, _OF_UNCERTAINTY
    if instrument == "uncertainty":
        own, other = other, own
    percentages = [found for found in _QUANTITY.finditer(text) if found["percent"]]
    called, others = [], []
    for found in percentages:
        before = _SENTENCE_END.split(text[max(0, found.start() - NEAR) : found.start()])[-1]
        after = _SENTENCE_END.split(text[found.end() : found.end() + NEAR], maxsplit=1)[0]
        if _ANSWER_BEFORE.search(before):
            continue
        if own.search(before) or own.search(after):
            called.append(found)
        elif other.search(before) or other.search(after):
            continue
        others.append(found)
    chosen = next(reversed(called or others), None)
    return None if chosen is None or _in_range(text, chosen) else chosen


def _plain(text: str) -> str:
    """A text with digits and signs as typed on a keyboard, and numbers in digits."""
    text = unicodedata.normalize("NFKC", text).translate(_TYPED)
    text = "".join(str(unicodedata.decimal(c)) if not c.isascii() and c.isdecimal() else c for c in text)
    text = _FRACTION.sub(lambda m: _FRACTIONS[m[0].lower().replace("-", " ")], text)
    text = _SPELLED_NUMBER.sub(lambda m: str(_SPELLED[m[0].lower().replace("-", " ")]), text)
    text = _POINT.sub(lambda m: f"{m[1] or 0}.{m[2].replace(' ', '')}", text)
    text = _ABOVE.sub(lambda m: str(100 + int(m[1])), _FIFTY.sub("50/50", text))
    return _DOTS.sub("-", text)


def _out_of_ten(text: str) -> str:
    """The text without the scale that it names; "8 on a scale of 0 to 10" as "8/10"."""
    scale = next((m for m in _SCALE_SHOWN.finditer(text) if _SCALE_WORD.search(m[0].strip())), None)
    if scale is None:
        return text
    most, text = scale["most"] or scale["points"], f"{text[: scale.start()]} {text[scale.end() :]}"
    return _OUT_OF.sub(rf"\1/{most}", text) if most in ("5", "10") else text


def _in_range(text: str, found: re.Match[str]) -> bool:
    """Whether a quantity is one end of a range ("80-90%", "80% to 90%", "between 80 and 90%")."""
    following = _RANGE.match(text, found.end())
    if following and _QUANTITY.match(text, following.end()):
        return True
    return bool(_BETWEEN.search(text[max(0, found.start() - 12) : found.start()]))


def _value(found: re.Match[str], scale: Scale) -> float | None:
    """The probability that a quantity is, None outside of [0, 1]."""
    number = _THOUSANDS.sub("", found["number"]).replace(",", ".")
    value = float(number)
    if found["of"]:
        value = value / int(found["of"]) if int(found["of"]) else -1.0
        if number == found["of"] == "50":  # "50/50", the idiom
            value = 0.5
    elif found["percent"] or value > 1 or (scale == "percent" and number == "1"):
        value /= 100
    return value if 0 <= value <= 1 and (found["sign"] != "-" or value == 0) else None


def _phrase(text: str, mapping: Mapping[str, float]) -> Probability | None:
    said = f" {' '.join(words(text))} "
    forms = {f" {' '.join(words(phrase))} ": value for phrase, value in mapping.items()}
    found = [form for form in forms if form in said]
    longest = [form for form in found if not any(form in other and form != other for other in found)]
    if len(longest) != 1:
        return None
    around = said.replace(longest[0].rstrip(), " ").split()
    if {"not", "never", "isnt", "no", *(form.strip() for form in forms)} & set(around):
        return None
    return Probability(forms[longest[0]])
