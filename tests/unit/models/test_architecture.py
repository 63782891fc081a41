"""Checkpoints that lack a tensor, hold a strange one or one of another shape: refused by name, on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.errors import HarnessError
from harness.models.model import Model
from tests.support.tiny_models import SHAPE, save_tiny

Tensors = dict[str, Any]
QUERY = "model.layers.0.self_attn.q_proj.weight"
FORMAT = {"format": "pt"}


def change(folder: Path, act: Callable[[Tensors], object]) -> Path:
    """Rewrites the weights of a folder."""
    file = folder / "model.safetensors"
    tensors = dict(load_file(file))
    act(tensors)
    save_file(tensors, file, metadata=FORMAT)
    return folder


def configure(folder: Path, **settings: Any) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return folder


def check(folder: Path, **settings: Any) -> None:
    """What both engines do before they load."""
    model = Model(source=str(folder), **settings)
    model.check(model.resolve())


def refused(folder: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        check(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def save_shards(folder: Path, files: int, index: bool) -> dict[str, str]:
    """Spreads the weights over numbered files; the file of each tensor."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = [f"model-{i + 1:05}-of-{files:05}.safetensors" for i in range(files)]
    homes = {tensor: names[i % files] for i, tensor in enumerate(sorted(tensors))}
    for name in names:
        save_file({t: tensors[t] for t, home in homes.items() if home == name}, folder / name, metadata=FORMAT)
    if index:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": homes}))
    return homes


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "mistral"])
def test_a_whole_checkpoint_passes(tmp_path: Path, kind: str) -> None:
    check(save_tiny(tmp_path, kind))


def test_a_tensor_that_is_lacking_is_named(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "llama")
    change(folder, lambda tensors: tensors.pop(QUERY))
    assert f"it lacks {QUERY}; copy or download it again, or set model.weights=unchecked" in refused(folder)
    check(folder, weights="unchecked")
    change(folder, lambda tensors: [tensors.pop(name) for name in list(tensors) if ".1." in name])
    assert "and 7 more" in refused(folder)


def test_an_output_head_may_only_lack_where_it_is_the_input_embedding(tmp_path: Path) -> None:
    folder = change(save_tiny(tmp_path, "llama"), lambda tensors: tensors.pop("lm_head.weight"))
    assert "it lacks lm_head.weight" in refused(folder)
    check(configure(folder, tie_word_embeddings=True))
    change(folder, lambda tensors: tensors.pop("model.embed_tokens.weight"))
    assert "model.embed_tokens.weight" in refused(folder)


def test_a_strange_tensor_is_named(tmp_path: Path) -> None:
    folder = change(save_tiny(tmp_path, "llama"), lambda t: t.update({"v_head.weight": np.zeros((1, 32), "f4")}))
    assert "LlamaForCausalLM has no place for v_head.weight; give the config.json that belongs" in refused(folder)
    configure(change(folder, lambda tensors: tensors.pop("v_head.weight")), num_hidden_layers=2)
    assert "has no place for model.layers.2." in refused(folder)


def test_a_shape_that_the_config_does_not_say_is_named(tmp_path: Path) -> None:
    folder = change(save_tiny(tmp_path, "llama"), lambda t: t.update({QUERY: np.zeros((32, 16), "f4")}))
    assert f"it holds {QUERY} of shape [32, 16] instead of [32, 32]" in refused(folder)


