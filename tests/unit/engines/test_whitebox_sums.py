"""Waiting, transfer and knock-outs on planted adders: a hook that is off by one in anything finds other layers.

The definitions are those of Mamidanna et al. 2025 (arXiv:2509.09650): context-aware mean ablation, attention-based
peeking, and the last token without the others in one layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.calls.arrays import Array
from harness.calls.calls import Choose, Read
from harness.calls.interventions import Cut, Intervention, Replace
from harness.errors import ItemError
from tests.support.planted_sums import LAYERS, TOKENS, TRANSFERS, planted_sums, problem_ids, token
from tests.support.white_runs import run

PROBLEMS = [
    *((a, "+", b) for a in range(10) for b in range(10 - a) if (a + b) % 3 == 0),
    *((a, "-", b) for a in range(10) for b in range(a + 1) if (a + b) % 3 == 0),
]
RIGHT = [a + b if sign == "+" else a - b for a, sign, b in PROBLEMS]
EVERY, LAST = tuple(range(TOKENS)), TOKENS - 1
OTHERS, WAITING = EVERY[1:], EVERY[2:]
"""All tokens but the BOS token; those whose streams hang on what stands before them."""

Inside = Callable[[int], Sequence[Intervention]]
"""The interventions on a problem, by its number."""

Slip = Callable[[Any], Any]
"""What is carried out in place of an intervention or a `Read`."""

model_of = cache(planted_sums)


def accuracy(model: Any, inside: Inside, slip: Slip) -> float:
    calls = [Choose(problem_ids(*problem), (1,), tuple(map(slip, inside(i)))) for i, problem in enumerate(PROBLEMS)]
    # A longer prompt in the batch: all others are padded.
    _, output = run(model, [*calls, Choose((*problem_ids(1, "+", 1), 5, 6), (1,))])
    said = output.logits[:-1, -1].argmax(-1).tolist()
    return float(np.mean([word == token(str(right)) for word, right in zip(said, RIGHT, strict=True)]))


@cache
def mean_streams(planted: tuple[int, int], slip: Slip) -> NDArray[np.float64]:
    """[problems, layers, waiting tokens, width]: means over the other problems that share the token at this place."""
    calls = [slip(Read(problem_ids(*one), tuple(range(LAYERS)), WAITING)) for one in PROBLEMS]
    streams = np.stack(run(model_of(planted), calls)[0]).astype(float)
    ids = np.array([problem_ids(*one) for one in PROBLEMS])
    means = streams.copy()
    for i, (k, t) in itertools.product(range(len(PROBLEMS)), enumerate(WAITING)):
        same = (ids[:, t] == ids[i, t]) & (ids[:, 2] == ids[i, 2])
        same[i] = False
        if same.any():
            means[i, :, k] = streams[same][:, :, k].mean(axis=0)
    return means


def waiting(planted: tuple[int, int], layer: int, slip: Slip) -> Inside:
    """Behind a layer every token's stream is its mean over other problems; nothing behind layer -1."""
    means = mean_streams(planted, slip)
    return lambda i: [Replace(layer, "resid_post", Array.of(means[i, layer]), WAITING)] if layer >= 0 else []


def peeking(behind: range, transfer: Sequence[int]) -> list[Intervention]:
    """Tokens see themselves and the BOS token; the last one sees all of them in the transfer layers."""
    return [Cut(layer, EVERY[:-1] if layer in transfer else EVERY, OTHERS, keep_self=True) for layer in behind]


def both(wait: Inside, cuts: Sequence[Intervention]) -> Inside:
    return lambda i: [*wait(i), *cuts]


def without(operands: Sequence[int]) -> float:
    """The accuracy of the planted model when its last token misses the first operand (0), the second (1), or both."""
    kept = [(a * (0 not in operands), (b if sign == "+" else -b) * (1 not in operands)) for a, sign, b in PROBLEMS]
    return float(np.mean([min(max(sum(pair), 0), 9) == right for pair, right in zip(kept, RIGHT, strict=True)]))


