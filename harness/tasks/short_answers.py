"""Grades short free answers: does a sentence give one of the accepted answers, and only that?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from harness.tasks import short_words as kinds
from harness.tasks.answering import LEADS, answering, echoes
from harness.tasks.polarity import polarity
from harness.tasks.short_sentence import Sentence
from harness.tasks.short_tokens import CONNECTORS, COPULAS, PREPOSITIONS, word_forms

MAX_WORDS = 30
"""A longer sentence that merely contains the right answer is not counted as giving it."""

_POLAR: Mapping[tuple[str, ...], str] = {("yes",): "yes", ("true",): "yes", ("no",): "no", ("false",): "no"}
_UMLAUT = re.compile("[\u00e4\u00f6\u00fc\u00f8\u00e5\u00c4\u00d6\u00dc\u00d8\u00c5\u0308\u030a]")
_TWO_LETTERS = str.maketrans(
    {"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00f8": "oe", "\u00e5": "aa"}
    | {"\u00c4": "Ae", "\u00d6": "Oe", "\u00dc": "Ue", "\u00d8": "Oe", "\u00c5": "Aa"}
)

_ABBREVIATION = re.compile(r"\b[A-Z][A-Z0-9]{1,5} \(([A-Za-z][^()]{1,60})\)")
_UNIT = (
    r"(?:km/h|kph|mph|m/s|knots|k?m|cm|mm|mi|miles?|kilomet(?:er|re)s?|met(?:er|re)s?|feet|foot|ft|inch(?:es)?|yards?|kg|g"
    r"|lbs?|pounds?|ounces?|oz|grams?|kilograms?|\u00b0 ?[CF]|degrees (?:Celsius|Fahrenheit)|lit(?:er|re)s?|gallons?"
    r"|hectares?|acres?|seconds?|minutes?|hours?|days?|weeks?|months?|years?)"
)
_AMOUNT = r"[0-9][0-9.,]{0,12}[ -]?"
# "30 mph (50 km/h)", "50 km/h, or about 31 mph"
_MEASURES = re.compile(
    rf"(?P<first>{_AMOUNT}(?P<unit>{_UNIT}))(?: \((?:about |approx\.? )?|,? or (?:about |approximately |roughly )?)"
    rf"(?P<second>{_AMOUNT}(?P<other>{_UNIT}))\b\)?"
)


def read_short(text: str, question: str) -> str:
    """The answer that a text gives, as normalised words; "" when it gives none. Never depends on the gold answer.

    The answering sentence (`answering.answering`), without an opening that only repeats the question ("The capital of
    France is") and without asides: brackets, parts that do the same ("Paris, France" -> "paris"), parts that only say
    what it is not ("Paris, not Lyon" -> "paris"), later parts of more than three words.
    """
    sentence = Sentence.read(answering(text, question), question)
    asked = frozenset(sentence.question)
    kept = [sentence.clauses[n].words for n in sentence.told] or [sentence.words]
    answer = [_without_lead(part, asked) for part in kept]
    stated = [part for part in answer if part[:1] != ("not",)] or answer
    told = [part for at, part in enumerate(stated) if at == 0 or len(part) <= 3 or part[0] in CONNECTORS]
    return " ".join(token for part in told for token in part)


def gives(text: str, aliases: Sequence[str], question: str) -> bool:
    """Whether the answering sentence gives one of the accepted answers, and only that.

    Right: the sentence equals an accepted answer in the spelling of `short_tokens`, or has at most `MAX_WORDS` words
    and holds it as whole words, unless
    - its clause denies it ("not Paris", "Paris is not the capital");
    - it is tied by "or" / "and" / "/" / "to" to something else ("Paris or Lyon"), unless all alternatives are accepted;
    - it is a part of another name ("Paris Hilton") or only what another is told by ("a friend of Paris", "near Paris");
    - it accompanies another answer ("Raphael, who admired Leonardo", "Lyon, Paris") or is replaced by one ("..., but
      the capital is Lyon");
    - it is one of several guesses ("Could be Paris, could be Lyon") or stands in a bare list: three or more short parts
      ("Paris, Lyon, Nice"). Parts that only repeat words of the question or of the accepted answers do not count.

    A text that repeats the question gives nothing, whatever stands in the question.
    """
    chosen = answering(text, question)
    forms = {word_forms(alias) for alias in aliases} - {()}
    if forms and forms <= _POLAR.keys():
        said = polarity(text, question)
        return said in _POLAR and any(_POLAR[form] == _POLAR[said] for form in forms)
    spellings = [chosen, *_equivalents(chosen)]
    if _UMLAUT.search(f"{chosen} {' '.join(aliases)}"):
        spellings, aliases = [*spellings, _transliterated(chosen)], [*aliases, *map(_transliterated, aliases)]
    return any(_gives(said, aliases, question) for said in dict.fromkeys(spellings))


def _equivalents(sentence: str) -> list[str]:
    """A sentence with what an abbreviation stands for ("JPY (yen)"), and with either of two units of a measure."""
    written = [_ABBREVIATION.sub(r"\1", sentence)] if _ABBREVIATION.search(sentence) else []
    measure = _MEASURES.search(sentence)
    if measure and measure["unit"].lower() != measure["other"].lower():
        before, after = sentence[: measure.start()], sentence[measure.end() :]
        written += [f"{before}{measure[which]}{after}" for which in ("first", "second")]
    return written


def _gives(chosen: str, aliases: Sequence[str], question: str) -> bool:
    """Whether a sentence gives one of the accepted answers, spelled as here; the rules are those of `gives`."""
    forms = {word_forms(alias) for alias in aliases} - {()}
    said, asked = word_forms(chosen), word_forms(question)
    if said in forms or (_run_together(said) or "-") in map(_run_together, forms):
        return True
    if echoes(said, asked):
        return False
    read = Sentence.read(chosen, question)
    if len(read.words) > MAX_WORDS:
        return False
    split = {Sentence.read(alias).words for alias in aliases} - {()}
    if _all_accepted(read.words, split) or _turned(read, split):
        return True
    accepted = frozenset(word for form in split for word in form)
    return any(
        read.states(start, end, accepted)
        and not _repeats(read.words, start, form, asked)
        and not _is_namesake(read, start, form, split)
        for form in split
        for start, end in read.spans(form)
    )


def _is_namesake(read: Sentence, start: int, form: tuple[str, ...], forms: set[tuple[str, ...]]) -> bool:
    """Whether a family name, known from a full name that is accepted, follows another first name ("Leopold Mozart")."""
    full = [other for other in forms if len(other) > 1 and other[-1:] == form]
    if len(form) != 1 or not full or not start or read.places[start - 1] != read.places[start]:
        return False
    before = read.tokens[start - 1]
    known = kinds.TITLES | LEADS | COPULAS | CONNECTORS | PREPOSITIONS | frozenset(read.question)
    return (
        before.capital
        and not any(before.word in other or before.word == "".join(w[0] for w in other[:-1]) for other in full)
        and before.word not in known
        and not before.word.endswith(kinds.ROLE_ENDINGS)
        and len(before.word) > 1
    )


def _run_together(form: tuple[str, ...]) -> str:
    """The words of a short name without spaces ("ac dc" is "acdc"); "" where digits would change their value."""
    joined = "".join(form)
    return "" if re.search("[0-9]", joined) else joined


def _transliterated(text: str) -> str:
    """The text with umlauts and the like in two letters: "Muenchen", "Tromsoe", "Aarhus"."""
    return unicodedata.normalize("NFC", text).translate(_TWO_LETTERS)


def _without_lead(part: tuple[str, ...], asked: frozenset[str]) -> tuple[str, ...]:
    """The words after an opening like "i think its" or "the capital of france is"; all words without one."""
    cut = 0
    for at, word in enumerate(part[:-1], 1):
        if word in COPULAS or word in ("its", "thats"):
            cut = at
        elif word not in asked and word not in LEADS:
            break
    return part[cut:]


def _all_accepted(said: tuple[str, ...], forms: set[tuple[str, ...]]) -> bool:
    """Whether the sentence is nothing but accepted answers joined by "or" / "and"."""
    alternatives: list[list[str]] = [[]]
    for word in said:
        if word in CONNECTORS:
            alternatives.append([])
        else:
            alternatives[-1].append(word)
    return all(tuple(alternative) in forms for alternative in alternatives)


def _turned(read: Sentence, forms: set[tuple[str, ...]]) -> bool:
    """Whether the sentence is an accepted name with the last name first ("Armstrong, Neil")."""
    return len(read.clauses) == 2 and read.clauses[1].words + read.clauses[0].words in forms


def _repeats(said: tuple[str, ...], start: int, form: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether a text says nothing beyond the question, and the words found are only a part of what it repeats."""
    if not set(said) <= set(asked) | LEADS | COPULAS or not set(form) <= set(asked):
        return False
    return start > 0 and _without_lead(said, frozenset(asked)) != form
