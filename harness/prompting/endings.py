"""Finds the token ids of options after a prompt, without tokenising the whole prompt again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from harness.errors import ItemError
from harness.prompting.rendered import Rendered
from harness.prompting.spelling import REPLACEMENT, spelled
from harness.prompting.tokens import Specials, Tokenizer

NEAR, FAR = 128, 1000
"""Characters before an option that decide how it is tokenised: from the last special token on if that is less than FAR
away, else from a gap between words at least NEAR away (tokenizers merge within words, and few words are longer)."""

GAPS = 3
"""Gaps between words that are tried, before the whole prompt is tokenised again."""

TAILS = (16, 8, 4, 3, 2, 1)
"""Last tokens of a reply that are tried as an end of the prompt on their own, where its text has other tokens."""

ANCHORS = ("\n", "a", ".")
"""Texts in front of which words are tokenised that are to have tokens of their own: "" would be the beginning of a
text, where some tokenizers put a space."""


class MergedOption(ItemError):
    """An option joins with the prompt's last token, so that it cannot be read there."""


class Endings:
    """Finds an end of a prompt whose tokens, alone, are the prompt's last, and tokenises what follows behind it.

    Args:
        on_own_tokens: called when words get tokens of their own, which would merge with the words before them.
    """

    def __init__(self, tokenizer: Tokenizer, specials: Specials, on_own_tokens: Callable[[], None]) -> None:
        self._tokenizer = tokenizer
        self._specials = specials
        self._on_own_tokens = on_own_tokens
        self.ends = lru_cache(maxsize=1024)(self._end)
        self.forms = lru_cache(maxsize=4096)(self._form)

    def own_tokens(self, rendered: Rendered, more: str) -> tuple[int, ...]:
        """Ids of words behind a reply: as they continue it, or by themselves where they would merge with its end."""
        if rendered.text.endswith(REPLACEMENT):
            raise ItemError(f"the reply was cut inside a character, so {more[:40]!r} cannot follow; raise max_tokens")
        try:
            return self.forms(self.own_end(rendered), more)
        except ItemError:
            self._on_own_tokens()
        for anchor in ANCHORS:
            ids, alone = self._end(anchor + more), self.ends(anchor)
            if ids[: len(alone)] == alone and len(ids) > len(alone):
                return ids[len(alone) :]
        raise ItemError(f"{more[:40]!r} has no tokens of its own in this tokenizer; put other words after the reply")

    def own_end(self, rendered: Rendered) -> str:
        """An end of the prompt whose tokens, alone, are the last of the prompt's.

        Raises:
            ItemError: a reply that the prompt goes on from ends in tokens that no text has.
        """
        for cut in self._cuts(rendered.text):
            end = rendered.text[cut:]
            ids = self.ends(end)
            if ids and rendered.ids[-len(ids) :] == ids:
                return end
        if rendered.read is None:
            return rendered.text
        for n in TAILS:
            before, last = rendered.ids[:-n], rendered.ids[-n:]
            end = spelled(self._tokenizer, before, last)
            for anchor in ("", *ANCHORS):
                if self.ends(anchor + end) == (self.ends(anchor) if anchor else ()) + last:
                    return anchor + end
        raise ItemError(
            f"the reply ends in tokens that the tokenizer makes of no text ({rendered.text[-20:]!r}), so no words can "
            "be read behind it; put words after it (Prompt.after, more=) or raise max_tokens"
        )

    def _cuts(self, text: str) -> Iterator[int]:
        """Places to begin at. A special token first: tokenizers divide the text there before they do anything else."""
        far = max(0, len(text) - FAR)
        if specials := list(self._specials.find(text, far)):
            yield specials[-1][0]
        gaps = list(re.finditer(r"(?<=\S)\s+(?=\S)", text[far : max(0, len(text) - NEAR)]))
        for gap in gaps[: -GAPS - 1 : -1]:
            yield far + gap.start()  # the space belongs to the next word
            yield far + gap.end()  # tokenizers that put a space in front of every text

    def _end(self, end: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(end))

    def _form(self, end: str, form: str) -> tuple[int, ...]:
        bare, whole = self.ends(end), self._end(end + form)
        if whole[: len(bare)] != bare or len(whole) == len(bare):
            raise MergedOption(
                f"option {form!r} merges with the end of the prompt {end[-20:]!r} in this tokenizer; "
                "end the prompt at another place or write the option another way"
            )
        return whole[len(bare) :]
