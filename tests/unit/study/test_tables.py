"""Tables of a study: cells of known estimates, the best of several rules, constants, and what is refused beforehand."""

import csv
import html
import io
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import Job, load_job
from harness.errors import HarnessError
from harness.runs.records import RunRecord
from harness.statistics.estimates import Estimate
from harness.study.tables import Cell, Column, Filled, Row, Table, as_csv, check_table, fill

RULES = ({"arm": "fixed"}, {"arm": "zero-shot"})
HUMAN = Cell(value=0.9, source="Doe 1999, table 2")


@pytest.fixture(scope="module")
def jobs() -> dict[str, Job]:
    words = ["experiment=pTrue", "experiment.draws=1", "engine=fake", "tracker=none"]
    return {"a": load_job([*words, "experiment.arms=[zero-shot,fixed,few-shot]", "experiment.shots=4"])}


def number(metric: str, value: float | None, note: str = "", **level: str) -> Estimate:
    ends = (None, None) if value is None else (value - 0.1, value + 0.1)
    return Estimate(
        metric=metric,
        level=level,
        value=value,
        low=ends[0],
        high=ends[1],
        n=40,
        n_groups=10,
        n_failed=0,
        method="none" if value is None else "percentile",
        better="higher",
        note=note,
    )


def record(*estimates: Estimate) -> RunRecord:
    return RunRecord(Path("x"), {}, estimates, (), ())


def one_cell(cell: Cell | None, jobs: dict[str, Job], *estimates: Estimate, **row: Any) -> Filled:
    table = Table(title="t", columns=(Column(text="c", cell=cell),), rows=(Row(text="r", run="a", **row),))
    check_table(table, jobs)
    return fill(table, jobs, {"a": record(*estimates)}, {})[0][0]


def test_a_cell_is_the_number_of_its_run_at_its_level_and_that_of_the_row(jobs: dict[str, Job]) -> None:
    here, other = number("auroc", 0.7, arm="few-shot"), number("auroc", 0.6, arm="fixed")
    assert one_cell(Cell(metric="auroc", level={"arm": "few-shot"}), jobs, here, other) == Filled(here)
    assert one_cell(Cell(metric="auroc"), jobs, here, other, level={"arm": "few-shot"}) == Filled(here)


def test_of_several_rules_the_best_one_is_shown_by_name(jobs: dict[str, Job]) -> None:
    worse, better = number("auroc", 0.6, arm="fixed"), number("auroc", 0.8, arm="zero-shot")
    cell = Cell(metric="auroc", best_of=RULES)
    assert one_cell(cell, jobs, worse, better) == Filled(better, None, "zero-shot")


def test_of_errors_the_least_is_the_best(jobs: dict[str, Job]) -> None:
    least, most = number("brier", 0.1, arm="fixed"), number("brier", 0.3, arm="zero-shot")
    assert one_cell(Cell(metric="brier", best_of=RULES), jobs, least, most).estimate is least


def test_the_best_of_what_there_is_says_what_is_missing(jobs: dict[str, Job]) -> None:
    cell = one_cell(Cell(metric="auroc", best_of=RULES), jobs, number("auroc", 0.6, arm="fixed"))
    assert cell.best == "fixed"
    assert cell.note == "the run has no auroc[arm=zero-shot] (it has: [arm=fixed])"


def test_a_star_stands_for_all_arms_of_the_run_that_fit(jobs: dict[str, Job]) -> None:
    cell = Cell(metric="auroc", best_of=({"arm": "*shot"},))  # zero-shot and few-shot
    zero, few, fixed = (number("auroc", p, arm=arm) for arm, p in (("zero-shot", 0.6), ("few-shot", 0.7), ("fixed", 1)))
    assert one_cell(cell, jobs, zero, few, fixed) == Filled(few, None, "few-shot")
    assert one_cell(cell, jobs, zero, fixed) == Filled(zero, None, "zero-shot")
    assert one_cell(cell, jobs, fixed).note == "the run has no auroc[arm=*shot] (it has: [arm=fixed])"
    with pytest.raises(HarnessError, match=r"run 'a' has no arm 'rule: \*'"):
        one_cell(Cell(metric="auroc", best_of=({"arm": "rule: *"},)), jobs)
    with pytest.raises(HarnessError, match=r"best_of names the level {'arm': 'few-shot'} twice"):
        one_cell(Cell(metric="auroc", best_of=({"arm": "*shot"}, {"arm": "few-shot"})), jobs)


def test_a_number_that_there_is_not_leaves_the_reason(jobs: dict[str, Job]) -> None:
    cell = Cell(metric="auroc", level={"arm": "fixed"})
    assert one_cell(cell, jobs) == Filled(note="the run has no auroc[arm=fixed] (it has: none)")
    undefined = number("auroc", None, "all rows are correct", arm="fixed")
    assert one_cell(cell, jobs, undefined) == Filled(note="undefined: all rows are correct")


