"""Finds the spellings of a concept's name in a text, and hides them."""

from __future__ import annotations

import re
from dataclasses import dataclass

MASK = "..."
"""The placeholder for a hidden word (Luo et al. 2023, as coded)."""

_STOP_WORDS = frozenset(["a", "an", "the", "of", "and", "or", "in", "on", "at", "to", "for", "from", "by", "with"])
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without a concept's name.

    Attributes:
        text: with `MASK` in place of the name and its words.
        share: how many of the text's words were hidden, 0 to 1; 1 also for a text without words.
    """

    text: str
    share: float


def spellings(concept: str) -> list[str]:
    """The name as it is, in small letters, in capitals, and capitalised; each once."""
    return list(dict.fromkeys([concept, concept.lower(), concept.upper(), concept.capitalize()]))


def mask(text: str, concept: str) -> Masked:
    """Hides the name and each of its words but stop words, in any case and with a plural or genitive ending.

    Only whole words: "art" is hidden in "the arts" but not in "start". (The paper's code hides plain substrings, and
    stop words too, as another variable has overwritten its list of them.)
    """
    parts = [word for word in concept.split() if word.lower() not in _STOP_WORDS]
    # The longest first, so that the whole name becomes one mask.
    names = sorted({concept, *parts}, key=lambda name: (-len(name), name))
    pattern = "|".join(re.escape(name) for name in names)
    hidden = re.sub(rf"(?<!\w)(?:{pattern})(?:['\u2019]s|e?s)?(?!\w)", MASK, text, flags=re.IGNORECASE)
    before, after = (len(_WORD.findall(some)) for some in (text, hidden))
    return Masked(hidden, 1 - after / before if before else 1.0)
