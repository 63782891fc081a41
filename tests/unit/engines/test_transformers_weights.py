"""Weights and adapters in the transformers engine: what is refused, and what an adapter does to the numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.calls.calls import Activations, Call, Choose, Logprobs, Read
from harness.engines.transformers.engine import Transformers
from harness.errors import HarnessError
from harness.models.model import LocalModel, Model
from tests.integration.engines import ask
from tests.support.tiny_models import save_tiny

PROMPT, TOKENS = (5, 6, 7), (4, 9)


def change(folder: Path, act: Callable[[dict[str, Any]], object]) -> Path:
    file = folder / "model.safetensors"
    tensors = dict(load_file(file))
    act(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def options(model: Model, **settings: Any) -> tuple[Any, dict[str, str]]:
    """Log-probabilities of two tokens, and the engine's identity."""
    engine = Transformers(**settings).load(model)
    (reply,) = ask(engine, [Choose(PROMPT, TOKENS)])
    engine.close()
    assert isinstance(reply, Logprobs)
    return np.array(reply.values), engine.identity


@pytest.mark.parametrize("lacking", ["lm_head.weight", "model.layers.1.self_attn.q_proj.weight"])
def test_weights_that_a_checkpoint_lacks_are_no_random_numbers(tmp_path: Path, lacking: str) -> None:
    folder = change(save_tiny(tmp_path, "llama"), lambda tensors: tensors.pop(lacking))
    with pytest.raises(HarnessError, match=f"lacks {lacking}"):
        Transformers().load(Model(source=str(folder)))
    assert options(Model(source=str(folder), weights="unchecked"))[1]["weights"] == "unchecked"


def test_checked_weights_leave_the_identity_alone(tmp_path: Path) -> None:
    assert "weights" not in options(Model(source=str(save_tiny(tmp_path, "llama"))))[1]


def test_renamings_that_the_engine_is_asked_for_are_part_of_the_check(tmp_path: Path) -> None:
    def rename(tensors: dict[str, Any]) -> None:
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)

    plain = options(Model(source=str(save_tiny(tmp_path, "llama"))))[0]
    model = Model(source=str(change(tmp_path, rename)))
    with pytest.raises(HarnessError, match=r"begin with 'module\.'"):
        Transformers().load(model)
    np.testing.assert_array_equal(options(model, args={"key_mapping": {"^module.": ""}})[0], plain)


def test_an_adapter_without_peft_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_tiny(tmp_path, "llama")
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    monkeypatch.setattr(Model, "resolve", lambda _: LocalModel(folder, "f", folder))
    with pytest.raises(HarnessError, match="pip install peft"):
        Transformers().load(Model(source=str(folder), weights="unchecked"))


@pytest.fixture
def adapted(tmp_path: Path) -> tuple[Model, Any]:
    """A tiny model with an adapter that PEFT has written, and the model with the adapter added by hand."""
    peft = pytest.importorskip("peft", reason="adapters with engine=transformers need peft")
    import torch
    from transformers import AutoModelForCausalLM

    base, folder = save_tiny(tmp_path / "base", "llama"), tmp_path / "adapter"
    model = AutoModelForCausalLM.from_pretrained(base)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(r=2, lora_alpha=6, target_modules=["down_proj"]))
    torch.manual_seed(0)
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    wrapped.save_pretrained(folder)
    plain = AutoModelForCausalLM.from_pretrained(base).eval()
    with torch.no_grad():
        for i, layer in enumerate(plain.model.layers):
            lora = wrapped.base_model.model.model.layers[i].mlp.down_proj
            layer.mlp.down_proj.weight += 3 * lora.lora_B["default"].weight @ lora.lora_A["default"].weight
    return Model(source=str(base), adapter=str(folder)), plain


def test_an_adapter_changes_the_numbers_as_its_matrices_say(adapted: tuple[Model, Any]) -> None:
    import torch

    model, merged = adapted
    with torch.no_grad():
        expected = merged(torch.tensor([PROMPT])).logits[0, -1].log_softmax(-1)[list(TOKENS)].numpy()
    found, identity = options(model)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    base, base_identity = options(Model(source=model.source))
    assert np.abs(base - expected).max() > 0.5  # else this would show nothing
    assert identity["model"] != base_identity["model"]


def test_in_bfloat16_an_adapter_stays_beside_the_weights(adapted: tuple[Model, Any]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model, merged = adapted
    engine = Transformers(dtype="bfloat16").load(model)
    held = engine._model.model.layers[0].mlp.down_proj  # type: ignore[attr-defined]
    plain = AutoModelForCausalLM.from_pretrained(model.source, dtype=torch.bfloat16)
    assert torch.equal(held.base_layer.weight, plain.model.layers[0].mlp.down_proj.weight)
    calls: list[Call] = [Choose(PROMPT, TOKENS), Read(PROMPT, layers=(0,), positions=(2,))]
    reply, seen = ask(engine, calls)
    engine.close()
    assert isinstance(reply, Logprobs)
    assert isinstance(seen, Activations)
    with torch.no_grad():
        out = merged(torch.tensor([PROMPT]), output_hidden_states=True)
    np.testing.assert_allclose(reply.values, out.logits[0, -1].log_softmax(-1)[list(TOKENS)].numpy(), atol=0.25)
    expected = out.hidden_states[1][0, -1].numpy()
    np.testing.assert_allclose(seen.values.numpy()[0, 0], expected, atol=0.02 * np.abs(expected).max())
