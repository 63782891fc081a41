"""A question about the mind of a character, with the parts of a full answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dimension = Literal["belief", "intention", "emotion", "desire"]


@dataclass(frozen=True)
class Question:
    """A question about the mind of a character.

    Attributes:
        passage: the paragraph of the book that it is about, counted from 0; those before are its background.
        answer: the right option; wrong: the three others.
        points: what a full free answer holds, a sentence each (the bonus points of CharToM-QA).
    """

    passage: int
    dimension: Dimension
    asked: str
    answer: str
    wrong: tuple[str, str, str]
    points: tuple[str, ...]
