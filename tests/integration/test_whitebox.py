"""The white box on the real small model, in the arithmetic that engines use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Choose, Generate, Read, Sampling
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace
from harness.models.model import LocalModel
from tests.support.white_runs import decode, run

pytestmark = pytest.mark.engine

TEXT = "The capital of France is"
LAYER = 14


@pytest.fixture(scope="module")
def loaded(small_model: LocalModel) -> tuple[Any, Any]:
    """The model in float32, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(small_model.path, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(small_model.path)


def words(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False).input_ids)


def concept(model: Any, tokenizer: Any) -> Array:
    """The stream at the last token of a prompt about Germany less that of one about Spain."""
    prompts = [words(tokenizer, f"The capital of {name} is") for name in ("Germany", "Spain")]
    (first, second), _ = run(model, [Read(p, (LAYER,), (len(p) - 1,)) for p in prompts])
    return Array.of(first[0, 0] - second[0, 0])


def test_the_stream_is_read_as_hugging_face_records_it(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    prompt = words(tokenizer, TEXT)
    layers = tuple(range(model.config.num_hidden_layers - 1))
    (read,), output = run(model, [Read(prompt, layers, tuple(range(len(prompt))))], output_hidden_states=True)
    for layer in layers:
        np.testing.assert_array_equal(read[layer], output.hidden_states[layer + 1][0].numpy())


def test_steered_rows_and_their_control_share_a_batch(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    prompt, v = words(tokenizer, TEXT), concept(model, tokenizer)
    last = (len(prompt) - 1,)
    some: list[tuple[Intervention, ...]] = [
        (),
        (Add(LAYER, "resid_post", v, 0.0, last),),
        (Add(LAYER, "resid_post", v, 2.0, last),),
        (Add(LAYER, "resid_post", v, -2.0, last),),
        (Ablate(LAYER, "attn_heads", last),),
        (Cut(3, last, (1, 2)),),
    ]
    calls = [Choose(prompt, (1,), one) for one in some]
    logits = run(model, calls)[1].logits[:, -1]
    for row, call in zip(logits, calls, strict=True):
        np.testing.assert_allclose(row, run(model, [call])[1].logits[0, -1], atol=2e-3)
    # Two rows of one batch may be computed by different kernels.
    assert logits[1].allclose(logits[0], rtol=0, atol=1e-4)
    german, spanish = (words(tokenizer, text)[0] for text in (" Berlin", " Madrid"))
    gain = (logits[:, german] - logits[:, spanish]) - (logits[0, german] - logits[0, spanish])
    assert gain[2] > 0 > gain[3]  # nats of Berlin over Madrid
    assert (logits[4:] - logits[0]).abs().amax(dim=1).min() > 0.01


def test_a_patched_position_carries_the_answer_over(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    france, italy = (words(tokenizer, f"The capital of {name} is") for name in ("France", "Italy"))
    layers = tuple(range(model.config.num_hidden_layers))
    (values,), output = run(model, [Read(italy, layers, (len(italy) - 1,))])
    patch = Replace(layers[-1], "resid_post", Array.of(values[-1]), (len(france) - 1,))
    patched = run(model, [Choose(france, (1,), (patch,))])[1].logits[0, -1]
    np.testing.assert_allclose(patched, output.logits[0, -1], atol=1e-4)


def test_steered_decoding_with_a_cache_is_that_without(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    prompt, v = words(tokenizer, TEXT), concept(model, tokenizer)
    steered = Add(LAYER, "resid_post", v, 1.0, (2,), decode=True)
    cut = Cut(10, tuple(range(4, 20)), (1,))
    tokens, cached = decode(model, [Generate(prompt, Sampling(6), interventions=(steered, cut))], 6)
    whole = (*prompt, *tokens[0, :-1].tolist())
    spelt = Add(LAYER, "resid_post", v, 1.0, (2, *range(len(prompt), len(whole))))
    uncached = run(model, [Choose(whole, (1,), (spelt, cut))])[1].logits[0, len(prompt) - 1 :]
    np.testing.assert_allclose(cached[0], uncached, atol=2e-3)
