"""Finds the number that a text gives as its answer, and its exact value. How numbers are written is in `numerals`."""

from __future__ import annotations

import re
from collections import deque
from fractions import Fraction

from harness.tasks.last_number import SENTENCE, STOP, bold, last_number
from harness.tasks.numerals import DIGITS, Quantity, clean, quantities
from harness.tasks.statements import Statement, braced, statements
from harness.tasks.texts import own_text
from harness.tasks.working import chosen, concludes, is_list, lead, worded

MAX_PLACES = 20
"""Decimal places that `write_number` writes; a value that needs more is written as a fraction."""

_FOLLOWING = 2000
_NEAR = 60

_EXPLANATION = re.compile(r"[, ]{0,3}(?:\(|not\b|because\b|since\b|as\b)")
# What follows a number that answers alone: a unit of three words, and the end, a dash, a bracket or a reason.
_ALONE = re.compile(
    r"[*_`$)\]]{0,4}(?: ?[^\W\d_][^\s\d,.;:()*=]{0,20}){0,3}[*_`]{0,4} {0,2}"
    r"(?:$|[.!](?=\s+[^\s\d$*])|- {1,2}(?=[A-Za-z])|\((?!or\b)[^()]{0,200}\)[\s.!*]*$"
    r"|,? ?(?:because|since|as|given)\b)",
    re.MULTILINE,
)
# Sentences that only offer help or ask back.
_OFFER = re.compile(
    r"(?:^|(?<=[.!?] )|(?<=\n))(?:let me know|please (?:let|provide|clarify|specify|tell|share)|would you like|do you"
    r"|could you|can you|feel free|is there anything|if you (?:have|need|want|would like))\b[^.!?\n]{0,300}[.!?]?",
    re.IGNORECASE,
)
_ENUMERATION = re.compile(r"[.)] +[A-Za-z]")
_SENTENCE = re.compile(r"[*_`$)]{0,4}[^\n.]{0,60}[.)] +[*A-Za-z]")
# A paragraph that adds something to an answer.
_NOTE = re.compile(
    r"\n[ \t>*_(]{0,6}(?:note|check|verification|tip|remember|fun fact)\b[*_]{0,3}(?::| that\b)", re.IGNORECASE
)
# A line of a list, or one that announces it, behind an answer in bold.
_BREAKDOWN = re.compile(r"\s*(?:$|[-*\u2022] |[^\n]{0,80}:\*{0,2}$)")
_COLUMN = re.compile(r"\s{0,8}[-+*/x] ?[0-9]")
_FEW = 10
"""A number from here on that stands before a sentence ("18. She ...") answers; "3. She", "3 dogs. Each" may begin."""
_IS_ANSWER = re.compile(r" (?:is|are|must be|would be) (?:the|my|our) (?:\w{1,12} ){0,2}answer\b", re.IGNORECASE)
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
_NOT = re.compile(r"(?:n't|\bnot) $")
_DRAWN = re.compile(r"\s{0,3}(?:so|thus|therefore|hence)\b", re.IGNORECASE)
_BETWEEN_BOXES = re.compile(r"(?:[\s$.,;&]|\\[()\[\]]|\band\b|\bor\b)*+")
_PLACEHOLDER = re.compile(
    r"[\s.?{}]*(?:(?:your|the|final|numerical|number|answer|value|result|here|x|n)\b[\s.?{}]*)*", re.IGNORECASE
)
_BLANK = " \t\r\n*_`>:"


def read_number(text: str, question: str = "") -> Fraction | None:
    """The final number of a text, exactly; None when it gives none, or several without choosing one.

    Which number, in this order:
    1. stated: after "#### ", in \\boxed{}, after "the answer is" / "Answer:" / "A:" / "Result:" (`statements`). Of
       several statements the *last* counts. Within a statement the *first* number counts; in an equation the side that
       is a single number; in a working ("20 in one and 22 in the other, so 42") the number that closes it;
    2. a first line or sentence that is nothing but a number with a unit, or goes on with "(", "because", "not" ("42,
       not 43"), if nothing behind it comes to another number;
    3. the number of the last sentence (`last_number`): what it calls the total or result, has in bold, or gives in its
       main clause ("18, since she sells 9"). After a refusal only a number that is given all the same ("I don't know,
       but I'd say 5").

    A number that is denied ("not 12") is none, nor is one of an offer ("Shall I explain step 2?") or of a confidence
    ("95% sure"). A statement of alternatives ("12 or 15"), of a range ("40-45"), of what is still to be computed
    ("6 x 7") or of none ("The answer is unknown") gives no number.

    Read as written: thousands marks of any habit (1,234; 1 234; 1.234.567; 1,23,456), currency, units, 50% as 50, "1.2
    million", "3 dozen", unicode minus, 1/2 and 1 1/2, 1.5e3, 1.5 x 10^3, digits of any script, LaTeX, and number words
    where they stand alone or are stated ("The answer is twelve"). Ordinals (2nd) and digits inside words (H2O) are no
    numbers.

    Args:
        question: tells what a sentence only repeats ("37 pages in 2 days"), and which sentence answers.
    """
    text = clean(own_text(text))
    for statement in statements(text):
        if _DOUBTED.search(text, max(0, statement.start - _NEAR), statement.start):
            continue
        found = _stated(text, statement)
        if found:
            found = _after_retraction(text, statement) or found
            return found.value
    text = _without_notes(_OFFER.sub("", text))
    found = _called_answer(text) or _opening(text.lstrip()) or last_number(text, question)
    return found.value if found else None


