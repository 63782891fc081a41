"""Turns what a text shows on a page (HTML, links, strikes, footnotes) into the words that a reader sees."""

from __future__ import annotations

import html
import re

_STRUCK = re.compile(r"~~[^~\n]{1,200}~~|<(del|strike)>[^<\n]{0,200}</\1>", re.IGNORECASE)
_POWER = re.compile(r"(?<=[0-9])<sup>\s?(-?[0-9]{1,3})\s?</sup>", re.IGNORECASE)
_NOTE = re.compile(r"<sup>[^<\n]{0,20}</sup>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|hr|/p|/div|/li|/h[1-6]|/tr)\s?/?>", re.IGNORECASE)
_LOOK = re.compile(
    r"</?(?:span|p|div|b|i|u|em|strong|font|center|h[1-6]|small|mark|li|ul|ol|sub|ins|tr|td|th|table)"
    r"(?:\s[^<>\n]{0,200})?/?>"  # in small letters only: <B> may be an option
)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})\]\((?:https?:|www\.|/|#)[^()\s]{0,300}\)")
_ADDRESS = re.compile(r"<?https?://[^\s<>()]{1,300}>?")
# "every day.[1]", "per day [1][2]", but neither "[1]" alone nor an index.
_CITED = re.compile(
    r"(?<=[^\s\[({=:\"'\\])(?:\[[0-9]{1,2}\]){1,9}(?=[\s.,;!?)]|$)|\s(?:\[[0-9]{1,2}\]){2,9}"
    r"|(?<=[A-Za-z]{4})[\u00b9\u00b2\u00b3\u2070-\u2079]{1,2}(?!\w)"
)


def shown(text: str) -> str:
    """The text as a reader sees it: entities as characters, without tags of layout, struck words, links and citations.

    Tags that carry a meaning of their own (<answer>, <think>) stay.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _NOTE.sub("", _POWER.sub(r"^\1", text))
    text = _STRUCK.sub(" ", text)
    if "<" in text:
        text = _LOOK.sub("", _BREAK.sub("\n", text))
    return _CITED.sub("", _ADDRESS.sub("", _LINK.sub(r"\1", text)))
