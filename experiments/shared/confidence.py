"""Stated confidences: what a text says on its scale, as a probability. Nothing is evaluated, clipped or filled in."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Mapping
from typing import Literal

from harness import Probability
from harness.tasks.texts import word_list, words

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

PLACEHOLDERS = ("final answer here", "letter here", "confidence here")
"""What stands between the tags where a prompt shows the form; a model that repeats it has said nothing."""

STATEMENT = 200
"""Characters of a statement that are read; the rest of a longer one is not."""

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
_SPELLED_NUMBER = re.compile(
    rf"\b(?:{'|'.join(sorted((name.replace(' ', '[ -]') for name in _SPELLED), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"""
    (?<![\w.,]) (?P<sign>[-+]?) (?P<number>[0-9]{1,12}(?:[.,][0-9]{1,12})?|\.[0-9]{1,12}) (?![0-9]|(?:st|nd|rd|th)\b)
    (?: [\s\])}*]{0,4} (?P<percent>%|percent\b|per\ cent\b|pct\b)
      | \s{0,2} (?:/|out\ of|in) \s{0,2} (?P<of>[0-9]{1,6}) (?![0-9.])
    )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DASHES = str.maketrans({0x2212: "-", 0x2013: "-"})
_THINKING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)


def read_confidence(text: str, scale: Scale, mapping: Mapping[str, float]) -> Probability | None:
    """The probability that a short statement gives; None when it gives none, several, or an impossible one.

    In numbers: "85%", "[85] %", "ninety percent", "9/10", "nine out of ten", "3 in 4" mean the same on both scales of
    numbers. A bare number above 1 is a percentage on both (Zeng et al. 2025: divide by 100 if above 1), one with a
    point and not above 1 a probability on both ("0.8", "1.0"). A bare "1" goes by the scale: one percent among
    percents, certainty among probabilities. "110%", "-5%", "80-90%", "70% or 80%" and words ("very high") give None.
    In words: the one phrase of the mapping that the statement holds, not denied; the longest where one holds another
    ("highly likely" is not "likely"). Numbers give None there: another scale was asked for.

    Args:
        mapping: phrase -> probability, for the scale "words".
    """
    text = text[:STATEMENT]
    if scale == "words":
        return _phrase(text, mapping)
    values = {_value(found, scale) for found in _quantities(text)}
    value = values.pop() if len(values) == 1 else None
    return None if value is None else Probability(value)


def read_stated(text: str, instrument: Instrument) -> tuple[Probability | None, bool]:
    """The confidence at the end of a whole reply, and whether it stood in the form asked for.

    The form is "... confidence is 85%", of several the last. Without it the last percentage anywhere is taken (Zong et
    al. 2025), unless the reply states the other instrument. An uncertainty u comes back as 1 - u.
    """
    told = list(re.finditer(rf"\b{instrument}(?: score| level| percentage)? is\b", text, re.IGNORECASE))
    if told:
        line = text[told[-1].end() :][:STATEMENT].split("\n", 1)[0]
        found = next(iter(_quantities(line)), None)
        value = None if found is None else _value(found, "percent")
    else:
        other = "uncertainty" if instrument == "confidence" else "confidence"
        if re.search(rf"\b{other} is\b", text, re.IGNORECASE):
            return None, False
        percentages = [found for found in _quantities(text) if found["percent"]]
        value = _value(percentages[-1], "percent") if percentages else None
    if value is None:
        return None, False
    return Probability(value if instrument == "confidence" else 1 - value), bool(told)


def tagged(text: str, tag: str, *, ended: bool) -> str | None:
    """What stands in the last <tag> of a reply; None without one, or when it is empty or the format's own words.

    Args:
        ended: whether the reply ended by itself. Then a tag that was never closed holds the rest of its line; in a
            reply that was cut off, "8" may be the beginning of "85%", and such a tag counts as none.
    """
    opened = deque(re.finditer(rf"<{tag}>", text, re.IGNORECASE), maxlen=1)
    if not opened:
        return None
    content = text[opened[0].end() :]
    closed = re.search(rf"</{tag}>", content, re.IGNORECASE)
    if not closed and not ended:
        return None
    content = content[: closed.start()] if closed else content.split("\n", 1)[0].split("<", 1)[0]
    content = content.strip()
    return None if not words(content) or content.lower() in PLACEHOLDERS else content


def after_thought(text: str) -> str:
    """The reply without the model's thinking: what follows the last </think>; nothing while it is still thinking."""
    closed = list(_THOUGHT.finditer(text))
    rest = text[closed[-1].end() :] if closed else text
    return "" if _THINKING.search(rest) else rest


def _quantities(text: str) -> list[re.Match[str]]:
    text = _SPELLED_NUMBER.sub(
        lambda m: str(_SPELLED[m[0].lower().replace("-", " ")]), unicodedata.normalize("NFKC", text).translate(_DASHES)
    )
    return list(_QUANTITY.finditer(text))


def _value(found: re.Match[str], scale: Scale) -> float | None:
    """The probability that a quantity is, None outside of [0, 1]."""
    number = found["number"].replace(",", ".")
    value = float(number)
    if found["of"]:
        value = value / int(found["of"]) if int(found["of"]) else -1.0
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
    around = said.replace(longest[0], " ", 1).split()
    if {"not", "never", "isnt", "no", *(form.strip() for form in forms)} & set(around):
        return None
    return Probability(forms[longest[0]])
