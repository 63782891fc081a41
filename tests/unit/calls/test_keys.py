"""Keys of calls are frozen: a store outlives the program that wrote it."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Generate, Read, Sampling, Score, call_key
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace

V = Array.of([1.0, 2.0])
EVERY_KIND: tuple[Intervention, ...] = (
    Add(0, "resid_post", V, 1.5, (0, 1), decode=True, relative=True, keep_norm=True),
    Replace(1, "attn_out", Array.of([[0.5, -2.0], [3.0, 4.0]]), (0, 1)),
    Ablate(0, "mlp_out", (1,), V),
    Ablate(0, "attn_heads", (0,), heads=(1, 2), decode=True),
    Cut(0, (1,), (0,), heads=(3,), keep_self=True),
)

CALLS: dict[str, Call] = {
    "greedy": Generate((1, 2), Sampling(8)),
    "sampled": Generate((1, 2), Sampling(9, 0.7, 0.9, 5, ("\n", "é")), 3, 7),
    "choose": Choose((1, 2), (3, 5)),
    "score": Score((1, 2), (3, 4)),
    "read": Read((1, 2), (0, 3), (0, 1), "attn_out"),
}

KEYS = {
    "greedy": ("040b4a7f004ca9ebe39b3e74fbf9ab85", "7a1ed3d0bb9ba77add82416853653b50"),
    "sampled": ("63c87292600652a835ae8f0dee38d55a", "7043c7b6ea1bebdd2f7f428a6b2e4be3"),
    "choose": ("90af8ec171ba120b293be6d07be6755b", "d0facc4259da83eba93d78cd7692d5e1"),
    "score": ("ba3b9ca7a93cef624cbd922359cd28e4", "2060635f699611a87f29fb111822ef86"),
    "read": ("565a9e2e25a9c0de643481bbce2b68de", "7aa425b4bf45eb434a1fcff7b85db051"),
}
"""By kind of call: the key without interventions, and with one of every kind."""

SEEDS = {"greedy": 5895152925342835348, "sampled": 8546225242469198583}


@pytest.mark.parametrize("kind", CALLS)
def test_the_keys_of_stored_calls_stay_what_they_are(kind: str) -> None:
    call = CALLS[kind]
    assert (call_key("id", call).hex(), call_key("id", replace(call, interventions=EVERY_KIND)).hex()) == KEYS[kind]


@pytest.mark.parametrize("kind", SEEDS)
def test_the_random_numbers_of_stored_draws_stay_what_they_are(kind: str) -> None:
    call = CALLS[kind]
    assert isinstance(call, Generate)
    assert call.engine_seed() == SEEDS[kind]


def test_settings_that_came_later_enter_the_key_when_they_are_used() -> None:
    choose, read = CALLS["choose"], CALLS["read"]
    assert isinstance(choose, Choose)
    assert isinstance(read, Read)
    again: list[Call] = [replace(choose, positions=()), replace(read, pool="none", onto=None)]
    assert [call_key("id", call).hex() for call in again] == [KEYS["choose"][0], KEYS["read"][0]]
    axes = [Array.of(np.full((len(read.layers), 1, 4), x)) for x in (1.0, 2.0)]
    used: list[Call] = [
        *(replace(choose, positions=p) for p in ((0,), (1,), (0, 1))),
        replace(read, pool="mean"),
        *(replace(read, onto=some) for some in axes),
        replace(read, onto=axes[0], interventions=EVERY_KIND),
    ]
    assert len({call_key("id", call) for call in (*again, *used)}) == 9


def test_a_vector_is_hashed_once_however_often_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    real = hashlib.sha256

    def noting(data: bytes) -> object:
        hashed.append(len(data))
        return real(data)

    monkeypatch.setattr(hashlib, "sha256", noting)
    vector = Array.of(range(5000))
    for token in range(10):
        call_key("id", Choose((1, 2), (token,), (Add(0, "resid_post", vector, 1.0, (0,)),)))
    assert [length for length in hashed if length == 20_000] == [20_000]
