"""Texts of iterative deepening, and a filler as long as the trigger."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice

from harness import HarnessError, Subject

TEXTS: Mapping[str, str] = {
    "question": "Solve this problem step by step.\n\n$question",
    "trigger": "Wait! Maybe I made some mistakes! I need to rethink from scratch.",
    "filler": "Let me go on with the next part of the work and write it all down as it comes, line by line",
    "close": "\n\nThe final answer is",
}
"""The trigger is the published one of Marco-o1 (Zhao et al. 2024, arXiv 2411.14405); the paper's own is not known."""

NEXT_TO = 1
"""Tokens by which filler and trigger may differ."""


def put(text: str) -> str:
    """Words as they are put into the model's turn, as a paragraph of their own."""
    return f"\n\n{text}\n\n"


def tokens_of(subject: Subject, text: str) -> int:
    """The number of tokens of words that are put into a turn."""
    return len(subject.renderer.tokenizer.encode(text))


def as_long(subject: Subject, filler: str, trigger: str) -> str:
    """The beginning of a filler, repeated where it is short, that has as many tokens as the trigger.

    Raises:
        HarnessError: none has within one token as many.
    """
    wanted = tokens_of(subject, put(trigger))
    words = filler.split()
    # Every word has a token at least, so that no longer beginning can fit.
    some = [" ".join(islice(cycle(words), n)) + "." for n in range(1, wanted + 1)] if words else []
    found = min(some, key=lambda text: abs(tokens_of(subject, put(text)) - wanted), default="")
    if abs(tokens_of(subject, put(found)) - wanted) > NEXT_TO:
        raise HarnessError(
            f"experiment.wording: no beginning of the filler {filler!r} has {wanted} tokens, as the trigger has; give "
            "it short words, of one token each"
        )
    return found
