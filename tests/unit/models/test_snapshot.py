"""Files that change behind a loaded model are noticed, however they were written."""

import os
from pathlib import Path

import pytest

from harness.models.model import Model
from harness.models.snapshot import Snapshot
from tests.support.tiny_gguf import write_tiny
from tests.support.tiny_models import save_tiny


def test_every_way_to_write_a_file_is_noticed(tmp_path: Path) -> None:
    file, beside = tmp_path / "a.json", tmp_path / "b.gguf"
    file.write_text("one")
    beside.write_text("two")
    (tmp_path / "README.md").write_text("not looked at")
    seen = Snapshot.take({tmp_path: ["*.json", "a*"]}, [beside])
    (tmp_path / "README.md").write_text("other")
    assert seen.changed() == ()
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    (tmp_path / "new").write_text("six")
    os.utime(tmp_path / "new", ns=times)
    os.replace(tmp_path / "new", file)  # of the same size and time
    assert seen.changed() == ("a.json",)
    beside.write_text("longer")
    (tmp_path / "more.json").write_text("")
    assert seen.changed() == ("a.json", "b.gguf", "more.json")
    file.unlink()
    assert "a.json" in seen.changed()
    assert Snapshot().changed() == ()


def test_a_model_looks_at_its_weights_its_descriptions_and_its_adapter(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "base", "llama")
    local = Model(source=str(folder)).resolve()
    assert local.snapshot.changed() == ()
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.seek(-4, os.SEEK_END)
        weights.write(b"\0\0\0\0")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert local.snapshot.changed() == ("chat_template.jinja", "model.safetensors")


def test_a_model_that_was_converted_looks_at_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    file = write_tiny(tmp_path / "tiny.gguf")
    local = Model(source=str(file)).resolve()
    assert local.snapshot.changed() == ()
    file.write_bytes(file.read_bytes() + b"\0")
    assert local.snapshot.changed() == ("tiny.gguf",)
