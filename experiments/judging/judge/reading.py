"""Reads the score at the end of a judgement."""

from __future__ import annotations

import re

from experiments.judging.judge.rows import Scored
from harness import Text
from harness.tasks.fates import ungraded
from harness.tasks.texts import own_text

SCORES = ("1", "2", "3", "4", "5")
MARK = "[RESULT]"

_TAIL = 120
"""Characters at the end of a text in which its score is looked for."""
_MARKS = r"[*:=()\[\]{}<>\"'`#|\s]"
_WRITTEN = re.compile(r"\\(?:boxed|text(?:bf)?)\s?\{([^{}\n]{0,20})\}|\$")
_SCORE = re.compile(
    rf"(?:\[(?:result|score)\]|\b(?:result|score|rating))(?:\s\(1\s?(?:-|\u2013|to)\s?5\))?(?:{_MARKS}{{0,4}}(?:of|is(?:\sa)?|N)\b)?"
    rf"{_MARKS}{{0,6}}(?P<marked>\d{{1,3}})(?:\.0)?{_MARKS}{{0,4}}(?:(?:/|out\sof)\s?\(?5)?(?:\s(?:points?|stars?)\b)?"
    r"(?:\s?(?:\(|- )[a-z ]{3,30}\)?)?(?:[^\w<]|</?\w{1,10}>|\[end\]){0,8}$"
    r"|\bgive\s(?:it|this|the\sresponse)\s(?:an?\s)?(?:score\sof\s)?(?P<given>\d{1,3})[\s.!*)\]\"']{0,8}$"
    r"|(?<![\d.])(?P<shared>\d{1,3})\s?(?:/|out\sof)\s?5[\s.!*)\]\"']{0,8}$",
    re.IGNORECASE,
)


def read_score(text: str) -> int | None:
    """The score from 1 to 5 with which a judgement ends; None where it does not end with one.

    It stands after the mark "[RESULT]" or "[SCORE]", or the word "score" or "rating", or before "/5"; brackets and
    emphasis do not matter. A score that the judgement quotes before its end never counts.
    """
    own = own_text(text).rstrip()
    found = _SCORE.search(_WRITTEN.sub(r" \1 ", own)[-_TAIL:].rstrip())
    if not found:
        return None
    score = found["marked"] or found["shared"] or found["given"]
    return int(score) if score in SCORES else None


def rationale_of(text: str) -> str:
    """The words of a judgement before its last mark; all of it without one."""
    before, mark, _ = text.rpartition(MARK)
    return (before if mark else text).strip()


def scored_text(reply: Text) -> Scored:
    """The score of a written judgement; none, with the reason, where it was cut or has no score at its end."""
    score = read_score(reply.text) if reply.finish != "length" else None
    fate = "answered" if score is not None else ungraded(reply).fate
    return Scored(None if score is None else float(score), fate=fate, tokens=reply.new_tokens)
