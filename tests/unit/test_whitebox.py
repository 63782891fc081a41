"""What interventions do to a forward pass: values, rows of a batch, decoding, attention edges, and hooks that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from harness.arrays import Array
from harness.calls import Call, Choose, Generate, Read, Sampling, Score
from harness.engines.edges import Extent, mask_without
from harness.engines.whitebox import Row, WhiteBox
from harness.errors import HarnessError, ItemError
from harness.interventions import Ablate, Add, Cut, Intervention, Replace, Site
from tests.white_models import HEADS, LAYERS, NEURONS, WIDTH, white_model
from tests.white_runs import decode, run

shared_model = cache(white_model)
"""Each is built once: nothing that a test does may stay in a model."""

P = (3, 14, 15, 9, 26, 5, 35, 8, 40)
SHORT = (58, 9, 7, 9, 32)
DRAW = np.random.default_rng(11)
V, W = (Array.of(DRAW.normal(size=WIDTH)) for _ in range(2))
NEURON = Array.of(DRAW.normal(size=NEURONS))
EVERY = tuple(range(len(P)))


def read(model: Any, *interventions: Intervention, layer: int = 1, site: Site = "resid_post") -> Any:
    """[positions of P, width] at one site."""
    return run(model, [Read(P, (layer,), EVERY, site, interventions)])[0][0][0].astype(np.float64)


def logits(model: Any, *interventions: Intervention, prompt: tuple[int, ...] = P, **options: Any) -> Any:
    return run(model, [Choose(prompt, (1,), interventions)], **options)[1].logits[0]


# --- formulas ---


def test_an_added_vector_raises_the_projection_on_it_by_strength_times_its_length_and_nothing_before_it() -> None:
    model, v = shared_model("llama"), V.numpy().astype(np.float64)
    plain, steered = read(model), read(model, Add(1, "resid_post", V, -3.0, (4, 6)))
    along = (steered - plain) @ v / np.linalg.norm(v)
    np.testing.assert_allclose(along[[4, 6]], -3 * np.linalg.norm(v), rtol=1e-5)
    np.testing.assert_array_equal(steered[[0, 1, 2, 3, 5, 7, 8]], plain[[0, 1, 2, 3, 5, 7, 8]])
    later = read(model, Add(1, "resid_post", V, -3.0, (4, 6)), layer=2) - read(model, layer=2)
    assert not later[:4].any()
    assert (np.abs(later[4:]).max(axis=1) > 1e-3).all()  # position 5 sees the changed position 4


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_strength_zero_is_bit_for_bit_no_intervention(kind: str, dtype: str) -> None:
    model = shared_model(kind, dtype=dtype)
    for relative in (False, True):
        for keep in (False, True):
            for site in ("resid_pre", "resid_mid", "mlp_out"):
                zero = Add(1, site, V, 0.0, EVERY, relative=relative, keep_norm=keep)
                assert logits(model, zero).equal(logits(model))


def test_a_bfloat16_stream_is_changed_in_float32_and_rounded_once() -> None:
    import torch

    model = shared_model("llama", dtype="bfloat16")
    plain, steered = read(model), read(model, Add(1, "resid_post", V, 0.3, EVERY, keep_norm=True))
    h = torch.tensor(plain, dtype=torch.float32)
    added = h + torch.tensor(0.3) * torch.tensor(V.numpy())
    expected = added * (h.norm(dim=1, keepdim=True) / added.norm(dim=1, keepdim=True))
    np.testing.assert_array_equal(steered, expected.bfloat16().double().numpy())


def test_a_relative_push_is_as_long_as_its_share_of_the_stream() -> None:
    model = shared_model("llama")
    plain, steered = read(model), read(model, Add(1, "resid_post", V, 0.25, EVERY, relative=True))
    push = steered - plain
    np.testing.assert_allclose(np.linalg.norm(push, axis=1), 0.25 * np.linalg.norm(plain, axis=1), rtol=1e-5)
    cosine = push @ V.numpy() / np.linalg.norm(push, axis=1) / np.linalg.norm(V.numpy())
    np.testing.assert_allclose(cosine, 1, rtol=1e-6)


def test_a_push_that_keeps_the_norm_turns_the_stream_and_does_not_lengthen_it() -> None:
    model = shared_model("llama")
    plain = read(model)
    for relative in (False, True):
        steered = read(model, Add(1, "resid_post", V, 4.0, EVERY, relative=relative, keep_norm=True))
        np.testing.assert_allclose(np.linalg.norm(steered, axis=1), np.linalg.norm(plain, axis=1), rtol=1e-6)
        length = np.linalg.norm(plain, axis=1, keepdims=True) if relative else np.linalg.norm(V.numpy())
        pushed = plain + 4 * length * V.numpy() / np.linalg.norm(V.numpy())
        cosine = (steered * pushed).sum(1) / np.linalg.norm(steered, axis=1) / np.linalg.norm(pushed, axis=1)
        np.testing.assert_allclose(cosine, 1, rtol=1e-6)


def test_a_stream_of_zeros_stays_zero_under_a_push_that_keeps_its_norm() -> None:
    zero = Ablate(1, "resid_post", (2,))
    pushes = [Add(1, "resid_post", V, 3.0, (2,), relative=r, keep_norm=True) for r in (False, True)]
    assert not read(shared_model("llama"), zero, *pushes)[2].any()


def test_an_ablated_direction_is_gone_and_the_rest_is_as_before() -> None:
    model, u = shared_model("llama"), V.numpy() / np.linalg.norm(V.numpy())
    plain, ablated = read(model), read(model, Ablate(1, "resid_post", (0, 8), V))
    np.testing.assert_allclose(ablated[[0, 8]] @ u, 0, atol=1e-5)
    np.testing.assert_allclose(ablated[[0, 8]], plain[[0, 8]] - np.outer(plain[[0, 8]] @ u, u), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(ablated[1:8], plain[1:8])


@pytest.mark.parametrize("site", ["resid_pre", "resid_mid", "resid_post", "attn_heads", "attn_out", "mlp_out"])
def test_replacing_by_what_was_read_changes_nothing(site: Site) -> None:
    model = shared_model("llama", dtype="float32")  # what is read is float32: exact
    values = run(model, [Read(P, (1,), (2, 5, 8), site)])[0][0][0]
    assert logits(model, Replace(1, site, Array.of(values), (2, 5, 8))).equal(logits(model))
    shuffled = Replace(1, site, Array.of(values[[2, 0, 1]]), (8, 2, 5))
    assert logits(model, shuffled).equal(logits(model))


def test_patching_one_position_from_another_prompt_makes_the_models_agree_from_there_on() -> None:
    model, other = shared_model("llama"), (*P[:3], 50, *P[4:])
    assert not logits(model).allclose(logits(model, prompt=other), atol=1e-3)
    (values,), _ = run(model, [Read(other, (0,), (3,), "resid_pre")])
    patched = logits(model, Replace(0, "resid_pre", Array.of(values[0]), (3,)))
    assert patched.allclose(logits(model, prompt=other), atol=1e-5)


def test_interventions_at_one_site_apply_in_the_order_given_under_either_of_its_names() -> None:
    model = shared_model("llama")
    values = Array.of(np.tile(W.numpy(), (2, 1)))
    for site, layer in (("resid_post", 1), ("resid_pre", 2)):
        put, push = Replace(1, "resid_post", values, (3, 4)), Add(layer, site, V, 2.0, (4, 5))  # type: ignore[arg-type]
        for name, at in (("resid_post", 1), ("resid_pre", 2)):
            first = read(model, put, push, layer=at, site=name)  # type: ignore[arg-type]
            np.testing.assert_allclose(first[4], W.numpy() + 2 * V.numpy(), rtol=1e-5)
            np.testing.assert_allclose(first[3], W.numpy(), rtol=1e-6)
            last = read(model, push, put, layer=at, site=name)  # type: ignore[arg-type]
            np.testing.assert_allclose(last[4], W.numpy(), rtol=1e-6)
            np.testing.assert_allclose(last[5], read(model)[5] + 2 * V.numpy(), rtol=1e-4, atol=1e-5)


# --- batches ---

KINDS_OF_ROWS: list[tuple[Intervention, ...]] = [
    (),
    (Add(1, "resid_post", V, 2.0, (1, 3)),),
    (Add(1, "resid_post", W, 0.5, (2,), relative=True), Add(1, "resid_post", V, 1.0, (2, 4), keep_norm=True)),
    (Add(0, "resid_post", V, 1.0, (0,)), Ablate(1, "resid_post", (0, 2), V), Ablate(1, "resid_post", (4,))),
    (Replace(1, "resid_post", Array.of(np.stack([V.numpy(), W.numpy()])), (4, 1)), Ablate(2, "resid_pre", (4,), W)),
    (Ablate(1, "attn_heads", (3, 4), heads=(0, 2)), Add(1, "mlp_act", NEURON, 1.5, (4,))),
    (Cut(1, (2, 4), (0, 1)), Cut(1, (4,), (2,), heads=(1, 3)), Cut(2, (3,), (0,))),
    (Cut(0, (1, 2, 3, 4), (1, 2, 3, 4), keep_self=True), Add(2, "resid_mid", V, -1.0, (4,))),
]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma3_text", "gpt2", "gpt_neox_sequential", "olmo2", "qwen3"])
def test_rows_of_different_interventions_in_a_padded_batch_are_each_as_if_alone(kind: str, attention: str) -> None:
    # Eager attention takes its softmax in float32: the mask of a float64 model overflows there, and padding gives NaN.
    dtype, exact = ("float64", 1e-8) if attention == "sdpa" else ("float32", 1e-4)
    model = shared_model(kind, attention=attention, dtype=dtype)
    calls: list[Call] = [Choose(P if i % 2 else SHORT, (1,), some) for i, some in enumerate(KINDS_OF_ROWS)]
    calls += [Read(c.prompt, (0, 1, 2), (1, 4), "resid_post", c.interventions) for c in calls]
    reads, output = run(model, calls)
    moved = []
    for call, values, row in zip(calls, reads, output.logits, strict=True):
        (alone,), single = run(model, [call])
        np.testing.assert_allclose(values, alone, rtol=max(exact, 1e-6), atol=max(exact, 1e-6))
        np.testing.assert_allclose(row[-len(call.prompt) :], single.logits[0], rtol=exact, atol=exact)
        control = logits(model, prompt=call.prompt)
        moved.append(float((single.logits[0] - control).abs().max()))
    assert moved[0] == moved[8] == 0
    assert min(moved[1:8] + moved[9:]) > 1e-3  # no row was passed over


def test_columns_of_padding_are_never_touched() -> None:
    import torch

    model = shared_model("llama")
    call = Choose(SHORT, (1,), (Add(0, "resid_post", V, 5.0, (0, 1, 2, 3, 4), decode=True),))
    ids = torch.tensor([[0, 0, 0, 0, *SHORT]])
    mask = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1, 1]])
    streams: list[Any] = []
    handle = model.model.layers[1].register_forward_pre_hook(lambda module, args: streams.append(args[0].clone()))
    with torch.no_grad():
        model(ids, attention_mask=mask)
        with WhiteBox(model).forward([Row(call, 4)], 0, 9):
            model(ids, attention_mask=mask)
    handle.remove()
    plain, steered = (stream[0] for stream in streams)
    assert steered[:4].equal(plain[:4])
    np.testing.assert_allclose(steered[4:] - plain[4:], np.tile(5 * V.numpy(), (5, 1)), rtol=1e-6)


def test_a_scored_continuation_counts_as_generated_tokens() -> None:
    model = shared_model("llama")
    for decoding, expected in ((True, (2, 5, 6, 7, 8)), (False, (2,))):
        score = Score(P[:5], P[5:], (Add(1, "resid_post", V, 2.0, (2,), decode=decoding),))
        import torch

        with torch.no_grad(), WhiteBox(model).forward([Row(score, 0)], 0, 9):
            output = model(torch.tensor([P])).logits[0]
        assert output.equal(logits(model, Add(1, "resid_post", V, 2.0, expected)))


# --- decoding ---

STEERED: list[tuple[Intervention, ...]] = [
    (),
    (Add(1, "resid_post", V, 2.0, (3, 4), decode=True),),
    (Add(1, "resid_post", V, 2.0, (3, 4)),),
    (Add(0, "attn_out", W, 0.5, (), decode=True, relative=True), Add(2, "resid_mid", V, 1.0, (), True, False, True)),
    (Ablate(1, "resid_pre", (4,), V, decode=True), Ablate(2, "attn_heads", (), heads=(1,), decode=True)),
    (Replace(1, "resid_post", Array.of(np.stack([V.numpy(), W.numpy()])), (1, 3)),),
    (Cut(1, tuple(range(3, 20)), (1, 2)), Cut(2, (6, 8), (2, 3, 4, 5), heads=(0, 3))),
    (Cut(0, tuple(range(1, 20)), tuple(range(1, 20)), keep_self=True),),
]


def spelt_out(one: Intervention, prompt: int, total: int) -> Intervention:
    """The same intervention on a prompt that holds the generated tokens: their positions are named."""
    if isinstance(one, Add | Ablate) and one.decode:
        return replace(one, positions=(*one.positions, *range(prompt, total)), decode=False)
    return one


@pytest.mark.parametrize(
    "kind", ["llama", "mistral", "gemma2", "gemma3_text", "qwen2", "olmo3", "gpt2", "gpt_neox_sequential", "qwen3_moe"]
)
def test_decoding_with_a_cache_equals_passes_over_everything_with_the_positions_spelt_out(kind: str) -> None:
    model, steps = shared_model(kind), 7
    calls = [
        Generate(P if i in (0, 3, 7) else SHORT, Sampling(steps), interventions=interventions)
        for i, interventions in enumerate(STEERED)
    ]
    tokens, cached = decode(model, calls, steps)
    for b, call in enumerate(calls):
        whole = (*call.prompt, *tokens[b, :-1].tolist())
        spelt = [spelt_out(one, len(call.prompt), len(whole)) for one in call.interventions]
        uncached = logits(model, *spelt, prompt=whole)[len(call.prompt) - 1 :]
        np.testing.assert_allclose(cached[b], uncached, rtol=1e-7, atol=1e-7)
        control = logits(model, prompt=whole)[len(call.prompt) - 1 :]
        assert ((uncached - control).abs().max() > 1e-3) == (b > 0)


@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "gpt2"])
def test_a_prompt_read_in_two_passes_is_changed_as_in_one(kind: str) -> None:
    import torch
    from transformers import DynamicCache

    model = shared_model(kind)
    replaced = Replace(1, "resid_post", Array.of(np.stack([V.numpy(), W.numpy(), -V.numpy()])), (7, 1, 5))
    for some in (*KINDS_OF_ROWS, (replaced,)):
        row, halves, past = Row(Choose(P, (1,), some), 0), [], DynamicCache(config=model.config)
        for first, stop in ((0, 4), (4, 9)):
            with torch.no_grad(), WhiteBox(model).forward([row], first, stop - first):
                halves.append(model(torch.tensor([P[first:stop]]), past_key_values=past, use_cache=True).logits[0])
        np.testing.assert_allclose(torch.cat(halves), logits(model, *some), rtol=1e-8, atol=1e-8)


def test_a_prompt_only_push_acts_through_the_cache_and_a_push_while_decoding_adds_to_it() -> None:
    model = shared_model("llama")
    own = [STEERED[0], STEERED[1], STEERED[2]]
    _, (plain, both, prompt_only) = decode(model, [Generate(P, Sampling(3), interventions=i) for i in own], 3)
    assert both[0].allclose(prompt_only[0], atol=1e-9)  # the first token comes from the prompt
    assert not prompt_only[0].allclose(plain[0], atol=1e-3)
    assert not both[1].allclose(prompt_only[1], atol=1e-3)


# --- attention edges ---


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
    assert one[2].equal(torch.tensor(both[()]).view(HEADS, -1)[2])
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


# --- planted models: every number by hand ---


def planted() -> Any:
    """One block of four-wide Llama whose token t is 2 e_t. Attention weighs all keys alike and passes values on; the
    MLP gives nothing; logits are the normalised stream."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=4, hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=2, rms_norm_eps=0.0
    )
    model = LlamaForCausalLM._from_config(config, attn_implementation="sdpa", dtype=torch.float64).eval()
    attention = model.model.layers[0].self_attn
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1.0 if weight.ndim == 1 else 0.0)
        model.model.embed_tokens.weight.copy_(2 * torch.eye(4))
        for matrix in (attention.v_proj, attention.o_proj, model.lm_head):
            matrix.weight.copy_(torch.eye(4))
    return model


