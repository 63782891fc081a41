"""The task: one item is one sequence of draws from an urn whose share of colours changes, or from a control."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.shared.distinct import check_size
from harness import Grade, HarnessError, Item, Task, grader

Kind = Literal["volatile", "stable", "chance", "alternation"]
KINDS: Sequence[Kind] = (*("volatile",) * 5, "stable", *("volatile",) * 5, "chance", *("volatile",) * 5, "alternation")
"""The kinds of sequences by turns: five in six are volatile."""

PLACES = ("bag", "box", "jar", "bucket", "basket", "drawer", "urn", "barrel")
THINGS = ("marble", "ball", "bead", "button", "token", "counter", "tile", "pebble")
COLOURS = ("red", "blue", "green", "yellow", "black", "white")
HIGH = 0.8
"""The share of the colour that is more frequent."""


@dataclass(frozen=True, kw_only=True)
class DrawSequences(Task):
    """Sequences of draws of two colours.

    A third of a volatile sequence has one share of the first colour (.8 or .2), a third the other one, and a third
    changes between both four times; this part stands between the two, or first. Controls: one share throughout
    (stable), .5 throughout (chance), and strict alternation, which no learner of a share follows. Five in six are
    volatile. Fields: "place", "thing", "first" and "second" (colours), "kind", and for each draw "draws" (1 for the
    first colour), "chances" (of the first colour) and "volatile" (1 within the part that changes).

    Attributes:
        sequences: how many items, at most 2,000.
        trials: draws of a sequence, a multiple of 12 from 24 to 240 (the card of the protocol: 120).
        seed: seed of the draws; another seed gives other sequences.
    """

    version: ClassVar[str] = "1"
    name: str = "draw_sequences"
    sequences: int = 300
    trials: int = 60
    seed: int = 0

    def load(self) -> list[Item]:
        """Sequences in the order of their numbers; more of them contain the fewer."""
        if self.trials % 12 or not 24 <= self.trials <= 240:
            raise HarnessError(f"task {self.name!r}: trials={self.trials}; give a multiple of 12 from 24 to 240")
        return [self.number(n) for n in range(check_size(self, "sequences", 2000))]

    def number(self, n: int) -> Item:
        """The sequence of a number: a function of (seed, trials, number) alone."""
        rng = random.Random(f"draw_sequences/{self.seed}/{self.trials}/{n}")
        kind = KINDS[n % len(KINDS)]
        chances, volatile = _chances(kind, self.trials, rng)
        first, second = rng.sample(COLOURS, 2)
        fields = {"place": rng.choice(PLACES), "thing": rng.choice(THINGS), "first": first, "second": second}
        draws = [int(rng.random() < p) for p in chances]
        return Item({**fields, "kind": kind, "draws": draws, "chances": chances, "volatile": volatile}, "", no_answer)


def _chances(kind: Kind, trials: int, rng: random.Random) -> tuple[list[float], list[int]]:
    """The chance of the first colour at each draw, and whether the draw lies in the part that changes."""
    start = rng.choice((HIGH, round(1 - HIGH, 12)))
    other = round(1 - start, 12)
    if kind == "chance":
        return [0.5] * trials, [0] * trials
    if kind == "stable":
        return [start] * trials, [0] * trials
    if kind == "alternation":
        return [float((t + (start == HIGH)) % 2) for t in range(trials)], [0] * trials
    third, block = trials // 3, trials // 12
    changing = [p for p in (other, start, other, start) for _ in range(block)]
    if rng.random() < 0.5:
        return [start] * third + changing + [other] * third, [0] * third + [1] * third + [0] * third
    return changing + [start] * third + [other] * third, [1] * third + [0] * (2 * third)


@grader
def no_answer(text: str, item: Item) -> Grade:
    """Refuses: a sequence of draws has no right answer.

    Raises:
        TypeError: always.
    """
    raise TypeError("a sequence of draws has no single answer; run experiment=beliefUpdating on this task")
