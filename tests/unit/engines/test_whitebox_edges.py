"""Cuts of attention edges: weights, masks, heads, windows, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.calls.calls import Choose, Read
from harness.calls.interventions import Cut, Intervention
from harness.engines.transformers.edges import Extent, mask_without
from harness.engines.transformers.whitebox import WhiteBox
from harness.errors import HarnessError, ItemError
from tests.support.white_models import HEADS, LAYERS, shared_model, white_model
from tests.support.white_runs import EVERY, P, logits, run


def test_cut_edges_weigh_nothing_and_the_rest_is_renormalised() -> None:
    for kind in ("llama", "gpt2", "gpt_neox", "gemma2"):
        model = shared_model(kind, attention="eager")
        plain = logits_and_weights(model)[1]
        cuts = (Cut(0, (5, 8), (2, 3, 5)), Cut(0, (8,), (0, 1), heads=(1, 2)), Cut(0, (4, 7), EVERY[1:], (0,), True))
        gone = np.zeros((HEADS, 9, 9), dtype=bool)
        gone[:, [5], [2]] = gone[:, [5], [3]] = gone[:, [5], [5]] = True
        gone[:, [8], [2]] = gone[:, [8], [3]] = gone[:, [8], [5]] = True
        gone[1:3, 8, :2] = True
        gone[0, 4, 1:4] = gone[0, 7, 1:7] = True
        weights = logits_and_weights(model, *cuts)[1]
        assert not weights[gone].any()
        expected = np.where(gone, 0, plain)
        np.testing.assert_allclose(weights, expected / expected.sum(axis=2, keepdims=True), rtol=1e-6, atol=1e-12)


def logits_and_weights(model: Any, *interventions: Intervention) -> tuple[Any, Any]:
    """Of layer 0: its inputs do not depend on what is cut there."""
    output = run(model, [Choose(P, (1,), interventions)], output_attentions=True)[1]
    return output.logits[0].numpy(), output.attentions[0][0].numpy()


@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma3_text", "gpt2", "gpt_neox", "olmo2", "mixtral"])
def test_sdpa_and_eager_attention_agree_on_cuts(kind: str) -> None:
    cuts = (Cut(0, (5, 8), (2, 3, 5)), Cut(1, (8, 7), (6, 7), heads=(1, 2)), Cut(2, EVERY[1:], EVERY[1:], (), True))
    sdpa, eager = (logits(shared_model(kind, attention=how), *cuts) for how in ("sdpa", "eager"))
    assert sdpa.allclose(eager, atol=1e-5)
    assert not sdpa.allclose(logits(shared_model(kind)), atol=1e-3)


@pytest.mark.parametrize("kind", ["llama", "mistral", "gpt2", "gpt_neox", "gemma2"])
def test_without_its_outgoing_edges_a_token_does_not_matter_to_the_others(kind: str) -> None:
    model, changed = shared_model(kind), (*P[:4], 50, *P[5:])
    others = tuple(p for p in EVERY if p != 4)
    cuts = [Cut(layer, others, (4,)) for layer in range(LAYERS)]
    here, there = (logits(model, *cuts, prompt=prompt) for prompt in (P, changed))
    assert here[[*others]].equal(there[[*others]])
    assert not here[4].allclose(there[4], atol=1e-3)
    assert not logits(model)[8].allclose(logits(model, prompt=changed)[8], atol=1e-6)
    # The others keep their rotary angles: as if the token were there and never looked at.
    assert not here[8].allclose(logits(model, prompt=(*P[:4], *P[5:]))[7], atol=1e-6)


def test_a_cut_of_no_edges_is_bit_for_bit_no_cut() -> None:
    for attention in ("sdpa", "eager"):
        model = shared_model("llama", attention=attention, dtype="float32")
        for empty in (Cut(1, (), (0,)), Cut(1, (3,), ()), Cut(1, (20,), (1,))):
            assert logits(model, empty).equal(logits(model))
        future = Cut(1, (3,), (5, 6))  # causal attention does not see them anyway
        assert logits(model, future).allclose(logits(model), atol=1e-5)


def test_where_the_model_made_no_mask_keys_of_padding_stay_hidden_and_every_query_keeps_a_key() -> None:
    import torch

    gone = torch.zeros(2, 1, 3, 3, dtype=torch.bool)
    gone[1, 0, 2, 1] = True
    seen = mask_without(gone, None, [0, 1], Extent(0, 3, 0, 3))
    assert seen[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert seen[1, 0].int().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    later = mask_without(torch.zeros(1, 1, 1, 2, dtype=torch.bool), None, [3], Extent(5, 1, 4, 2))
    assert later.tolist() == [[[[True, True]]]]


def test_a_mask_of_more_than_one_head_per_key_counts_the_heads_of_queries() -> None:
    import torch

    model = shared_model("llama")  # 4 heads of queries, 2 of keys
    both = {
        heads: run(model, [Read(P, (0,), (8,), "attn_heads", (Cut(0, (8,), (1, 2, 3), heads),))])[0][0][0, 0]
        for heads in ((), (2,))
    }
    plain = torch.tensor(run(model, [Read(P, (0,), (8,), "attn_heads")])[0][0][0, 0]).view(HEADS, -1)
    one = torch.tensor(both[(2,)]).view(HEADS, -1)
    assert one[2].allclose(torch.tensor(both[()]).view(HEADS, -1)[2], atol=1e-6)
    assert one[[0, 1, 3]].allclose(plain[[0, 1, 3]], atol=1e-6)
    assert not one[2].allclose(plain[2], atol=1e-3)


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ((Cut(1, (3,), (0, 1, 2, 3)),), "layer 1: the query at position 3 is left without any key"),
        ((Cut(0, (0,), (0,)),), "layer 0: the query at position 0"),
        ((Cut(1, (3, 5), (0, 1)), Cut(1, (3,), (2, 3))), "position 3"),
        ((Cut(1, (3,), (0, 1)), Cut(1, (3,), (2, 3), heads=(1,))), "layer 1, head 1: the query at position 3"),
        ((Cut(1, (12,), tuple(range(13))),), "position 12"),
    ],
)
def test_a_query_must_keep_a_key(cuts: tuple[Cut, ...], message: str) -> None:
    with pytest.raises(ItemError, match=message):
        WhiteBox(shared_model("llama")).check(Choose(P, (1,), cuts))


def test_what_a_query_keeps_is_counted_inside_its_window() -> None:
    cut = Choose(P, (1,), (Cut(1, (6,), (3, 4, 5, 6)),))  # windows are 4 wide
    WhiteBox(shared_model("llama")).check(cut)
    WhiteBox(shared_model("gemma3_text")).check(cut)  # its layer 1 sees everything
    for kind, layer in (("mistral", 1), ("gemma3_text", 0)):
        with pytest.raises(ItemError, match="position 6 is left without any key"):
            WhiteBox(shared_model(kind)).check(replace(cut, interventions=(Cut(layer, (6,), (3, 4, 5, 6)),)))


def test_cuts_that_leave_a_key_are_taken() -> None:
    white = WhiteBox(shared_model("llama"))
    for cuts in (
        (Cut(1, (3,), (0, 1, 2)),),
        (Cut(1, (0, 3), (0, 1, 2, 3), keep_self=True),),
        (Cut(1, (3,), (0, 1), heads=(0,)), Cut(1, (3,), (2, 3), heads=(1,))),
        (Cut(1, (3,), (0, 1)), Cut(2, (3,), (2, 3))),
        (Cut(1, (), ()),),
    ):
        white.check(Choose(P, (1,), cuts))


def test_attention_that_takes_no_mask_of_edges_refuses_cuts() -> None:
    model = white_model("llama")
    model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(HarnessError, match="sdpa or eager; the model runs with 'flash_attention_2'"):
        WhiteBox(model).check(Choose(P, (1,), (Cut(1, (3,), (1,)),)))
