"""Interventions on a model planted by hand, whose every number is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from harness.calls.arrays import Array
from harness.calls.calls import Read
from harness.calls.interventions import Add, Cut, Intervention
from tests.support.white_runs import logits, run


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
