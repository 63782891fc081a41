"""Reads a number that is written in English words: "twelve", "minus forty-two", "two and a half", "a dozen"."""

from __future__ import annotations

import re
from fractions import Fraction

from harness.tasks.texts import word_list

_UNITS = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_VALUES = {word: value for value, word in enumerate(_UNITS)} | {
    word: 20 + 10 * at for at, word in enumerate(word_list("twenty thirty forty fifty sixty seventy eighty ninety"))
}
_SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
}
_PARTS |= {"tenth": 10, "eleventh": 11, "twelfth": 12, "twentieth": 20, "hundredth": 100, "thousandth": 1000}
_SEVERAL_PARTS = {f"{word}s": parts for word, parts in _PARTS.items()} | {"halves": 2}
_HALF_DOZEN = (["half", "a", "dozen"], ["a", "half", "dozen"])
_NUMBER_WORDS = frozenset((*_VALUES, *_SCALES, *_PARTS, *_SEVERAL_PARTS, "hundred", "dozen"))
_WORD = re.compile(r"[\s-]{0,3}([A-Za-z]{1,12})(?![A-Za-z])")
_WORDS_READ = 30
# "a third party" and "a quarter note" are no numbers.
_NOUN = re.compile(r"\s{1,3}(?!of\b)[A-Za-z]")
# "one of them" and "two times 21" do not end with their number.
_GOES_ON = re.compile(r"\s{1,3}(?:of|more|less|fewer|times|plus|minus|divided|multiplied|to|or|and)\b")


def read_words(text: str) -> tuple[Fraction, int] | None:
    """The number in words that a text begins with, and where it ends; None when it begins with no complete one."""
    words: list[str] = []
    ends: list[int] = []
    for _ in range(_WORDS_READ):
        found = _WORD.match(text, ends[-1] if ends else 0)
        if not found:
            break
        words.append(found[1].lower())
        ends.append(found.end())
    for count in range(len(words), 0, -1):
        value = _parse(words[:count])
        if value is not None:
            if words[count : count + 1] and words[count] in _NUMBER_WORDS:
                return None  # "nineteen twelve"
            if count == 2 and words[0] == "a" and words[1] in _PARTS and _NOUN.match(text, ends[1]):
                return None
            going = _GOES_ON.match(text, ends[count - 1])
            whole_part = value.denominator > 1 and going is not None and going[0].strip() == "of"
            return (value, ends[count - 1]) if not going or whole_part else None
    return None


def _parse(words: list[str]) -> Fraction | None:
    """The value of words that are one number and nothing else."""
    if words[:1] in (["minus"], ["negative"]):
        size = _parse(words[1:])
        return None if size is None or size < 0 else -size
    if words in _HALF_DOZEN:
        return Fraction(6)
    if words and words[-1] in _PARTS | _SEVERAL_PARTS:
        return _with_part(words)
    if "point" in words:
        at = words.index("point")
        whole, digits = _whole(words[:at]), [_VALUES.get(word, 10) for word in words[at + 1 :]]
        if whole is None or not digits or max(digits) > 9:
            return None
        return whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))
    number = _whole(words)
    return None if number is None else Fraction(number)


def _with_part(words: list[str]) -> Fraction | None:
    """ "half", "two thirds", "two and a half", "one and three quarters"."""
    *head, part = words
    whole = 0
    if "and" in head:
        at = len(head) - 1 - head[::-1].index("and")
        before = _whole(head[:at])
        if before is None:
            return None
        whole, head = before, head[at + 1 :]
    count = 1 if head in ([], ["a"]) else _whole(head)
    if count is None or (not head and (part != "half" or whole)):
        return None
    if (part in _PARTS) != (count == 1):
        return None  # "twenty fifth" counts places
    return whole + Fraction(count, (_PARTS | _SEVERAL_PARTS)[part])


def _whole(words: list[str]) -> int | None:
    """The whole number that the words are; each word must be allowed after those before it."""
    total, below = 0, 0
    previous = ""
    for word in words:
        free = below % 100 == 0 and previous not in _VALUES
        if word in _VALUES and (free or (_VALUES[word] in range(1, 10) and below % 100 in range(20, 100, 10))):
            below += _VALUES[word]
        elif word == "hundred" and 0 < (below or (previous == "a")) < 100 and (below or previous == "a"):
            below = 100 * (below or 1)
        elif word in _SCALES and (below or previous == "a"):
            if total and total < _SCALES[word]:
                return None
            total, below = total + _SCALES[word] * (below or 1), 0
        elif word in ("dozen", "dozens") and not total:
            below = 12 * (below or 1)
        elif not (word == "a" and not previous) and not (word == "and" and previous in ("hundred", *_SCALES)):
            return None
        previous = word
    return total + below if previous and previous not in ("and", "a") else None
