"""Replaces the names in a text, so that a model cannot tell the book by them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from harness.tasks.texts import word_list, word_set

MASKS = word_list(
    "Tavin Merel Osric Brynn Caldo Ferra Jorun Halvik Ilsa Korben Lirra Mosk Nerys Ondrel Pellan Quill Rova Sorrel "
    "Tamsin Ulric Vessa Wendel Yarrow Zerin Aldous Bessin Corvin Dellan Elwis Farrow Gorrin Hesper Ivor Jessan Kestrel "
    "Lorcan Marek Nessa Orrin Perrin Rhosyn Sabel Torven Udel Varin Wystan Yorick Zella"
)
"""Names that none of the novels has."""

_KEPT = word_set(
    "st mr mrs miss ms dr sir madam lady lord count countess duke duchess prince princess captain colonel general "
    "bishop father mother brother sister uncle aunt i god christmas easter monday tuesday wednesday thursday friday "
    "saturday sunday january february march april may june july august september october november december"
)
_CAPITAL = re.compile(r"\b[A-Z][a-z\u00df-\u00ff]+\b")
_WORD = re.compile(r"\b[a-z\u00df-\u00ff]+\b")
_OPENS = re.compile(r"(?:^|[.?!:;\n]|[\"'\u201c\u2018(])[\"'\u201c\u2018(\s]*$")
"""Before a word: the end of a text after which any word would be capitalised."""


def names_in(texts: Sequence[str]) -> list[str]:
    """The words that are capitalised within a sentence and never written small, titles and days apart, in order."""
    small = {word for text in texts for word in _WORD.findall(text)}
    found: dict[str, None] = {}
    for text in texts:
        for match in _CAPITAL.finditer(text):
            inside = not _OPENS.search(text[max(0, match.start() - 8) : match.start()]) or _titled(text, match.start())
            if inside and match[0].lower() not in small | _KEPT:
                found[match[0]] = None
    return [*found]


def masks_for(texts: Sequence[str], rng: random.Random) -> dict[str, str]:
    """Another name for each name in the texts, the same for all of them."""
    names = names_in(texts)
    fresh = [mask for mask in MASKS if mask not in names]
    rng.shuffle(fresh)
    return {name: _numbered(fresh, at) for at, name in enumerate(names)}


def masked(text: str, masks: Mapping[str, str]) -> str:
    """The text with each name replaced."""
    return _CAPITAL.sub(lambda match: masks.get(match[0], match[0]), text)


def _titled(text: str, start: int) -> bool:
    return re.search(r"\b(?:Mr|Mrs|Ms|Dr|St)\. $", text[:start][-8:]) is not None


def _numbered(fresh: Sequence[str], at: int) -> str:
    again, place = divmod(at, len(fresh))
    return f"{fresh[place]} the {again + 1}." if again else fresh[place]