def test_a_number_that_a_gate_holds_back_says_so(jobs: dict[str, Job]) -> None:
    low = number("option_mass", 0.2, arm="fixed")
    cell = one_cell(Cell(metric="auroc", level={"arm": "fixed"}), jobs, number("auroc", 0.6, arm="fixed"), low)
    assert cell.estimate is not None
    assert cell.note.startswith("no verdict may rest on it: option_mass [arm=fixed] 0.2 is below 0.5")


def test_a_row_has_cells_of_its_own_and_may_be_empty(jobs: dict[str, Job]) -> None:
    columns = (Column(text="model", cell=Cell(metric="auroc", level={"arm": "fixed"})), Column(text="people"))
    own = Cell(metric="brier", level={"arm": "fixed"})
    rows = (
        Row(text="one", run="a", cells={"people": HUMAN}),
        Row(text="two", run="a", cells={"model": own}),
        Row(text="three", run="a", cells={"model": None}),
        Row(text="only people", cells={"model": None, "people": HUMAN}),
    )
    table = Table(title="t", columns=columns, rows=rows)
    check_table(table, jobs)
    auroc, brier = number("auroc", 0.6, arm="fixed"), number("brier", 0.2, arm="fixed")
    people = Filled(value=0.9, note="Doe 1999, table 2")
    cells = fill(table, jobs, {"a": record(auroc, brier)}, {})
    assert cells == [[Filled(auroc), people], [Filled(brier), Filled()], [Filled(), Filled()], [Filled(), people]]
    lines = list(csv.DictReader(io.StringIO(as_csv([table], [cells]))))
    assert len(lines) == 8
    assert lines[0] == {
        "table": "t",
        "row": "one",
        "column": "model",
        "value": "0.6",
        "low": "0.5",
        "high": "0.7",
        "n": "40",
        "n_groups": "10",
        "run": "a",
        "metric": "auroc",
        "level": "arm=fixed",
        "best": "",
        "note": "",
    }
    assert (lines[1]["value"], lines[1]["low"], lines[1]["note"]) == ("0.9", "", "Doe 1999, table 2")


def test_an_unfinished_run_is_told(jobs: dict[str, Job]) -> None:
    columns = (Column(text="c", cell=Cell(metric="auroc", level={"arm": "fixed"})),)
    table = Table(title="t", columns=columns, rows=(Row(text="r", run="a"),))
    missing = {"a": "is failed: 3 of 4 items failed"}
    assert fill(table, jobs, {}, missing) == [[Filled(note="run 'a' is failed: 3 of 4 items failed")]]
    there = number("auroc", 0.6, arm="fixed")
    found = fill(table, jobs, {"a": record(there)}, missing)[0][0]
    assert (found.estimate, found.note) == (there, "run 'a' is failed: 3 of 4 items failed")


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ({}, "exactly one of 'metric'"),
        ({"metric": "auroc", "value": 1.0, "source": "x"}, "exactly one of 'metric'"),
        ({"value": 0.5}, "a constant ('value') needs its 'source'"),
        ({"metric": "auroc", "source": "x"}, "a number of a run has none"),
        ({"value": 0.5, "source": "x", "level": {"arm": "a"}}, "leave 'level' and 'best_of' out"),
        ({"value": float("nan"), "source": "x"}, "give a finite number"),
    ],
)
def test_a_cell_is_one_number(cell: dict[str, Any], told: str) -> None:
    with pytest.raises(HarnessError) as error:
        Cell(**cell)
    assert told in str(error.value)


