"""Finds the number that a text gives as its answer, and its exact value. How numbers are written is in `numerals`."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from fractions import Fraction

from harness.tasks.number_words import read_words
from harness.tasks.numerals import DIGITS, Quantity, clean, quantities
from harness.tasks.refusals import refuses
from harness.tasks.statements import Statement, braced, statements
from harness.tasks.texts import ENDS, own_text
from harness.tasks.working import closing, concludes, equated, is_list, lead

MAX_PLACES = 20
"""Decimal places that `write_number` writes; a value that needs more is written as a fraction."""

_SEGMENT = 300
_FOLLOWING = 2000
_WINDOW = 3000
_NEAR = 60

_STOP = re.compile(r"(?<!approx)(?<!\bca)(?<!\bRs)(?<!\bno)(?<!\bi\.e)[.!?](?=[*_$\"')]{0,4}(?:\s|$))|\u3002")
_EXPLANATION = re.compile(r"[, ]{0,3}(?:\(|not\b|because\b|since\b|as\b)")
# What follows a number that answers alone: a unit of three words, and the end, a dash, a bracket or a reason.
_ALONE = re.compile(
    r"[*_`$)\]]{0,4}(?: ?[^\W\d_][^\s\d,.;:()*=]{0,20}){0,3}[*_`]{0,4} {0,2}"
    r"(?:$|[.!](?=\s+[^\s\d$*])|- {1,2}(?=[A-Za-z])|\((?!or\b)[^()]{0,200}\)[\s.!*]*$"
    r"|,? ?(?:because|since|as|given)\b)",
    re.MULTILINE,
)
_REASON = re.compile(r"\b(?:because|since|given that|as (?=she|he|it|they|there|we|each|the))\b|\((?=[^()]*$)")
# Sentences that only offer help or ask back.
_OFFER = re.compile(
    r"(?:^|(?<=[.!?] )|(?<=\n))(?:let me know|please (?:let|provide|clarify|specify|tell|share)|would you like|do you"
    r"|could you|can you|feel free|is there anything|if you (?:have|need|want|would like))\b[^.!?\n]{0,300}[.!?]?",
    re.IGNORECASE,
)
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_ENUMERATION = re.compile(r"[.)] +[A-Za-z]")
_SENTENCE = re.compile(r"[*_`$)]{0,4}[^\n.]{0,60}[.)] +[*A-Za-z]")
_COLUMN = re.compile(r"\s{0,8}[-+*/x] ?[0-9]")
_FEW = 10
"""A number from here on that stands before a sentence ("18. She ...") answers; "3. She", "3 dogs. Each" may begin."""
_IS_ANSWER = re.compile(r" (?:is|are|must be|would be) (?:the|my|our) (?:\w{1,12} ){0,2}answer\b", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"[\s*_:]{0,4}(?:\w{1,15}ly )?(?:undefined|infinite|infinity|unknown|indeterminate|impossible|not defined"
    r"|no solution|null|n/a|nan|to be determined|unclear|not clear)\b",
    re.IGNORECASE,
)
# "I doubt that the answer is 12."
_DOUBTED = re.compile(
    r"\b(?:(?<!no )(?<!a )(?<!any )doubt|not (?:true|the case)|(?:don't|do not|can't|cannot) (?:think|believe|say|be))"
    r"(?: that| whether| if)? ?(?:the|my)? ?(?:final|correct)? ?$",
    re.IGNORECASE,
)
# A statement is taken back, and a sentence further on concludes.
_RETRACTED = re.compile(
    r"\b(?:but wait|wait,? but|(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|not (?:right|correct))"
    r"|i doubt (?:it|that)|i made an? (?:mistake|error)"
    r"|let me (?:recount|recheck|recalculate|redo|recompute|reconsider|correct))\b",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"(?:so|thus|therefore|hence|that makes|that leaves|there (?:is|are)|it is|it's)\b", re.IGNORECASE
)
_BETWEEN_BOXES = re.compile(r"(?:[\s$.,;&]|\\[()\[\]]|\band\b|\bor\b)*+")
_PLACEHOLDER = re.compile(
    r"[\s.?{}]*(?:(?:your|the|final|numerical|number|answer|value|result|here|x|n)\b[\s.?{}]*)*", re.IGNORECASE
)
_BLANK = " \t\r\n*_`>:"
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
    r"=|\b(?:but|however|so|thus|therefore|hence|guess|think|believe|i'd say|i would say|probably|likely)\b",
    re.IGNORECASE,
)


def read_number(text: str) -> Fraction | None:
    """The final number of a text, exactly; None when it gives none, or several without choosing one.

    Which number, in this order:
    1. stated: after "#### ", in \\boxed{}, after "the answer is" / "Answer:" / "A:" / "Result:" (`statements`). Of
       several statements the *last* counts. Within a statement the *first* number counts; in an equation the side that
       is a single number; in a working ("20 in one and 22 in the other, so 42") the number that closes it;
    2. a first line or sentence that is nothing but a number with a unit, or goes on with "(", "because", "not" ("42,
       not 43"), if nothing behind it comes to another number;
    3. the *last* number of the text before its reasons ("18, since she sells 9"), or what its last sentence calls the
       total or result, or has in bold. After a refusal only a number that is given all the same ("I don't know, but I'd
       say 5").

    A number that is denied ("not 12") is none, nor is one of an offer ("Shall I explain step 2?") or of a confidence
    ("95% sure"). A statement of alternatives ("12 or 15"), of a range ("40-45") or of
    what is still to be computed ("6 x 7") gives no number.

    Read as written: thousands marks of any habit (1,234; 1 234; 1.234.567; 1,23,456), currency, units, 50% as 50, "1.2
    million", "3 dozen", unicode minus, 1/2 and 1 1/2, 1.5e3, 1.5 x 10^3, digits of any script, LaTeX, and number words
    where they stand alone or are stated ("The answer is twelve"). Ordinals (2nd) and digits inside words (H2O) are no
    numbers.
    """
    text = clean(own_text(text))
    for statement in statements(text):
        if _DOUBTED.search(text, max(0, statement.start - _NEAR), statement.start):
            continue
        found = _stated(text, statement)
        if found:
            found = _after_retraction(text, statement) or found
            return found.value
    text = _OFFER.sub("", text)
    found = _called_answer(text) or _opening(text.lstrip()) or _last(text) or _told(text)
    return found.value if found else None


def exact(number: str | float) -> Fraction | None:
    """The value of a text that is one number and nothing else but currency, sign, commas or a unit; else None."""
    found = _bare(clean(str(number)).strip())
    return found.value if found else None


def write_number(value: Fraction) -> str:
    """The one way to write a value: "42", "-0.5", or "1/3" without a decimal of `MAX_PLACES`."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next((n for n in range(1, MAX_PLACES + 1) if 10**n % value.denominator == 0), None)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _stated(text: str, statement: Statement) -> Quantity | None:
    """The number in a statement, with places counted from its end; None if its words give no number."""
    if statement.kind == "result":
        return None
    if statement.kind == "boxed":
        return _boxed(text, statement)
    after = text[statement.end : statement.end + _SEGMENT]
    blank = len(after) - len(after.lstrip(_BLANK))
    segment = after[:blank] + after[blank:].split("\n", 1)[0]
    if statement.kind == "hashes":
        # "#### Step 2" and "#### 2. Add" are headings, not answers.
        found = next(quantities(segment), None) or _spelled(segment)
        heading = not found or re.search("[A-Za-z]", segment[: found.start]) or _ENUMERATION.match(segment, found.end)
        return None if heading else found
    stop = _STOP.search(segment, blank)
    segment = segment[: stop.start()] if stop else segment
    rest = statement.end + len(segment)
    if statement.kind == "correction":
        # "Wait, 3 x 5 = 15. Then ..." goes on with the working, "Wait, 15." corrects.
        found = next(quantities(text[statement.end : statement.end + _FOLLOWING]), None)
        if not found or found.value is None or lead(segment, 0) < found.start:
            return None
        return None if re.search("[0-9]", text[statement.end + found.end :]) else found
    return _chosen(segment, text[rest : rest + _FOLLOWING])


def _after_retraction(text: str, statement: Statement) -> Quantity | None:
    """The last number of a text that takes a statement back and then concludes ("But wait, ... So she has 10.")."""
    taken = _RETRACTED.search(text, statement.end, statement.end + _FOLLOWING)
    if not taken:
        return None
    rest = text[taken.end() :]
    sentence = _STOP.split(rest.rstrip(" .!\n")[-_SEGMENT:])[-1]
    concluded = _CONCLUDES.match(sentence.lstrip("*_\"') \n"))
    return deque(quantities(sentence), maxlen=1).pop() if concluded and re.search("[0-9]", sentence) else None


def _called_answer(text: str) -> Quantity | None:
    """The number of "42 is the answer"."""
    for called in _IS_ANSWER.finditer(text):
        before = text[max(0, called.start() - _NEAR) : called.start()]
        found = deque(quantities(before + called[0]), maxlen=1)
        if found and found[0].counts and not before[found[0].end :].strip("*_$)\"'}] "):
            return found[0]
    return None


def _boxed(text: str, statement: Statement) -> Quantity | None:
    """The content of a box. Neighbouring boxes that differ give no number, nor does a box of words."""
    content, _ = braced(text, statement.end, _SEGMENT)
    found = _chosen(content + "}", "")
    if not found:
        return None if _PLACEHOLDER.fullmatch(content) else Quantity(0, len(content), None)
    for other in statements(text[max(0, statement.start - _SEGMENT) : statement.start])[:1]:
        before = text[max(0, statement.start - _SEGMENT) : statement.start]
        inside, closed = braced(before, other.end, _SEGMENT)
        if other.kind == "boxed" and closed and _BETWEEN_BOXES.fullmatch(before, other.end + len(inside) + 1):
            first = _chosen(inside + "}", "")
            if first and first.value != found.value:
                return Quantity(found.start, found.end, None)
    return found


def _chosen(segment: str, rest: str) -> Quantity | None:
    """The number that a statement gives; a working that goes on after it (`rest`) is left to be read from its end."""
    found = [q for q in quantities(segment) if q.counts]
    start = lead(segment, 0)
    if not found:
        return _spelled(segment)
    first = found[0]
    direct = start >= first.start
    reason = _REASON.search(segment, first.end) if direct and first.value is not None else None
    if reason and reason[0] != "(" and "=" not in segment[: reason.start()]:
        segment, found = segment[: reason.start()], [q for q in found if q.start < reason.start()]
    ended = direct and re.match(r"[^=\n]{0,20}[;(]", segment[first.end :])
    if "=" in segment and not ended:
        return equated(segment, found)
    closed = closing(segment, found, direct)
    if closed:
        return closed
    if is_list(segment, found) or (not direct and _NO_VALUE.match(segment)):
        return Quantity(first.start, found[-1].end, None)
    return None if not direct and concludes(rest) else first


def _spelled(segment: str) -> Quantity | None:
    """The number in words that a segment begins with."""
    start = lead(segment, 0)
    article = re.search(r"\ba\s{0,2}$", segment[:start])  # "a quarter", "a hundred"
    start = article.start() if article else start
    spelled = read_words(segment[start:])
    return Quantity(start, start + spelled[1], spelled[0]) if spelled else None


def _opening(text: str) -> Quantity | None:
    """The number that a text opens with: on a line of its own, or before a reason that comes to no other number."""
    line, _, following = text[: 2 * DIGITS].partition("\n")
    if _COLUMN.match(following) or any(statement.kind == "correction" for statement in statements(text)):
        return None
    if bare := _bare(line):
        return bare
    first = next(quantities(line), None)
    if first is None or first.value is None or re.search("[A-Za-z0-9=]", line[: first.start]):
        return None
    marker = _SENTENCE.match(line, first.end) and first.value < _FEW
    rest = text[first.end : first.end + _FOLLOWING]
    return first if not marker and _ALONE.match(rest) and not concludes(rest) else None


def _bare(line: str) -> Quantity | None:
    """The number of a line that is nothing else: a unit or an explanation may follow it."""
    found = list(quantities(line))
    if not found:
        spelled = _spelled(line)
        return spelled if spelled and len(line[spelled.end :].split()) <= 3 else None
    first = found[0]
    if re.search("[A-Za-z0-9=]", line[: first.start]) or _ENUMERATION.match(line, first.end):
        return None
    if is_list(line, found):
        return Quantity(first.start, found[-1].end, None)
    rest = line[first.end :]
    if _EXPLANATION.match(rest):
        return first
    return first if not re.search("[0-9=+*]", rest) and len(rest.split()) <= 3 else None


def _last(text: str) -> Quantity | None:
    """The last number of a text in which nothing is stated, or the total or result that its last sentence names."""
    found = _final(text)
    if not found or _refused(text, found[-1]):
        return None
    last = found[-1]
    stops = [m.end() for m in _STOP.finditer(text, max(0, last.start - _SEGMENT), last.start)]
    start = max([0, last.start - _SEGMENT, text.rfind("\n", 0, last.start) + 1, *stops])
    sentence = text[start : last.end]
    for statement in statements(sentence):
        stated = _chosen(sentence[statement.end :], "")
        if stated:
            return stated
    if bold := _bold(sentence + text[last.end : last.end + _SEGMENT].split("\n", 1)[0]):
        return bold
    inside = [q for q in found if q.start >= start]
    if "=" in sentence:
        return equated(sentence, [replace(q, start=q.start - start, end=q.end - start) for q in inside])
    reason = next((m for m in _REASON.finditer(sentence) if any(q.end - start <= m.start() for q in inside)), None)
    told = [q for q in inside if q.end - start <= reason.start()] if reason else inside
    return told[-1]


def _bold(sentence: str) -> Quantity | None:
    """The only number in bold print of a sentence that comes to no other behind it ("covers **105 km** in 2 hours")."""
    bold = [(part.end(), q) for part in _BOLD.finditer(sentence) for q in quantities(part[1]) if q.counts]
    if len({q.value for _, q in bold}) != 1 or re.search(r"=|\b(?:is|are)\b", rest := sentence[bold[-1][0] :]):
        return None
    return None if concludes(rest) else bold[-1][1]


def _told(text: str) -> Quantity | None:
    """The only number in words that the last sentence of a text without digits has ("She has twelve apples left.")."""
    sentence = _STOP.split(text.rstrip(" .!\n\"'*")[-_SEGMENT:])[-1]
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


def _final(text: str) -> list[Quantity]:
    """The quantities before the last digit that belongs to one, in a window; numbers that count nothing if no others.

    A window keeps a long text from being read as a whole.
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
    return others


def _refused(text: str, last: Quantity) -> bool:
    """Whether the text refuses to answer before the number, and does not give it all the same."""
    sentence = _STOP.split(text[last.end : last.end + _SEGMENT].split("\n", 1)[0], maxsplit=1)[0]
    if _UNSOLVED.search(sentence):
        return True
    refusals = deque(_REFUSAL.finditer(text, 0, last.start), maxlen=1)
    if refusals:
        return not _AFTER_ALL.search(text, refusals[0].end(), last.start)
    near = text[max(0, last.start - _SEGMENT) : last.end]
    return bool(refuses(near)) and not _AFTER_ALL.search(near)
