"""The arms of iterative deepening: which words are put into the model's turn, and at which of its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal

from harness import Arm, HarnessError

Boundary = Literal["word", "line", "turn"]
"""The piece of text that must have ended where words are put. word: the segment is cut back to its last white space.
line: to its last line break, and without one nothing is put there. turn: nothing is put before the model ends its turn
by itself."""


@dataclass(frozen=True, kw_only=True)
class Placed(Arm):
    """Words that are put into the model's turn.

    Attributes:
        puts: "trigger", a call to start again; "filler", neutral words of as many tokens; "none".
        places: "budgets", at every budget but the last; "end", at the last of these alone; "random", at as many places
            drawn for each chain; "none".
        boundary: see `Boundary`.
        equal_tokens: whether as many chains vote as have the tokens of an `id` chain together.
    """

    puts: Literal["trigger", "filler", "none"] = "trigger"
    places: Literal["budgets", "end", "random", "none"] = "budgets"
    boundary: Boundary = "word"
    equal_tokens: bool = False


ARMS: Mapping[str, Placed] = {
    "id": Placed(),
    "plain same cap": Placed(puts="none", places="none"),
    "plain same tokens": Placed(puts="none", places="none", equal_tokens=True),
    "once at end": Placed(places="end"),
    "filler": Placed(puts="filler"),
    "random places": Placed(places="random"),
    "id after lines": Placed(boundary="line"),
    "id after turns": Placed(boundary="turn"),
}
"""All arms by name. The last two are variants: "id after turns" is budget forcing (Muennighoff et al. 2025,
arXiv 2501.19393) on the same schedule."""


def budgets(first: int, gamma: float, cap: int) -> tuple[int, ...]:
    """first, gamma * first, gamma^2 * first, ... below the cap, in whole tokens, and the cap.

    Raises:
        HarnessError: the first is not below the cap, or two are the same.
    """
    found, budget = [], float(first)
    while int(budget) < cap:
        found.append(int(budget))
        budget *= gamma
    if not found:
        raise HarnessError(f"experiment.first_budget={first} is not below experiment.cap={cap}: no trigger has a place")
    if len(set(found)) < len(found):
        raise HarnessError(
            f"experiment.gamma={gamma}: budget {found[0]} grows by less than a token; raise gamma or first_budget"
        )
    return (*found, cap)


def check_room(steps: Sequence[int], tokens: int) -> None:
    """Raises HarnessError where words of so many tokens leave the model none before the next budget."""
    for before, after in pairwise(steps):
        if after - before <= tokens:
            raise HarnessError(
                f"the budgets {', '.join(map(str, steps))} leave no token to the model between {before} and {after}: "
                f"the trigger has {tokens}; raise experiment.first_budget, experiment.gamma or experiment.cap"
            )


def places(arm: Placed, steps: Sequence[int], tokens: int, rng: Random) -> tuple[int, ...]:
    """Where words of so many tokens are put: tokens of the turn before them, ascending.

    Random places are any that leave the model a token before each and behind the last, all sets of them equally likely.

    Args:
        steps: budgets, the cap last.
        rng: of the chain.
    """
    *inner, cap = steps
    if arm.places == "random":
        n = len(inner)
        drawn = sorted(rng.sample(range(cap - n * tokens - 1), n))
        return tuple(1 + place + i * tokens for i, place in enumerate(drawn))
    return {"budgets": tuple(inner), "end": tuple(inner[-1:]), "none": ()}[arm.places]