RUN = "runs:\n  a: experiment=pTrue experiment.draws=1 experiment.arms='[zero-shot,fixed]'\n"
GOOD = "{title: T, columns: [{text: c, metric: auroc, level: {arm: fixed}}], rows: [{text: r, run: a}]}"
BEST = GOOD.replace("level: {arm: fixed}", "best_of: [{arm: fixed}, {arm: zero-shot}]")
PLACE = "table 'T', row 'r', column 'c': "


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (GOOD.replace("run: a", "run: b"), PLACE + "there is no run 'b' (there are: a)"),
        (GOOD.replace("auroc", "aurok"), PLACE + "there is no metric 'aurok', did you mean 'auroc'"),
        (GOOD.replace("arm: fixed", "armm: fixed"), "level column 'armm' does not exist, did you mean 'arm'"),
        (GOOD.replace("level: {arm: fixed}", "level: {}"), "lacks 'arm', by which 'auroc' is estimated"),
        (GOOD.replace("arm: fixed", "arm: fixt"), "run 'a' has no arm 'fixt', did you mean 'fixed'?"),
        (GOOD.replace(", run: a", ""), "the row names no run for metric 'auroc'"),
        (GOOD.replace("run: a", "run: a, cells: {d: {value: 1, source: s}}"), "there is no such column"),
        (GOOD.replace("run: a", "run: a, cells: {c: {value: 1}}"), "tables[0].rows[0].cells.c: a constant"),
        (GOOD.replace("metric: auroc", "mteric: auroc"), "there is no setting tables[0].columns[0].mteric"),
        (GOOD.replace("rows: [", "rwos: ["), "there is no setting tables[0].rwos, did you mean 'rows'?"),
        (GOOD.replace("title: T, ", ""), "tables[0].title: not set"),
        (GOOD.replace("[{text: r, run: a}]", "[]"), "columns and rows must not be empty"),
        (GOOD.replace("[{text: r, run: a}]", "{text: r}"), "tables[0].rows is {'text': 'r'}; give a list"),
        (GOOD.replace("{text: r, run: a}", "{text: r, run: a}, {text: r, run: a}"), "two rows of table 'T' are called"),
        (f"{GOOD}, {GOOD}", "two tables are called 'T'"),
        (BEST.replace("zero-shot", "fixed"), "best_of names the level {'arm': 'fixed'} twice"),
        (BEST.replace("auroc", "accuracy_upper").replace("zero-shot", "few-shot"), "run 'a' has no arm 'few-shot'"),
        (GOOD.replace("run: a", "run: a, cells: {c: 0.5}"), "tables[0].rows[0].cells.c is 0.5; a cell has the keys"),
        (GOOD.replace("title: T", "title: T, scatter: {x: c, y: d}"), "scatter: there is no column 'd'"),
        (GOOD.replace("title: T", "title: T, scatter: c"), "tables[0].scatter is 'c'; give the columns of both axes"),
        (GOOD.replace("title: T", "title: T, scatter: {x: c}"), "tables[0].scatter.y: not set"),
        ("nothing", "tables[0] is 'nothing'; a table has the keys title, columns and rows"),
        (GOOD.replace("{text: r, run: a}", "r"), "tables[0].rows[0] is 'r'; a row has the keys"),
        (GOOD.replace("{text: c, metric: auroc, level: {arm: fixed}}", "c"), "tables[0].columns[0] is 'c'; a column"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, told: str
) -> None:
    (tmp_path / "conf/study").mkdir(parents=True)
    (tmp_path / "conf/study/mine.yaml").write_text(f"{RUN}tables: [{table}]\n")
    words = ["study=mine", "engine=fake", "tracker=none", "limit=4", f"runs={tmp_path / 'runs'}"]
    assert main(["run", "--config-dir", str(tmp_path / "conf"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_page_and_the_file_have_the_tables_and_nothing_of_a_text_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attack = "<script>alert(1)</script>"
    table = f"""
  - title: "{attack}"
    scatter: {{x: best rule, y: "model {attack}"}}
    columns:
      - {{text: "model {attack}", metric: accuracy, level: {{arm: fixed}}}}
      - {{text: best rule, metric: brier, best_of: [{{arm: fixed}}, {{arm: zero-shot}}]}}
      - {{text: people}}
    rows:
      - {{text: "row {attack}", run: a, cells: {{people: {{value: 0.87, source: "{attack}"}}}}}}
"""
    (tmp_path / "conf/study").mkdir(parents=True)
    (tmp_path / "conf/study/mine.yaml").write_text(f"{RUN}tables:{table}")
    words = ["study=mine", "engine=fake", "tracker=none", "limit=12", "replicates=50", f"runs={tmp_path / 'runs'}"]
    assert main(["run", "--config-dir", str(tmp_path / "conf"), *words]) == 0
    (folder,) = (tmp_path / "runs/studies").iterdir()
    lines = list(csv.DictReader((folder / "tables.csv").open()))
    assert [line["column"] for line in lines] == [f"model {attack}", "best rule", "people"]
    assert float(lines[2]["value"]) == 0.87
    assert lines[1]["best"] in ("fixed", "zero-shot")
    page = (folder / "report.html").read_text()
    assert attack not in page
    assert page.count("<script") == 1
    section = html.unescape(page[page.index('id="tables"') : page.index('id="between"')])
    assert f"{float(lines[0]['value']):.3f}" in section
    assert "0.870<sup>" in section
    assert f"{lines[1]['best']}</small>" in section
    assert section.count("<svg") == 1
    assert f"row {attack}: {float(lines[0]['value']):.3f}" in section
    out = capsys.readouterr().out
    assert "tables.csv" in out


def test_a_study_without_tables_has_no_section_for_them(tmp_path: Path) -> None:
    (tmp_path / "conf/study").mkdir(parents=True)
    (tmp_path / "conf/study/mine.yaml").write_text(RUN)
    words = ["study=mine", "engine=fake", "tracker=none", "limit=4", "replicates=50", f"runs={tmp_path / 'runs'}"]
    assert main(["run", "--config-dir", str(tmp_path / "conf"), *words]) == 0
    (folder,) = (tmp_path / "runs/studies").iterdir()
    assert not (folder / "tables.csv").exists()
    assert 'id="tables"' not in (folder / "report.html").read_text()
