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

_SHORT_MONTH = "(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ABBREVIATED = re.compile(rf"\b{_SHORT_MONTH}t?\b\.?(?=,? [0-9])|(?<=[0-9] ){_SHORT_MONTH}t?\b\.?")
_WEEKDAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? (?=[0-9A-Z])")
_MONTH = "(?:" + "|".join(_MONTHS) + ")"
_DAY = r"([0-3]?[0-9])(?:st|nd|rd|th)?"
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})\s+(?:the\s+)?{_DAY}\b(?:\s*,\s*|\s+(?:of\s+)?)(?=[0-9]{{4}}\b|[0-9]{{1,4}} (?:BC|AD)\b)",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\s+(?:the\s+)?{_DAY}\b(?![0-9,.]|\s?-\s?[0-9])", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"\b{_DAY}\s+(?:of\s+)?({_MONTH})\b,?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\b([12][0-9]{3})([-/.])([01]?[0-9])\2([0-3]?[0-9])(?:T[0-9:.+]{2,20}Z?)?\b")
_HYPHENED = re.compile(r"\b([0-3]?[0-9])-([A-Z][a-z]{2,8})-([12][0-9]{3})\b")
_ERA = re.compile(r"(?<=[0-9] )(?:B\.?C\.?E?|(A\.?D|C\.?E))(?![A-Za-z])\.?(?=[\W]|$)")
_ORDINALS = word_list(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
_WORDED_DAY = re.compile(
    rf"\b(?:the )?(twenty-|thirty-)?({'|'.join(_ORDINALS)}|thirtieth) (?:of )?(?={_MONTH}\b)", re.IGNORECASE
)
_GLUED_UNIT = re.compile(r"(?<=[0-9])(?=(?:km|kg|cm|mm|m|mph|kph|lbs?|ml|mg|hz|kw|gb|mb)\b)", re.IGNORECASE)
_NUMERIC_DATE = re.compile(r"\b([0-3]?[0-9])([/.-])([0-3]?[0-9])\2([12][0-9]{3})\b")
# Of titles and initials: "St. Louis", "Mt. Everest", "J. R. R. Tolkien".
_SHORT_FORMS: Mapping[str, str] = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_ROMAN: Mapping[str, str] = {
    name: str(n) for n, name in enumerate(word_list("II III IV V VI VII VIII IX X XI XII XIII"), 2) if len(name) > 1
}
# Function words of other languages that deny, join or turn.
_FOREIGN = tuple(
    (re.compile(pattern), into)
    for pattern, into in (
        (r"\b(?i:n'est pas|no es|non è|não é|ist nicht|är inte)\b", "is not"),
        (r"\b(?i:nicht|niet|kein)\b", "not"),
        (r"\bsondern\b", "but"),
        (r"(?<=\w) (?:oder|ou|o) (?=[A-Z0-9])", " or "),
    )
)
_DASHES = str.maketrans({**dict.fromkeys((*range(0x2010, 0x2014), 0x2212), "-"), 0x2018: "'", 0x2019: "'", 0x266F: "#"})
_SIGN = re.compile(r"(?:^|(?<=[\s(:=\"']))-(?=\.?[0-9])")
_RANGE = re.compile(r"(?<=[0-9])\s?-\s?(?=[0-9])")
_PLUS = re.compile(r"(?<=[A-Za-z0-9])\+(?=[+\s\"').,;:!?]|$)")
_SHARP = re.compile(r"(?<=[A-Za-z])#(?!\w)")
_MINUS = re.compile(r"(?<![\w-])([A-Z]{1,2})-(?![\w-])")
_AND = re.compile(r"(?<=\w)(?:\s'[nN]'?\s|\s[nN]'\s|\sn\s|\s?'n'\s?)(?=\w)")
_INNER_SPACE = re.compile(r"(?<![0-9.])([1-9][0-9]{0,2}) (?=[0-9]{3}(?![0-9]))")
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
    for pattern, into in _FOREIGN:
        text = pattern.sub(into, text)
    text = _ERA.sub(lambda m: "AD" if m[1] else "BC", _GLUED_UNIT.sub(" ", _HYPHENED.sub(r"\1 \2 \3", text)))
    text = _WORDED_DAY.sub(_worded_day, text)
    text = _ABBREVIATED.sub(lambda m: next(name for name in _MONTHS if name.startswith((m[1] or m[2]).lower())), text)
    text = _WEEKDAY.sub("", text)
    text = _YEAR_FIRST.sub(lambda m: f"{int(m[4])} {_month(m[3])} {m[1]}", text)
    text = _NUMERIC_DATE.sub(_written_date, text)
    text = _MONTH_FIRST.sub(lambda m: f"{int(m[2])} {m[1]} ", text)
    text = _MONTH_DAY.sub(lambda m: f"{int(m[2])} {m[1]}", text)
    text = _DAY_FIRST.sub(lambda m: f"{int(m[1])} {m[2]}", text)
    text = _RANGE.sub(" to ", _SIGN.sub("minus ", text))
    text = _MINUS.sub(r"\1minus", _SHARP.sub("sharp", _PLUS.sub("plus", text)))
    return _AND.sub(" and ", text)


def tokens(clause: str) -> tuple[Token, ...]:
    """The words of a clause that went through `spelled`; articles are left out where they are articles."""
    pieces = re.split(r"[\s\-]+", _INNER_SPACE.sub(r"\1", clause))
    read = [
        Token(_ROMAN.get(piece.strip(".,"), word), piece[:1].isupper()) for piece in pieces for word in words(piece)
    ]
    read = list(_short_forms(read))
    kept = [t for at, t in enumerate(read) if not _is_article(read, at)] or read
    return tuple(_numbers(kept))


@lru_cache(maxsize=4096)
def word_forms(text: str) -> tuple[str, ...]:
    """The words of a whole text, in the one spelling."""
    return tuple(token.word for token in tokens(spelled(text)))


def _short_forms(read: Sequence[Token]) -> Iterator[Token]:
    """The words with titles written out before a name, and with initials as one word ("j r r" is "jrr")."""
    at = 0
    while at < len(read):
        end = at
        while end < len(read) and read[end].capital and _is_initial(read[end]):
            end += 1
        if end - at > 1:
            yield Token("".join(token.word for token in read[at:end]), capital=True)
            at = end
            continue
        named = at + 1 < len(read) and read[at + 1].capital
        yield Token(_SHORT_FORMS.get(read[at].word, read[at].word), read[at].capital) if named else read[at]
        at += 1


def _is_initial(token: Token) -> bool:
    return len(token.word) == 1 and token.word.isalpha()


def _worded_day(found: re.Match[str]) -> str:
    """ "20 " of "the twentieth of "."""
    day = 30 if found[2].lower() == "thirtieth" else _ORDINALS.index(found[2].lower()) + 1
    return f"{day + {'twenty-': 20, 'thirty-': 30}.get((found[1] or '').lower(), 0)} "


def _written_date(found: re.Match[str]) -> str:
    """ "20 july 1969" of "20.07.1969" and "07/20/1969"; day and month as they stand where either may be the other."""
    first, second = int(found[1]), int(found[3])
    if (found[2] == "." or first > 12) and 1 <= second <= 12:
        return f"{first} {_month(found[3])} {found[4]}"
    if second > 12 and 1 <= first <= 12:
        return f"{second} {_month(found[1])} {found[4]}"
    return f"{found[1]} {found[3]} {found[4]}"


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
