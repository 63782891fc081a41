"""Recognises texts that say that there is no answer or that none is known, by phrases, strictly or within a window.

A text is read sentence by sentence, as normalised words (small letters, no articles): contractions are written out
("can't" is "can not") and adverbs left out ("do not yet know" is "do not know"), so that a phrase stands for all its
forms. A sentence that refuses and goes on to answer ("I am not sure, but Paris") is an answer. English only.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.items import Grade, Item, grader
from harness.tasks.refusal_phrases import ADVERBS, ALONE, ANY, CONTRACTIONS, DOUBTS, NO_ADVERBS, PHRASES, Phrase
from harness.tasks.short_answers import read_short
from harness.tasks.statements import statements
from harness.tasks.texts import own_text, word_set, words

WINDOW = 5
"""Words within which the wide detector looks for a phrase (Yin et al. 2023 take windows of five)."""

GAP = 2
"""Words that may stand where a phrase has "..": "no .. answer" is "no right answer" too."""

NO_ANSWERS = word_set("sorry apologies i unfortunately well hmm however no yes as honestly unknown none nobody an it")
"""Words that stand alone in a sentence and answer nothing."""

_REACH = 10_000
"""Characters read at the beginning and at the end of a text; a refusal does not stand in the middle of a longer one."""

# What stands for an answer and gives none.
_OPEN = re.compile(
    r"(?:that|not|no|none|n/a|subjective|dependent|debatable|complex|complicated|beyond|outside|up to|left|in|based"
    r"|for|always|somewhere|likely to|impossible|undefined|unknown|unclear|probably not)\b",
    re.IGNORECASE,
)
_DENIALS = word_set("not no nobody one unable impossible")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]{0,2}\s|\n")
_QUOTED = re.compile(r"\"[^\"\n]{1,200}\"|(?<!\w)'(?:[^'\n]|\b'\b){1,200}'(?!\w)")
_TITLE = re.compile(r"(?<=[a-z,]) [A-Z][a-z']+(?: [A-Z][a-z']*)+")
_INTERJECTION = re.compile(r"^\s{0,3}(?:no|yes|well|sorry)\s{0,3}[,:]", re.IGNORECASE)
_NOT_APPLICABLE = re.compile(r"\b[nN]/[aA]\b|\b[nN]\.[aA]\.|\bNA\b|^\W{0,4}na\W{0,4}$")  # "Na" is sodium
# A label, a box or the key of a JSON object before an answer.
_DRESS = re.compile(
    r"\\(?:boxed|text[a-z]{0,2})\s?\{?"
    r"|^[\s{*_\"]{0,8}(?:(?:the |my |final )?(?:final[ _])?answer|a)[\"*_]{0,3}\s?[:=][\s\"*_]{0,4}",
    re.IGNORECASE | re.MULTILINE,
)
_COMPARED = re.compile(r"\bno (?:better|other|greater) \w{1,20} (?:than|but|except)\b", re.IGNORECASE)
_COMPLETE = re.compile(r"[.!?:;,\"')\]*]$")
_TURN = re.compile(
    r"((?:[;,!?\n]|:(?![0-9])|\.(?=\s)| - )? ?\b(?:but|however|though|although|yet)\b,?"
    r"|[;,!?\n]|:(?![0-9])|\.(?=\s)| - )",
    re.IGNORECASE,
)
_FIRM = re.compile(r"[:;]|-|but|however|though|although|yet", re.IGNORECASE)
_NAME = r"(?:the\ |an?\ )?(?:[A-Z][\w.-]*\b(?!')|[0-9][\w.,-]*)"
_COPULA = r"(?:\ (?:is|was|are|were|(?:would|could|may|might|must|should)\ be)|'s|'re)"
_BARE = re.compile(
    rf"\s*(?i:(?:maybe|perhaps|possibly|probably|likely) )?{_NAME}(?: (?:of |de )?{_NAME}){{0,3}}[\s.!?]*"
)
_STATEMENT = re.compile(
    rf"""\s* (?:(?i:and|so)[ ])? (?:
        (?i:(?:my|the|our)[ ](?:(?:best|final|short|likely|right)[ ]){{0,2}}(?:guess|answer|bet){_COPULA}) :?[ ]\S
      | (?i:i(?:'d|'ll|[ ]would|[ ]will)?[ ](?:still[ ])?(?:think|believe|guess|say|suspect|go[ ]with|assume|bet))[ ]
        (?i:that[ ])? (?: (?i:(?:it|he|she|that|this|they|the[ ]answer){_COPULA})[ ]\S | {_NAME} )
      | (?i:the|its|his|her) (?:[ ][a-z]{{1,20}}){{1,3}} (?:[ ]of[ ]{_NAME})? {_COPULA} [ ] {_NAME}
      | (?i:it|he|she|that|this|they) (?i:{_COPULA}) [ ] (?i:(?:probably|likely|perhaps|maybe|called)[ ])? {_NAME}
      | (?i:maybe|perhaps|possibly|probably) [ ] {_NAME}
      | (?i:so|thus|hence) [ ] {_NAME} [\s.!]*$
    )""",
    re.VERBOSE,
)
_EQUATION = re.compile(r"\b[A-Za-z] ?= ?-?[0-9]")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, its words in the form that phrases have, and the text that follows it."""

    text: str
    tokens: tuple[str, ...]
    after: str


