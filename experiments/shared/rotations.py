"""Reads a choice in every rotation of its options, so that no position in the list is favoured."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness import Choice, together

_PLACES = re.compile(
    r"\bof the (?:above|other options|other choices)\b"
    r"|\b(?:all|none|both|neither|any) of (?:these|those|them|the others)\b"
    r"|\b(?:all|none|both|neither) (?:the )?above\b"
    r"|^(?:both |either |neither |only )?\(?[A-F]\)?(?: and | or | nor |, | & )\(?[A-F]\)?(?: only)?\.?$",
    re.IGNORECASE,
)


def movable(options: Sequence[str]) -> bool:
    """Whether the order of options may change: none speaks of the place of others ("all of the above", "A and B")."""
    return not any(_PLACES.search(option) for option in options)


@dataclass(frozen=True, slots=True)
class Rotated:
    """One choice among n options, read in rotations of their list.

    Attributes:
        p: probability of each option given that one of them is said, the mean over the rotations; sums to 1.
        mass: probability that any option is said at all, in (0, 1], the mean over the rotations.
        listed_first: share of the rotations in which the option that is listed first is the most probable one, in
            [0, 1]. Without an effect of position it is 1/n.
        agreement: share of the rotations whose most probable option is `best`, in (0, 1].
    """

    p: dict[str, float]
    mass: float
    listed_first: float
    agreement: float

    @property
    def best(self) -> str:
        """The most probable option; the first of equals in the order given."""
        return max(self.p, key=self.p.__getitem__)


async def in_all_rotations(
    options: Sequence[str], ask: Callable[[Sequence[str]], Awaitable[Choice]], most: int | None = None
) -> Rotated:
    """Asks for a choice with the options listed in every rotation, or in some that are spread evenly over all.

    A model that favours the first place, or the letter A, favours every option once. Its preference for a place then
    moves the mean probabilities towards 1/n, and not towards one option.

    Args:
        options: all different.
        ask: asks with the options in an order; its choice is keyed by option (not by letter).
        most: the most rotations that are read, at least 1; None reads all. With fewer than all, each option stands in
            some places only: draw the order of the options, else options that stand first in them are favoured.
    """
    read = min(most or len(options), len(options))
    places = [at * len(options) // read for at in range(read)]
    orders = [[*options[at:], *options[:at]] for at in places]
    choices = await together(ask(order) for order in orders)
    p = {option: fmean(choice.p[option] for choice in choices) for option in options}
    best = max(p, key=p.__getitem__)
    return Rotated(
        p,
        fmean(choice.mass for choice in choices),
        fmean(choice.best == order[0] for choice, order in zip(choices, orders, strict=True)),
        fmean(choice.best == best for choice in choices),
    )