def last_logits(model: Any, prompt: tuple[int, ...], *interventions: Intervention) -> Any:
    return logits(model, *interventions, prompt=prompt)[-1].numpy()


def test_a_known_push_gives_known_logits() -> None:
    model = planted()
    # One token: its stream is 2 e_0 + 2 e_0 = (4, 0, 0, 0), and 3 e_1 added makes (4, 3, 0, 0), whose root mean
    # square is 2.5.
    push = Add(0, "resid_post", Array.of([0, 3, 0, 0]), 1.0, (0,))
    np.testing.assert_allclose(last_logits(model, (0,), push), [1.6, 1.2, 0, 0], atol=1e-12)
    # With the old length 4 it is (3.2, 2.4, 0, 0): the same after the norm. Relative with 0.75: 0.75 * 4 = 3 again.
    np.testing.assert_allclose(last_logits(model, (0,), replace(push, keep_norm=True)), [1.6, 1.2, 0, 0], atol=1e-12)
    relative = replace(push, scale=0.75, relative=True)
    np.testing.assert_allclose(last_logits(model, (0,), relative), [1.6, 1.2, 0, 0], atol=1e-12)
    # Added to what attention reads only: values (2, 3, 0, 0), stream (4, 3, 0, 0).
    seen = replace(push, site="attn_norm")
    np.testing.assert_allclose(last_logits(model, (0,), seen), [1.6, 1.2, 0, 0], atol=1e-12)
    (mid, post), _ = run(model, [Read((0,), (0,), (0,), s, (seen,)) for s in ("resid_mid", "final_norm")])
    np.testing.assert_array_equal(mid, [[[4, 3, 0, 0]]])
    np.testing.assert_allclose(post, [[[1.6, 1.2, 0, 0]]], rtol=1e-6)