@functools.lru_cache(maxsize=256)  # short answers come again and again
def refuses(text: str, *, wide: bool = False) -> bool | None:
    """Whether a text says that there is no answer, or that none is known; None for a text without words.

    The model's thought, and what it goes on to ask itself ("Question: ..."), are not read; nor are quotations and
    titles. A text that was cut off inside the last word of a phrase ("The answer is unk") refuses as well. One
    that states an answer all the same ("That is not possible. The answer is 80.") does not.

    Args:
        wide: the words of a phrase may stand apart, in order, within `WINDOW` words (or the length of a longer phrase)
            of one sentence: "is to this day unknown" has "is unknown". Stands where Yin et al. 2023 compare sentence
            embeddings of windows; it needs no model, and finds no paraphrase in other words.
    """
    own = _COMPARED.sub(" ", _DRESS.sub("", own_text(text)))
    if len(own) > 2 * _REACH:
        own = f"{own[:_REACH]}\n{own[-_REACH:]}"
    if not words(own):
        return None
    sentences = list(_sentences(own))
    refused = [_refused(sentence, wide) for sentence in sentences]
    return any(refused) and not any(_answers(s) for s, no in zip(sentences, refused, strict=True) if not no)


@grader
def admits_unknown(text: str, item: Item) -> Grade:
    """The grader of a question without an answer: right when the text refuses (strictly). Gold: an empty list."""
    refused = refuses(text)
    if refused is None:
        return Grade("", None)
    return Grade("unknown" if refused else read_short(text, str(item.fields.get("question", ""))), refused)


def _answers(sentence: _Sentence) -> bool:
    """Whether a sentence states an answer ("The answer is 80.")."""
    stated = [s for s in statements(sentence.text) if s.kind in ("answer", "boxed", "hashes")]
    said = sentence.text[stated[0].end :].lstrip(" *_:`\"'") if stated else ""
    return bool(words(said)) and not _OPEN.match(said)


def _sentences(text: str) -> Iterator[_Sentence]:
    start = 0
    for begin, end in [match.span() for match in _SENTENCE_END.finditer(text)] + [(len(text), len(text))]:
        sentence, start = text[start:begin], end
        if tokens := _plain(sentence):
            yield _Sentence(sentence, tokens, text[end : end + 200])


def _plain(sentence: str) -> tuple[str, ...]:
    """The words of a sentence without quotations, titles, contractions and adverbs."""
    sentence = _NOT_APPLICABLE.sub("unknown", sentence)
    unquoted = _QUOTED.sub(" it ", sentence)
    text = unquoted if len(unquoted.split()) > 1 else sentence
    if any(word[0].islower() for word in text.split()[1:]):  # else all words are capitalised
        text = _TITLE.sub(" it", text)
    written = [part for token in words(_INTERJECTION.sub("", text)) for part in CONTRACTIONS.get(token, (token,))]
    following = [*written[1:], ""]
    return tuple(
        word
        for word, after in zip(written, following, strict=False)
        if (word, after) == ("yet", "to") or not (word in ADVERBS or (word.endswith("ly") and word not in NO_ADVERBS))
    )


