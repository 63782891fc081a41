"""`new experiment` writes files that run as they are, and never over others."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_it_writes_passes_its_test_and_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "experiment", "stubborn"]) == 0
    assert "python -m pytest test_stubborn.py" in capsys.readouterr().out
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_stubborn.py"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
    words = [sys.executable, "-m", "harness", "run", "experiment=stubborn", "engine=fake", "tracker=none", "limit=10"]
    done = subprocess.run([*words, "replicates=20"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "runs/dry/stubborn").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("self-doubt", "give a name that a Python module can have"),
        ("class", "give a name that a Python module can have"),
        ("../up", "give a name that a Python module can have"),
        ("Doubt", "begin it with a small letter"),
        ("pTrue", "there is an experiment 'pTrue' already"),
        ("json", "there is a Python module 'json' already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    name: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "experiment", name]) == 2
    assert message in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_no_file_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "test_stubborn.py").write_text("mine")
    assert main(["new", "experiment", "stubborn"]) == 2
    assert "test_stubborn.py is there already" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["test_stubborn.py"]
