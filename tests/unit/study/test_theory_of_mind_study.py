"""The study of theory of mind: all of its runs finish, and its tables have every number that they name."""

import csv
import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.study.definition import read_study

STUDY = read_study("theory_of_mind", None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study's report, by a stand-in for a model."""
    runs = tmp_path_factory.mktemp("runs")
    words = ["study=theory_of_mind", "engine=fake", "tracker=none", "replicates=20", f"runs={runs}"]
    assert main(["run", *words]) == 0
    (found,) = (runs / "studies").iterdir()
    return found


def test_every_run_finishes(folder: Path) -> None:
    content = json.loads((folder / "study.json").read_text())
    assert {one["name"]: one["status"] for one in content["runs"]} == dict.fromkeys(STUDY.runs, "finished")


def test_every_cell_has_its_number(folder: Path) -> None:
    lines = list(csv.DictReader((folder / "tables.csv").open(encoding="utf-8")))
    assert len(lines) == sum(len(table.rows) * len(table.columns) for table in STUDY.tables)
    named = {
        (table.title, row.text, column.text)
        for table in STUDY.tables
        for row in table.rows
        for column in table.columns
        # In the stand-in's tokens the two replies of a pair are not as long, so they have no probability there.
        if (cell := row.cell(column)[0]) is not None and not str(cell.metric).startswith("p_false")
    }
    assert {(line["table"], line["row"], line["column"]) for line in lines if line["value"]} == named


def test_a_model_stands_beside_chance_and_the_best_rule_on_the_same_rows(folder: Path) -> None:
    lines = list(csv.DictReader((folder / "tables.csv").open(encoding="utf-8")))
    at = {(line["table"], line["row"], line["column"]): line for line in lines}
    for (table, row, column), line in at.items():
        rule = next((at[table, row, c] for t, r, c in at if (t, r) == (table, row) and c.startswith("best rule")), None)
        if column == "model" and line["n"] and rule is not None:
            assert (line["n"], line["n_groups"]) == (rule["n"], rule["n_groups"])
            assert rule["best"]
