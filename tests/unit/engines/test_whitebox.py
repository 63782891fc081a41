"""What interventions do to a forward pass: their formulas, rows of a batch, decoding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Generate, Read, Sampling, Score
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace, Site
from harness.engines.transformers.whitebox import Row, WhiteBox
from tests.support.white_models import NEURONS, WIDTH, shared_model
from tests.support.white_runs import EVERY, P, decode, logits, run

SHORT = (58, 9, 7, 9, 32)
DRAW = np.random.default_rng(11)
V, W = (Array.of(DRAW.normal(size=WIDTH)) for _ in range(2))
NEURON = Array.of(DRAW.normal(size=NEURONS))


def read(model: Any, *interventions: Intervention, layer: int = 1, site: Site = "resid_post") -> Any:
    """[positions of P, width] at one site."""
    return run(model, [Read(P, (layer,), EVERY, site, interventions)])[0][0][0].astype(np.float64)


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
