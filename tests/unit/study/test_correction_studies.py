"""The studies of correction and of judging: all of their runs finish, and their tables and pictures are there."""

import csv
import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.study.definition import read_study


@pytest.mark.parametrize(("name", "pictures"), [("self_correction", 1), ("judging", 0)])
def test_every_run_finishes_and_every_cell_has_its_number(tmp_path: Path, name: str, pictures: int) -> None:
    study = read_study(name, None)
    assert main(["run", f"study={name}", "engine=fake", "tracker=none", "replicates=20", f"runs={tmp_path}"]) == 0
    (folder,) = (tmp_path / "studies").iterdir()
    content = json.loads((folder / "study.json").read_text())
    assert {one["name"]: one["status"] for one in content["runs"]} == dict.fromkeys(study.runs, "finished")
    lines = list(csv.DictReader((folder / "tables.csv").open(encoding="utf-8")))
    named = {
        (table.title, row.text, column.text)
        for table in study.tables
        for row in table.rows
        for column in table.columns
        if row.cell(column)[0] is not None
    }
    assert {(line["table"], line["row"], line["column"]) for line in lines if line["value"]} == named
    page = (folder / "report.html").read_text()
    assert page[page.index('id="tables"') : page.index('id="between"')].count("<svg") == pictures
