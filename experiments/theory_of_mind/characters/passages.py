"""The passages that an arm shows before a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from experiments.theory_of_mind.characters.masks import masked, masks_for
from experiments.theory_of_mind.characters.rows import Reading
from harness import Item, ItemError

NEARLY = 0.9
"""The share of the words of a context that a text from elsewhere must have to stand for it."""


@dataclass(frozen=True)
class Shown:
    """What is shown before a question.

    Attributes:
        context: the name of the context, see `rows.Read`.
        passage: the text; "" shows none.
        book: the name of the book; "" does not name it.
        masks: another name for each name in the question, the options and all passages of the item.
    """

    context: str
    passage: str
    book: str
    masks: Mapping[str, str]

    def words(self, text: str) -> str:
        """A question or an option with the names that the passage has."""
        return masked(text, self.masks)


def shown(arm: Reading, item: Item, rng: Random) -> list[Shown]:
    """The passages of an arm, the one with the shortest context first.

    Args:
        rng: for the choice of other names.

    Raises:
        ItemError: the set has no longer context, or no text from elsewhere that is long enough.
    """
    contexts = dict(sorted(item.fields["contexts"].items(), key=lambda pair: int(pair[0])))
    if arm.passage == "masked":
        masks = masks_for([*contexts.values(), item.fields["asked"], *item.fields["choices"]], rng)
        return [Shown(context, masked(text, masks), "", masks) for context, text in contexts.items()]
    if arm.passage == "none":
        contexts = {"none": ""}
    elif arm.passage != "own":
        contexts = {"elsewhere": _elsewhere(arm, item, [*contexts.values()])}
    return [Shown(context, text, item.fields["book"], {}) for context, text in contexts.items()]


def _elsewhere(arm: Reading, item: Item, own: list[str]) -> str:
    """A text from elsewhere: alone, as long as the shortest context; or before it, as long as the text before it."""
    sizes = [len(text.split()) for text in own]
    words = sizes[0] if arm.passage == "other" else sizes[-1] - sizes[0]
    elsewhere = str(item.fields.get("elsewhere", "")).split()
    if words <= 0:
        raise ItemError("the set has no longer context, in whose place a text from elsewhere could be shown")
    if len(elsewhere) < NEARLY * words:
        raise ItemError(
            f"the set has no text from elsewhere of that length: {len(elsewhere)} words, {words} are wanted"
        )
    after = [] if arm.passage == "other" else [own[0]]
    return "\n\n".join([" ".join(elsewhere[:words]), *after])
