"""Words of an answer: where a model's own answer ends, its first sentence, and normalisation for comparing.

Everything here is linear in the length of the text: quantifiers in the patterns are bounded, and what looks at
sentences sees at most `LINE` characters.
"""

from __future__ import annotations

import re
import unicodedata

LINE = 2000
"""Characters of the answering line that are read; a short answer is not longer."""

_CONTINUATION = re.compile(
    r"^[ \t>#*]{0,8}(?:question|q|problem|exercise|human|user)[ \t]{0,4}[0-9]{0,4}[ \t*]{0,4}:", re.IGNORECASE | re.M
)
_LABEL = re.compile(r"^(?:the )?(?:final |short |correct )?(?:answer|a|assistant|response) {0,4}[:=]", re.IGNORECASE)
_MARKDOWN = re.compile(r"[*`#>\x00]")
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)]?(?=\s)")
_ABBREVIATIONS = frozenset("mrs gen sen rep gov capt lt col prof rev hon est approx inc ltd jr sr fort".split())
_INTERJECTIONS = frozenset(
    "sure yes yeah no ok okay certainly absolutely definitely of course great good question well hmm hm right "
    "correct thanks thank you probably maybe perhaps so actually".split()
)
# Letters that Unicode does not decompose into a base letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "æ": "ae", "Æ": "AE", "œ": "oe"}
    | {"ı": "i", "&": " and ", "’": "", "‘": "", "'": "", "ʻ": "", "ʼ": "", "`": ""}
)
_INNER_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_NO_DECIMAL_POINT = re.compile(r"\.(?![0-9])|(?<![0-9])\.")
_NO_WORD = re.compile(r"[^\w.]|_")
_ARTICLES = frozenset(("a", "an", "the"))


def own_text(text: str) -> str:
    """The text up to where the model begins to pose itself another question ("Question:", "Q:", "User:", ...).

    A question that the text opens with is an echo of the one asked, not the next one, and is kept.
    """
    for match in _CONTINUATION.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def answer_line(text: str) -> str:
    """The line that answers: the first that is not blank, without echo of the question, label and markdown.

    A line that ends in a colon ("Here is the answer:") announces the next one and is joined with it.
    """
    lead = ""
    for raw in own_text(text).splitlines():
        line = _MARKDOWN.sub("", raw[:LINE]).strip()
        if not line or (_CONTINUATION.match(raw) and not lead):
            continue
        line = f"{lead} {line}".strip()
        if line.endswith(":"):
            lead = line
            continue
        return _LABEL.sub("", line).strip()
    return _LABEL.sub("", lead).strip()


def first_sentence(line: str) -> str:
    """The first sentence that answers.

    A question ("The capital? Paris.") and an interjection ("Sure! It is Paris.") are passed over when more follows.
    A period does not end a sentence after an abbreviation or a word of one or two letters ("St. John's", "D.C."),
    nor before a small letter.
    """
    start = 0
    for match in _SENTENCE_END.finditer(line):
        following = line[match.end() :].lstrip()[:1]
        if not following or following.islower():
            continue
        before = line[start : match.start()].rsplit(None, 1)
        word = before[-1].lower() if before else ""
        if match[0].startswith(".") and (len(word) <= 2 or "." in word or word in _ABBREVIATIONS):
            continue
        sentence = line[start : match.end()]
        if "?" in match[0] or is_interjection(words(sentence)):
            start = match.end()
            continue
        return sentence.strip()
    return line[start:].strip()


def is_interjection(tokens: list[str]) -> bool:
    """Whether the words say nothing but yes, sure, well, ..."""
    return all(token in _INTERJECTIONS for token in tokens)


def words(text: str) -> list[str]:
    """Normalised words: small letters, no accents, punctuation or articles (SQuAD's rule, with Unicode NFKD).

    Hyphens and slashes separate words, apostrophes and periods vanish (N'Djamena, D.C.), decimal points stay,
    thousands commas go. Articles stay when there is nothing else (the answer "A").
    """
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = _NO_DECIMAL_POINT.sub("", _INNER_COMMA.sub("", text))
    tokens = _NO_WORD.sub(" ", text).split()
    return [token for token in tokens if token not in _ARTICLES] or tokens


def normalise(text: str) -> str:
    """The normalised words, joined by spaces."""
    return " ".join(words(text))
