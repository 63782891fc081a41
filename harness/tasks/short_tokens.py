"""Words of a short answer in one spelling: numbers, dates, signs and symbols as well as letters.

"forty-two" is 42, "May 8, 1945" is "8 may 1945", "-40" is not 40, "C++" and "F#" are not "C" and "F".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.tasks.texts import word_list, word_set, words

COPULAS = word_set("is was are were be has had have did does do can could will would should")
CONNECTORS = word_set("and or")
PREPOSITIONS = word_set("in on at of for from to by with as near through during about")
_MONTHS = word_list("january february march april may june july august september october november december")
MONTHS = frozenset(_MONTHS)

_SMALL = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = word_list("twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = word_set("dozen hundred thousand million billion trillion")
_VALUES: Mapping[str, int] = {word: n for n, word in enumerate(_SMALL)} | {w: 10 * n for n, w in enumerate(_TENS, 2)}

_MONTH = "(?:" + "|".join(_MONTHS) + ")"
_DAY = r"([0-3]?[0-9])(?:st|nd|rd|th)?"
_MONTH_FIRST = re.compile(rf"\b({_MONTH})\s+(?:the\s+)?{_DAY}\b(?:\s*,\s*|\s+)(?=[0-9]{{4}}\b)", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\s+(?:the\s+)?{_DAY}\b(?![0-9,.])", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"\b{_DAY}\s+(?:of\s+)?({_MONTH})\b,?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\b([12][0-9]{3})-([01][0-9])-([0-3][0-9])\b")
_NUMERIC_DATE = re.compile(r"\b([0-3]?[0-9])([/.-])([0-3]?[0-9])\2([12][0-9]{3})\b")
_DASHES = str.maketrans({**dict.fromkeys((*range(0x2010, 0x2014), 0x2212), "-"), 0x2018: "'", 0x2019: "'", 0x266F: "#"})
_SIGN = re.compile(r"(?:^|(?<=[\s(:=\"']))-(?=\.?[0-9])")
_RANGE = re.compile(r"(?<=[0-9])\s?-\s?(?=[0-9])")
_PLUS = re.compile(r"(?<=[A-Za-z0-9])\+(?=[+\s\"').,;:!?]|$)")
_SHARP = re.compile(r"(?<=[A-Za-z])#(?!\w)")
_MINUS = re.compile(r"(?<![\w-])([A-Z]{1,2})-(?![\w-])")
_AND = re.compile(r"(?<=\w)(?:\s'[nN]'?\s|\s[nN]'\s|\sn\s|\s?'n'\s?)(?=\w)")
_ZEROS = re.compile(r"(?<=[0-9])\.0+$|(?<=\.[0-9])0+$")


@dataclass(frozen=True, slots=True)
class Token:
    """A normalised word.

    Attributes:
        word: in the one spelling.
        capital: whether it was written with a capital letter.
    """

    word: str
    capital: bool

    @property
    def number(self) -> bool:
        return self.word.removeprefix("minus")[:1].isdigit()


def spelled(text: str) -> str:
    """A text in which the commas and dashes of dates, ranges and signs have become words."""
    text = text.translate(_DASHES)
    text = _YEAR_FIRST.sub(lambda m: f"{int(m[3])} {_month(m[2])} {m[1]}", text)
    text = _NUMERIC_DATE.sub(r"\1 \3 \4", text)
    text = _MONTH_FIRST.sub(lambda m: f"{int(m[2])} {m[1]} ", text)
    text = _MONTH_DAY.sub(lambda m: f"{int(m[2])} {m[1]}", text)
    text = _DAY_FIRST.sub(lambda m: f"{int(m[1])} {m[2]}", text)
    text = _RANGE.sub(" to ", _SIGN.sub("minus ", text))
    text = _MINUS.sub(r"\1minus", _SHARP.sub("sharp", _PLUS.sub("plus", text)))
    return _AND.sub(" and ", text)


def tokens(clause: str) -> tuple[Token, ...]:
    """The words of a clause that went through `spelled`; articles are left out where they are articles."""
    read = [Token(word, piece[:1].isupper()) for piece in re.split(r"[\s\-]+", clause) for word in words(piece)]
    kept = [t for at, t in enumerate(read) if not _is_article(read, at)] or read
    return tuple(_numbers(kept))


@lru_cache(maxsize=4096)
def word_forms(text: str) -> tuple[str, ...]:
    """The words of a whole text, in the one spelling."""
    return tuple(token.word for token in tokens(spelled(text)))


def _month(number: str) -> str:
    return _MONTHS[int(number) - 1] if 1 <= int(number) <= 12 else number


def _is_article(read: Sequence[Token], at: int) -> bool:
    """Whether a word is an article. "A" is a name at the end of a clause and before a verb ("Vitamin A is")."""
    if read[at].word in ("an", "the"):
        return True
    following = read[at + 1].word if at + 1 < len(read) else None
    named = following is None or following in COPULAS | CONNECTORS | PREPOSITIONS
    return read[at].word == "a" and not named


def _numbers(read: Sequence[Token]) -> Iterator[Token]:
    """Number words below one hundred as digits; larger ones ("four hundred") as one word of its own."""
    at = 0
    while at < len(read):
        word, after = _number(read, at)
        while after < len(read) and (word[:1].isdigit() or "_" in word) and _goes_on(read, after):
            part, after = _number(read, after)
            word = f"{word}_{part}"
        if word in ("minus", "negative") and after < len(read):
            value, end = _number(read, after)
            if value[:1].isdigit():
                word, after = f"minus{value}", end
        yield Token(word, read[at].capital)
        at = after


def _goes_on(read: Sequence[Token], at: int) -> bool:
    """Whether a word continues the number before it: "hundred", or what follows "hundred"."""
    if read[at].word in _SCALES:
        return True
    before = read[at - 1].word
    number = read[at].word in _VALUES
    more = read[at].word == "and" and at + 1 < len(read) and read[at + 1].word in _VALUES
    return (before in _SCALES and (number or more)) or (before == "and" and number)


def _number(read: Sequence[Token], at: int) -> tuple[str, int]:
    """The word at a place, as digits where it is a number, and where the next one stands."""
    word = read[at].word
    following = read[at + 1].word if at + 1 < len(read) else ""
    if word in _TENS and following in _SMALL[1:10]:
        return str(_VALUES[word] + _VALUES[following]), at + 2
    if word in _SMALL[13:] and _VALUES.get(following, 0) >= 10:  # "nineteen eighty-four"
        last, after = _number(read, at + 1)
        return f"{_VALUES[word]}{last}", after
    if word in _VALUES:
        return str(_VALUES[word]), at + 1
    return _ZEROS.sub("", word), at + 1