def test_a_known_cut_gives_known_logits() -> None:
    model = planted()
    # Tokens 0, 1, 2: the last stream is 2 e_2 plus the mean of the values 2 e_0, 2 e_1, 2 e_2.
    streams = {
        (): [2 / 3, 2 / 3, 8 / 3, 0],
        (Cut(0, (2,), (1,)),): [1, 0, 3, 0],
        (Cut(0, (2,), (0, 1)),): [0, 0, 4, 0],
        (Cut(0, (2,), (2,)),): [1, 1, 2, 0],
        (Cut(0, (2,), (0, 2)),): [0, 2, 2, 0],
        (Cut(0, (2,), (0, 1, 2), keep_self=True),): [0, 0, 4, 0],
        # Head 0 carries e_0 and e_1, head 1 e_2 and e_3.
        (Cut(0, (2,), (0,), heads=(0,)),): [0, 1, 8 / 3, 0],
        (Cut(0, (1,), (0,)),): [2 / 3, 2 / 3, 8 / 3, 0],  # another query
    }
    for cuts, stream in streams.items():
        h = np.array(stream)
        np.testing.assert_allclose(last_logits(model, (0, 1, 2), *cuts), h / np.sqrt((h**2).mean()), atol=1e-12)


# --- hooks ---


def hooks(model: Any) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_nothing_to_do_installs_no_hook() -> None:
    import torch

    model = white_model("llama")
    white, cached = WhiteBox(model), filled_cache(model)
    idle = [Choose(P, (1,)), Choose(P, (1,), (Add(1, "resid_post", V, 1.0, ()), Cut(1, (3,), ())))]
    with white.forward([Row(call, 0) for call in idle], 0, 9):
        assert hooks(model) == 0
        assert model(torch.tensor([P, P])).logits[0].equal(logits(model))
    prompt_only = Generate(P, Sampling(4), interventions=(Add(1, "resid_post", V, 1.0, EVERY), Cut(1, EVERY, (4,))))
    with white.forward([Row(prompt_only, 0)], 9, 1):  # a decoding step
        assert hooks(model) == 0
    with white.forward([Row(replace(prompt_only, interventions=(Cut(1, (9,), (4,)),)), 0)], 9, 1):
        assert hooks(model) == 1
        model.model.layers[1].self_attn(
            hidden_states=torch.zeros(1, 1, WIDTH, dtype=torch.float64),
            position_embeddings=(torch.ones(1, 1, 8, dtype=torch.float64), torch.zeros(1, 1, 8, dtype=torch.float64)),
            attention_mask=None,
            past_key_values=cached,
        )