def check_waiting(planted: tuple[int, int], slip: Slip) -> None:
    right = [accuracy(model_of(planted), waiting(planted, layer, slip), slip) for layer in range(-1, LAYERS)]
    assert min(right[: planted[0] + 1]) == 1
    assert max(right[planted[0] + 1 :]) < 0.4


def check_transfer(planted: tuple[int, int], slip: Slip) -> None:
    wait, behind = waiting(planted, planted[0] - 1, slip), range(planted[0], LAYERS)
    for size in range(len(set(planted)) + 1):
        sets = itertools.combinations(behind, size)
        enough = [some for some in sets if accuracy(model_of(planted), both(wait, peeking(behind, some)), slip) == 1]
        assert enough == ([tuple(sorted({*planted}))] if size == len(set(planted)) else [])


def check_knock_outs(planted: tuple[int, int], slip: Slip) -> None:
    for layer in range(LAYERS):
        cut = Cut(layer, (LAST,), OTHERS[:-1])
        right = accuracy(model_of(planted), both(lambda _: (), [cut]), slip)
        assert right == pytest.approx(without([operand for operand in (0, 1) if planted[operand] == layer]))


CHECKS = (check_waiting, check_transfer, check_knock_outs)


def as_it_is(asked: Any) -> Any:
    return asked


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("planted", TRANSFERS)
def test_planted_layers_come_back(planted: tuple[int, int], check: Callable[[tuple[int, int], Slip], None]) -> None:
    check(planted, as_it_is)


def slipped(kind: type[Any], name: str, by: Callable[[Any], Any]) -> Slip:
    """One field of all interventions or reads of a kind is changed."""

    def slip(asked: Any) -> Any:
        return replace(asked, **{name: by(getattr(asked, name))}) if isinstance(asked, kind) else asked

    return slip


def moved(by: int, most: int) -> Callable[[Any], Any]:
    """Layers or positions moved, as far as there are such."""

    def move(where: Any) -> Any:
        return min(max(where + by, 0), most) if isinstance(where, int) else tuple(map(move, where))

    return move


def rolled(by: int) -> Callable[[Array], Array]:
    return lambda values: Array.of(np.roll(values.numpy(), by, axis=0))


SLIPS: dict[str, Slip] = {
    "a Replace one layer early": slipped(Replace, "layer", moved(-1, LAYERS - 1)),
    "a Replace one layer late": slipped(Replace, "layer", moved(1, LAYERS - 1)),
    "a Replace in front of the layer": slipped(Replace, "site", lambda _: "resid_pre"),
    "a Replace one token early": slipped(Replace, "positions", moved(-1, LAST)),
    "a Replace with the values of the token before": slipped(Replace, "values", rolled(1)),
    "a Replace with the values of the token behind": slipped(Replace, "values", rolled(-1)),
    "a Read in front of the layer": slipped(Read, "site", lambda _: "resid_pre"),
    "a Read one token early": slipped(Read, "positions", moved(-1, LAST)),
    "a Cut one layer early": slipped(Cut, "layer", moved(-1, LAYERS - 1)),
    "a Cut one layer late": slipped(Cut, "layer", moved(1, LAYERS - 1)),
    "queries one token early": slipped(Cut, "queries", moved(-1, LAST)),
    "queries one token late": slipped(Cut, "queries", moved(1, LAST)),
    "queries without the last": slipped(Cut, "queries", lambda queries: queries[:-1]),
    "keys one token early": slipped(Cut, "keys", moved(-1, LAST)),
    "keys one token late": slipped(Cut, "keys", moved(1, LAST)),
    "keys without the first": slipped(Cut, "keys", lambda keys: keys[1:]),
    "keys without the last": slipped(Cut, "keys", lambda keys: keys[:-1]),
    "a token that does not see itself": slipped(Cut, "keep_self", lambda _: False),
    "nothing cut": slipped(Cut, "queries", lambda _: ()),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_hook_that_is_off_by_one_is_noticed(slip: str) -> None:
    def check_all() -> None:
        for check in CHECKS:
            check((2, 3), SLIPS[slip])

    with pytest.raises((AssertionError, ItemError)):
        check_all()
