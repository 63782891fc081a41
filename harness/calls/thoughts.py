"""Separates a model's thought from its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ended = Literal["none", "closed", "forced", "cut"]
"""How a thought ended.

none: the model answered at once.
closed: by the model itself.
forced: at the end of its budget the closing mark was written for the model.
cut: it has no end, and there is no answer.
"""


@dataclass(frozen=True, slots=True)
class Thought:
    """A model's thought before an answer.

    Attributes:
        text: without the marks around it and the space inside of them.
        tokens: its own token ids, without the marks' ids.
        opening, closing: the token ids of the marks as the model wrote them; () where the chat template or the harness
            writes them.
        ended: how it ended.
        again: whether the model thought again where its answer should have begun; that is part of this thought.
    """

    text: str = ""
    tokens: tuple[int, ...] = ()
    opening: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    ended: Ended = "none"
    again: bool = False

    @property
    def ids(self) -> tuple[int, ...]:
        """All that the model wrote, marks included."""
        return self.opening + self.tokens + self.closing
