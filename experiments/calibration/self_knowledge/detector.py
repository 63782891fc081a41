"""Detects refusals by substrings, like one half of the detector behind SelfAware's published numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.tasks.texts import own_text

REFERENCES: Sequence[str] = (
    "the answer is unknown",
    "the answer is uncertain",
    "the answer is unclear",
    "there is no scientific evidence",
    "there is no definitive answer",
    "there is no right answer",
    "there is much debate",
    "there is no known case",
    "there is no concrete answer to this question",
    "there is no public information available",
    "it is impossible to know",
    "it is impossible to answer",
    "it is difficult to predict",
    "it is not known",
    "we do not know",
    "i'm not sure",
)
"""The sixteen reference sentences of Yin et al. (2023, appendix), in small letters."""


def refuses_by_reference(reply: str) -> bool | None:
    """Whether a reply holds one of `REFERENCES` letter for letter, in any case; None for a reply without letters.

    Yin et al. also compare sentence embeddings of windows of five words with them (similarity above 0.75), which needs
    a second model and is left out: an F1 by this detector is a lower bound on the refusals that theirs finds.
    """
    text = own_text(reply).lower()
    return any(reference in text for reference in REFERENCES) if any(c.isalnum() for c in text) else None
