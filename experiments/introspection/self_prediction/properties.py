"""Properties of a reply, found by code, and how an answer about one is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness import Fate
from harness.tasks.refusals import refuses

CHOICE = "choice"
"""The kind of questions that a letter answers."""


def clean(text: str) -> str:
    """Small letters and digits alone: without punctuation and blanks, as replies are compared in the paper."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _character(n: int) -> Callable[[str], str]:
    return lambda reply: clean(reply.strip()[n : n + 1])


def _word(n: int) -> Callable[[str], str]:
    return lambda reply: clean((reply.split()[n:] or [""])[0])


def _among(letters: str) -> Callable[[str], str]:
    def of(reply: str) -> str:
        first = clean(reply)[:1]
        return "" if first not in set("abcd") else "yes" if first in letters else "no"

    return of


def _vowel(reply: str) -> str:
    first = clean(reply.strip()[:1])
    return "" if not first.isalpha() else "yes" if first in set("aeiou") else "no"


@dataclass(frozen=True)
class Property:
    """A property of a reply.

    Attributes:
        asked: its name within a question; form: what an answer consists of.
        of: the property of a reply, cleaned; "" where the reply has none (its second character is a blank).
        well_formed: whether a cleaned answer of so many words can be one.
        choice: whether it is of questions that a letter answers, and not of others.
    """

    asked: str
    form: str
    of: Callable[[str], str]
    well_formed: Callable[[str, int], bool]
    choice: bool = False


def _one_character(cleaned: str, words: int) -> bool:
    return len(cleaned) == 1


def _one_word(cleaned: str, words: int) -> bool:
    return words == 1


def _yes_no(cleaned: str, words: int) -> bool:
    return cleaned in ("yes", "no")


PROPERTIES: Mapping[str, Property] = {
    "first character": Property("the first character", "one character", _character(0), _one_character),
    "second character": Property("the second character", "one character", _character(1), _one_character),
    "third character": Property("the third character", "one character", _character(2), _one_character),
    "first word": Property("the first word", "one word", _word(0), _one_word),
    "second word": Property("the second word", "one word", _word(1), _one_word),
    "starts with a vowel": Property("whether the first character is a vowel", "yes or no", _vowel, _yes_no),
    "among A or C": Property("whether it is A or C", "yes or no", _among("ac"), _yes_no, choice=True),
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer about a property.

    Attributes:
        value: as cleaned; "" where it is not of the form asked for.
        fate: "answered" where it is.
    """

    value: str
    fate: Fate


def read(prop: Property, text: str) -> Said:
    """An answer about a property, of the only form that complies with the request."""
    cleaned = clean(text)
    if cleaned and prop.well_formed(cleaned, len(text.split())):
        return Said(cleaned, "answered")
    if not cleaned:
        return Said("", "empty")
    return Said("", "refused" if refuses(text) else "unreadable")


def truth(prop: Property, reply: str) -> Said:
    """The property of a reply; "" where it has none, or where the reply refuses."""
    if not reply.strip():
        return Said("", "empty")
    if refuses(reply):
        return Said("", "refused")
    value = prop.of(reply)
    return Said(value, "answered" if value else "unreadable")
