"""Reads the yes or no that a text gives, also in other words ("Absolutely not", "Yep", "Oui")."""

from __future__ import annotations

import re

from harness.tasks.answering import LEADS, NEGATIONS, answering_line
from harness.tasks.short_tokens import COPULAS, word_forms
from harness.tasks.texts import first_sentence, word_set

_POLARITIES = word_set("yes no true false")
_EXCLAIMS = word_set("oh well ah hmm indeed clearly sure certainly definitely so")
_NO_DOUBT = re.compile(
    r"\b(?:there is |without |has |have )?(?:no|any|a) doubt\b[,:]?|\bno (?:one|question|problem|wonder)\b",
    re.IGNORECASE,
)
# "Yes? No.", "No, wait, yes."
_REVISED = re.compile(
    r"\b(?:yes|no|true|false)\b(?:\?|[,.! -]{1,3}(?:no, )?(?:wait|sorry|i mean|actually)[,:]?)\s+"
    r"(?=(?:yes|no|true|false)\b)",
    re.IGNORECASE,
)
_STRESS = "absolutely|certainly|definitely|of course|obviously|clearly|probably|surely"
_NO_OPENS = re.compile(
    rf"\W{{0,4}}(?:well,? |oh,? )?(?:(?:{_STRESS}|unfortunately|sadly),? not\b|nope\b"
    r"|not (?:at all|really|all|every|always|necessarily)\b|nah\b|never(?:,? ever)?\W*$|n\W*$|nein\b|non\b"
    r"|\u043d\u0435\u0442\b|\u4e0d|i (?:don't|do not) (?:think|believe) so\b)",
    re.IGNORECASE,
)
_YES_OPENS = re.compile(
    rf"\W{{0,4}}(?:well,? |oh,? )?(?:yep\b|yeah\b|yup\b|(?:y|sure)\W*$"
    rf"|(?:{_STRESS}|indeed|affirmative|correct)\W*(?:$|[.,!;:]|it (?:is|does)\b)"
    r"|s[\u00edi]\b|oui\b|ja\b|\u0434\u0430\b|\u662f|i (?:think|believe|guess) so\b"
    r"|that(?:'s| is) (?:correct|right|true)\b)",
    re.IGNORECASE,
)


_PRONOUNS = word_set("it they he she this that these those we i")
_DENIES = NEGATIONS | word_set("unable no none hardly wont")
# "It is a myth that penguins fly", "if they could fly"
_OPEN = word_set("that whether if think thinks believe believes claim claims say says myth used supposed")
_CLAUSE = re.compile(r"[,;:] |\s-\s|\b(?:but|because|since|although|though)\b")
_VERBS = COPULAS | {word for word in NEGATIONS if word.endswith("nt")} | {"cannot", "wont"}


def polarity(text: str, question: str) -> tuple[str, ...]:
    """The yes, no, true or false that a text opens with, or else the only one that it says; () without one.

    Words of the question and a lead ("The answer is") may stand before it. Other words of the same sense ("Absolutely
    not", "Yep", "Oui") are a yes or a no, and so is a sentence that repeats the question ("They cannot fly."). "Yes and
    no" and "not true" say neither.
    """
    line = _REVISED.sub("", _NO_DOUBT.sub("", answering_line(text).replace("/", " or ")))
    said = word_forms(line)
    empty = LEADS | COPULAS | frozenset(word_forms(question)) | _EXCLAIMS
    found = [at for at, word in enumerate(said) if word in _POLARITIES and said[at - 1 : at] != ("not",)]
    opens = [at for at in found if set(said[:at]) <= empty]
    if not opens:
        for answer, pattern in (("no", _NO_OPENS), ("yes", _YES_OPENS)):
            if pattern.match(line) and (answer == "no" or NEGATIONS.isdisjoint(said)):
                return (answer,)
    if not found:
        return _restated(line, question)
    if not opens and len({said[at] for at in found}) > 1:
        return ()
    at = (opens or found)[0]
    both = said[at + 1 : at + 2] in (("and",), ("or",)) and said[at + 2 : at + 3] != () and said[at + 2] in _POLARITIES
    return () if both else (said[at],)


def _restated(line: str, question: str) -> tuple[str, ...]:
    """The yes or no of a sentence that repeats what a question asks ("Can they fly?" "They cannot fly."); else ()."""
    asked = [_stem(word) for word in word_forms(question)]
    sentence = first_sentence(line)
    if len(asked) < 3 or word_forms(question)[0] not in COPULAS or sentence.endswith("?"):
        return ()
    for clause in _CLAUSE.split(sentence):
        said = word_forms(clause)
        verb = next((at for at, word in enumerate(said) if word in _VERBS), None)
        if not verb or _OPEN & set(said):
            continue
        subject, told = {_stem(word) for word in said[:verb]}, {_stem(word) for word in said[verb + 1 :]}
        # Of the question's words only its subject may be missing, where a pronoun stands for it.
        missing = [at for at, word in enumerate(asked) if at and word not in subject | told]
        named = subject <= set(asked) and not missing
        by_pronoun = subject <= _PRONOUNS and missing == list(range(1, len(missing) + 1))
        # "It is not safe." says nothing beside the question.
        shortened = subject <= _PRONOUNS and bool(told - _DENIES) and told - _DENIES <= set(asked)
        if shortened or (asked[-1] in told and (named or by_pronoun)):
            return ("no",) if _DENIES & set(said) else ("yes",)
    return ()


def _stem(word: str) -> str:
    """A word without the ending of the plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
