"""Finds where a text has answered and goes on to another exercise, as models do that were trained on lists of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

NEAR = 600
"""Characters behind a question within which its own answer or options must stand."""

_NEXT = r"(?:(?:new|next|another|follow-?up)[ ])?(?:question|problem|exercise)"
_TURN = re.compile(
    rf"""^ [ \t>\#*]{{0,8}} (?:
        (?:{_NEXT}|q|human|user|instructions?|\u95ee\u9898|\u9898\u76ee|\u95ee)
            [ \t]{{0,4}} [0-9]{{0,4}} [ \t*]{{0,4}} [:\uff1a]
      | (?:the[ ])?(?:instruction|task)[ ](?:to[ ]evaluate|description)[ \t]{{0,4}}:
      | (?:example|task)[ ] \#?[0-9]{{1,4}} [*]{{0,2}} [:.]
      | (?:{_NEXT}|q) [ ]{{0,2}} \#? [0-9]{{1,4}} [.*)]{{0,3}} [ \t\r]{{0,4}} (?:$|(?<=\.[ ])[A-Z])
      | (?:user|human) [ \t\r*]{{0,4}} $
      | (?<=\#[ ]) (?:instructions?|inputs?|responses?|questions?|exercises?) [ \t*:]{{0,4}} $
      | (?:you[ ]are[ ]an?[ ](?:ai|helpful)[ ]assistant
          |(?:now,?[ ]|let's[ ]|let[ ]us[ ]|please[ ])?(?:try|solve|do)[ ](?:this|another|a[ ]similar|the[ ]next)
            [ ](?:one|problem|question|exercise)
          |here(?:'s|[ ]is)[ ]another[ ](?:one|problem|question|exercise|example)
          |the[ ]following[ ](?:are|is)[ ](?:an?[ ])?multiple[ ]choice)\b
    )
    | (?<=[.!?)][ ]) Q:[ ] | \#{{2,3}}[ ] (?:human|user|assistant|instruction)\b:
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_SEPARATOR = re.compile(r"^\s{0,3}#{2,20}[ \t\r]{0,4}$", re.MULTILINE)
_ASKS = re.compile(r"^[^\n]{3,600}\?[ \t*\r]{0,8}$", re.MULTILINE)
# A line that opens with an answer, or with the first of lettered options.
_ANSWERED = re.compile(
    r"^[ \t>*_]{0,8}(?:(?:the |final )?(?:answer|ans|a|teacher|assistant)[ *_]{0,3}(?::| is\b)|####|\(?A[).])"
    r"|\\boxed|####|\banswer(?: is\b|:)",
    re.IGNORECASE | re.MULTILINE,
)
# Questions before a final answer lead to it.
_FINAL = re.compile(r"\bfinal answer\b", re.IGNORECASE)
_FEW_WORDS = 3
_ACKNOWLEDGES = re.compile(
    r"(?:sure|okay?|certainly|of course|alright|great|yes|let'?s?|first)\b[^\n]{0,30}", re.IGNORECASE
)


def opens_turn(line: str) -> bool:
    """Whether a line is the label of a turn or an exercise ("Question:", "Problem 2", "User:")."""
    return _TURN.match(line) is not None


def ends(text: str) -> Iterator[int]:
    """The places where another turn or exercise may begin, in no order."""
    yield from (found.start() for pattern in (_TURN, _SEPARATOR) for found in pattern.finditer(text))
    finals = [found.start() for found in _FINAL.finditer(text)]
    for asked in _ASKS.finditer(text):
        on_the_way = bool(finals) and finals[-1] > asked.end() and not finals[0] < asked.start()
        if not on_the_way and _is_another(text, asked):
            yield asked.start()
            return


def _is_another(text: str, asked: re.Match[str]) -> bool:
    """Whether a line asks a question that has its own answer or options, behind an answer that stands before it."""
    before = text[max(0, asked.start() - NEAR) : asked.start()].strip()
    if not before or not _ANSWERED.search(text, asked.end(), asked.end() + NEAR):
        return False
    short = asked.start() < NEAR and len(before.split()) <= _FEW_WORDS and not before.endswith((":", "?"))
    return bool(_ANSWERED.search(before)) or (short and not _ACKNOWLEDGES.fullmatch(before))