def filled_cache(model: Any) -> Any:
    import torch
    from transformers import DynamicCache

    past = DynamicCache(config=model.config)
    with torch.no_grad():
        model(torch.tensor([P]), past_key_values=past, use_cache=True)
    return past


EVERYTHING = (Add(1, "resid_post", V, 1.0, (2,)), Add(0, "resid_mid", V, 1.0, (2,)), Cut(2, (3,), (1,)))


def test_hooks_are_gone_after_a_pass_and_after_an_error_inside_it() -> None:
    model = white_model("llama")
    logits(model, *EVERYTHING)
    assert hooks(model) == 0

    @contextmanager
    def failing() -> Iterator[None]:
        with WhiteBox(model).forward([Row(Choose(P, (1,), EVERYTHING), 0)], 0, 9):
            assert hooks(model) == 3
            yield

    with pytest.raises(ZeroDivisionError), failing():
        raise ZeroDivisionError
    assert hooks(model) == 0


def test_a_hook_that_does_not_fire_is_an_error_that_names_it() -> None:
    import torch

    model = white_model("llama")
    row = Row(Choose(P, (1,), (*EVERYTHING, Add(1, "mlp_out", V, 0.0, (1,)))), 0)
    norm, silent = model.model.layers[0].post_attention_layernorm, "resid_post of layer 1, mlp_out of layer 1, the att"
    with pytest.raises(RuntimeError, match=f"passed by {silent}"), WhiteBox(model).forward([row], 0, 9):
        norm(torch.zeros(1, 9, WIDTH, dtype=torch.float64))
    with (
        pytest.raises(RuntimeError, match="nothing was read"),
        WhiteBox(model).forward([Row(Read(P, (1,), (2,)), 0)], 0, 9),
    ):
        pass
    assert hooks(model) == 0


