"""Words of the prompts, and the statements that a model writes about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness import Prompt, Text, fill
from harness.tasks.choices import LETTERS
from harness.tasks.texts import own_text, word_set, words

TEXTS: Mapping[str, str] = {
    "person": "You are this person:\n$profile\n\n",
    "verify": '${person}Is this true of you? "$statement"\nSay Yes or No.',
    "write": '${person}Write five different sentences that answer the question "Who am I?", each on a line of its own. '
    "Say I, and do not copy the lines above.",
    "identify": "Here are the profiles of four people.\n\n$options\n\nOne of them says:\n$statements\n"
    "Which of the four is it? Reply with the letter.",
    "job": "A person's daily life:\n$profile\n\nWhich job does this person have?\n$options\nReply with the letter.",
    "lead": "Answer:",
}

WRITTEN = 5
"""Statements that a model writes and of which somebody is to be recognised."""

_MARK = re.compile(r"^\s*(?:[-*\u2022]+|\(?\d{1,2}[.):]|\"|')\s*")
_STOP = word_set(
    "i am my me myself is are be have has do does of to in on at and or with for as from by it its that this than not "
    "no when who what would will can more most very all weekday weekend others"
)


def of(parts: Mapping[str, str], which: str) -> str:
    """The named parts of a profile ("SPC"), one after the other."""
    return "\n".join(parts[part] for part in which)


def person(wording: Mapping[str, str], profile: str) -> str:
    """The introduction of a profile; nothing without one."""
    return fill(wording["person"], {"profile": profile}) if profile else ""


def choice(wording: Mapping[str, str], name: str, shown: Mapping[str, object]) -> Prompt:
    """A question to one user message, whose answer follows the lead."""
    return Prompt.user(fill(wording[name], shown), wording["lead"])


def lettered(texts: Sequence[str]) -> str:
    """Texts behind the letters of their places; texts of several lines stand below their letters, apart."""
    long = any("\n" in text for text in texts)
    shown = (f"({letter}){chr(10) if long else ' '}{text}" for letter, text in zip(LETTERS, texts, strict=False))
    return ("\n\n" if long else "\n").join(shown)


def written(reply: Text) -> list[str]:
    """The statements in a reply, a line each, without numbers and bullets: the first five that differ.

    Of a reply that was cut the last line is left out.
    """
    lines = own_text(reply.text).splitlines()
    lines = lines[:-1] if reply.finish == "length" else lines
    found = [_MARK.sub("", line).strip(" \"'") for line in lines]
    return list(dict.fromkeys(line for line in found if words(line)))[:WRITTEN]


def shared_words(text: str, profile: str) -> float:
    """The share of a text's content words that stand in a profile, in [0, 1]; 0 for a text without any."""
    said = set(words(text)) - _STOP
    return len(said & set(words(profile))) / len(said) if said else 0.0
