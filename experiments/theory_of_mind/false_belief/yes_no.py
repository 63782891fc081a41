"""Finds the yes or no that a free answer gives to "Does Kendall know ...?"."""

from __future__ import annotations

import re

from harness.tasks.texts import own_text

_ECHO = re.compile(r"\b(?:yes\s*(?:or|/)\s*no|no\s*(?:or|/)\s*yes)\b")
_SAID = re.compile(r"\b(?:yes|no)\b(?!\s+(?:one|longer|idea|doubt|matter|reason|way)\b)")
_CONCLUDES = re.compile(r"\b(?:so|therefore|thus|hence|answer(?: is)?|actually)\b[^.!?\n]{0,40}?\b(yes|no)\b")
_REASON = re.compile(r"\b(?:because|since|as|although|though|while)\b[^,.!?;\n]*")
_OWN_DOUBT = re.compile(r"\bi(?: do not| don't| cannot|'m not sure| am not sure)(?: know| tell| say)?\b[^.!?;\n]*")
_KNOWS = re.compile(r"\b(?:knows?|knew|aware|noticed|saw)\b")
_IGNORANT = re.compile(r"\b(?:unaware|no idea)\b")
_DENIES = re.compile(r"\b(?:not|never|cannot|unaware|no longer|no idea|no way|nobody|no one)\b|n't\b")


def said_yes_or_no(text: str) -> str | None:
    """ "yes" or "no"; None when a text gives neither, or both without deciding between them.

    A conclusion counts first ("so the answer is no"), then the word that the text opens with, then the only one of the
    two that it says. A text with neither is read by its last clause that speaks of knowing: "Kendall does not know".
    The model's own doubt ("I do not know") is no answer.
    """
    text = _ECHO.sub(" ", own_text(text).lower())
    if concluded := _CONCLUDES.findall(text):
        return str(concluded[-1])
    said = _SAID.findall(text)
    if said and (opens := re.match(r"\W*(yes|no)\b", text)) and opens[1] == said[0]:
        return str(said[0])
    if said:
        return str(said[0]) if len(set(said)) == 1 else None
    told = _REASON.sub(" ", _OWN_DOUBT.sub(" ", text))
    clauses = [clause for clause in re.split(r"[.!?;,\n]|\bbut\b", told) if _KNOWS.search(clause)]
    if not clauses:
        return "no" if _IGNORANT.search(told) else None
    return "no" if _DENIES.search(clauses[-1]) else "yes"
