"""GGUF conversion on a model small enough to check by hand."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from harness.errors import HarnessError
from harness.models import conversion
from harness.models.conversion import convert, converted
from tests.support.tiny_gguf import TEMPLATE, TOKENS, tiny_tensors, write_tiny


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.gguf")


@pytest.fixture
def folder(gguf: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    convert(gguf, folder)
    return folder


def test_weights_keep_their_values(folder: Path) -> None:
    made, given = load_file(folder / "model.safetensors"), tiny_tensors()
    assert len(made) == len(given)
    assert {w.dtype for w in made.values()} == {np.dtype(np.float32)}
    for theirs, ours in {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "blk.1.attn_norm.weight": "model.layers.1.input_layernorm.weight",
        "blk.1.ffn_norm.weight": "model.layers.1.post_attention_layernorm.weight",
        "blk.0.attn_v.weight": "model.layers.0.self_attn.v_proj.weight",
        "blk.0.attn_output.weight": "model.layers.0.self_attn.o_proj.weight",
        "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
        "blk.1.ffn_gate.weight": "model.layers.1.mlp.gate_proj.weight",
        "blk.1.ffn_up.weight": "model.layers.1.mlp.up_proj.weight",
    }.items():
        np.testing.assert_array_equal(made[ours], given[theirs])


def test_rows_of_queries_and_keys_are_put_in_hugging_face_order(folder: Path) -> None:
    made, given = load_file(folder / "model.safetensors"), tiny_tensors()
    # Heads of 4 rows: GGUF pairs rows (0, 1) and (2, 3), Hugging Face (0, 2) and (1, 3).
    query, key = given["blk.0.attn_q.weight"], given["blk.0.attn_k.weight"]
    np.testing.assert_array_equal(made["model.layers.0.self_attn.q_proj.weight"], query[[0, 2, 1, 3, 4, 6, 5, 7]])
    np.testing.assert_array_equal(made["model.layers.0.self_attn.k_proj.weight"], key[[0, 2, 1, 3]])


def test_quantised_blocks_are_dequantised_exactly() -> None:
    # One Q4_1 block is 32 values: half-precision scale and minimum, then 16 bytes of two 4-bit numbers each.
    block = np.array([0.1, -0.7], np.float16).tobytes() + bytes(range(16))
    values = quants.dequantize(np.frombuffer(block, np.uint8), GGMLQuantizationType.Q4_1)
    scale, minimum = np.float32(np.float16(0.1)), np.float32(np.float16(-0.7))
    np.testing.assert_array_equal(values, np.concatenate([np.arange(16), np.zeros(16)]).astype("f") * scale + minimum)


def test_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["rms_norm_eps"] == pytest.approx(1e-5, rel=1e-6)
    del config["rms_norm_eps"]
    assert config == {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "vocab_size": 12,
        "hidden_size": 8,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 4,
        "max_position_embeddings": 64,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    assert json.loads((folder / "generation_config.json").read_text()) == {"bos_token_id": 1, "eos_token_id": 2}


def test_own_output_weights_are_not_tied(tmp_path: Path) -> None:
    head = np.ones((len(TOKENS), 8), np.float32)
    convert(write_tiny(tmp_path / "head.gguf", {**tiny_tensors(), "output.weight": head}), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["tie_word_embeddings"] is False
    np.testing.assert_array_equal(load_file(tmp_path / "model.safetensors")["lm_head.weight"], head)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ab", ["ab"]),
        ("12", ["1", "2"]),
        ("\n\n1", ["ĊĊ", "1"]),  # GPT-2's splitting would give Ċ Ċ 1
        ("\n\na", ["Ċ", "Ċ", "a"]),
        ("  1", ["ĠĠ", "1"]),
        ("<|im_start|>a<|im_end|>", ["<|im_start|>", "a", "<|im_end|>"]),
    ],
)
def test_tokens(folder: Path, text: str, tokens: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoding = tokenizer.encode(text)
    assert encoding.tokens == tokens
    assert encoding.ids == [TOKENS.index(token) for token in tokens]
    assert tokenizer.decode(encoding.ids, skip_special_tokens=False) == text


def test_tokenizer_settings_and_template(folder: Path) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert (settings["bos_token"], settings["eos_token"]) == ("<|im_start|>", "<|im_end|>")
    assert settings["clean_up_tokenization_spaces"] is False
    assert (folder / "chat_template.jinja").read_text() == TEMPLATE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splitter": "qwen2"}, "tokenizer.ggml.pre is 'qwen2'"),
        ({"architecture": "gemma"}, "general.architecture is 'gemma'"),
        ({"llama__rope__scaling__type": "yarn"}, "scaling.type is 'yarn'"),
    ],
)
def test_other_families_are_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        convert(write_tiny(tmp_path / "other.gguf", None, **changes), tmp_path)


def test_unknown_absent_and_damaged(tmp_path: Path) -> None:
    bias = {**tiny_tensors(), "blk.0.attn_q.bias": np.zeros(8, np.float32)}
    with pytest.raises(HarnessError, match=r"blk\.0\.attn_q\.bias"):
        convert(write_tiny(tmp_path / "bias.gguf", bias), tmp_path)
    fewer = tiny_tensors()
    del fewer["blk.1.ffn_up.weight"]
    with pytest.raises(HarnessError, match="lacks 1 of its tensors"):
        convert(write_tiny(tmp_path / "fewer.gguf", fewer), tmp_path)
    (tmp_path / "text.gguf").write_text("this is not a model, whatever its name says" * 10)
    with pytest.raises(HarnessError, match=r"text\.gguf is no GGUF file or is damaged"):
        convert(tmp_path / "text.gguf", tmp_path)


def test_converts_once(gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = tmp_path / "cache" / "models"
    first = converted(gguf, cache)
    assert first.name.endswith(f"-v{conversion.VERSION}")
    assert "converting tiny.gguf" in capsys.readouterr().err
    assert converted(gguf, cache) == first
    assert capsys.readouterr().err == ""
    assert [entry.name for entry in cache.iterdir()] == [first.name]


def test_an_interrupted_conversion_leaves_nothing(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "convert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            converted(gguf, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []
    assert (converted(gguf, tmp_path / "models") / "model.safetensors").is_file()


def test_the_first_of_two_processes_wins(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, other = tmp_path / "models", tmp_path / "other"
    name = converted(gguf, other).name

    def overtaken(_: Path, folder: Path) -> None:
        (folder / "late").touch()
        (other / name).rename(models / name)

    monkeypatch.setattr(conversion, "convert", overtaken)
    folder = converted(gguf, models)
    assert sorted(os.listdir(models)) == [name]
    assert "late" not in os.listdir(folder)


def test_leftovers_of_killed_processes_are_removed_in_time(gguf: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name, age in {".draft-dead": conversion.STALE + 60, ".draft-alive": 5.0}.items():
        (models / name).mkdir(parents=True)
        os.utime(models / name, (time.time() - age,) * 2)
    folder = converted(gguf, models)
    assert sorted(os.listdir(models)) == [".draft-alive", folder.name]


def test_unwritable_cache(gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="HARNESS_CACHE"):
        converted(gguf, tmp_path / "file" / "models")
