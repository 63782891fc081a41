"""Adapters: two that change a model alike are one, and one that is not whole or does not fit is refused by name."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.errors import HarnessError
from harness.models import fingerprints
from harness.models.model import Model
from tests.support.tiny_models import SHAPE, save_tiny

TARGETS = ["v_proj", "q_proj"]
PLACE = "base_model.model.model.layers.{}.self_attn.{}.{}.weight"
CONFIG = {
    "peft_type": "LORA",
    "base_model_name_or_path": "org/base",
    "r": 4,
    "lora_alpha": 16,
    "lora_dropout": 0.1,
    "bias": "none",
    "inference_mode": True,
    "init_lora_weights": True,
    "peft_version": "0.21.2",
    "target_modules": TARGETS,
}

Tensors = dict[str, Any]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_tiny(tmp_path / "base", "llama")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter of rank 4 of the queries and values of the tiny model's three layers."""
    rng = np.random.default_rng(0)
    outs = {"q_proj": 32, "v_proj": 16}
    tensors: Tensors = {}
    for layer in range(SHAPE["num_hidden_layers"]):
        for module, out in outs.items():
            tensors[PLACE.format(layer, module, "lora_A")] = rng.normal(size=(4, 32)).astype("f4")
            tensors[PLACE.format(layer, module, "lora_B")] = rng.normal(size=(out, 4)).astype("f4")
    folder = tmp_path / "adapter"
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    return folder


def change(folder: Path, act: Callable[[Tensors], object] = lambda _: None, **settings: Any) -> Path:
    """Rewrites the tensors and the config of an adapter."""
    file = folder / "adapter_model.safetensors"
    tensors = dict(load_file(file))
    act(tensors)
    save_file(tensors, file)
    config = folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))
    return folder


def identity(base: Path, adapter: Path, **settings: Any) -> str:
    return Model(source=str(base), adapter=str(adapter), **settings).resolve().fingerprint


def refused(base: Path, adapter: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        identity(base, adapter)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def other(adapter: Path, name: str) -> Path:
    return Path(shutil.copytree(adapter, adapter.parent / name))


def reordered(folder: Path) -> None:
    """Writes the same tensors in another order, behind another header."""
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    content = b"".join(tensors[name].tobytes() for name in sorted(tensors, reverse=True))
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "saved": "later"}}
    at = 0
    for name in sorted(tensors, reverse=True):
        size = tensors[name].nbytes
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, at + size]}
        at += size
    words = json.dumps(header).encode()
    file.write_bytes(len(words).to_bytes(8, "little") + words + content)


def test_an_adapter_that_is_saved_again_is_the_same(base: Path, adapter: Path) -> None:
    before = identity(base, adapter)
    for name, settings in (
        ("order", {"target_modules": TARGETS[::-1]}),
        ("pattern", {"target_modules": r".*\.(q|v)_proj"}),
        ("place", {"base_model_name_or_path": "/elsewhere/base", "revision": "main"}),
        ("version", {"peft_version": "0.30.0", "a_new_switch": False, "a_new_list": None, "qalora_group_size": 16}),
        ("training", {"lora_dropout": 0.0, "inference_mode": False, "init_lora_weights": "gaussian"}),
        ("rank", {"r": 8, "rank_pattern": {"q_proj": 4, "v_proj": 4}}),
        ("alpha", {"lora_alpha": 1, "alpha_pattern": {"self_attn.(q|v)_proj": 16}}),
    ):
        assert identity(base, change(other(adapter, name), **settings)) == before, name
    copy = other(adapter, "tensors")
    reordered(copy)
    assert (copy / "adapter_model.safetensors").read_bytes() != (adapter / "adapter_model.safetensors").read_bytes()
    assert identity(base, copy) == before
    config = list(CONFIG.items())
    random.Random(1).shuffle(config)
    (copy / "adapter_config.json").write_text(json.dumps(dict(config)))
    assert identity(base, copy) == before


def add_head(tensors: Tensors) -> None:
    tensors["base_model.model.lm_head.weight"] = np.zeros((98, 32), "f4")


def add_magnitudes(tensors: Tensors) -> None:
    for name, b in list(tensors.items()):
        if "lora_B" in name:
            tensors[name.replace("lora_B.weight", "lora_magnitude_vector")] = np.ones(len(b), "f4")


def test_whatever_changes_the_forward_pass_is_another_adapter(base: Path, adapter: Path) -> None:
    seen = [identity(base, adapter)]
    key = PLACE.format(1, "q_proj", "lora_B")

    def nudge(tensors: Tensors) -> None:
        tensors[key][0, 0] += 1

    def halve(tensors: Tensors) -> None:
        tensors[key] = tensors[key].astype("f2")

    def swap(tensors: Tensors) -> None:
        one = PLACE.format(0, "q_proj", "lora_B")
        tensors[one], tensors[key] = tensors[key], tensors[one]

    for name, act in (("nudge", nudge), ("halve", halve), ("swap", swap)):
        seen.append(identity(base, change(other(adapter, name), act)))
    for name, settings in (
        ("alpha", {"lora_alpha": 8}),
        ("one alpha", {"alpha_pattern": {"layers.0.self_attn.q_proj": 8}}),
        ("rslora", {"use_rslora": True}),
        ("fan", {"fan_in_fan_out": True}),
        ("start", {"init_lora_weights": "pissa_niter_4"}),
        ("unknown", {"a_new_switch": True}),
    ):
        seen.append(identity(base, change(other(adapter, name), **settings)))
    dora = change(other(adapter, "dora"), add_magnitudes, use_dora=True)
    head = change(other(adapter, "head"), add_head, modules_to_save=["lm_head"])
    seen += [identity(base, dora), identity(base, head)]
    assert len(set(seen)) == len(seen)
    elsewhere = save_tiny(base.parent / "other base", "llama", scale=5.0)
    assert identity(elsewhere, adapter) not in seen