def run_times(model: Any, ids: Any, passes: int) -> None:
    import torch

    with torch.no_grad():
        for _ in range(passes):
            model(ids)


def test_a_second_pass_or_a_batch_of_another_shape_is_an_error() -> None:
    import torch

    model = white_model("llama")
    for one in EVERYTHING:
        row = Row(Choose(P, (1,), (one,)), 0)
        for rows, batch, passes in (([row], [P], 2), ([row], [P[:8]], 1), ([row, row], [P], 1)):
            with pytest.raises(RuntimeError, match="met"), WhiteBox(model).forward(rows, 0, 9):
                run_times(model, torch.tensor(batch), passes)
    assert hooks(model) == 0


def test_a_cut_that_is_told_of_a_cache_which_is_not_there_is_an_error() -> None:
    import torch

    row = Row(Choose(P, (1,), (Cut(1, (9,), (1,)),)), 0)
    with pytest.raises(RuntimeError, match="there is no cache"), WhiteBox(shared_model("llama")).forward([row], 9, 1):
        shared_model("llama")(torch.tensor([[5]]), use_cache=False)


def test_activations_of_positions_outside_of_the_pass_are_an_error() -> None:
    import torch

    model = shared_model("llama")
    with torch.no_grad(), WhiteBox(model).forward([Row(Read(P, (1,), (2, 8)), 0)], 0, 5) as trace:
        model(torch.tensor([P[:5]]))
    with pytest.raises(RuntimeError, match="did not hold"):
        trace.activations(0)
    with WhiteBox(model).forward([Row(Read(P, (1,), (8,)), 0)], 0, 5) as trace:
        model(torch.tensor([P[:5]]))
    with pytest.raises(RuntimeError, match="did not hold"):
        trace.activations(0)


