"""Keys: everything that a reply depends on separates two calls, and nothing else does."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import (
    Call,
    Choose,
    Generate,
    Read,
    Sampling,
    Score,
    call_key,
    capabilities_of,
    identity_digest,
)
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace
from harness.errors import HarnessError, ItemError

SAMPLED = Sampling(8, temperature=1.0)

V = Array.of([1.0, 2.0])
INTERVENTIONS: tuple[Intervention, ...] = (
    Add(0, "resid_post", V, 1.0, (0,)),
    Add(1, "resid_post", V, 1.0, (0,)),
    Add(0, "mlp_out", V, 1.0, (0,)),
    Add(0, "resid_post", Array.of([1.0, 2.5]), 1.0, (0,)),
    Add(0, "resid_post", V, 1.5, (0,)),
    Add(0, "resid_post", V, 1.0, (1,)),
    Add(0, "resid_post", V, 1.0, (0,), decode=True),
    Add(0, "resid_post", V, 1.0, (0,), relative=True),
    Add(0, "resid_post", V, 1.0, (0,), keep_norm=True),
    Replace(0, "resid_post", Array.of([[1.0, 2.0]]), (0,)),
    Ablate(0, "resid_post", (0,)),
    Ablate(0, "resid_post", (0,), V),
    Ablate(0, "attn_heads", (0,), heads=(1,)),
    Cut(0, (1,), (0,)),
    Cut(0, (1,), (0,), heads=(1,)),
)


def test_every_ingredient_changes_the_key() -> None:
    calls: list[Call] = [
        Generate((1, 2), SAMPLED),
        Generate((1, 2), SAMPLED, draw=1),
        Generate((1, 2), SAMPLED, seed=1),
        Generate((12,), SAMPLED),
        Generate((1, 2), Sampling(9, temperature=1.0)),
        Generate((1, 2), Sampling(8, temperature=0.5)),
        Generate((1, 2), Sampling(8, temperature=1.0, top_p=0.9)),
        Generate((1, 2), Sampling(8, temperature=1.0, top_k=5)),
        Generate((1, 2), Sampling(8, temperature=1.0, stop=("\n",))),
        Generate((1, 2), Sampling(8)),
        Choose((1, 2), (8,)),
        Choose((1, 2), (7, 8)),
        Score((1, 2), (8,)),
        Score((1,), (2, 8)),
        Read((1, 2), (0,), (1,)),
        Read((1, 2), (1,), (0,)),
        Read((1, 2), (0,), (1,), "attn_out"),
        *(Choose((1, 2), (8,), (one,)) for one in INTERVENTIONS),
        Choose((1, 2), (8,), INTERVENTIONS[:2]),
        Choose((1, 2), (8,), INTERVENTIONS[1::-1]),
        *(Generate((1, 2), SAMPLED, interventions=(one,)) for one in INTERVENTIONS),
    ]
    keys = [call_key(model, call) for model, call in itertools.product(("a", "b"), calls)]
    assert len(set(keys)) == 2 * len(calls)
    assert {len(key) for key in keys} == {16}


def test_keys_are_the_same_in_every_process() -> None:
    # A frozen value on purpose: a store outlives the program that wrote it.
    assert call_key("id", Choose((1, 2), (3,))).hex() == "8cade7b7a48b8d8a54a766d1094e4127"
    assert Generate((1, 2), SAMPLED, draw=3).engine_seed() == 8939096322109071660
    assert identity_digest({"a": "1", "b": "2"}) == identity_digest({"b": "2", "a": "1"})
    assert identity_digest({"a": "1"}) != identity_digest({"a": "2"})


def test_engine_seeds_depend_on_content_alone_and_differ_between_draws() -> None:
    seeds = {Generate((1, 2), SAMPLED, draw=d, seed=s).engine_seed() for d in range(50) for s in range(4)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert Generate((1, 2), SAMPLED, draw=3).engine_seed() == Generate((1, 2), SAMPLED, draw=3).engine_seed()


def test_a_greedy_call_has_no_draw_and_no_seed() -> None:
    with pytest.raises(ValueError, match="greedy"):
        Generate((1,), Sampling(8), draw=1)
    with pytest.raises(ValueError, match="greedy"):
        Generate((1,), Sampling(8), seed=1)


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}])
def test_impossible_sampling_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        Sampling(**{"max_tokens": 1, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("tokens", [(), (2, 1), (1, 1)])
def test_choose_wants_sorted_distinct_tokens(tokens: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="sorted"):
        Choose((1,), tokens)


def test_a_steered_draw_and_its_control_take_the_same_random_numbers() -> None:
    control, steered = Generate((1, 2), SAMPLED), Generate((1, 2), SAMPLED, interventions=INTERVENTIONS[:1])
    assert control.engine_seed() == steered.engine_seed()
    assert (capabilities_of(control), capabilities_of(steered)) == ({"generate"}, {"generate", "intervene"})


def test_positions_beyond_the_prompt_are_refused() -> None:
    for wrong in (Add(0, "resid_post", V, 1.0, (2,)), Add(0, "resid_post", V, 1.0, (-1,)), Cut(-1, (0,), (0,))):
        with pytest.raises(
            ItemError, match=r"(Add|Cut) at layer -?\d.*(beyond a prompt of 2 tokens|last token .* is 1)"
        ):
            Choose((1, 2), (3,), (wrong,))
    with pytest.raises(ItemError, match="beyond a prompt of 2 tokens"):
        Read((1, 2), (0,), (2,))
    with pytest.raises(ItemError, match="ascending"):
        Read((1, 2), (1, 0), (0,))
    Generate((1, 2), SAMPLED, interventions=(Cut(0, (5,), (0,)),))  # a generated token


@pytest.mark.parametrize(
    "make",
    [
        lambda site: Read((1, 2), (0,), (0,), site),
        lambda site: Add(0, site, V, 1.0, (0,)),
        lambda site: Replace(0, site, Array.of([[1.0]]), (0,)),
        lambda site: Ablate(0, site, (0,)),
    ],
    ids=["Read", "Add", "Replace", "Ablate"],
)
def test_a_word_that_is_no_site_stops_the_run_with_the_nearest_one(make: Callable[[Any], object]) -> None:
    with pytest.raises(HarnessError, match="'resid_out' is no site inside a model, did you mean 'resid_post'"):
        make("resid_out")
    with pytest.raises(
        HarnessError, match=r"'q' is no site inside a model \(there are: attn_heads, attn_norm, attn_out"
    ):
        make("q")


def test_numbers_that_are_no_array_are_told_how_they_become_one() -> None:
    numbers: Any = np.ones((1, 2))
    for make in (
        lambda: Add(0, "resid_post", numbers, 1.0, (0,)),
        lambda: Replace(0, "resid_post", numbers, (0,)),
        lambda: Ablate(0, "resid_post", (0,), numbers),
        lambda: Read((1, 2), (0,), (0,), onto=numbers),
    ):
        with pytest.raises(HarnessError, match=r"takes its numbers as an Array, not as ndarray; write Array\.of"):
            make()


def test_an_array_is_a_value_of_its_numbers_and_shape() -> None:
    assert Array.of([[1.0, 2.0]]) != Array.of([1.0, 2.0])
    assert Array.of([1, 2]) == Array.of([1.0, 2.0])
    assert hash(Array.of([1, 2])) == hash(V)
    assert Array.of([[1, 2], [3, 4]]).numpy().tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="finite"):
        Array.of([math.nan])
    with pytest.raises(ValueError, match="8 bytes are not"):
        Array((3,), V.data)
    with pytest.raises(ItemError, match="2 positions need"):
        Replace(0, "resid_post", Array.of([[1.0, 2.0]]), (0, 1))
