"""Finds the number that a text without a stated answer comes to, in the main clause of its last sentence.

What the sentence adds is not its answer: reasons, comparisons, remainders, the same in another unit, and what the
question gave ("37 pages in 2 days").
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence, Set
from dataclasses import replace
from fractions import Fraction

from harness.tasks.number_words import read_words
from harness.tasks.numerals import Quantity, clean, quantities, values
from harness.tasks.refusals import refuses
from harness.tasks.statements import statements
from harness.tasks.texts import ENDS, word_set, words
from harness.tasks.working import chosen, concludes, equated

STOP = re.compile(r"(?<!approx)(?<!\bca)(?<!\bRs)(?<!\bno)(?<!\bi\.e)[.!?](?=[*_$\"')]{0,4}(?:\s|$))|\u3002")
"""The end of a sentence."""

SENTENCE = 300
"""Characters of a sentence that are read."""

_WINDOW = 3000
_NEAR = 40
_SEVERAL = 2
_FACTS = 6
"""A text with more numbers than this works its answer out, even where the question has none."""
_WORKED = re.compile(r"(?:^|[.!?] )(?:so|thus|therefore|hence|step)\b", re.IGNORECASE | re.MULTILINE)
_ASKS_AGE = re.compile(r"\bhow old\b|\bage\b", re.IGNORECASE)
_ASKS_YEAR = re.compile(r"\byear\b|\A\W{0,3}when\b", re.IGNORECASE)
_YEAR = re.compile(r"[12]?[0-9]{3}")
_EMPTY = word_set("what which how many much is are was were does do did have has in of to it on at for when there")
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
# Where a sentence leaves its main clause; whatever number follows is no longer the answer.
_ASIDE = re.compile(
    r"""(?P<clause>
          (?<!but\ )(?<!and\ )(?<!so\ )\b(?:because|since|given\ that|as\ (?=she|he|it|they|there|we|each|the))\b
        | ,?\ (?:while|whereas|unlike|compared\ (?:to|with)|as\ opposed\ to)\b
        | ,\ when\ (?:he|she|it|they)\b
        )
      | ,?\ with\ (?:a\ )?remainder\b | ,\ with\b | ,?\ followed\ by\b
      | ,\ (?:up|down|from)\b | ,\ [a-z]{2,10}er\ than\b
      | ,\ (?:plus|in\ addition\ to|not\ counting|not\ including|excluding|including|as\ well\ as)\b
      | \ (?:by|after)\ [a-z]{2,15}ing\b
      | ,\ (?:located|found|born|discovered|founded|built|aged)\b | ,?\ at\ the\ age\ of\b
      | ,\ or\ (?:about\ |around\ |approximately\ |roughly\ )?(?=\$?[0-9])(?!\S{1,20}\ (?:altogether|in\ (?:all|total)))
      | ,\ (?:which\ (?:is|was)\ )?
        (?=\$?[0-9][^\s,]{0,12}\ (?:[a-z]{1,15}\ )?(?:more|less|fewer|times|[a-z]{2,10}er)\b)
      | ,\ which\ (?:is|was)\ (?=(?:half|\$?[0-9][^\s,]{0,12})\ of\b)
      | ,\ which\ (?:is|was|equals)\ (?=(?:the\ )?(?:sum|product|difference|quotient|result|average|total)\b)
      | (?<=[a-z]):[ ]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IN_TOTAL = re.compile(r"[0-9][^0-9.,]{0,30}\bin $")  # "30 balls in total: 26 and 4"