@pytest.mark.parametrize("prefix", ["module.", "base_model.model.", "_orig_mod.", "model."])
def test_names_with_something_before_them_are_refused_by_it(tmp_path: Path, prefix: str) -> None:
    def rename(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[prefix + name] = tensors.pop(name)

    folder = change(save_tiny(tmp_path, "llama"), rename)
    assert f"the names of its tensors begin with {prefix!r}, which those of LlamaForCausalLM do not" in refused(folder)


def test_names_may_lack_what_stands_before_the_base_model(tmp_path: Path) -> None:
    def rename(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)

    check(change(save_tiny(tmp_path, "gpt2"), rename))  # as OpenAI's GPT-2 is kept on the hub


@pytest.mark.parametrize(
    ("kind", "name", "shape"),
    [
        ("llama", "model.layers.0.self_attn.rotary_emb.inv_freq", (4,)),
        ("llama", "model.rotary_emb.inv_freq", (4,)),
        ("gpt2", "transformer.h.0.attn.bias", (1, 1, 256, 256)),
        ("gpt2", "h.0.attn.bias", (1, 1, 256, 256)),
        ("gpt2", "transformer.h.0.attn.masked_bias", ()),
    ],
)
def test_buffers_that_older_versions_saved_are_no_strangers(
    tmp_path: Path, kind: str, name: str, shape: tuple[int, ...]
) -> None:
    check(change(save_tiny(tmp_path, kind), lambda tensors: tensors.update({name: np.ones(shape, "f4")})))


def test_an_expert_without_one_of_its_matrices_is_named(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, MixtralConfig

    lacking = "model.layers.1.block_sparse_moe.experts.2.w1.weight"
    folder = save_tiny(tmp_path, "llama")
    AutoModelForCausalLM.from_config(MixtralConfig(**SHAPE, num_local_experts=4)).save_pretrained(folder)
    check(folder)
    change(folder, lambda tensors: tensors.pop(lacking))
    assert f"it lacks {lacking};" in refused(folder)


def test_shards_with_an_index(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "llama")
    homes = save_shards(folder, 4, index=True)
    check(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": homes | {QUERY: next(h for h in homes.values() if h != homes[QUERY])}}))
    assert f"lacks {QUERY}, which model.safetensors.index.json says it holds" in refused(folder)
    index.write_text(json.dumps({"weight_map": homes | {"more": "../config.json"}}))
    assert "'../config.json' is no file name" in refused(folder)
    index.write_text(json.dumps({"weight_map": homes}))
    (folder / "model-00002-of-00004.safetensors").unlink()
    assert "lacks model-00002-of-00004.safetensors, which model.safetensors.index.json names" in refused(folder)


def test_shards_without_an_index_are_counted_by_their_names(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "llama")
    save_shards(folder, 4, index=False)
    check(folder)
    (folder / "model-00002-of-00004.safetensors").unlink()
    assert "lacks model-00002-of-00004.safetensors: the names of the others say that there are 4 files" in refused(
        folder
    )
    with pytest.raises(HarnessError, match="model-00002-of-00004"):
        Model(source=str(folder), weights="unchecked").resolve()


def test_two_files_of_the_same_weights_are_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path, "llama")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "old.safetensors").write_bytes(whole)
    assert "holds lm_head.weight twice, in model.safetensors and old.safetensors" in refused(folder)
    (folder / "old.safetensors").rename(folder / "consolidated.safetensors")
    check(folder)
    save_shards(folder, 2, index=True)
    check(folder)
    (folder / "model.safetensors").write_bytes(whole)
    assert "holds model.safetensors and a model.safetensors.index.json that names other files" in refused(folder)


@pytest.mark.parametrize("keep", [4, 100, -1])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    file = save_tiny(tmp_path, "llama") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert f"{file} is damaged or cut off" in refused(tmp_path)


def quantise(folder: Path, parts: dict[str, str], method: str, keep: str = "") -> Path:
    """Replaces every matrix of a layer by other tensors, as quantisers do.

    Args:
        parts: type of each tensor by its name in the module.
    """

    def act(tensors: Tensors) -> None:
        for name in [name for name in tensors if "_proj" in name]:
            out, into = tensors.pop(name).shape
            module = name.removesuffix(".weight")
            tensors |= {f"{module}.{part}": np.zeros((out // 4, into), kind) for part, kind in parts.items()}

    return configure(change(folder, act), quantization_config={"quant_method": method})


GPTQ = {"qweight": "i4", "qzeros": "i4", "scales": "f2", "g_idx": "i4"}
FORMATS = {
    "gptq": GPTQ,
    "awq": {"qweight": "i4", "qzeros": "i4", "scales": "f2"},
    "compressed-tensors": {"weight_packed": "i4", "weight_scale": "f2", "weight_shape": "i8"},
    "fp8": {"weight": "i1", "weight_scale_inv": "f4"},
    "bitsandbytes": {"weight": "u1", "weight.absmax": "f4", "weight.quant_map": "f4", "weight.nested_absmax": "f4"},
}


@pytest.mark.parametrize("method", FORMATS)
def test_quantised_weights_stand_for_the_matrices_of_the_architecture(tmp_path: Path, method: str) -> None:
    folder = quantise(save_tiny(tmp_path, "llama"), FORMATS[method], method)
    check(folder)
    part = sorted(FORMATS[method])[-1]
    one = f"model.layers.1.mlp.up_proj.{part}"
    change(folder, lambda tensors: tensors.pop(one))
    assert f"lacks {one}, which other matrices of that name have" in refused(folder)


def test_what_is_not_quantised_of_a_quantised_model_is_compared(tmp_path: Path) -> None:
    folder = quantise(save_tiny(tmp_path, "llama"), GPTQ, "gptq")
    change(folder, lambda t: [t.pop(name) for name in list(t) if "layers.1.mlp.up_proj" in name])
    assert "it lacks model.layers.1.mlp.up_proj.weight" in refused(folder)
    folder = quantise(save_tiny(tmp_path / "other", "llama"), GPTQ, "gptq")
    change(folder, lambda t: t.update({"model.norm.weight": np.zeros(31, "f4"), "extra.weight": np.zeros(1, "f4")}))
    told = refused(folder)
    assert "it holds model.norm.weight of shape [31] instead of [32]" in told
    assert "has no place for extra.weight" in told


def test_an_architecture_that_nobody_knows_has_all_its_layers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = configure(save_tiny(tmp_path, "llama"), model_type="of_tomorrow", architectures=["OfTomorrow"])
    check(change(folder, lambda tensors: tensors.update({"head.2.weight": np.zeros(1, "f4")})))
    assert "only the numbering of the layers is checked" in capsys.readouterr().err
    change(folder, lambda tensors: [tensors.pop(name) for name in list(tensors) if "layers.1." in name])
    assert "holds no tensor of model.layers.1;" in refused(folder)
    configure(save_tiny(tmp_path, "llama"), model_type="of_tomorrow", num_hidden_layers=4)
    assert "holds no tensor of model.layers.3;" in refused(folder)


def test_names_may_be_mapped_by_the_user(tmp_path: Path) -> None:
    def rename(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)

    model = Model(source=str(change(save_tiny(tmp_path, "llama"), rename)))
    model.check(model.resolve(), {"^module.": ""})