def test_the_digest_of_a_large_adapter_is_remembered(
    base: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "REMEMBER_FROM", 4)
    file = adapter / "adapter_model.safetensors"
    os.utime(file, (time.time() - 60,) * 2)
    before = identity(base, adapter)
    monkeypatch.setattr("harness.models.adapters._digest_of_tensors", lambda _: pytest.fail("read once more"))
    assert identity(base, adapter) == before


def test_tensors_that_are_lacking_or_strange_are_named(base: Path, adapter: Path) -> None:
    key = PLACE.format(1, "q_proj", "lora_B")
    zeros = np.zeros((1, 1), "f4")

    def drop_both(tensors: Tensors) -> None:
        del tensors[key], tensors[key.replace("lora_B", "lora_A")]

    def bare(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("base_model.model.")] = tensors.pop(name)

    def named(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.replace(".weight", ".default.weight")] = tensors.pop(name)

    cases: list[tuple[Callable[[Tensors], object], str]] = [
        (lambda tensors: tensors.pop(key), f"lacks {key};"),
        (drop_both, "lacks the matrices of model.layers.1.self_attn.q_proj, which its target_modules name"),
        (bare, "the names of PEFT's tensors begin with 'base_model.model.'"),
        (named, "lora_A.default.weight, which is no tensor of a LoRA"),
        (lambda t: t.update({"base_model.model.v_head.weight": zeros}), "holds base_model.model.v_head.weight, which"),
    ]
    for settings, message in (
        ({"use_dora": True}, "lacks base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector, but its"),
        ({"modules_to_save": ["lm_head"]}, "lacks lm_head, which its modules_to_save name"),
    ):
        assert message in refused(base, change(other(adapter, message[:20]), **settings))
    unsaid = change(other(adapter, "unsaid"), add_magnitudes)
    assert "lora_magnitude_vector, but its config says use_dora=False" in refused(base, unsaid)
    for number, (act, message) in enumerate(cases):
        broken = change(other(adapter, f"case {number}"), act)
        told = refused(base, broken)
        assert message in told
        assert told.endswith("set model.weights=unchecked")
        identity(base, broken, weights="unchecked")


def test_an_adapter_of_other_names_is_refused_before_an_engine_leaves_it_out(base: Path, adapter: Path) -> None:
    def rename(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.replace("model.layers", "model.language_model.layers")] = tensors.pop(name)

    model = Model(source=str(base), adapter=str(adapter))
    model.check(model.resolve())
    change(adapter, rename)
    local = model.resolve()
    with pytest.raises(
        HarnessError, match=r"changes model\.language_model\.layers\.0\.self_attn\.q_proj, which model\.source"
    ):
        model.check(local)


def test_modules_to_save_and_layers_are_known(base: Path, adapter: Path) -> None:
    identity(base, change(other(adapter, "head"), add_head, modules_to_save=["lm_head"]))

    def add_embeddings(tensors: Tensors) -> None:
        tensors["base_model.model.lm_head.base_layer.weight"] = np.zeros((98, 32), "f4")
        tensors["base_model.model.model.embed_tokens.weight"] = np.zeros((98, 32), "f4")

    identity(base, change(other(adapter, "embeddings"), add_embeddings))

    def drop_last(tensors: Tensors) -> None:
        for name in [name for name in tensors if ".layers.2." in name]:
            del tensors[name]

    fewer = change(other(adapter, "fewer"), drop_last)
    assert "lacks the matrices of model.layers.2.self_attn.q_proj" in refused(base, fewer)
    identity(base, change(fewer, layers_to_transform=[0, 1]))
    identity(base, change(fewer, layers_to_transform=None, exclude_modules=r".*\.2\..*"))


def test_matrices_of_another_rank_target_or_base_are_refused(base: Path, adapter: Path) -> None:
    told = refused(base, change(other(adapter, "rank"), r=8))
    assert "describes model.layers.0.self_attn.q_proj as of rank 8, its matrices are of rank 4" in told
    told = refused(base, change(other(adapter, "target"), target_modules=["q_proj"]))
    assert "holds matrices of model.layers.0.self_attn.v_proj, which its target_modules do not name" in told

    def widen(tensors: Tensors) -> None:
        for name in list(tensors):
            if "lora_A" in name:
                tensors[name] = np.zeros((4, 48), "f4")

    told = refused(base, change(other(adapter, "wide"), widen))
    assert "by a matrix of shape [32, 48], that of model.source is [32, 32]; wrong base model? " in told
    assert "It says that it was made for org/base" in told
    (adapter / "adapter_model.safetensors").write_bytes((adapter / "adapter_model.safetensors").read_bytes()[:-5])
    assert "adapter_model.safetensors is damaged or cut off" in refused(base, adapter)
