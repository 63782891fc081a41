"""Decodes token ids that a model wrote, and finds the position of each in the text.

A reply's ids need not be the ids that the tokenizer makes of the reply's text. So the text of a prompt that goes on
with them comes from the ids, and never the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.prompting.tokens import Tokenizer

CONTEXT = 8
"""Ids before others that are decoded with them at most: tokenizers write a first word differently from a later one."""

REPLACEMENT = "\ufffd"
"""The decoded form of an incomplete character."""


def spelled(tokenizer: Tokenizer, before: Sequence[int], ids: Sequence[int]) -> str:
    """The text of ids as it continues the text of the ids before; an incomplete character at the end is U+FFFD."""
    context = _whole_characters(tokenizer, before)
    return tokenizer.decode([*context, *ids])[len(tokenizer.decode(context)) :]


def places(tokenizer: Tokenizer, before: Sequence[int], ids: Sequence[int]) -> list[tuple[int, int]]:
    """Of each id: its first character in `spelled`, and the one after its last. Ids of one character all have it."""
    result: list[tuple[int, int]] = []
    context, group, end = _whole_characters(tokenizer, before), list[int](), 0
    for i, token in enumerate(ids):
        group.append(token)
        text = spelled(tokenizer, context, group)
        if not text.endswith(REPLACEMENT) or i + 1 == len(ids):
            result += [(end, end + len(text))] * len(group)
            context, group, end = group, [], end + len(text)
    return result


def _whole_characters(tokenizer: Tokenizer, ids: Sequence[int]) -> list[int]:
    """The fewest of the last ids that do not begin inside a character."""
    for n in range(1, min(CONTEXT, len(ids)) + 1):
        if REPLACEMENT not in tokenizer.decode(ids[-n:]):
            return list(ids[-n:])
    return list(ids[-CONTEXT:])
