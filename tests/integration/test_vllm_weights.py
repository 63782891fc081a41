"""Checkpoints that vLLM itself would load and answer from: refused before it does, unless that is asked for."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from harness.calls.calls import Choose, Logprobs
from harness.errors import EngineDied, HarnessError
from harness.models.model import Model
from tests.integration.engines import ask, small_vllm
from tests.support.tiny_models import SHAPE, toy_tokenizer

pytestmark = pytest.mark.engine


def save_without(folder: Path, lacking: str) -> Path:
    """A random model whose heads are as wide as vLLM wants them, less one tensor."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(7)
    wide = SHAPE | {"hidden_size": 128, "head_dim": 32}
    AutoModelForCausalLM.from_config(LlamaConfig(**wide, tie_word_embeddings=False)).save_pretrained(folder)
    toy_tokenizer().save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors: dict[str, Any] = dict(load_file(file))
    del tensors[lacking]
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("lacking", ["model.layers.1.self_attn.q_proj.weight", "lm_head.weight"])
def test_weights_that_a_checkpoint_lacks_are_no_random_numbers(tmp_path: Path, lacking: str) -> None:
    folder = save_without(tmp_path, lacking)
    with pytest.raises(HarnessError, match=f"lacks {lacking}"):
        small_vllm(256).load(Model(source=str(folder)))
    engine = small_vllm(256).load(Model(source=str(folder), weights="unchecked"))
    said = ""
    try:
        (reply,) = ask(engine, [Choose((5, 6, 7), (4, 9))])
    except EngineDied as error:  # what the memory held before is no number, as often as not
        said = str(error)
    engine.close()
    assert "are not numbers" in said if said else isinstance(reply, Logprobs)
    assert engine.identity["weights"] == "unchecked"
