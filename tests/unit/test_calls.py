"""Keys: everything that a reply depends on separates two calls, and nothing else does."""

import itertools
import math

import pytest

from harness.calls import (
    Call,
    Choose,
    Generate,
    Logprobs,
    Sampling,
    Text,
    call_key,
    identity_digest,
    pack_reply,
    unpack_reply,
)

SAMPLED = Sampling(8, temperature=1.0)


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
    ]
    keys = [call_key(model, call) for model, call in itertools.product(("a", "b"), calls)]
    assert len(set(keys)) == 2 * len(calls)
    assert {len(key) for key in keys} == {16}


def test_keys_are_the_same_in_every_process() -> None:
    # A frozen value on purpose: a store outlives the program that wrote it.
    assert call_key("id", Choose((1, 2), (3,))).hex() == "bd1db258bb7a6af684e60438a4c614ed"
    assert Generate((1, 2), SAMPLED, draw=3).engine_seed() == 2551000754270970734
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


def test_replies_survive_packing_even_a_probability_of_zero() -> None:
    for reply in (Text("a\0\u202e", (1, 2), (-0.5, -1e-9), "length"), Logprobs((-math.inf, -0.25))):
        assert unpack_reply(pack_reply(reply)) == reply