def _without_notes(text: str) -> str:
    """The text before a paragraph that only adds to its answer ("Note: ...", "Check: 3 x 7 = 21")."""
    note = _NOTE.search(text)
    return text[: note.start()] if note and re.search("[0-9]", text[: note.start()]) else text


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
    if statement.kind == "result" or (
        statement.kind == "correction" and _NOT.search(text, max(0, statement.start - _NEAR), statement.start)
    ):
        return None  # "isn't actually 24"
    if statement.kind == "boxed":
        return _boxed(text, statement)
    after = text[statement.end : statement.end + SENTENCE]
    blank = len(after) - len(after.lstrip(_BLANK))
    segment = after[:blank] + after[blank:].split("\n", 1)[0]
    if statement.kind == "hashes":
        # "#### Step 2" and "#### 2. Add" are headings, not answers.
        found = next(quantities(segment), None) or worded(segment)
        heading = not found or re.search("[A-Za-z]", segment[: found.start]) or _ENUMERATION.match(segment, found.end)
        return None if heading else found
    stop = STOP.search(segment, blank)
    segment = segment[: stop.start()] if stop else segment
    rest = statement.end + len(segment)
    if statement.kind == "correction":
        # "Wait, 3 x 5 = 15. Then ..." goes on with the working, "Wait, 15." corrects.
        found = next(quantities(text[statement.end : statement.end + _FOLLOWING]), None)
        if not found or found.value is None or lead(segment, 0) < found.start:
            return None
        return None if re.search("[0-9]", text[statement.end + found.end :]) else found
    return chosen(segment, text[rest : rest + _FOLLOWING])


def _after_retraction(text: str, statement: Statement) -> Quantity | None:
    """The last number of a text that takes a statement back and then concludes ("But wait, ... So she has 10.")."""
    taken = _RETRACTED.search(text, statement.end, statement.end + _FOLLOWING)
    if not taken:
        return None
    rest = text[taken.end() :]
    sentence = STOP.split(rest.rstrip(" .!\n")[-SENTENCE:])[-1]
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
    content, _ = braced(text, statement.end, SENTENCE)
    found = chosen(content + "}", "")
    if not found:
        return None if _PLACEHOLDER.fullmatch(content) else Quantity(0, len(content), None)
    for other in statements(text[max(0, statement.start - SENTENCE) : statement.start])[:1]:
        before = text[max(0, statement.start - SENTENCE) : statement.start]
        inside, closed = braced(before, other.end, SENTENCE)
        if other.kind == "boxed" and closed and _BETWEEN_BOXES.fullmatch(before, other.end + len(inside) + 1):
            first = chosen(inside + "}", "")
            if first and first.value != found.value:
                return Quantity(found.start, found.end, None)
    return found


def _opening(text: str) -> Quantity | None:
    """The number that a text opens with.

    It stands on a line of its own, before a reason that comes to no other number, or in bold before a list.
    """
    line, _, following = text[: 2 * DIGITS].partition("\n")
    if _COLUMN.match(following) or any(statement.kind == "correction" for statement in statements(text)):
        return None
    if bare := _bare(line) or _bare_words(line):
        return None if _ends_in_conclusion(text[len(line) :]) else bare
    if following.strip() and all(map(_BREAKDOWN.match, following.strip().splitlines())) and (told := bold(line)):
        return told
    first = next(quantities(line), None)
    if first is None or first.value is None or re.search("[A-Za-z0-9=]", line[: first.start]):
        return None
    marker = _SENTENCE.match(line, first.end) and first.value < _FEW
    rest = text[first.end : first.end + _FOLLOWING]
    return first if not marker and _ALONE.match(rest) and not concludes(rest) else None


def _bare_words(line: str) -> Quantity | None:
    """The number of a first sentence that is nothing but a number in words and its unit ("Zero. She gave ...")."""
    sentence = STOP.split(line, maxsplit=1)[0]
    return _bare(sentence) if not re.search("[0-9]", sentence) else None


def _ends_in_conclusion(text: str) -> bool:
    """Whether the last sentence of a text draws a conclusion with a number ("So, 5 x 8 equals 40.")."""
    sentence = STOP.split(text.rstrip(" .!\n")[-SENTENCE:])[-1].rpartition("\n")[2]
    return bool(_DRAWN.match(sentence)) and next(quantities(sentence), None) is not None


def _bare(line: str) -> Quantity | None:
    """The number of a line that is nothing else: a unit or an explanation may follow it."""
    found = list(quantities(line))
    if not found:
        word = worded(line)
        return word if word and len(line[word.end :].split()) <= 3 else None
    first = found[0]
    if re.search("[A-Za-z0-9=]", line[: first.start]) or _ENUMERATION.match(line, first.end):
        return None
    if is_list(line, found):
        return Quantity(first.start, found[-1].end, None)
    rest = line[first.end :]
    if _EXPLANATION.match(rest):
        return first
    return first if not re.search("[0-9=+*]", rest) and len(rest.split()) <= 3 else None
