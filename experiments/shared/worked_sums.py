"""Worked solutions of sums in several steps, right or with one planted error, for tests of finding and mending it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

_NAMES = ("Ada", "Bilal", "Chen", "Dora", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jaya", "Kofi", "Lena")
_THINGS = ("stamps", "marbles", "shells", "coins", "stickers", "beads", "cards", "buttons", "pencils", "badges")
_GAINS = ("finds {n} more", "gets {n} more from a friend", "buys {n} more", "wins {n} more")
_LOSSES = ("loses {n}", "gives away {n}", "sells {n}", "trades away {n}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a change of a running total."""

    before: int
    change: int

    @property
    def after(self) -> int:
        return self.before + self.change

    def told(self, result: int | None = None) -> str:
        """The step as a line of a solution; with another result it is wrong."""
        sign = "+" if self.change > 0 else "-"
        return f"{self.before} {sign} {abs(self.change)} = {self.after if result is None else result}"


@dataclass(frozen=True, slots=True)
class WorkedSum:
    """A word problem with its solution in steps.

    Attributes:
        question: the problem.
        steps: each begins with the result of the one before.
        flaw: the digit place that a planted error is off by one in (0: ones, 1: tens), and the sign of the slip.
        at: the step (from 0) of the planted error; never the last one, so that the error stands before the answer.
    """

    question: str
    steps: tuple[Step, ...]
    flaw: tuple[int, int]
    at: int

    @property
    def gold(self) -> int:
        """The right result."""
        return self.steps[-1].after

    @property
    def wrong(self) -> int:
        """The result when the planted error is carried on; never the right one."""
        return self.gold + self._slip

    @property
    def _slip(self) -> int:
        place, sign = self.flaw
        return int(sign * 10**place)

    def right_lines(self) -> list[str]:
        """The right solution, a line a step."""
        return [step.told() for step in self.steps]

    def flawed_lines(self) -> list[str]:
        """The solution with the planted error: step `at` has a wrong result, and later ones go on from it."""
        lines = [step.told() for step in self.steps[: self.at]]
        lines.append(self.steps[self.at].told(self.steps[self.at].after + self._slip))
        later = (Step(step.before + self._slip, step.change) for step in self.steps[self.at + 1 :])
        return [*lines, *(step.told() for step in later)]


def worked_sum(seed: int, number: int, steps: int = 3) -> WorkedSum:
    """The problem of a number: a function of (seed, number, steps), with totals of two or three digits above 10.

    Neither the right result nor the wrong one stands in the question.

    Args:
        steps: at least 2, so that the error can stand before the last one.
    """
    rng = random.Random(f"worked sum/{seed}/{number}/{steps}")
    while True:
        total = rng.randint(20, 80)
        done: list[Step] = []
        for _ in range(steps):
            change = rng.choice((1, -1)) * rng.randint(3, 29)
            done.append(Step(done[-1].after if done else total, change))
        flaw = rng.choice((0, 1)), rng.choice((1, -1))
        slip = flaw[1] * 10 ** flaw[0]
        told = {total, *(abs(step.change) for step in done)}
        copied = {done[-1].after, done[-1].after + slip} & told  # an answer that stands in the question can be copied
        if min(step.after + min(slip, 0) for step in done) > 10 and not copied:
            break
    return WorkedSum(_problem(rng, total, done), tuple(done), flaw, rng.randrange(steps - 1))


def _problem(rng: random.Random, total: int, steps: Sequence[Step]) -> str:
    name, thing = rng.choice(_NAMES), rng.choice(_THINGS)
    told = [
        f"Then {name} {rng.choice(_GAINS if step.change > 0 else _LOSSES).format(n=abs(step.change))}."
        for step in steps
    ]
    return f"{name} has {total} {thing}. {' '.join(told)} How many {thing} does {name} have now?"
