"""The notebook of the docs runs from its first cell to its last, and is kept without outputs."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[3] / "docs"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DOCS.parent), prepend=os.pathsep)  # the kernel starts in a folder of its own
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    told = [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert all("dry run: no model was asked" in text for text in told), told
    shown = [output["data"] for output in outputs if "data" in output]
    assert sum("text/html" in data for data in shown) >= 6
    assert sum("image/svg+xml" in data for data in shown) == 1
    assert sum("image/png" in data for data in shown) == 1
    assert {path.name for path in (tmp_path / "runs/dry").iterdir()} == {"pTrue", "store", "sure"}


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
