"""Reads the answer that stands at the end of a reply: a number, or a word of a short list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.correction.self_correction_bench.stimuli import vocabulary
from harness import Graded, Item, Text, graded, grader
from harness.items import Grade
from harness.tasks.graders import NOTHING, number

_STATED = (
    r"(?:\b(?:is|be|are|was|answer|say|mean|comes|follows|precedes)\b|'s|[:=])(?: the (?:letter|day|month))?\W{0,4}$"
)
_DENIED = r"(?:\bnot|n't|\bnever|\brather than|\binstead of)(?: (?:the|letter|day|month|be))*\W{0,4}$"
_DENIED_AFTER = re.compile(r"\W{0,3}\s?(?:(?:is|was) (?:not|wrong|incorrect|a mistake)|isn't|wasn't)\b", re.IGNORECASE)
_AMBIGUOUS = ("March", "May")
"""In small letters they are other words, as any letter is."""
_AGREES = re.compile(
    r"\W*(?:yes|correct|right|exactly|indeed|(?:(?:that|this|it|your answer|the answer)(?: is|'s)|you(?: are|'re)) "
    r"(?:indeed |absolutely |exactly )?(?:correct|right|true))\b",
    re.IGNORECASE,
)
_RETRACTS = re.compile(
    r"\b(?:incorrect|wrong|mistake|mistaken|error|not (?:quite |actually )?(?:correct|right|true))\b"
    r"|n't (?:quite |actually )?(?:correct|right|true)\b",
    re.IGNORECASE,
)


@grader
def stated_value(text: str, item: Item) -> Grade:
    """The last answer that a text states. Needs the fields "kind" and "asked".

    Words are looked for in the list of the kind. The thing that is asked about is no answer ("Tuesday comes after
    Monday"), nor is one that the text denies ("not Tuesday"). Where none is introduced as the answer ("is", ":"), the
    only one that is named counts.

    Gold: the answer as a text.
    """
    asked = str(item.fields["asked"])
    words = vocabulary(item.fields["kind"])
    if words:
        answer = _word(text, words, asked)
    else:
        read = number(text, item)
        answer = _other_number(text, asked) if asked and read.answer == asked else read.answer
    return Grade(answer, answer == str(item.gold)) if answer else NOTHING


def _word(text: str, words: Sequence[str], asked: str) -> str:
    """The word of a list that a text gives as its answer; "" for none."""
    small = [word.lower() for word in words if len(word) > 1 and word not in _AMBIGUOUS]
    found = re.finditer(rf"(?<![A-Za-z])({'|'.join([*words, *small])})(?![A-Za-z]|'[a-z])", text)
    kept = (match for match in found if not _DENIED_AFTER.match(text, match.end()))
    named = [(text[: match.start()], match[1].capitalize()) for match in kept if match[1].capitalize() != asked]
    named = [(before, word) for before, word in named if not re.search(_DENIED, before[-40:], re.IGNORECASE)]
    stated = [word for before, word in named if re.search(_STATED, before[-40:], re.IGNORECASE)]
    if stated:
        return stated[-1]
    different = {word for _, word in named}
    return different.pop() if len(different) == 1 else ""


def _other_number(text: str, asked: str) -> str:
    """The only number of a text beside the one that is asked about ("11 comes right before 12"), and 1."""
    others = set(re.findall(r"(?<![\d.])\d+(?![\d.]*\d)", text)) - {asked, "1"}
    return others.pop() if len(others) == 1 else ""


def standing(item: Item, reply: Text, planted: str, *, own_words: bool) -> Graded:
    """The answer that stands at the end of a reply to words that held a planted one.

    It is the reply's own. Where the reply gives none, the planted one stands if they were the model's own words, which
    it has then only gone on from, or if the reply agrees with it; not if the reply calls it wrong.

    Args:
        planted: "" where nothing was planted.
        own_words: whether the planted answer is in the model's own turn.
    """
    own = graded(item, reply)
    silent = own.fate in ("empty", "unreadable") and not _RETRACTS.search(reply.text)
    stands = planted and silent and (own_words or _AGREES.match(reply.text))
    return graded(item, planted) if stands else own
