"""Pieces of English sentences, from which stories are made by rule."""

from __future__ import annotations

from collections.abc import Sequence


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def listing(words: Sequence[str], last: str = "and") -> str:
    """Words as in "a box, a bag and a jar"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