def _refused(sentence: _Sentence, wide: bool) -> bool:
    tokens = sentence.tokens
    if tokens in ALONE:
        return not _answered(sentence, doubt=True)
    cut = not sentence.after and not _COMPLETE.search(sentence.text)
    present = frozenset(tokens)
    held = [p for p in PHRASES if p.possible(present) and (_holds(tokens, p, wide) or (cut and _cut_in(tokens, p)))]
    return bool(held) and not _answered(sentence, doubt=DOUBTS.issuperset(held))


def _holds(tokens: Sequence[str], phrase: Phrase, wide: bool) -> bool:
    """Whether the words of a phrase occur in order: side by side, or within `WINDOW` words."""
    window = max(WINDOW, len(phrase.words)) if wide else 0
    for start, token in enumerate(tokens):
        if token in phrase.words[0]:
            end = _end(tokens, start, phrase.words, window)
            whole = not phrase.last or end == len(tokens)
            if end and whole and not (end < len(tokens) and tokens[end] in phrase.before):
                return True
        if phrase.first:
            break
    return False


def _end(tokens: Sequence[str], start: int, choices: Sequence[frozenset[str]], window: int) -> int:
    """The end of a phrase that begins at `start`; 0 if it is not there."""
    at, gap = start, 0
    limit = start + window if window else len(tokens)
    for choice in choices:
        if choice is ANY:
            gap = GAP
            continue
        last = min(len(tokens), limit if window and at > start else at + gap + 1)
        at = next((n + 1 for n in range(at, last) if tokens[n] in choice), 0)
        if not at:
            return 0
        gap = 0
    return at


def _cut_in(tokens: Sequence[str], phrase: Phrase) -> bool:
    """Whether a text that was cut off ends inside the last word of a phrase, of which at least three letters stand.

    Without a denial before it only "unk..." and "unan..." can be nothing else ("fiction" is a whole word).
    """
    *before, last = phrase.words
    start = len(tokens) - len(phrase.words)
    if not before or ANY in before or start < 0 or len(tokens[-1]) < 3 or (phrase.first and start):
        return False
    denied = not _DENIALS.isdisjoint(tokens[start:]) or tokens[-1].startswith(("unk", "unan"))
    begun = any(word.startswith(tokens[-1]) for word in last)
    return denied and begun and all(token in choice for token, choice in zip(tokens[start:], before, strict=False))


def _answered(sentence: _Sentence, *, doubt: bool) -> bool:
    """Whether a sentence with a phrase of refusal answers all the same, after it or, if it only doubts, before it.

    Args:
        doubt: a following sentence counts as well ("I am not sure. I think it is Paris.").
    """
    parts = _TURN.split(sentence.text + (f"\n{sentence.after}" if doubt else ""))
    clauses, turns = parts[::2], parts[1::2]
    refused = [n for n, clause in enumerate(clauses) if _phrased(_plain(clause))]
    if not refused:
        return False
    for n in range(refused[-1] + 1, len(clauses)):
        if _states(clauses[n], bare=bool(_FIRM.search(turns[n - 1]))):
            return True
    before = refused[0] - 1
    return doubt and before >= 0 and _states(clauses[before], bare=bool(_FIRM.search(turns[before])))


def _phrased(tokens: tuple[str, ...]) -> bool:
    present = frozenset(tokens)
    return tokens in ALONE or any(p.possible(present) and _holds(tokens, p, wide=False) for p in PHRASES)


def _states(clause: str, *, bare: bool) -> bool:
    """Whether a clause states an answer ("the answer is Paris"); a bare name does only where that was announced."""
    if _BARE.fullmatch(clause):
        return bare and not set(words(clause)) <= NO_ANSWERS
    return bool(_STATEMENT.match(clause) or _EQUATION.search(clause)) and " or " not in clause
