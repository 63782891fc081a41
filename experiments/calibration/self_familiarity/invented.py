"""Invents names of things that do not exist: pronounceable, seeded, and checked against real names."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from harness.tasks.texts import word_list

_ONSETS = word_list("b br d dr f fl g gr h k kl l m n p pr qu r s sk st t tr v z")
_VOWELS = word_list("a e i o u")
_CODAS = ["", "", *word_list("l n r s sk lm nd rv")]


def invent(
    rng: random.Random, n: int, endings: Sequence[str], *, taken: Collection[str] = (), capital: bool = False
) -> list[str]:
    """`n` distinct names of two syllables and an ending.

    None is in `taken`, in small or capital letters. That a name means something to somebody can never be ruled out;
    what a task itself calls real can.

    Args:
        rng: its state fixes the names; a larger n begins with the names of a smaller one.
        endings: taken in turn; what makes a name look like one of its kind ("ite" of a mineral).
        capital: whether names begin with a capital letter.
    """
    known = {name.casefold() for name in taken}
    names: list[str] = []
    while len(names) < n:
        first = rng.choice(_ONSETS) + rng.choice([*_VOWELS, "ai", "ei", "ou"]) + rng.choice(_CODAS)
        stem = first + rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice("lnrs")
        name = stem + endings[len(names) % len(endings)]
        # Somebody may already use a short name.
        if len(stem) >= 6 and name not in known:
            known.add(name)
            names.append(name)
    return [name.capitalize() for name in names] if capital else names
