"""Explanations that a model writes: the words of a review by importance, read from its reply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness import Fate, Text
from harness.tasks.texts import own_text

Form = Literal["words", "scores"]
MATCHED = 0.8
"""The share of words that must be found; an explanation below it cannot be read."""

_NUMBER = re.compile(r"[^\w]{0,6}\b\d{1,2}[.)]\s")
_LEAD = re.compile(r"\A[^:\n]{0,80}?\bwords?\b[^:\n]{0,80}?(?::|\b(?:are|is)\b\W{0,2}?:?)\s", re.IGNORECASE)
"""Words before a list: "The most telling words are:"."""
_GLOSS = r"(?<=[^\s-])(?:[ \t]{1,3}(?:[-\u2013\u2014]|->)[ \t]{1,3}|:\s)"
"""Stands between a word and what the model says about it: "superb - positive"."""
_SCORED = re.compile(
    r"""["'(\[*`]{0,4}([^\W\d_][\w'-]{0,40})(?:\s{1,3}(?:[-\u2013\u2014]|->)\s{1,3}|[^\w\n+-]{1,8})"""
    r"""([-+]?(?:\d{1,4}(?:[.,]\d{1,6})?|\.\d{1,6}))(?![\d.]*\d|\s?(?:/|or\b)\s?\d)"""
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Scores of the words of a review.

    Attributes:
        scores: one a word; higher is more important (form "words"), or more positive (form "scores"). All are 0 where
            the explanation cannot be read, which then ranks the words at random.
        matched: of "words", the share of the words named that occur in the review; of "scores", the share of the
            review's words with a score.
        fate: whether it could be read.
        said: the reply.
    """

    scores: tuple[float, ...]
    matched: float
    fate: Fate
    said: str


def bare(word: str) -> str:
    """A word without the marks around it, in small letters."""
    return re.sub(r"^\W+|\W+$", "", word).lower()


def read(reply: Text, words: Sequence[str], form: Form, count: int) -> Explanation:
    """The explanation in a reply. One that ran into its limit is cut, and cannot be read.

    Args:
        count: how many words were asked for (form "words"); of more, the first count.
    """
    nothing = (0.0,) * len(words)
    said = own_text(reply.text).strip()
    if reply.finish == "length" or not said:
        return Explanation(nothing, 0.0, "cut" if reply.finish == "length" else "empty", said)
    scores, matched = _named(said, words, count) if form == "words" else _scored(said, words)
    if matched < MATCHED:
        return Explanation(nothing, matched, "unreadable", said)
    return Explanation(tuple(scores), matched, "answered", said)


def _named(said: str, words: Sequence[str], count: int) -> tuple[list[float], float]:
    """Falling scores for the words named, in their order; a phrase counts as its words.

    What the model says about a word, in brackets or behind a colon or dash, is left out, and so are words that only
    lead to a list or link two of its words.
    """
    listed = re.sub(r"\([^()\n]{0,80}\)", " ", _LEAD.sub("", said, count=1))
    listed = re.sub(rf"{_GLOSS}[^\n{'' if chr(10) in listed else ',;'}]*", " ", listed)
    listed = re.sub(r"[,\s]\s?(?:and|&)\s", ", ", listed)
    parts = re.split(r"\s+|[,;/]", _NUMBER.sub(" ", listed))
    named = list(dict.fromkeys(filter(None, map(bare, parts))))[:count]
    scores, matched = [0.0] * len(words), 0
    for rank, name in enumerate(named):
        places = [i for i, word in enumerate(words) if bare(word) == name]
        matched += bool(places)
        for place in places:
            scores[place] = float(count - rank)
    return scores, matched / max(1, len(named))


def _scored(said: str, words: Sequence[str]) -> tuple[list[float], float]:
    """The score of each word, matched in order; words without one have 0, further ones are dropped.

    Scores on a wider scale than from -1 to 1 keep their order: all are divided by the largest.
    """
    scores, found, at = [0.0] * len(words), 0, 0
    for name, score in _SCORED.findall(said):
        place = next((i for i in range(at, len(words)) if bare(words[i]) == bare(name)), None)
        if place is not None:
            scores[place], found, at = float(score.replace(",", ".")), found + 1, place + 1
    widest = max(1.0, *map(abs, scores))
    return [score / widest for score in scores], found / len(words)
