"""The README is true: its commands compose, its experiment runs from the two files that it shows."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.arguments import parser
from harness.config import load_job
from harness.study.definition import read_study
from harness.study.planning import make_plan

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^python -m harness ([^#\n]+?)\s*(?:#.*)?$", README, re.MULTILINE)))


def block(language: str, holding: str) -> str:
    """The only fenced block of a language that holds some text."""
    (found,) = [b for b in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in b]
    return str(found)


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str) -> None:
    options = parser().parse_args(shlex.split(command))
    study = [word for word in getattr(options, "overrides", []) if word.startswith("study=")]
    if study:
        others = [word for word in options.overrides if word not in study]
        name = study[0].removeprefix("study=")
        assert make_plan(read_study(name, options.config_dir), others, options.config_dir).jobs
    elif options.command in ("run", "validate"):
        assert load_job(options.overrides, options.config_dir).name


def test_the_experiment_of_the_readme_runs_from_two_new_files(tmp_path: Path) -> None:
    for folder in ("harness", "experiments", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "experiments/calibration/sure.py").write_text(block("python", "class Sure("))
    (tmp_path / "conf/experiment/sure.yaml").write_text(block("yaml", "sure.Sure"))
    words = ["run", "experiment=sure", "engine=fake", "tracker=none", "limit=20", "replicates=50"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs/dry/sure").iterdir()
    estimates = json.loads((path / "estimates.json").read_text())
    found = {
        e["metric"]: (e["level"], e["n"] + e["n_failed"]) for e in estimates if not e["metric"].endswith("_answered")
    }
    assert found.keys() >= {"accuracy", "auroc", "brier", "ece_equal_width"}
    assert set(map(str, found.values())) == {str(({"arm": "greedy"}, 20))}
    assert len(json.loads((path / "verdicts.json").read_text())) == 1


def test_the_figure_of_the_readme_is_there() -> None:
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / name).read_text(encoding="utf-8").lstrip().startswith(("<?xml", "<svg"))


def test_the_readme_is_short_and_its_first_screen_has_a_question_a_figure_and_a_command() -> None:
    lines = README.splitlines()
    assert len(lines) <= 200
    screen = "\n".join(lines[:25])
    assert screen.index("?**") < screen.index("![") < screen.index("```bash\nscripts/demo")
