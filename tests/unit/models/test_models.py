"""Models: where they are found, what is refused, and what the fingerprint depends on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import constants, errors
from safetensors.numpy import save_file

from harness.errors import HarnessError
from harness.models import fingerprints
from harness.models.adapters import adapter_base, adapter_rank
from harness.models.fingerprints import fingerprint
from harness.models.model import Model, cache_folder
from tests.support.tiny_gguf import write_tiny

EMPTY = "\x02" + 7 * "\0" + "{}"
"""A safetensors file without tensors: the length of its header, and the header."""

FILES = {
    "config.json": "{}",
    "tokenizer.json": '{"model": {}}',
    "chat_template.jinja": "{{ messages }}",
    "model.safetensors": EMPTY,
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "some-model"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def refused(source: Path | str, **settings: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        Model(source=str(source), **settings).resolve()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "name"),
    [("Qwen/Qwen3-0.6B", "Qwen3-0.6B"), ("/models/tiny/", "tiny"), ("gpt2", "gpt2"), ("package:llm_x", "llm_x")],
)
def test_name_is_the_last_part_of_the_source(source: str, name: str) -> None:
    assert Model(source=source).name == name
    assert Model(source=source, name="mine").name == "mine"


def test_empty_source() -> None:
    with pytest.raises(HarnessError, match=r"model\.source is empty"):
        Model(source="")


def test_local_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = Model(source=str(folder)).resolve()
    assert local.path == folder
    lines = "".join(f"{n}\0{hashlib.sha256(t.encode()).hexdigest()}\n" for n, t in sorted(FILES.items()))
    assert local.fingerprint == hashlib.sha256(lines.encode()).hexdigest()[:16]
    monkeypatch.chdir(folder.parent)
    assert Model(source="some-model").resolve() == local


def test_fingerprint_is_of_content_not_of_place(folder: Path, tmp_path: Path) -> None:
    before = Model(source=str(folder)).resolve().fingerprint
    (folder / "README.md").write_text("not part of the model")
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    assert Model(source=str(copy)).resolve().fingerprint == before
    seen = {before}
    for name in FILES:
        old = (copy / name).read_text()
        (copy / name).write_text("\x03" + 7 * "\0" + "{ }" if name.endswith("tensors") else '{"model": {}, "other": 1}')
        seen.add(Model(source=str(copy)).resolve().fingerprint)
        (copy / name).write_text(old)
    assert len(seen) == 1 + len(FILES)
    assert Model(source=str(copy)).resolve().fingerprint == before


def test_code_beside_the_weights_counts_only_where_it_runs(folder: Path) -> None:
    before = Model(source=str(folder)).resolve().fingerprint
    (folder / "modeling_x.py").write_text("pass")
    assert Model(source=str(folder)).resolve().fingerprint == before
    assert Model(source=str(folder), trust_remote_code=True).resolve().fingerprint != before


def test_large_digests_are_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real: Callable[..., Any] = hashlib.file_digest

    def counted(stream: Any, method: str) -> Any:
        hashed.append(Path(stream.name).name)
        return real(stream, method)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    monkeypatch.setattr(fingerprints, "REMEMBER_FROM", 4)
    files = {name: tmp_path / name for name in ("big", "wee")}
    files["big"].write_text("12345")
    files["wee"].write_text("123")
    young = fingerprint(files.values(), tmp_path / "notes")
    assert not (tmp_path / "notes").exists()  # it may still be being written
    for file in files.values():
        os.utime(file, (time.time() - 60,) * 2)
    assert [fingerprint(files.values(), tmp_path / "notes") for _ in range(3)] == [young] * 3
    assert sorted(hashed) == ["big"] * 2 + ["wee"] * 4
    files["big"].write_text("54321")
    assert fingerprint(files.values(), tmp_path / "notes") != young


def test_sharded_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}))
    assert "lacks model-2.safetensors, which model.safetensors.index.json names" in refused(folder)
    (folder / "model-2.safetensors").write_text(EMPTY)
    (folder / "consolidated.safetensors").write_text("the same again in another format")
    whole = Model(source=str(folder)).resolve().fingerprint
    (folder / "consolidated.safetensors").unlink()
    assert Model(source=str(folder)).resolve().fingerprint == whole
    index.write_text("{")
    assert f"{index} is damaged" in refused(folder)


def test_parameters_are_counted_from_the_headers(folder: Path) -> None:
    for file in folder.glob("*.safetensors"):
        file.unlink()
    numbers: dict[str, np.ndarray] = {
        "a": np.zeros((3, 5), np.float16),
        "b": np.zeros(7, np.float32),
        "mask": np.zeros(9, np.int64),
    }
    save_file(numbers, folder / "model.safetensors", metadata={"format": "pt"})
    assert Model(source=str(folder)).resolve().parameters == 3 * 5 + 7
    save_file(numbers | {"packed": np.zeros(2, np.int32)}, folder / "model.safetensors")
    assert Model(source=str(folder)).resolve().parameters is None
    (folder / "model.safetensors").write_bytes(b"\xff" * 8)
    with pytest.raises(HarnessError, match=r"model\.safetensors is damaged"):
        Model(source=str(folder)).resolve()


def test_incomplete_folders_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "model.safetensors is a Git LFS pointer" in refused(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "no .safetensors weights (it holds pytorch_model.bin, a pickle" in refused(folder)
    (folder / "pytorch_model.bin").unlink()
    assert "no .safetensors weights;" in refused(folder)
    (folder / "model.safetensors").write_text(EMPTY)
    (folder / "tokenizer.json").unlink()
    assert "lacks a tokenizer (tokenizer.json" in refused(folder)
    (folder / "config.json").rename(folder / "adapter_config.json")
    assert "lacks config.json; it is an adapter: give its base model" in refused(folder)
    (folder / "adapter_config.json").unlink()
    assert "lacks config.json; give the folder" in refused(folder)


@pytest.fixture
def adapter(tmp_path: Path, folder: Path) -> Path:
    """An adapter of rank 4 that fits the model in `folder`."""
    save(folder / "model.safetensors", {"model.layers.0.q_proj.weight": (6, 8), "model.norm.weight": (8,)})
    adapter = tmp_path / "some-lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "base_model_name_or_path": "org/base"}')
    save_matrices(adapter, "model.layers.0.q_proj", out=6, into=8)
    return adapter


def save(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    save_file({name: np.zeros(shape, "f4") for name, shape in shapes.items()}, file)


def save_matrices(adapter: Path, module: str, *, out: int, into: int) -> None:
    prefix = f"base_model.model.{module}"
    shapes = {f"{prefix}.lora_A.weight": (4, into), f"{prefix}.lora_B.weight": (out, 4)}
    save(adapter / "adapter_model.safetensors", shapes)


def test_an_adapter_that_does_not_fit_its_base_is_refused(folder: Path, adapter: Path) -> None:
    save_matrices(adapter, "model.layers.0.q_proj", out=6, into=7)
    told = refused(folder, adapter=str(adapter))
    assert "changes model.layers.0.q_proj by a matrix of shape [6, 7], that of model.source is [6, 8]" in told
    save_matrices(adapter, "model.layers.0.q_proj", out=8, into=6)  # a weight kept as [in, out]
    assert Model(source=str(folder), adapter=str(adapter)).resolve().adapter == adapter
    shapes = {"model.layers.0.q_proj": (6, 8), "model.layers.1.q_proj": (6, 8), "lm_head": (9, 8)}
    both = {f"base_model.model.{m}.lora_A.weight": (4, i) for m, (_, i) in shapes.items()}
    both |= {f"base_model.model.{m}.lora_B.weight": (o, 4) for m, (o, _) in shapes.items()}
    save(adapter / "adapter_model.safetensors", both)
    assert "changes model.layers.1.q_proj, which model.source has not" in refused(folder, adapter=str(adapter))
    (adapter / "adapter_model.safetensors").write_text("matrices")
    assert "adapter_model.safetensors is damaged" in refused(folder, adapter=str(adapter))


def test_modules_that_the_base_keeps_in_another_form_are_left_to_the_engine(folder: Path, adapter: Path) -> None:
    for name, shape in (("model.layers.0.q_proj.qweight", (6, 1)), ("another.name.weight", (1, 1))):
        save(folder / "model.safetensors", {name: shape})
        assert Model(source=str(folder), adapter=str(adapter)).resolve().adapter == adapter


def test_an_adapter_is_part_of_the_fingerprint_by_content(folder: Path, adapter: Path, tmp_path: Path) -> None:
    bare = Model(source=str(folder)).resolve()
    local = Model(source=str(folder), adapter=str(adapter)).resolve()
    assert (bare.adapter, local.adapter) == (None, adapter)
    assert local.fingerprint != bare.fingerprint
    assert len(local.fingerprint) == 16
    (adapter / "README.md").write_text("not part of the adapter")
    copy = shutil.copytree(adapter, tmp_path / "elsewhere")
    assert Model(source=str(folder), adapter=str(copy)).resolve().fingerprint == local.fingerprint
    seen = {local.fingerprint}
    (copy / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 2}')
    seen.add(Model(source=str(folder), adapter=str(copy)).resolve().fingerprint)
    save_matrices(copy, "model.layers.0.q_proj", out=8, into=6)
    seen.add(Model(source=str(folder), adapter=str(copy)).resolve().fingerprint)
    assert len(seen) == 3


def test_an_adapted_model_does_not_pass_for_its_base() -> None:
    assert Model(source="org/base", adapter="/some/where/lora/").name == "base+lora"
    named = Model(source="org/base", name="mine", adapter="org/lora@v2")
    assert named.name == "mine+lora@v2"
    assert dataclasses.replace(named, revision="v1").name == named.name


def test_what_is_no_adapter_is_refused(folder: Path, adapter: Path) -> None:
    config, weights = adapter / "adapter_config.json", adapter / "adapter_model.safetensors"
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "adapter_model.safetensors is a Git LFS pointer" in refused(folder, adapter=str(adapter))
    weights.rename(adapter / "adapter_model.bin")
    assert "safetensors (it holds adapter_model.bin, a pickle" in refused(folder, adapter=str(adapter))
    for text, message in (
        ('{"peft_type": "IA3"}', "describes a IA3 adapter; only LORA"),
        ("[]", "describes no adapter"),
        ("{}", "describes a nameless adapter"),
        ("{", "is damaged"),
        ('{"peft_type": "LORA"}', "a rank that is no positive number"),
        ('{"peft_type": "LORA", "r": 4, "rank_pattern": {"q_proj": "8"}}', "a rank that is no positive number"),
        ('{"peft_type": "LORA", "r": 4, "rank_pattern": [8]}', "a rank that is no positive number"),
    ):
        config.write_text(text)
        assert message in refused(folder, adapter=str(adapter))
    config.unlink()
    assert "lacks adapter_config.json; give the folder of a PEFT adapter" in refused(folder, adapter=str(adapter))
    for source in ("/no/such/folder", "./here", str(adapter / "adapter_model.bin")):
        assert "model.adapter=" in refused(folder, adapter=source)


def test_rank_and_base_of_an_adapter(adapter: Path) -> None:
    assert (adapter_rank(adapter), adapter_base(adapter)) == (4, "org/base")
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "rank_pattern": {"q_proj": 16}}')
    assert (adapter_rank(adapter), adapter_base(adapter)) == (16, "")


def test_an_adapter_comes_from_the_hub(folder: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def download(source: str, **settings: Any) -> str:
        asked.append({"source": source, **settings})
        return str(adapter)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert Model(source=str(folder), adapter="org/lora@v2").resolve().adapter == adapter
    assert (asked[0]["source"], asked[0]["revision"]) == ("org/lora", "v2")
    assert asked[0]["allow_patterns"] == ["adapter_config.json", "adapter_model.safetensors"]


def test_sources_that_are_nothing(folder: Path) -> None:
    assert "is a file; give the folder" in refused(folder / "config.json")
    for source in ("/no/such/folder", "./here", "missing.gguf", "a/b/c", "what is this"):
        assert "there is no such folder or file, and it is no hub id" in refused(source)


def test_a_gguf_file_is_converted(tmp_path: Path) -> None:
    local = Model(source=str(write_tiny(tmp_path / "tiny.gguf"))).resolve()
    assert local.path.parent == tmp_path / "cache" / "models"
    assert Model(source=str(local.path)).resolve().fingerprint == local.fingerprint


def test_a_package_is_found_without_running_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llm_broken"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('a dependency that is left out')")
    monkeypatch.syspath_prepend(tmp_path)
    assert "holds 0 .gguf files" in refused("package:llm_broken")
    write_tiny(package / "tiny.gguf")
    assert (Model(source="package:llm_broken").resolve().path / "config.json").is_file()
    write_tiny(package / "two.gguf")
    assert "holds 2 .gguf files" in refused("package:llm_broken")
    assert "no such Python package is installed" in refused("package:llm_absent")


def test_a_tokenizer_alone_needs_no_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_weights = Model(source=str(folder)).resolve_tokenizer()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text("{}")
    assert Model(source=str(folder)).resolve_tokenizer() == with_weights
    (folder / "chat_template.jinja").write_text("{{ other }}")
    assert Model(source=str(folder)).resolve_tokenizer().fingerprint != with_weights.fingerprint
    asked: list[list[str]] = []

    def download(source: str, *, allow_patterns: list[str], **_: Any) -> str:
        asked.append(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert Model(source="org/name").resolve_tokenizer().path == folder
    assert "*.json" in asked[0]
    assert "*.safetensors" not in asked[0]


def test_hub_download_takes_safe_files_of_the_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def download(source: str, **settings: Any) -> str:
        asked.append({"source": source, **settings})
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert Model(source="org/name", revision="v2").resolve() == Model(source=str(folder)).resolve()
    Model(source="org/name", trust_remote_code=True).resolve()
    assert [a["revision"] for a in asked] == ["v2", None]
    assert "*.safetensors" in asked[0]["allow_patterns"]
    assert not {"*.bin", "*.pt", "*.py"} & set(asked[0]["allow_patterns"])
    assert "*.py" in asked[1]["allow_patterns"]


def _hub(kind: type[Exception]) -> Exception:
    # Its constructor wants a response of whichever HTTP library the hub's client uses.
    error = kind.__new__(kind)
    error.args = ("first line\nwith hf_secret",)
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (_hub(errors.GatedRepoError), "set HF_TOKEN to a token of that account"),
        (_hub(errors.RevisionNotFoundError), "at revision main: the model has no such branch"),
        (_hub(errors.RepositoryNotFoundError), "no such model on the hub"),
        (errors.LocalEntryNotFoundError("offline"), "the hub cannot be reached; go online once"),
        (errors.HFValidationError("bad id"), "neither a folder here nor a hub id"),
        (OSError("No space left on device"), "download failed (OSError: No space left on device)"),
    ],
)
def test_hub_errors_name_the_fix(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    def download(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    told = refused("org/name", revision="main")
    assert message in told
    assert "model.source=org/name" in told
    assert "hf_secret" not in told


def test_offline_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> str:
        raise errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # the hub's client reads the variable when it is imported
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert "HF_HUB_OFFLINE is set" in refused("org/name")


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("HARNESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "self-evaluation-harness"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "self-evaluation-harness"