# "..., plus 41 minutes, so it is 1121": behind an aside, a conclusion or another clause.
_CONCLUDED = re.compile(
    r"\b(?:so|thus|therefore|hence|making|giving|leaving|which (?:makes|gives|leaves)|for a total of)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\b(?:is|are|was|were|has|have|had|gets?|got|needs?|makes?|made|leaves?|remains?|will|there)\b", re.IGNORECASE
)
_CONTRASTS = re.compile(r",? (?:with|while|whereas|unlike|compared)\b", re.IGNORECASE)
_AGE = re.compile(r"\bage\b|\baged\b|\bwas\b")
_HOW_MANY = re.compile(r"\bhow many (\w{2,20})", re.IGNORECASE)
_OPEN_BRACKET = re.compile(r"(?<!\\)\((?=[^()=]*$)")
# "5 + 7 = 12, but she has 10 left."
_TURN = re.compile(r", (?:but|so|and so|and then|then|leaving|which leaves)\b[^=]*$", re.IGNORECASE)
_PLACED = re.compile(
    r"\b(?:in|to|of|for|from|on|at|than|with|after|over|by|per|within|every)\s(?:the\s)?[$\u20ac]?$", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"\b(?:as an ai\b|i'm sorry|i am sorry|i apologi[sz]e,? (?:but|that|i\b)|unsolvable|undefined"
    r"|i (?:do not|don't) (?:know|have)"
    r"|(?:not|isn't|aren't|wasn't|doesn't have|need|provide) (?:enough|more|sufficient) (?:information|data)"
    r"|insufficient (?:information|data)"
    r"|there(?: is|'s) no (?:answer|solution)|would need to know|i(?:'m| am) (?:unable|not able)"
    r"|i (?:cannot|can't|can not|could not|couldn't)|(?:cannot|can't|impossible to|not possible to|no way to)"
    r" (?:be )?(?:determined?|answer(?:ed)?|know|say|tell|solved?|calculated?|known))\b",
    re.IGNORECASE,
)
_UNSOLVED = re.compile(
    r"\b(?:cannot|can't|can not) be (?:solved|answered|determined|calculated|known)\b", re.IGNORECASE
)
_AFTER_ALL = re.compile(
    r"=|\b(?:but|however|so|thus|therefore|hence|equals|guess|think|believe|i'd say|i would say|probably|likely)\b",
    re.IGNORECASE,
)
_NONE_LEFT = re.compile(
    r"\b(?:none|nothing|no (?:\w{1,15} ){1,3})(?: ?(?:is|are|were|was|will be))? ?(?:left|remain\w{0,3})\b",
    re.IGNORECASE,
)


def last_number(text: str, question: str) -> Quantity | None:
    """The number of the last sentence that has one, or the total or result that it names; 0 where "none are left".

    Of several, the one in bold; that of an equation; or the last of the main clause. Of a question without numbers
    ("How many legs does a spider have?") the sentence that repeats most of its words counts, not the last one.
    """
    found = _final(text)
    if not found:
        return _told(text)
    if _refused(text, found[-1]):
        return None
    fact = None if _given(question) else _fact(text, found, question)
    if fact:
        return fact
    start, sentence = _sentence(text, found[-1])
    inside = [replace(q, start=q.start - start, end=q.end - start) for q in found if q.start >= start]
    return _of_sentence(sentence, inside, _line(text, found[-1].end), question)


def _sentence(text: str, last: Quantity) -> tuple[int, str]:
    """Where the sentence of a quantity begins, and the sentence up to it."""
    stops = [m.end() for m in STOP.finditer(text, max(0, last.start - SENTENCE), last.start)]
    start = max([0, last.start - SENTENCE, text.rfind("\n", 0, last.start) + 1, *stops])
    return start, text[start : last.end]


def _line(text: str, start: int) -> str:
    """The rest of a line."""
    return text[start : start + SENTENCE].split("\n", 1)[0]


def _of_sentence(sentence: str, inside: Sequence[Quantity], rest: str, question: str) -> Quantity | None:
    """The number that a sentence gives.

    Args:
        inside: the quantities of the sentence, which ends with the last of them.
        rest: the line behind it.
    """
    tail = STOP.split(rest, maxsplit=1)[0]
    for statement in statements(sentence):
        stated = chosen(sentence[statement.end :] + tail, "")
        if stated and not _IN_TOTAL.search(sentence, 0, statement.start):
            return stated
    if printed := bold(sentence + rest):
        return printed
    told = _main(sentence, inside, tail, question)
    sentence = sentence[: told[-1].end]
    turned = _TURN.search(sentence)
    if "=" in sentence and not (turned and quantities_in(turned[0])):
        return equated(sentence, told)
    return _new(sentence, told, _given(question))


