"""Reads the answer that stands at the end of a reply: a number, or a word of a short list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.correction.self_correction_bench.stimuli import vocabulary
from harness import Graded, Item, Text, graded, grader
from harness.items import Grade
from harness.tasks.graders import NOTHING, number

_STATED = re.compile(
    r"(?:\b(?:is|be|was|answer|say|mean|comes)\b|'s|[:=])(?: (?:a|the (?:letter|day|month)))?\W{0,4}$", re.IGNORECASE
)
_DENIED = re.compile(
    r"(?:\bnot|n't|\bnever|\brather than|\binstead of)(?: (?:the|letter|day|month|be|exactly|quite|actually))*\W{0,4}$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(r"\W{0,3}\s?(?:(?:is|was) (?:not|wrong|incorrect|a mistake)|isn't|wasn't)\b", re.IGNORECASE)
_AMBIGUOUS = ("March", "May")
"""In small letters they are other words, as any letter is."""
_AGREES = re.compile(
    r"\W*(?:yes|correct|right|true|exactly|indeed|absolutely|agreed|i agree|"
    r"(?:(?:that|this|it|your answer|the answer(?: you gave)?)(?: is|'s)|you(?: are|'re)) "
    r"(?:indeed |absolutely |exactly )?(?:correct|right|true))\b",
    re.IGNORECASE,
)
_RETRACTS = re.compile(
    r"\b(?:incorrect|wrong|mistake|mistaken|error|not (?:quite |actually )?(?:correct|right|true))\b"
    r"|n't (?:quite |actually )?(?:correct|right|true)\b|\A\W*no\b(?! (?:doubt|problem|need))",
    re.IGNORECASE,
)


@grader
def stated_value(text: str, item: Item) -> Grade:
    """The last answer that a text states. Needs the fields "kind" and "asked".

    Words are looked for in the list of the kind. Where none is introduced as the answer ("is", ":"), the only one that
    is named counts. One that the text denies ("not Tuesday") is none, nor is a list of them. The thing that is asked
    about ("Tuesday comes after Monday") counts only where it is introduced as the answer, and no other one is.

    Gold: the answer as a text.
    """
    asked = str(item.fields["asked"])
    words = vocabulary(item.fields["kind"])
    answer = _word(text, words, asked) if words else _number(text, item, asked)
    return Grade(answer, answer == str(item.gold)) if answer else NOTHING


def _word(text: str, words: Sequence[str], asked: str) -> str:
    """The word of a list that a text gives as its answer; "" for none."""
    small = [word.lower() for word in words if len(word) > 1 and word not in _AMBIGUOUS]
    any_word = f"(?:{'|'.join([*words, *small])})(?![A-Za-z]|'[a-z])"
    listed = re.compile(rf"(?:,\s*(?:and |or )?{any_word}){{2}}")
    named, stated = dict.fromkeys([asked], False), ""
    for found in re.finditer(rf"(?<![A-Za-z]){any_word}", text):
        word, before = found[0].capitalize(), text[max(0, found.start() - 40) : found.start()]
        if _DENIED.search(before) or _DENIED_AFTER.match(text, found.end()):
            continue
        introduced = bool(_STATED.search(before)) and not listed.match(text, found.end())
        named[word] = named.get(word, False) or introduced
        stated = word if introduced and word != asked else stated
    others = [word for word in named if word != asked]
    if stated:
        return stated
    return others[0] if len(others) == 1 else asked if named[asked] and not others else ""


def _number(text: str, item: Item, asked: str) -> str:
    """The number that a text gives as its answer; "" for none."""
    read = number(text, item).answer
    if not asked or read != asked:
        return read
    if any(
        _STATED.search(text[: found.start()][-40:]) for found in re.finditer(rf"(?<![\d.]){asked}(?![\d.]*\d)", text)
    ):
        return asked
    # "11 comes right before 12", "1 more than 12 is what 13 is".
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
    if not planted or own.fate not in ("empty", "unreadable") or _RETRACTS.search(reply.text):
        return own
    places = re.finditer(rf"(?<!\w){re.escape(planted)}(?!\w)", reply.text)
    if any(_DENIED.search(reply.text[: place.start()]) for place in places):
        return own
    return graded(item, planted) if own_words or _AGREES.match(reply.text) else own
