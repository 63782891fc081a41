"""The gallery is small and holds no path of a machine; its script writes a run's command, verdicts and figure."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.cli.main import main

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/gallery.md"
FILES = sorted((ROOT / "docs/gallery").iterdir())


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/gallery.py as a module."""
    spec = importlib.util.spec_from_file_location("gallery_script", ROOT / "scripts/gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_of_the_gallery_is_shown_and_all_are_small(script: ModuleType) -> None:
    shown = re.findall(r"\]\((gallery/[^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert {f"gallery/{file.name}" for file in FILES} == set(shown)
    assert sum(file.stat().st_size for file in FILES) < script.MOST


@pytest.mark.parametrize("file", [PAGE, *FILES], ids=lambda file: file.name)
def test_no_path_of_a_machine_stands_in_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.:/])/(?:tmp|work|root|home|Users|mnt)/", text)


def test_the_script_writes_the_command_the_verdicts_and_a_figure(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "experiment=mcCalibration", "limit=20", "replicates=50", "engine=fake", "tracker=none"]
    words += [f"runs={tmp_path / 'runs'}"]
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    assert main(words) == 0
    run = next((tmp_path / "runs").rglob("manifest.json")).parent
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(script, "PAGE", tmp_path / "docs/gallery.md")
    monkeypatch.setattr(script, "FOLDER", tmp_path / "docs/gallery")
    monkeypatch.setattr(sys, "argv", ["gallery.py", "--note", "A model of no size.", f"{run}:reliability"])
    assert script.main() == 0
    page = (tmp_path / "docs/gallery.md").read_text(encoding="utf-8")
    assert "A model of no size." in page
    assert "python -m harness run experiment=mcCalibration limit=20 replicates=50 engine=fake\n" in page
    assert str(tmp_path) not in page
    (figure,) = (tmp_path / "docs/gallery").glob("*.svg")
    assert f"](gallery/{figure.name})" in page
    assert "20 items of facts_mc in" in page
