"""Finds where a text states its answer: "The answer is", "Answer:", "#### ", "\\boxed{", "<answer>"; in many languages.

One grammar for every reader: what is stated follows the mark, and of several statements the last counts, because a
text that corrects itself ends with its answer.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

READ = 50
"""Statements of a text that are kept, from its end."""

Kind = Literal["boxed", "hashes", "answer", "correction", "result"]
"""How an answer was marked. A "result" ("The total is") and a "correction" ("No, wait:") may be one of the working;
the others are final."""

ANSWER = r"""(?:
    (?:\b|(?<=_))(?:answers?|ans|respuesta|r[\u00e9e]ponse|antwort|risposta|resposta|antwoord|svar(?:et)?
      |odpowied\u017a|cevap|yan\u0131t|jawaban(?:nya)?|vastaus|odpov\u011b\u010f|odgovor|v\u00e1lasz|r\u0103spuns|facit
      |\u0111\u00e1p[ ](?:\u00e1n|s\u1ed1)
      |\u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7|\u043e\u0442\u0432\u0435\u0442|\u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c
      |\u0627\u0644\u062c\u0648\u0627\u0628|\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0909\u0924\u094d\u0924\u0930)\b
  | \u7b54\u6848|\u7b54\u3048|\u56de\u7b54|\u7b54(?=[:\uff1a])|\uc815\ub2f5|\ub2f5
)"""
"""The word for an answer in many languages, as a verbose pattern."""
_IS = r"""(?:
    (?:is|was|are|(?:would|will|must|should|has[ ]to)[ ](?:be|equal)|equals|comes[ ](?:out[ ])?to|becomes
      |es|est|ist|lautet|\u00e8|\u00e9|\u00e4r|er|jest|l\u00e0|adalah|\u03b5\u03af\u03bd\u03b1\u03b9|\u0647\u0648|\u0939\u0948)\b
  | [\u662f\u4e3a\u70ba\u306f\uc740]
)"""
_MARKUP = r"""[*_"'`)\]\}]{0,4}"""
_POINTER = r"(?:[ \t]{0,4}(?:->|=>|-->|[:\uff1a=|\u2192\u21d2\u27f9\u2794])|[ ]{1,2}-[ ]{1,2})"
# At most six words between, so that "the answer to the second question is" is one statement and a paragraph is not.
_BETWEEN = rf"(?:[ ](?!{_IS}|(?:no|non|not|n(?='))\b)[^\W\d_]{{1,20}}){{0,6}}?(?:[ ]\([^()\n]{{1,40}}\))?"
_LINE = r"^[ \t>*_\#\-]{0,8}"
_STATED = re.compile(
    rf"""
    (?P<hashes> \#{{4}} (?!\#) )
  | (?P<boxed> (?:\\|(?<![A-Za-z\\])) (?:f?boxed|f(?:rame)?box) \ {{0,3}} \{{ )
  | (?P<answer>
        <(?:(?:final[_ ]?)?(?:answer|result|solution|output|response)|final)\b[^<>\n]{{0,60}}>
      | \[(?:final[_ ])?answer\]
      | {ANSWER} {_BETWEEN} {_MARKUP} (?: {_POINTER} | (?:[ ]|(?<![A-Za-z])){_IS} )
      | \bfinal[ ](?:result|total|sum|number|amount|value|solution|price|cost)\b {_BETWEEN} {_MARKUP}
        (?: {_POINTER} | [ ]{_IS} )
      | {ANSWER} \. [ ] (?=[^A-Za-z\s]) | odpowied\u017a[ ]to\b
      | {_LINE} (?:the[ ])? (?:(?:my|final|short|correct|best|full)[ ]){{0,2}} {ANSWER} [*_ \t]{{0,6}} $
      | {_LINE} (?:a|result|solution|ergebnis|resultado|r[\u00e9e]sultat) {_MARKUP} {_POINTER}
      | {_LINE} (?:(?:the|final|short)[ ]){{0,2}} (?:result|solution) [*_ \t]{{0,6}} $
    )
  | (?P<correction>
        \b(?:no,?[ ]wait|edit(?=:)|wait,?[ ]no|i[ ]mean|i[ ]meant|i[ ]should[ ]say|correction|scratch[ ]that
          |on[ ]second[ ]thought
          |sorry|wait|actually|make[ ]that|or[ ]rather|oops|whoops)\b[.,:;!-]{{0,3}}
      | (?<=[.,;:?!-][ ])no[.,:;!]
    )
  | (?P<result>
        (?: \b(?:result|total|sum|solution|difference|product|quotient|value|ergebnis|l\u00f6sung|resultado
            |r[\u00e9e]sultat|risultato|resultat(?:et)?|wynik|sonu\u00e7|\u0438\u0442\u043e\u0433\u043e?)\b
          | \u7ed3\u679c|\u7d50\u679c ) {_BETWEEN} {_MARKUP}
        (?: {_POINTER} | (?:[ ]|(?<![A-Za-z])){_IS} )
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A mark of an answer.

    Attributes:
        start: where the mark begins in the text.
        end: where it ends and what is stated begins.
    """

    kind: Kind
    start: int
    end: int


def statements(text: str) -> list[Statement]:
    """The statements of a text, from the last to the first; at most `READ`."""
    found = deque(_STATED.finditer(text), maxlen=READ)
    return [Statement(_kind(m), m.start(), m.end()) for m in reversed(found)]


def _kind(found: re.Match[str]) -> Kind:
    kinds: tuple[Kind, ...] = ("boxed", "hashes", "answer", "correction")
    return next((kind for kind in kinds if found[kind]), "result")


def braced(text: str, start: int, most: int) -> tuple[str, bool]:
    """The text after an opening brace, and whether a brace closes it within `most` characters; else its first line."""
    depth = 1
    for at in range(start, min(len(text), start + most)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at], True
    return text[start : start + most].split("\n", 1)[0], False
