"""Reimplements the graders of public releases, for numbers that depend on their rules; ours read more forms.

Each finds its answer with one pattern and compares strings. A text that the pattern does not match has no answer.
"""

from __future__ import annotations

import re
from collections import deque

from harness.items import Grade, Item, grader

_STRICT = re.compile(r"#### (-?[0-9.,]{1,400})")
_FLEXIBLE = re.compile(r"-?[$0-9.,]{2,400}|-?[0-9]")
_ANSWER_IS = re.compile(r"answer is \(?([A-Z])\)?(?![A-Za-z])")
_ANSWER_LABEL = re.compile(r"[aA]nswer:[ \t]{0,8}\(?([A-Z])\)?(?![A-Za-z])")


@grader
def number_released(text: str, item: Item) -> Grade:
    """The number after the first "#### ", commas apart, as a string: GSM8K's own release (Cobbe et al. 2021).

    Also the "strict-match" of lm-evaluation-harness. "#### 42.0" and "#### $42" are not 42 there. Gold: a number as
    text.
    """
    found = _STRICT.search(text)
    return _compared(found[1].replace(",", ""), item) if found else Grade("", None)


@grader
def number_last(text: str, item: Item) -> Grade:
    """The last number of a text without "$", commas and a final period, as a string: "flexible-extract".

    The second GSM8K filter of lm-evaluation-harness. Gold: a number as text.
    """
    found = deque(_FLEXIBLE.finditer(text), maxlen=1)
    return (
        _compared(found[0][0].replace(",", "").replace("$", "").removesuffix("."), item) if found else Grade("", None)
    )


@grader
def letter_released(text: str, item: Item) -> Grade:
    """The letter in "answer is (X)", else the last after "Answer:": the extraction of MMLU-Pro (Wang et al. 2024).

    Its third rule, the last capital letter of the text, is left out: it takes any word's. Gold: letter and text of the
    right option, "(B) Paris".
    """
    found = _ANSWER_IS.search(text) or next(reversed(deque(_ANSWER_LABEL.finditer(text), maxlen=1)), None)
    return Grade(found[1], found[1] == str(item.gold)[1]) if found else Grade("", None)


def _compared(answer: str, item: Item) -> Grade:
    gold = item.gold if isinstance(item.gold, list) else [item.gold]
    return Grade(answer, answer in [str(value).replace(",", "") for value in gold])
