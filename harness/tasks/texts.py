"""Words of an answer: where a model's own answer ends, its first sentence, and normalisation for comparing.

Time is bounded for any text: quantifiers in the patterns are bounded, of a long text `ENDS` characters at either end
are read, and what looks at sentences sees `LINE` characters.
"""

from __future__ import annotations

import re
import unicodedata

LINE = 2000
"""Characters of the answering line that are read; a short answer is not longer."""

ENDS = 50_000
"""Characters read at the beginning and at the end of a text; what lies between in a longer one is not."""

_CONTINUATION = re.compile(
    r"^[ \t>#*]{0,8}(?:question|q|problem|exercise|human|user)[ \t]{0,4}[0-9]{0,4}[ \t*]{0,4}:", re.IGNORECASE | re.M
)
_LABEL = re.compile(r"^(?:the )?(?:final |short |correct )?(?:answer|a|assistant|response) {0,4}[:=]", re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-z]{1,10}>|[*`#>]")
_SENTENCE_END = re.compile(r"[.!?]+[\"')]?(?=\s)")
# Quotation marks, apostrophes and dashes as typed on a keyboard.
_TYPED = (
    dict.fromkeys((0x2018, 0x2019, 0x02BB, 0x02BC, 0x2032), "'")
    | dict.fromkeys((0x201C, 0x201D, 0x2033), '"')
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63, 0xFF0D), "-")
    | {0x2014: " - ", 0x0000: " "}
)
# Letters that Unicode does not decompose into a base letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "æ": "ae", "Æ": "AE", "œ": "oe"}
    | {"\u0131": "i", "&": " and ", "'": "", "`": ""}
)
_INNER_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_NO_DECIMAL_POINT = re.compile(r"\.(?![0-9])|(?<![0-9])\.")
_NO_WORD = re.compile(r"[^\w.]|_")


def word_set(text: str) -> frozenset[str]:
    """The words of a text separated by spaces."""
    return frozenset(text.split())


def word_list(text: str) -> list[str]:
    """The words of a text separated by spaces, in their order."""
    return text.split()


_ARTICLES = word_set("a an the")
_ABBREVIATIONS = word_set("mrs gen sen rep gov capt lt col prof rev hon est approx inc ltd jr sr fort")
_INTERJECTIONS = word_set(
    "sure yes yeah no ok okay certainly absolutely definitely of course great good question well hmm hm right "
    "correct thanks thank you probably maybe perhaps so actually"
)


def own_text(text: str) -> str:
    """The text up to where the model begins to pose itself another question ("Question:", "Q:", "User:", ...).

    Typographic quotation marks and dashes come back as typed ones, null bytes as spaces.
    A question that the text opens with is an echo of the one asked, not the next one, and is kept.
    """
    if len(text) > 2 * ENDS:
        text = f"{text[:ENDS]}\n{text[-ENDS:]}"
    text = text.translate(_TYPED)
    for match in _CONTINUATION.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def answer_line(text: str) -> str:
    """The line that answers: the first that is not blank, without echo of the question, label and markup.

    A line that ends in a colon ("Here is the answer:") announces the next one and is joined with it.
    """
    lead = ""
    for raw in own_text(text).splitlines():
        line = _MARKUP.sub("", raw[:LINE]).strip()
        if not line or (_CONTINUATION.match(raw) and not lead):
            continue
        line = f"{lead} {line}".strip()[:LINE]
        if line.endswith(":") and len(line) < LINE:
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
    text = unicodedata.normalize("NFKD", text.translate(_TYPED).translate(_LETTERS)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = _NO_DECIMAL_POINT.sub("", _INNER_COMMA.sub("", text))
    tokens = _NO_WORD.sub(" ", text).split()
    return [token for token in tokens if token not in _ARTICLES] or tokens


def normalise(text: str) -> str:
    """The normalised words, joined by spaces."""
    return " ".join(words(text))
