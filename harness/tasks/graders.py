"""Graders: pure functions of a model's text and an item.

The parsed answer in a `Grade` never depends on the gold answer, so that votes over answers favour no right one.
The docstring of each grader says which gold it wants; `gold_text` gives the answer as a model would write it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.items import Grade, Grader, Item, grader, is_grader
from harness.places.named import named
from harness.tasks.answering import answering_line
from harness.tasks.letters import read_letter
from harness.tasks.numbers import exact, read_number, write_number
from harness.tasks.released import letter_released, number_last, number_released
from harness.tasks.short_answers import gives, read_short
from harness.tasks.texts import answer_line, word_set

NOTHING = Grade("", None)
"""The grade of a text without an answer: a failure, not a wrong answer."""

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SYMBOL = r"[ \"'(]{0,4}([A-Z][A-Za-z]?)(?![A-Za-z])"
_SYMBOL_STATED = re.compile(
    rf"(?:\b(?:is|es|est|ist|symbol|answer|abbreviation|but|rather)\b|it's|[:=]){_SYMBOL}(?! or [A-Z])"
)
_SYMBOL_DENIED = re.compile(
    rf"(?i:\b(?:not|nor|neither|never|rather than|pas|nicht)\b|n't){_SYMBOL}"
    r"|\b([A-Z][A-Za-z]?) is(?: not|n't) (?![A-Z][a-z]?\b)"
)
_SYMBOL_FIRST = re.compile(r"(?!No,)[\"'(]{0,2}([A-Z][A-Za-z]?)[\"')]{0,2}(?=\s*$|[.,;:]| ?\(| -| is\b)")
_SYMBOL_BRACKETED = re.compile(r"(?:[\w'-]{1,20} ){1,3}\(([A-Z][a-z]?)\)(?! (?:and|or)\b)")
_SYMBOL_ALONE = re.compile(r"(?<![A-Za-z])([A-Z][a-z]?)(?![A-Za-z])")
_NOT_SYMBOLS = word_set("It So We My By If Is An A To Or On Do Oh Ah Hi Ok")
_CAPITALISED_WORDS = _NOT_SYMBOLS | word_set("I In As At He No Be Of")


@grader
def short_answer(text: str, item: Item) -> Grade:
    """A short free answer against accepted ones; the rules stand at `short_answers.gives`.

    Gold: a list of accepted answers, the usual one first (or one string). A text that says it does not know is a
    wrong answer; an empty one is none.
    """
    answer = read_short(text, str(item.fields.get("question", "")))
    if not answer:
        return NOTHING
    return Grade(answer, gives(text, aliases(item.gold), str(item.fields.get("question", ""))))


@grader
def symbol(text: str, item: Item) -> Grade:
    """A chemical symbol, case sensitive (Co is cobalt, CO is not).

    In this order: the text's only word; what "is", "symbol", "but" or ":" introduces; a symbol that opens the answer
    ("Co (cobalt)"); one in brackets behind a name ("iodine (I)"); the only word of one or two letters that begins with
    a capital and is not an English word. A symbol that the text denies ("not Ni") is none of these, and one of two
    alternatives ("Co or Ni") is no answer.

    Gold: a list of symbols or one string.
    """
    line = answering_line(text)
    tokens = re.findall("[A-Za-z]+", line)
    if not tokens:
        return NOTHING
    denied = {symbol for match in _SYMBOL_DENIED.findall(line) for symbol in match}
    stated = [m[1] for m in _SYMBOL_STATED.finditer(line) if m[1] not in denied]
    first = _SYMBOL_FIRST.match(line)
    bracketed = _SYMBOL_BRACKETED.match(line)
    alone = {m[1] for m in _SYMBOL_ALONE.finditer(line)} - _CAPITALISED_WORDS - denied
    if len(tokens) == 1:
        answer = tokens[0]
    elif stated:
        answer = stated[0]
    elif first and first[1] not in _NOT_SYMBOLS | denied:
        answer = first[1]
    elif bracketed:
        answer = bracketed[1]
    elif len(alone) == 1:
        answer = alone.pop()
    else:
        return NOTHING
    return Grade(answer, answer in aliases(item.gold))


@grader
def exact_match(text: str, item: Item) -> Grade:
    """The first line of an answer against accepted ones, equal after the usual normalisation.

    The exact match of SQuAD (Rajpurkar et al. 2016) and TriviaQA (Joshi et al. 2017): small letters, without
    punctuation, articles and superfluous spaces. Stricter than `short_answer`: "It is Paris." is wrong.

    Gold: a list of accepted answers (or one string).
    """
    answer = _squad(answer_line(text))
    return Grade(answer, answer in map(_squad, aliases(item.gold))) if answer else NOTHING


@grader
def number(text: str, item: Item) -> Grade:
    """The final number of a text (`numbers.read_number`), compared exactly: 42.0 and 84/2 are 42, 42.01 is not.

    Gold: a number, or a text that is one ("1,234", "-0.5", "1/3").

    Raises:
        ValueError: the gold answer is no number.
    """
    gold = exact(item.gold)
    if gold is None:
        raise ValueError(f"item {item.id}: the gold answer {item.gold!r} is no number")
    value = read_number(text, str(item.fields.get("question", "")))
    return NOTHING if value is None else Grade(write_number(value), value == gold)


@grader
def letter_choice(text: str, item: Item) -> Grade:
    """The option that a text names (`letters.read_letter`). Needs the field "choices" (texts in the order shown).

    Gold: letter and text of the right option, "(B) Paris".
    """
    letter = read_letter(text, item.fields["choices"])
    return Grade(letter, letter == str(item.gold)[1]) if letter else NOTHING


def _squad(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def aliases(gold: str | Sequence[str]) -> Sequence[str]:
    """The accepted answers of a gold that is one string or a list of them."""
    return [gold] if isinstance(gold, str) else gold


def gold_text(item: Item) -> str:
    """The right answer as a model would write it: the usual one of several, a number, or "(B) Paris"."""
    return str(item.gold) if isinstance(item.gold, (str, int, float)) else str(item.gold[0])


def grader_named(name: str) -> Grader:
    """A grader of this module by its name, or one of the user's own by its dotted path ("my_package.grading.exact").

    Raises:
        HarnessError: there is no such function, or it is not marked as a grader.
    """
    ours = (short_answer, exact_match, symbol, number, letter_choice, number_released, number_last, letter_released)
    own = {one.__name__: one for one in ours}
    if name in own:
        return own[name]
    if "." not in name:
        raise HarnessError(f"grader {name!r} is none of {', '.join(own)}, and no dotted path, as mine.grading.exact")
    found: Grader = named(name, "grader")
    if not is_grader(found):
        raise HarnessError(f"grader {name!r} is not marked as one; decorate it with harness.grader")
    return found


def grader_name(grader: Grader) -> str | None:
    """The dotted path by which `grader_named` finds a grader again; None for one that is no function of a module."""
    path = f"{getattr(grader, '__module__', '')}.{getattr(grader, '__qualname__', '')}"
    try:
        return path if grader_named(path) is grader else None
    except HarnessError:
        return None
