"""Finds, on training sums, how long tokens can wait for each other, and where the last one must see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from experiments.introspection.last_token.cases import Case
from harness import Ablate, Cut, Replace, Subject, together

Inside = Callable[[Case], Sequence[Replace | Ablate | Cut]]

ENOUGH = 10
"""Solved training sums with which the others are not needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found on training sums.

    Attributes:
        wait: the last layer up to which every layer that was tried can wait; -1 if none can.
        transfer: layers behind it in which the last token must see the others.
        depth: the number of layers of the model.
        layers: the layers that were tried for waiting.
        waiting: share of the training sums whose answer stays when tokens wait up to each of them.
        windows: the same with the first 0, 1, 2, 4, ... layers behind `wait` for the transfer, up to the first that are
            enough, each as the number of layers and the share.
        kept: the same with the transfer layers that were found.
        enough: whether that is as much as was asked for. If not, the transfer layers are all behind `wait`.
        solved, used: training sums that the model solves, and those that were used.
    """

    wait: int
    transfer: tuple[int, ...]
    depth: int
    layers: tuple[int, ...]
    waiting: tuple[float, ...]
    windows: tuple[tuple[int, float], ...]
    kept: float
    enough: bool
    solved: int
    used: int

    @property
    def behind(self) -> range:
        """The layers behind the last waiting one."""
        return range(self.wait + 1, self.depth)


async def search(subject: Subject, cases: Sequence[Case], depth: int, least: float) -> Found:
    """The last waiting layer by context-aware mean ablation, then the fewest transfer layers.

    The transfer layers are the first 0, 1, 2, 4, ... behind the last waiting one, until they are enough. Then those are
    left out again, from the last on, without which the others are enough, too.

    Args:
        cases: training sums. Those that the model does not solve are used only where it solves less than ENOUGH.
        depth: the number of layers of the model.
        least: the share of the sums whose answer must stay the same.
    """
    solved = [case for case in cases if case.solved]
    cases = solved if len(solved) >= ENOUGH else cases

    async def kept(inside: Inside) -> float:
        choices = await together(case.ask(subject, *inside(case)) for case in cases)
        return fmean(case.keeps(choice) for case, choice in zip(cases, choices, strict=True))

    def peeking(transfer: Sequence[int]) -> Inside:
        return lambda case: (*case.replaced("context means", wait), *case.peeking(behind, transfer))

    layers = cases[0].layers
    waiting = await together(kept(_waiting(layer)) for layer in layers)
    wait = max((layer for i, layer in enumerate(layers) if min(waiting[: i + 1]) >= least), default=-1)
    behind = range(wait + 1, depth)
    windows: list[tuple[int, float]] = []
    while not windows or (windows[-1][1] < least and windows[-1][0] < len(behind)):
        size = min(2 * windows[-1][0] or 1, len(behind)) if windows else 0
        windows.append((size, await kept(peeking(behind[:size]))))
    size, share = windows[-1]
    transfer = list(behind[:size])
    for layer in reversed(transfer if share >= least else []):
        fewer = [other for other in transfer if other != layer]
        if (without := await kept(peeking(fewer))) >= least:
            transfer, share = fewer, without
    return Found(
        wait=wait,
        transfer=tuple(transfer),
        depth=depth,
        layers=layers,
        waiting=tuple(waiting),
        windows=tuple(windows),
        kept=share,
        enough=share >= least,
        solved=len(solved),
        used=len(cases),
    )


def _waiting(layer: int) -> Inside:
    return lambda case: case.replaced("context means", layer)
