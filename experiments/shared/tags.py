"""Reads the text between <answer> and <confidence> tags of a reply, and the text outside of them."""

from __future__ import annotations

import re
from collections import deque

from harness.tasks.texts import own_text, words

ANSWER_HERE, LETTER_HERE, CONFIDENCE_HERE = "final answer here", "letter here", "confidence here"
"""Placeholders between the tags in a prompt."""

_PLACEHOLDER = re.compile(
    r"[\[({<]?(?:(?:your|the|my|a|final|short) ){0,3}(?:answer|letter|confidence)(?: here)?[\])}>]?\.?", re.IGNORECASE
)
"""A placeholder of the form; a model that repeats it has not answered."""

_FORM = re.compile(r"<\s{0,3}(?P<closes>/?)\s{0,3}(?P<name>answer|confidence)\b[^<>\n]{0,100}>", re.IGNORECASE)


def tagged(text: str, tag: str, *, ended: bool) -> str | None:
    """The text in the last <tag> of a reply; None without one, or if it is empty or the format's own words.

    Args:
        ended: whether the reply ended by itself. Then a tag that was never closed holds the rest of its line; in a
            reply that was cut off, "8" may be the beginning of "85%", and such a tag counts as none.
    """
    # "the <answer> tag" speaks of it.
    text = own_text(text)
    opening = re.compile(rf"<\s{{0,3}}{tag}\b[^<>\n]{{0,100}}>(?!\s{{0,2}}tags?\b)", re.IGNORECASE)
    found = deque(opening.finditer(text), maxlen=2)
    if not found:
        return None
    content = text[found[-1].end() :]
    closed = re.search(rf"<\s{{0,3}}/\s{{0,3}}{tag}\s{{0,3}}>", content, re.IGNORECASE)
    if closed:
        content = content[: closed.start()]
    elif (
        len(found) == 2
        and not words(content.split("\n", 1)[0])
        and "\n" not in text[found[0].end() : found[1].start()].strip()
    ):
        content = text[found[0].end() : found[1].start()]  # "<answer>Paris<answer>", the slash forgotten
    elif ended:
        content = content.split("\n", 1)[0].split("<", 1)[0]
    else:
        return None
    content = _FORM.split(content, maxsplit=1)[0].strip()
    return None if not words(content) or _PLACEHOLDER.fullmatch(content) else content


def first_line(text: str, tag: str, *, ended: bool) -> str | None:
    """The first line with words after the last opening <tag>, up to any other tag; None as in `tagged`.

    A line is whole where something follows it. Otherwise it counts only if the text ended by itself.
    """
    tags = list(_FORM.finditer(text))
    last = max((n for n, one in enumerate(tags) if one["name"].lower() == tag and not one["closes"]), default=None)
    if last is None:
        return None
    end = tags[last + 1].start() if last + 1 < len(tags) else len(text)
    line, more, _ = text[tags[last].end() : end].lstrip().partition("\n")
    line = line.strip()
    whole = ended or bool(more) or end < len(text)
    return line if whole and words(line) and not _PLACEHOLDER.fullmatch(line) else None


def untagged(text: str) -> str:
    """The text of a reply outside of <answer> and <confidence>, line by line: its answer if it forgot the tags.

    Of a tag that was never closed everything up to the next tag is its content.
    """
    kept, at, inside = list[str](), 0, False
    for tag in _FORM.finditer(text):
        kept += [] if inside else [text[at : tag.start()].strip()]
        at, inside = tag.end(), not tag["closes"]
    kept += [] if inside else [text[at:].strip()]
    return "\n".join(filter(None, kept))
