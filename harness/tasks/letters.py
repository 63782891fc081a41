"""Finds the option that a text names, among lettered options."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from harness.tasks.texts import answer_line, own_text, words

_STATED = re.compile(
    r"""
    (?: \b(?:answer|choice|option) [*_]{0,3}
        (?: [ ]{0,3}[:=] | [ ](?:is|was|would[ ]be|should[ ]be|must[ ]be) (?:[ ](?:option|choice|letter)\b)? :? )?
      | \\boxed[ ]{0,3}\{ (?:[ ]{0,3}\\text[a-z]{0,4}[ ]{0,3}\{)?
    )
    [\s*$"'`]{0,6}
    (?: \( [ *]{0,3} (?P<bracketed>[A-Za-z]) [ *]{0,3} \) | (?P<bare>[A-Z]) (?![A-Za-z0-9']) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LEADING = re.compile(
    r"[\s*\"'`$]{0,8}(?:\(\s?([A-Za-z])\s?\)|([A-Za-z])\s?[).:]|([A-Z])(?=[,*]|\s-|[ \t$]{0,8}(?:\n|$)))"
)
_BRACKETED = re.compile(r"\(([A-Z])\)")
_ALONE = re.compile(r"(?<![A-Za-z0-9'(.])([A-Z])(?!\.?[A-Za-z0-9'])")
_NOT = re.compile(r"\b(?:not|isn't|never|neither|nor) {1,3}(?:option |choice )?\(?$", re.IGNORECASE)
_DENIAL = re.compile(r"\b(?:not|never|neither|isnt|wrong|incorrect)\b")
_ANOTHER = re.compile(r"\)?\s{0,2}(?:or|and|/|,|&)\s{0,2}(?:or |and |option |choice )?\(?([A-Z])(?![A-Za-z'])")
# A capital A or I before another word is the article or the pronoun, unless one of these words follows.
_WORD_AFTER = re.compile(r"\s{1,3}(?!(?:because|since|as|is|was|(?:or|and) \(?[A-Z])\b)[A-Za-z]")


def read_letter(text: str, choices: Sequence[str]) -> str:
    """The capital letter of the option that a text names; "" when it names none, several, or one not shown.

    In this order: the last letter stated as the answer ("The answer is (B)", "Answer: B", "\\boxed{B}"); a letter that
    opens the text ("B", "(B)", "b)", "B. Paris"); the only letter in brackets; the only option whose text the
    answering line holds as whole words; the only capital letter that stands alone. "A" before a word is the article,
    "I" the pronoun. Stating two letters ("A or B") names none.
    """
    text = own_text(text)
    shown = {chr(ord("A") + at) for at in range(len(choices))}
    for match in reversed(deque(_STATED.finditer(text), maxlen=20)):
        letter = match["bracketed"] or match["bare"]
        if match["bare"] and (letter.islower() or _is_word(text, letter, match.end())):
            continue
        return _only(text, letter, match.end(), shown)
    leading = _LEADING.match(text)
    if leading and not _DENIAL.match(
        text[leading.end() :][:20].removeprefix(" is").removeprefix(" cannot be").lstrip()
    ):
        letter = leading[1] or leading[2] or leading[3]
        return _only(text, letter, leading.end(), shown)
    if re.fullmatch(r"\s*[a-z]\s*", text[:20]) and len(text) <= 20:
        return _only(text, text.strip(), len(text), shown)
    return _distinct(_BRACKETED, text, shown) or _by_text(answer_line(text), choices) or _distinct(_ALONE, text, shown)


def _only(text: str, letter: str, end: int, shown: set[str]) -> str:
    another = _ANOTHER.match(text, end)
    several = another is not None and another[1] in shown and not _is_word(text, another[1], another.end())
    return letter.upper() if letter.upper() in shown and not several else ""


def _is_word(text: str, letter: str, end: int) -> bool:
    return letter in "AI" and _WORD_AFTER.match(text, end) is not None


def _distinct(pattern: re.Pattern[str], text: str, shown: set[str]) -> str:
    """The only letter found, denied ones and words apart; "" when there are several or one that was not shown."""
    found = set()
    for match in pattern.finditer(text):
        letter = match[1]
        if _NOT.search(text[max(0, match.start() - 20) : match.start()]):
            continue
        if pattern is _BRACKETED or not _is_word(text, letter, match.end()):
            found.add(letter)
    return found.pop() if len(found) == 1 and found <= shown else ""


def _by_text(line: str, choices: Sequence[str]) -> str:
    """The only option whose words stand in the line, not denied by the others of its words.

    An option that lies inside a longer one found gives way to it; the very text of an option is that option.
    """
    if line in choices:
        return chr(ord("A") + choices.index(line))
    said = f" {' '.join(words(line))} "
    forms = [f" {' '.join(words(choice))} " for choice in choices]
    found = [at for at, form in enumerate(forms) if form.strip() and form in said]
    longest = [
        at for at in found if not any(forms[at] in forms[other] and forms[at] != forms[other] for other in found)
    ]
    if len(longest) != 1 or _DENIAL.search(said.replace(forms[longest[0]], " ", 1)):
        return ""
    return chr(ord("A") + longest[0])