def quantities_in(text: str) -> bool:
    """Whether a text has a quantity."""
    return next(quantities(text), None) is not None


def _main(sentence: str, inside: Sequence[Quantity], rest: str, question: str) -> Sequence[Quantity]:
    """The quantities before the first aside of a sentence; all of them where the question asks for the aside.

    "12 sweets, with 2 left over" gives 12, but 2 where the question asks how many are left over.
    """
    bracket = _OPEN_BRACKET.search(sentence)
    for aside in sorted([*_ASIDE.finditer(sentence + rest), *([bracket] if bracket else [])], key=re.Match.start):
        told = [q for q in inside if q.end <= aside.start()]
        listed = aside[0] == ": " and ("=" in sentence[aside.end() :] or len(inside) - len(told) < _SEVERAL)
        clause = aside is bracket or aside["clause"]
        if _CONCLUDED.search(sentence, aside.end()) or (not clause and _GOES_ON.search(sentence, aside.end())):
            continue
        if told and not listed and not _is_asked(aside, sentence[: aside.start()], len(told), question):
            return told
    return inside


def _is_asked(aside: re.Match[str], main: str, count: int, question: str) -> bool:
    """Whether a question asks for an aside: by a word that the main clause lacks, or by its unit."""
    added = aside.string[aside.start() :]
    if _AGE.search(added[:_NEAR]) and _ASKS_AGE.search(question):
        return True
    if _CONTRASTS.match(added):
        return bool(_asked(question) & set(words(added)) - set(words(main)))
    unit = _HOW_MANY.search(question)
    converted = unit and aside[0].startswith(", or") and count > 1
    return bool(converted) and unit is not None and words(added)[2:3] == words(unit[1])


def _new(sentence: str, told: Sequence[Quantity], given: Set[Fraction]) -> Quantity:
    """The last quantity that is no circumstance which the question gave ("37 pages in 2 days"); else the last.

    A given number is one behind a preposition, or in the same clause as a new one ("15 gives 150").
    """
    if told[-1].value is None and not values(sentence[told[-1].start : told[-1].end]) <= given:
        return told[-1]
    for quantity in reversed(told):
        placed = _PLACED.search(sentence, 0, quantity.start)
        clause = max(sentence.rfind(mark, 0, quantity.start) for mark in (", ", "; ", ": "))
        beside = any(q.start > clause and q.end < quantity.end and q.value not in given for q in told)
        if quantity.value is not None and (quantity.value not in given or not (placed or beside)):
            return quantity
    return told[-1]


def _asked(question: str) -> Set[str]:
    """The words of the last sentence that asks, without those that all questions have."""
    sentences = [part for part in re.split(r"(?<=[.?!])\s", question.strip()) if part.endswith("?")]
    return set(words(sentences[-1] if sentences else question)) - _EMPTY


def _given(question: str) -> Set[Fraction]:
    """The values of the numbers in a question, in digits or words."""
    read = clean(question)
    worded = (read_words(read[word.start() :]) for word in re.finditer(r"(?<![\w-])[A-Za-z]", read))
    return values(read) | {number[0] for number in worded if number}


