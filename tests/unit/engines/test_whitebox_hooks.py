"""Hooks: none without need, none left behind, none that does not fire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Choose, Generate, Read, Sampling
from harness.calls.interventions import Add, Cut
from harness.engines.transformers.whitebox import Row, WhiteBox
from tests.support.white_models import WIDTH, shared_model, white_model
from tests.support.white_runs import EVERY, P, logits, run

V = Array.of(np.random.default_rng(11).normal(size=WIDTH))


def hooks(model: Any) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_nothing_to_do_installs_no_hook() -> None:
    import torch

    model = white_model("llama")
    white, cached = WhiteBox(model), filled_cache(model)
    idle = [Choose(P, (1,)), Choose(P, (1,), (Add(1, "resid_post", V, 1.0, ()), Cut(1, (3,), ())))]
    with white.forward([Row(call, 0) for call in idle], 0, 9):
        assert hooks(model) == 0
        # A row in a batch of two and alone: kernels of different shapes round differently.
        assert model(torch.tensor([P, P])).logits[0].allclose(logits(model), rtol=0, atol=1e-10)
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
