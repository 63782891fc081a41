"""The generated pages are those that the code gives, and say something about everything that they list."""

import csv
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/docs.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts/docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "metrics.md", "papers.md", "columns.md", "llms.txt"])
def test_a_generated_page_is_fresh(name: str, script: ModuleType) -> None:
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert kept == script.PAGES[name](), "run python scripts/docs.py"


def test_the_script_writes_what_is_old_and_check_only_names_it(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "DOCS", tmp_path)
    monkeypatch.setattr(script, "PAGES", {"settings.md": lambda: "new\n", "metrics.md": lambda: "kept\n"})
    (tmp_path / "settings.md").write_text("old\n")
    (tmp_path / "metrics.md").write_text("kept\n")
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert script.main() == 1
    assert capsys.readouterr().out == "old: docs/settings.md; run python scripts/docs.py\n"
    assert (tmp_path / "settings.md").read_text() == "old\n"
    monkeypatch.setattr(sys, "argv", ["docs.py"])
    assert script.main() == 0
    assert (tmp_path / "settings.md").read_text() == "new\n"
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    assert script.main() == 0


def test_every_experiment_belongs_to_a_paper_and_every_paper_has_a_command_or_a_reason() -> None:
    with (ROOT / "docs/papers.csv").open(encoding="utf-8", newline="") as file:
        papers = list(csv.DictReader(file))
    named = {name for paper in papers for name in paper["experiments"].split()}
    assert named == {file.stem for file in (ROOT / "conf/experiment").glob("*.yaml")}
    assert all(paper["title"] and paper["source"] and paper["claim"] for paper in papers)
    bare = [paper["title"] for paper in papers if not paper["experiments"]]
    assert all(paper["missing"].startswith(("not yet", "outside: ")) for paper in papers if paper["title"] in bare)


def test_every_metric_has_a_range_and_every_setting_a_default(script: ModuleType) -> None:
    metrics = script.metrics_page()
    assert set(re.findall(r"^### (\w+)$", metrics, re.MULTILINE)) == set(script.measures())
    assert metrics.count("\n* range: ") == metrics.count("\n* better: ") == len(script.measures())
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \|", script.settings_page(), re.MULTILINE)
    assert all(default.startswith(("needed", "`")) for _, default in rows)
    assert {"seed", "experiment.shots", "task.path", "engine.dtype", "tracker.project"} <= {name for name, _ in rows}