def test_numbers_that_overflow_are_not_handed_on() -> None:
    model = shared_model("llama", dtype="float16")
    huge = Add(0, "resid_post", Array.of(np.full(WIDTH, 6e4)), 1.0, (1,))
    with pytest.raises(ValueError, match="resid_post: the model's numbers overflowed; try another dtype"):
        run(model, [Read(P, (1,), (1,), interventions=(huge, huge))])


def test_blocks_that_give_tuples_are_changed_like_those_that_give_tensors() -> None:
    import torch

    model = white_model("llama")
    block = model.model.layers[1]
    with (
        torch.no_grad(),
        WhiteBox(model).forward([Row(Read(P, (1,), (2,), interventions=EVERYTHING[:1]), 0)], 0, 9) as t,
    ):
        forward, block.forward = block.forward, lambda *a, **k: (forward(*a, **k), "cache")
        hidden, other = block(
            model.model.embed_tokens(torch.tensor([P])),
            position_embeddings=model.model.rotary_emb(torch.zeros(1, dtype=torch.float64), torch.arange(9)[None]),
        )
    assert other == "cache"
    np.testing.assert_array_equal(t.activations(0).values.numpy()[0, 0], hidden[0, 2].float().numpy())


def test_a_model_dispatched_by_accelerate_is_changed_alike() -> None:
    from accelerate import dispatch_model

    model = white_model("llama")
    expected = logits(model, *EVERYTHING)
    dispatch_model(model, {"": "cpu"}, force_hooks=True)
    assert logits(model, *EVERYTHING).equal(expected)