def _fact(text: str, found: Sequence[Quantity], question: str) -> Quantity | None:
    """The answer to a question that has no numbers, and so asks for a fact; None for a text that works it out.

    It stands in the sentence that repeats most words of the question, and there beside such a word ("8 legs").
    """
    asked = _asked(question)
    if not asked or "=" in text or len(found) > _FACTS or _WORKED.search(text):
        return None
    if asks := _ASKS_YEAR.search(question) or _ASKS_AGE.search(question):
        is_year = asks.re is _ASKS_YEAR
        found = [q for q in found if bool(_YEAR.fullmatch(text[q.start : q.end])) == is_year] or found
    told = [_sentence(text, q) for q in found]
    shared = [len(asked & set(words(sentence))) for _, sentence in told]
    best = told[max(range(len(told)), key=lambda n: (shared[n], n))][0]
    inside = [q for q, (start, _) in zip(found, told, strict=True) if start == best]
    beside = [q for q in inside if asked & {*words(text[: q.start])[-1:], *words(text[q.end :][:_NEAR])[:1]}]
    if len(beside) == 1:
        return beside[0]
    sentence = text[best : inside[-1].end]
    moved = [replace(q, start=q.start - best, end=q.end - best) for q in inside]
    return _of_sentence(sentence, moved, _line(text, inside[-1].end), question)


def bold(sentence: str) -> Quantity | None:
    """The only number in bold print of a sentence that comes to no other behind it ("covers **105 km** in 2 hours")."""
    found = [(part.end(), q) for part in _BOLD.finditer(sentence) for q in quantities(part[1]) if q.counts]
    if len({q.value for _, q in found}) != 1 or re.search(r"=|\b(?:is|are)\b", rest := sentence[found[-1][0] :]):
        return None
    return None if concludes(rest) else found[-1][1]


def _final(text: str) -> list[Quantity]:
    """The quantities before the last digit that belongs to one; without one that counts, the only one that does not.

    They are looked for in a window, which keeps a long text from being read as a whole.
    """
    others: list[Quantity] = []
    end = len(text)
    while (digit := max(text.rfind(d, 0, end) for d in "0123456789")) >= 0:
        blank = re.search(r"\s", text[max(0, digit - _WINDOW) : digit])
        start = max(0, digit - _WINDOW) + (blank.start() if blank else 0) if digit > _WINDOW else 0
        moved = [replace(q, start=q.start + start, end=q.end + start) for q in quantities(text[start:end])]
        if counting := [q for q in moved if q.counts]:
            return counting
        others, end = others or moved, start
    return others if len({q.value for q in others}) == 1 else []


def _told(text: str) -> Quantity | None:
    """The only number in words that the last sentence of a text without digits has ("She has twelve apples left.")."""
    sentence = STOP.split(text.rstrip(" .!\n\"'*")[-SENTENCE:])[-1]
    if not refuses(text) and _NONE_LEFT.search(sentence):
        return Quantity(0, len(sentence), Fraction(0))
    if re.search("[0-9]", text[: 2 * ENDS]) or _REFUSAL.search(text) or re.search(r"\bbetween\b", sentence, re.I):
        return None
    found: list[Quantity] = []
    for word in re.finditer(
        r"(?<![\w-])(?!(?i:one|half|a(?! (?:hundred|thousand|million|dozen)))\b)[A-Za-z]", sentence
    ):
        spelled = read_words(sentence[word.start() :]) if not found or word.start() >= found[-1].end else None
        if spelled:
            found.append(Quantity(word.start(), word.start() + spelled[1], spelled[0]))
    denied = found and re.search(r"(?:\bnot|n't|\bno|\bor|\bto)\s(?:\w{1,12}\s)?$", sentence[: found[-1].start])
    return found[0] if len(found) == 1 and not denied else None


def _refused(text: str, last: Quantity) -> bool:
    """Whether the text refuses to answer before the number, and does not give it all the same."""
    sentence = STOP.split(text[last.end : last.end + SENTENCE].split("\n", 1)[0], maxsplit=1)[0]
    if _UNSOLVED.search(sentence):
        return True
    refusals = deque(_REFUSAL.finditer(text, 0, last.start), maxlen=1)
    if refusals:
        return not _AFTER_ALL.search(text, refusals[0].end(), last.start)
    near = text[max(0, last.start - SENTENCE) : last.end]
    return bool(refuses(near)) and not _AFTER_ALL.search(near)
