"""Grades short free answers: does a sentence give one of the accepted answers, and only that?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.tasks.texts import answer_line, first_sentence, is_interjection, word_set, words

MAX_WORDS = 30
"""A longer sentence that merely contains the right answer is not counted as giving it."""

_CLAUSE_BREAK = re.compile(r",(?![0-9]{3})|[;()\[\]]|:(?![0-9])|\s-\s|\b(?:but|rather|instead)\b", re.IGNORECASE)
_SLASH = re.compile(r"/")
_ASIDE = re.compile(r"\([^()]{0,200}\)")
_COPULAS = word_set("is was are were be has had did does do can could will would should")
_NEGATIONS = word_set(
    "not never cannot neither nor without except unlike wrong incorrect isnt wasnt arent werent doesnt didnt dont cant "
    "couldnt wouldnt hasnt"
)
_CONNECTORS = word_set("and or")
_LEADS = word_set("here it its this that thats answer correct final my name i think believe im he she they would")
_DOUBTS = word_set("not sure certain dont know")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Words of a sentence with the number of the clause that each stands in."""

    tokens: tuple[str, ...]
    clause: tuple[int, ...]

    @classmethod
    def read(cls, text: str) -> _Sentence:
        clauses = [words(part) for part in _CLAUSE_BREAK.split(_SLASH.sub(" or ", text))]
        pairs = [(token, number) for number, clause in enumerate(clauses) for token in clause]
        return cls(tuple(token for token, _ in pairs), tuple(number for _, number in pairs))

    def spans(self, wanted: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Where the words stand, as [start, end)."""
        for start in range(len(self.tokens) - len(wanted) + 1):
            if wanted and self.tokens[start : start + len(wanted)] == wanted:
                yield start, start + len(wanted)

    def denies(self, start: int, end: int) -> bool:
        """Whether the clause of a span says that it is not the answer ("not Paris", "Paris is not the capital")."""
        own = set(self.clause[start:end])
        for at, token in enumerate(self.tokens):
            if token not in _NEGATIONS or self.clause[at] not in own or start <= at < end:
                continue
            contrast = at >= end and self.tokens[at - 1] not in _COPULAS and not token.endswith("nt")
            if not contrast:  # "Paris not Lyon" is a contrast: Paris is still said to be the answer
                return True
        return False

    def joins(self, start: int, end: int) -> bool:
        """Whether a span is tied to something else by "or" or "and" ("Paris or Lyon", "Lyon and Paris")."""
        if start and self.tokens[start - 1] in _CONNECTORS:
            return True
        if end == len(self.tokens) or self.tokens[end] not in _CONNECTORS:
            return False
        same_clause = sum(number == self.clause[end] for number in self.clause[end + 1 :])
        return self.tokens[end] == "or" or same_clause <= 3


def read_short(text: str, question: str) -> str:
    """The answer that a text gives, as normalised words; "" when it gives none. Never depends on the gold answer.

    The first answering sentence, without an opening that only repeats the question ("The capital of France is") and
    without asides: brackets, parts that do the same ("Paris, France" -> "paris"), later parts of more than three words.
    """
    asked = frozenset(words(question))
    sentence = first_sentence(answer_line(text))
    kept = _parts(_ASIDE.sub(" ", sentence), asked) or [words(sentence)]
    answer = [_without_lead(part, asked) for part in kept]
    told = [part for at, part in enumerate(answer) if at == 0 or len(part) <= 3 or part[0] in _CONNECTORS]
    return " ".join(token for part in told for token in part)


def gives(text: str, aliases: Sequence[str], question: str) -> bool:
    """Whether the answering sentence gives one of the accepted answers, and only that.

    Right: the sentence (or the whole line) equals an accepted answer after normalisation, or has at most
    `MAX_WORDS` words and holds it as whole words, unless
    - its clause denies it ("not Paris", "Paris is not the capital");
    - it is tied by "or" / "and" / "/" to something else ("Paris or Lyon"), unless all alternatives are accepted ones;
    - it stands in a bare list: three or more short parts ("Paris, Lyon, Nice"), or second of two ("Lyon, Paris").
      Parts that only repeat words of the question do not count ("Paris, Île-de-France, France").
    """
    line = answer_line(text)
    sentence = first_sentence(line)
    accepted = {tuple(words(alias)) for alias in aliases}
    asked = frozenset(words(question))
    if tuple(words(line)) in accepted or tuple(words(sentence)) in accepted:
        return True
    read = _Sentence.read(sentence)
    if len(read.tokens) > MAX_WORDS:
        return False
    forms = {_Sentence.read(alias).tokens for alias in aliases}
    if _all_accepted(read, forms):
        return True
    found = [span for form in forms for span in read.spans(form)]
    parts = _parts(_ASIDE.sub(" ", sentence), asked)
    return any(
        not read.denies(start, end) and not read.joins(start, end) and not _listed(parts, read.tokens[start:end])
        for start, end in found
    )


def _parts(sentence: str, asked: frozenset[str]) -> list[list[str]]:
    """The clauses of a sentence as words, without interjections, announcements, and what only repeats the question."""
    clauses = [words(part) for part in _CLAUSE_BREAK.split(sentence)]
    empty = asked | _LEADS | _COPULAS | _DOUBTS
    return [c for c in clauses if c and not is_interjection(c) and not all(token in empty for token in c)]


def _without_lead(tokens: list[str], asked: frozenset[str]) -> list[str]:
    """The words after an opening like "i think its" or "the capital of france is"; all words without one."""
    cut = 0
    for at, token in enumerate(tokens[:-1], 1):
        if token in _COPULAS or token in ("its", "thats"):
            cut = at
        elif token not in asked and token not in _LEADS:
            break
    return tokens[cut:]


def _all_accepted(read: _Sentence, forms: set[tuple[str, ...]]) -> bool:
    """Whether the sentence is nothing but accepted answers joined by "or" / "and"."""
    alternatives: list[list[str]] = [[]]
    for token in read.tokens:
        if token in _CONNECTORS:
            alternatives.append([])
        else:
            alternatives[-1].append(token)
    return all(tuple(alternative) in forms for alternative in alternatives)


def _listed(parts: list[list[str]], found: tuple[str, ...]) -> bool:
    """Whether the parts are a bare list of candidates in which the words found are one of many, or not the first."""
    if any(len(part) > 3 or any(token in _COPULAS for token in part) for part in parts):
        return False
    others = [part for part in parts if not set(part) <= set(found)]
    return len(others) >= 2 or (len(others) == 1 and found[0] not in parts[0])
