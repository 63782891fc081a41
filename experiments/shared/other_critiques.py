"""Critiques of other items, shown in place of an item's own one: the control for the content of a critique."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass

from experiments.shared.critique import Critique
from harness import ItemError


@dataclass(frozen=True, slots=True)
class Other:
    """A critique of another item's answer, with its verdict and its length in tokens."""

    text: str
    says_wrong: bool | None
    tokens: int


async def collected(asked: Iterable[Awaitable[Sequence[Critique]]]) -> tuple[Other, ...]:
    """The critiques of training items, which are asked for at once; an item that cannot be asked about gives none."""
    found = await asyncio.gather(*asked, return_exceptions=True)
    others: list[Other] = []
    for made in found:
        if isinstance(made, BaseException):
            if not isinstance(made, ItemError):
                raise made
            continue
        others += [Other(one.text, one.says_wrong, len(one.reply.tokens)) for one in made]
    return tuple(others)


def pick(others: Sequence[Other], says_wrong: bool | None, rng: random.Random) -> tuple[Other, bool]:
    """One of the critiques with the same verdict, by chance, so that it differs in its content alone.

    Returns:
        The critique, and whether there was one with that verdict; if not, it is any of them.

    Raises:
        ItemError: there are none at all.
    """
    if not others:
        raise ItemError("no training item could be criticised, so that there is no critique of another item to show")
    alike = [other for other in others if other.says_wrong is says_wrong]
    return rng.choice(alike or list(others)), bool(alike)
