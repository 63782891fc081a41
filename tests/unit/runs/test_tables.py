"""Tables of runs: known means, seeds pooled, which number is bold, and cells that would hold several numbers."""

import csv
import io
import re
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.outcomes import Table
from harness.report.latex import escaped
from harness.report.tables import write_table
from harness.runs.loaded import Loaded, load_run
from harness.runs.tables import axes, make_grid
from tests.unit.cli.test_compare import edited, ran

RIGHT = {"a0": 4, "a1": 6, "b0": 36, "b1": 38}
"""Right answers of each run among its 40 items: models a and b, seeds 0 and 1."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    made = tmp_path_factory.mktemp("runs")
    first = ran(made / "made", "limit=40", "experiment.arms=[zero-shot,fixed]")
    found = {}
    for name, right in RIGHT.items():
        path = edited(first, made / name, model={"name": f"fake:{name[0]}"}, seed=int(name[1]))
        table = Table.load(path / "outcomes.parquet")
        for arm, more in (("zero-shot", 0), ("fixed", 1)):
            rows = table.columns["arm"] == arm
            items = sorted(table.columns["item"][rows])
            place = {item: i for i, item in enumerate(items)}
            at = [place[item] for item in table.columns["item"][rows]]
            table.columns["correct"][rows] = [float(i < right + more) for i in at]
        table.columns["fate"][:] = "answered"
        table.save(path / "outcomes.parquet")
        (path / "estimates.json").write_text("[]")  # those of the answers before
        found[name] = load_run(path)
    return found


def accuracy(
    runs: dict[str, Loaded], rows: str | None, columns: str | None, **level: str
) -> dict[tuple[str, str], float]:
    grid = make_grid(list(runs.values()), rows, columns, ["accuracy"], level)
    return {place: cell.estimate.value or 0.0 for place, cell in grid.cells.items()}


def test_seeds_are_pooled_where_no_axis_tells_them_apart(runs: dict[str, Loaded]) -> None:
    assert accuracy(runs, "model", "arm") == {
        ("fake:a", "fixed"): pytest.approx((5 + 7) / 80),
        ("fake:a", "zero-shot"): pytest.approx((4 + 6) / 80),
        ("fake:b", "fixed"): pytest.approx((37 + 39) / 80),
        ("fake:b", "zero-shot"): pytest.approx((36 + 38) / 80),
    }
    assert accuracy(runs, "model", "seed", arm="zero-shot") == {
        ("fake:a", "0"): 0.1, ("fake:a", "1"): 0.15, ("fake:b", "0"): 0.9, ("fake:b", "1"): 0.95
    }  # fmt: skip
    assert accuracy(runs, "metric", "model", arm="zero-shot") == {
        ("accuracy", "fake:a"): pytest.approx(0.125),
        ("accuracy", "fake:b"): pytest.approx(0.925),
    }
    grid = make_grid(list(runs.values()), "model", "metric", ["accuracy"], {"arm": "zero-shot"})
    cell = grid.cells["fake:a", "accuracy"]
    assert [run.record.manifest["seed"] for run in cell.runs] == [0, 1]
    assert (cell.estimate.n, cell.estimate.low is not None) == (40, True)


def test_only_a_number_that_is_better_by_more_than_chance_is_bold(runs: dict[str, Loaded]) -> None:
    grid = make_grid(list(runs.values()), "model", "arm", ["accuracy"])
    assert {place for place, cell in grid.cells.items() if cell.best} == {("fake:b", "fixed"), ("fake:b", "zero-shot")}
    # One item of 40 between the arms: within chance.
    one = make_grid([runs["a0"]], "arm", "metric", ["accuracy"])
    assert not any(cell.best for cell in one.cells.values())
    # Of an error the lowest is the best, and axes of other things have no best.
    error = make_grid(list(runs.values()), "model", "metric", ["brier"], {"arm": "zero-shot"})
    best = min(error.cells, key=lambda place: error.cells[place].estimate.value or 0.0)
    assert all(cell.best <= (place == best) for place, cell in error.cells.items())
    turned = make_grid(list(runs.values()), "metric", "model", ["accuracy"], {"arm": "zero-shot"})
    assert {place for place, cell in turned.cells.items() if cell.best} == {("accuracy", "fake:b")}


def test_numbers_of_other_items_are_never_compared(runs: dict[str, Loaded], tmp_path: Path) -> None:
    fewer = load_run(edited(runs["b0"].record.path, tmp_path / "fewer", experiment={"draws": 3}))
    grid = make_grid([runs["a0"], fewer], "model", "metric", ["accuracy"], {"arm": "zero-shot"})
    assert not any(cell.best for cell in grid.cells.values())
    assert grid.doubts == ("accuracy: another protocol: experiment.draws: 2 against 3",)
    assert "Not compared: accuracy: another protocol" in write_table(grid, "markdown", {})


@pytest.mark.parametrize(
    ("rows", "columns", "metrics", "level", "message"),
    [
        ("model", "model", ["accuracy"], {}, "give two different axes"),
        ("modle", None, ["accuracy"], {}, "--rows/--columns modle: no number has it, did you mean 'model'"),
        ("model", None, ["acuracy"], {}, "--metric acuracy: no run has it, did you mean 'accuracy'"),
        ("model", None, [], {"arm": "fewshot"}, "--level arm=fewshot: there is no such value"),
        ("model", None, [], {"amr": "fixed"}, "--level amr=fixed: no number has such a key, did you mean 'arm'"),
        ("model", "task", ["accuracy", "brier"], {"arm": "fixed"}, "4 numbers that differ in metric"),
        ("arm", "metric", ["accuracy"], {}, "fixed and accuracy would be one cell of 4 numbers that differ in model"),
    ],
)
def test_a_table_that_cannot_be_made_says_what_would_do(  # noqa: PLR0917
    runs: dict[str, Loaded], rows: str, columns: str | None, metrics: list[str], level: dict[str, str], message: str
) -> None:
    with pytest.raises(HarnessError, match=re.escape(message)):
        make_grid(list(runs.values()), rows, columns, metrics, level)


def test_a_cell_of_runs_that_differ_in_more_than_the_seed_is_refused(runs: dict[str, Loaded], tmp_path: Path) -> None:
    other = load_run(edited(runs["a0"].record.path, tmp_path / "other", seed=7, experiment={"draws": 3}))
    with pytest.raises(
        HarnessError, match=r"the 2 runs differ in experiment\.draws, too; one side may hold several seeds"
    ):
        make_grid([runs["a0"], other], "model", "metric", ["accuracy"], {"arm": "fixed"})


def test_axes_are_what_runs_differ_in(runs: dict[str, Loaded]) -> None:
    several = list(runs.values())
    assert axes(several, None, None) == ("model", "metric")
    assert axes(several, "arm", None) == ("arm", "metric")
    assert axes(several, "metric", None) == ("metric", "model")
    assert axes(several, None, "model") == ("arm", "model")
    assert axes([runs["a0"]], None, None) == ("arm", "metric")
    assert axes([runs["a0"]], None, "arm") == ("metric", "arm")


def test_the_table_says_in_its_caption_what_numbers_rest_on(runs: dict[str, Loaded]) -> None:
    grid = make_grid(list(runs.values()), "model", "arm", ["accuracy"])
    text = write_table(grid, "markdown", {"fake:b": "Model B", "accuracy": "share right", "fixed": "fixed *examples*"})
    lines = text.splitlines()
    assert lines[0] == r"|  | fixed \*examples\* | zero-shot |"
    assert lines[2].startswith("| fake:a | 0.150 [")
    assert lines[3].startswith("| Model B | **0.950** [")
    for told in (
        "Share right by model and arm.",
        "n = 40 rows in",
        "Each number is the mean of 2 seeds (0 and 1).",
        "95 % intervals, over items and seeds (cluster bootstrap, 1000 replicates, Student's t)",
        "Bold: the best of its column, where the 95 % interval of the paired difference from every other",
        "a dry run: no model was asked, and its numbers mean nothing",
        "Made with self-evaluation-harness",
    ):
        assert told in lines[-1], told


def test_latex_is_booktabs_and_every_name_is_text(runs: dict[str, Loaded]) -> None:
    grid = make_grid(list(runs.values()), "model", "arm", ["accuracy"])
    text = write_table(grid, "latex", {"fake:a": r"50%_\input{x}$"})
    for line in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lcc}", r"\label{tab:model-arm}"):
        assert line in text
    body = [line.strip() for line in text.splitlines() if line.endswith(r"\\")]
    assert body[0] == r"& fixed & zero-shot \\"
    assert body[1].startswith(r"50\%\_\textbackslash{}input\{x\}\$ & 0.150 {\scriptsize [")
    assert body[2].startswith(r"fake:b & \textbf{0.950} {\scriptsize [")
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert escaped('a\n\\~^<>|"#&\N{MINUS SIGN}1\x00') == (
        r"a \textbackslash{}\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"
        r"\textbar{}''\#\&$-$1[00]"
    )


def test_csv_has_a_line_for_each_number_with_all_that_is_known(runs: dict[str, Loaded]) -> None:
    grid = make_grid(list(runs.values()), "model", "arm", ["accuracy"])
    rows = list(csv.DictReader(io.StringIO(write_table(grid, "csv", {}))))
    assert len(rows) == 4
    (row,) = [r for r in rows if (r["row"], r["column"]) == ("fake:b", "fixed")]
    assert float(row["value"]) == pytest.approx(0.95)
    assert float(row["low"]) < 0.95 < float(row["high"])
    assert (row["n"], row["seeds"], row["best"], row["metric"]) == ("40", "0 1", "True", "accuracy")
    assert float(row["spread"]) == pytest.approx(0.05 / 2**0.5)
    assert len(row["runs"].split()) == 2
