"""Weights and adapters that no model has: each is refused in one line that names the tensor, the file or the entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.models.model import Model
from tests.support.tiny_models import save_tiny
from tests.unit.models import test_adapters, test_architecture
from tests.unit.models.test_adapters import adapter, base, own_cache  # noqa: F401
from tests.unit.models.test_architecture import QUERY, change, save_shards

UP = "model.layers.2.mlp.up_proj.weight"


def refused(folder: Path, **settings: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        test_architecture.check(folder, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "bool"])
def test_a_weight_of_whole_numbers_is_named(tmp_path: Path, kind: str) -> None:
    folder = change(save_tiny(tmp_path / "m", "llama"), lambda t: t.update({QUERY: t[QUERY].astype(kind)}))
    assert QUERY in refused(folder)


@pytest.mark.parametrize("shape", [(0, 32), (1024,), (32, 32, 1), (), (16, 64), (31, 32)])
def test_a_weight_of_another_shape_is_named(tmp_path: Path, shape: tuple[int, ...]) -> None:
    folder = change(save_tiny(tmp_path / "m", "llama"), lambda t: t.update({UP: np.zeros(shape, "f4")}))
    assert UP in refused(folder)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "base_model.model.", "transformer.", "model.", "student.", "0."]
)
def test_names_with_something_before_them_are_refused(tmp_path: Path, prefix: str) -> None:
    folder = change(save_tiny(tmp_path / "m", "llama"), lambda t: [t.update({prefix + n: t.pop(n)}) for n in list(t)])
    assert prefix in refused(folder)


def test_one_layer_that_is_called_otherwise_is_named(tmp_path: Path) -> None:
    folder = change(save_tiny(tmp_path / "m", "llama"), lambda t: t.update({f"module.{UP}": t.pop(UP)}))
    assert "module." in refused(folder)


@pytest.mark.parametrize(
    "file", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "", 5, None, ["a"], "a\x00b", "~/x"]
)
def test_an_index_that_names_a_file_elsewhere_is_refused(tmp_path: Path, file: Any) -> None:
    folder = save_tiny(tmp_path / "m", "llama")
    homes = save_shards(folder, 2, index=True)
    name = next(iter(homes))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": homes | {name: file}}))
    assert "model.safetensors.index.json" in refused(folder)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": null}', "[" * 99999]
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    folder = save_tiny(tmp_path / "m", "llama")
    save_shards(folder, 2, index=True)
    (folder / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json" in refused(folder)


def test_a_shard_that_is_a_link_to_nothing_or_a_folder_is_named(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "m", "llama")
    names = sorted(set(save_shards(folder, 3, index=False).values()))
    (folder / names[1]).unlink()
    assert names[1] in refused(folder)
    (folder / names[1]).symlink_to(tmp_path / "nowhere")
    assert names[1] in refused(folder)
    (folder / names[1]).unlink()
    (folder / names[1]).mkdir()
    assert names[1] in refused(folder)


def header(folder: Path, content: bytes, length: int | None = None) -> None:
    size = len(content) if length is None else length
    (folder / "model.safetensors").write_bytes(size.to_bytes(8, "little") + content + bytes(64))


@pytest.mark.parametrize(
    ("content", "length"),
    [
        (b"{}", 1 << 62), (b"{}", 1 << 40), (b"{}", 0), (b"[" * 5000, None), (b'{"a": 5}', None), (b"\xff" * 20, None),
        (b'{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,16]}}', None),
        (b'{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}', None),
        (b'{"a":{"dtype":"Q9","shape":[4],"data_offsets":[0,16]}}', None),
        (b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,9999999]}}', None),
        (b'{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,64]}}', None),
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused(tmp_path: Path, content: bytes, length: int | None) -> None:
    folder = save_tiny(tmp_path / "m", "llama")
    header(folder, content, length)
    assert "model.safetensors is damaged" in refused(folder)


ENTRIES: list[dict[str, Any]] = [
    {"target_modules": "("}, {"target_modules": 5}, {"target_modules": {"q_proj": 1}}, {"target_modules": [5]},
    {"target_modules": [None]}, {"target_modules": ["q_proj", ["v_proj"]]}, {"exclude_modules": "("},
    {"exclude_modules": 5}, {"layers_to_transform": "0"}, {"layers_to_transform": [None]}, {"modules_to_save": 5},
    {"modules_to_save": [5]}, {"modules_to_save": "lm_head"}, {"rank_pattern": []}, {"rank_pattern": {"(": 4}},
    {"rank_pattern": {"q_proj": "4"}}, {"rank_pattern": {"q_proj": 0}}, {"alpha_pattern": {"q_proj": "x"}},
    {"alpha_pattern": {"q_proj": True}}, {"alpha_pattern": 5}, {"lora_alpha": "16"}, {"lora_alpha": None},
    {"lora_alpha": True}, {"r": 0}, {"r": -4}, {"r": 4.0}, {"r": True}, {"r": "4"}, {"r": None}, {"r": 1 << 70},
    {"r": 5}, {"peft_type": None}, {"peft_type": ["LORA"]}, {"peft_type": "IA3"}, {"use_dora": True},
    {"bias": "all", "lora_bias": True},
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=[json.dumps(entry) for entry in ENTRIES])
def test_an_adapter_whose_config_makes_no_sense_is_refused(base: Path, adapter: Path, entry: dict[str, Any]) -> None:  # noqa: F811
    model = Model(source=str(base), adapter=str(test_adapters.change(adapter, **entry)))
    with pytest.raises(HarnessError) as caught:
        model.check(model.resolve())
    assert "\n" not in str(caught.value)
    assert str(adapter) in str(caught.value) or "model.adapter" in str(caught.value)


def test_an_adapter_of_a_model_with_fewer_or_narrower_layers_is_refused(base: Path, adapter: Path) -> None:  # noqa: F811
    deeper = {
        test_adapters.PLACE.format(9, "q_proj", f"lora_{ab}"): np.zeros(s, "f4")
        for ab, s in {"A": (4, 32), "B": (32, 4)}.items()
    }
    model = Model(source=str(base), adapter=str(test_adapters.change(adapter, lambda t: t.update(deeper))))
    with pytest.raises(HarnessError, match=r"layers\.9\.self_attn\.q_proj.*wrong base model"):
        model.check(model.resolve())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", [QUERY, "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"])
def test_weights_that_are_no_numbers_give_no_answer(tmp_path: Path, name: str, value: float) -> None:
    from harness.calls.calls import Call, Choose, Generate, Logprobs, Sampling, Score, Text
    from harness.engines.transformers.engine import Transformers
    from harness.errors import BaseHarnessError
    from tests.integration.engines import ask

    folder = change(
        save_tiny(tmp_path / "m", "llama"), lambda t: t[name].__setitem__((3,) if t[name].ndim == 1 else (5, 3), value)
    )
    calls: list[Call] = [
        Choose((5, 6, 7), (4, 9)), Score((5, 6), (7, 8)), Generate((5, 6), Sampling(3)),
        Generate((5, 6), Sampling(3, 1.0)),
    ]  # fmt: skip
    try:
        engine = Transformers().load(Model(source=str(folder)))
    except HarnessError:
        return
    for call in calls:
        try:
            (reply,) = ask(engine, [call])
        except BaseHarnessError:
            continue
        assert isinstance(reply, (Logprobs, Text))
        numbers = reply.values if isinstance(reply, Logprobs) else reply.logprobs
        assert not np.isnan(numbers).any()
        assert max(numbers) <= 0
    engine.close()
