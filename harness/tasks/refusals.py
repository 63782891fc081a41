"""Recognises texts that say that there is no answer or that none is known, by phrases, strictly or within a window."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.items import Grade, Item
from harness.tasks.short_answers import read_short
from harness.tasks.texts import own_text, words

_PHRASES = """
is unknown, are unknown, answer unknown, not known, unknowable, unanswerable, cannot be known, cannot be answered,
cannot be determined, not possible to, impossible to, no way to know, no way of knowing, nobody knows, no one knows,
nobody can, no one can, there is no answer, has no answer, have no answer, no definite answer, no definitive answer,
no single answer, there is no known, there is no way, hard to say, remains mystery,
do not know, dont know, not sure, cannot answer, cant answer, cannot say, cannot tell, cannot provide, cannot predict,
cannot help, cant help, cannot assist, cant assist,
unable to, no information, not enough information, not aware of, not familiar with, not have access, dont have access,
never heard of,
does not exist, do not exist, doesnt exist, dont exist, no such, there is no country, there is no element, is not real,
is fictional, not yet happened, not happened yet, has not happened, false premise
"""
PHRASES = tuple(tuple(phrase.split()) for phrase in _PHRASES.split(","))
"""What a refusal says: there is no answer; I have none; what is asked about is not there. English only.

Normalised words: small letters, without articles and apostrophes."""

WINDOW = 5
"""Words within which the wide detector looks for a phrase (Yin et al. 2023 take windows of five)."""

_SENTENCE_END = re.compile(r"[.!?\n]+")


def refuses(text: str, *, wide: bool = False) -> bool | None:
    """Whether a text holds one of `PHRASES` as whole words; None for a text without words.

    What the model goes on to ask itself ("Question: ...") is not read.

    Args:
        wide: the words of a phrase may stand apart, in order, within `WINDOW` words (or the length of a longer phrase)
            of one sentence: "is still quite unknown" has "is unknown". Stands where Yin et al. 2023 compare sentence
            embeddings of windows; it needs no model, and finds no paraphrase in other words.
    """
    sentences = [words(sentence) for sentence in _SENTENCE_END.split(own_text(text))]
    if not any(sentences):
        return None
    span = WINDOW if wide else 0
    return any(_holds(sentence, phrase, max(span, len(phrase))) for sentence in sentences for phrase in PHRASES)


def admits_unknown(text: str, item: Item) -> Grade:
    """The grader of a question without an answer: right when the text refuses (strictly). Gold: an empty list."""
    refused = refuses(text)
    if refused is None:
        return Grade("", None)
    return Grade("unknown" if refused else read_short(text, str(item.fields.get("question", ""))), refused)


def _holds(sentence: Sequence[str], phrase: Sequence[str], span: int) -> bool:
    """Whether the words of a phrase occur in order within `span` words of a sentence."""
    if not set(phrase) <= set(sentence):
        return False
    for start, word in enumerate(sentence):
        if word == phrase[0]:
            window = iter(sentence[start : start + span])
            if all(part in window for part in phrase):
                return True
    return False
