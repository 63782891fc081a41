"""Finds the container that a free answer names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.tasks.texts import own_text, word_set

_SEVERAL = "\x01"
"""Stands for alternatives between which a text does not decide ("the chest or the trunk")."""

_OPENERS = (
    "but so therefore thus hence because since as where when while before after until although though whereas who "
    "which instead despite unless if whether unaware"
)
_CLAUSE = re.compile(
    rf"(,|;|:| - |\b(?:even though|rather than|{_OPENERS.replace(' ', '|')})\b"
    r"|\band (?=(?:she|he|they|you|it|so|still|then|will|would|thinks?|believes?|looks?|therefore|expects?|moved)\b))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?\n]+")
_BRACKETS = re.compile(r"\([^()]{0,300}\)|\[[^\[\]]{0,300}\]")
_ASIDE = word_set(
    "because since as where when while before after until although though whereas who which despite unaware"
)
_OPEN = word_set("if whether unless")
_CONCLUSION = re.compile(
    r"\b(?:so|therefore|thus|hence|answer|wait|correction)\b|^\s*(?:no|actually)\s*$", re.IGNORECASE
)
_DENIAL = re.compile(
    r"\b(?:not|never|nor|neither|no longer|cannot|instead of|rather than|except)\b|n't\b",
    re.IGNORECASE,
)
# "but it could be the chest", "she would be surprised to find it in the chest"
_UNLIKELY = re.compile(r"\b(?:surpris\w{1,4}|unlikely)\b", re.IGNORECASE)
_ALSO_POSSIBLE = re.compile(r"\s{0,3}(?:it|that|the \w{1,12}) (?:could|might|may)\b", re.IGNORECASE)
_TURNS = ("no", "wait", "no wait", "actually")
_ANYTHING_BUT = re.compile(r"\b(?:any|every)(?:thing|where) but\b")
_DENIED_AFTER = re.compile(r"\s{0,3}(?:is|was|would be)(?: not|n't)\b", re.IGNORECASE)

# The subject of a clause, by its words; the first that fits.
_SPEAKS_OF: Mapping[str, re.Pattern[str]] = {
    "beginning": re.compile(r"\b(?:beginning|originally|initially|at first|started)\b", re.IGNORECASE),
    "reality": re.compile(r"\b(?:real|really|actually|reality|in fact)\b", re.IGNORECASE),
    "mind": re.compile(
        r"\b(?:think|thought|believe|expect|look|search|assume|guess|check|say|will|would)(?:s|es|ed)?\b", re.IGNORECASE
    ),
    "past": re.compile(
        r"\b(?:was|were|had|put|puts|moved?|moves|left|placed|places|hid|hides|went|took|takes)\b", re.IGNORECASE
    ),
    "present": re.compile(r"\b(?:is|are)\b|'s\b", re.IGNORECASE),
}
# Clauses that may answer a question of a kind, the best last. Before all stands a reason or circumstance, after all an
# answer without a verb at the beginning ("The chest.") and then a conclusion.
_ANSWERS: Mapping[str, Sequence[str]] = {
    "belief": ("beginning", "reality", "past", "", "present", "mind"),
    "action": ("beginning", "reality", "past", "", "present", "mind"),
    "reality": ("beginning", "mind", "past", "", "present", "reality"),
    "memory": ("mind", "reality", "present", "", "past", "beginning"),
}


def last_named(text: str, options: list[str], kind: str = "belief") -> str | None:
    """The option that a text gives, as a whole word in any case; None when it gives none, or leaves several open.

    What is in brackets, denied ("not in the chest") or doubted ("I don't know if ...") is not given. Of the rest the
    last counts of the clauses that answer best: a conclusion ("so ...", "the answer is ..."); an answer that opens the
    text ("The chest."); a clause that speaks of what was asked about (a mind, reality, the beginning); any other; and
    last a reason or circumstance ("since nobody looked into the box", "before Bo put it into the chest").

    Args:
        options: names in small letters.
        kind: the question's subject: "belief", "action", "reality" or "memory".
    """
    name = "|".join(map(re.escape, options))
    said = re.compile(rf"\b(?:{name})\b|{_SEVERAL}")
    between = r"(?:\s{0,2}(?:,|/|\bor\b|\band\b)\s{0,2}){1,2}(?:(?:in|the|a|maybe|perhaps|possibly)\s){0,3}"
    several = re.compile(rf"\b(?:{name})\b(?:{between}(?:{name})\b){{1,20}}")
    best, chosen = -1, None
    for rank, clause in _ranked(several.sub(_open, _ANYTHING_BUT.sub("not", own_text(text).lower())), kind):
        denial = _DENIAL.search(clause)
        denied = denial.start() if denial else len(clause)
        found = [m[0] for m in said.finditer(clause, 0, denied) if not _DENIED_AFTER.match(clause, m.end())]
        if found and rank >= best:
            best, chosen = rank, found[-1]
    return None if chosen == _SEVERAL else chosen


def _ranked(text: str, kind: str) -> Iterator[tuple[int, str]]:
    """The clauses of a text with how well each answers a question of a kind."""
    first, turned = True, False
    for sentence in _SENTENCE.split(_BRACKETS.sub(" ", text)):
        parts = _CLAUSE.split(sentence)
        concludes, turned = turned, sentence.strip() in _TURNS
        for opener, clause in zip(["", *parts[1::2]], parts[::2], strict=True):
            concludes = concludes or bool(_CONCLUSION.search(opener) or _CONCLUSION.search(clause))
            if not clause.strip() or opener.strip() in _OPEN:
                continue
            about = next((topic for topic, words in _SPEAKS_OF.items() if words.search(clause)), "")
            rank = 1 + _ANSWERS[kind].index(about)
            possible = opener.strip() in ("but", "though", "although") and _ALSO_POSSIBLE.match(clause)
            if opener.strip() in _ASIDE or opener.strip() == "even though" or _UNLIKELY.search(clause) or possible:
                rank = 0
            elif concludes:
                rank = 9
            elif first and not about:
                rank = 8
            first = False
            yield rank, clause


def _open(found: re.Match[str]) -> str:
    """The sign for several alternatives, or the text itself where a denial may end at a comma ("not A, B")."""
    before = found.string[max(0, found.start() - 20) : found.start()]
    return found[0] if "," in found[0] and _DENIAL.search(before) else _SEVERAL
