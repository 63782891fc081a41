"""Guesses by rule about the same rounds: marks that a player with a model of the opponent must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.theory_of_mind.number_guessing.game import FIRST, HIGHEST, LOWEST, next_number

Rule = Callable[[int, Sequence[int], Sequence[int]], int]
"""Takes the opponent's level, the model's numbers and the opponent's numbers so far; gives a guess of the next one."""


def last_step(level: int, own: Sequence[int], theirs: Sequence[int]) -> int:
    """The opponent's last number and its last step once more, held in the range."""
    step = theirs[-1] - theirs[-2] if len(theirs) > 1 else 0
    return min(HIGHEST, max(LOWEST, theirs[-1] + step)) if theirs else FIRST


RULES: Mapping[str, Rule] = {
    "constant 67": lambda level, own, theirs: 67,
    "repeat last": lambda level, own, theirs: theirs[-1] if theirs else FIRST,
    "last step": last_step,
    "own last": lambda level, own, theirs: own[-1] if own else FIRST,
}
"""Rules that have no model of the opponent. In the first round players that go by earlier numbers guess 50, the middle
of the range, which every opponent begins with: they have that round for nothing."""

PLAYERS: Mapping[str, Rule] = {**RULES, "perfect player": next_number}
"""With the player who knows the opponent's rule, and is always right."""
