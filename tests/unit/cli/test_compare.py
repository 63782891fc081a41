"""`compare`: sides, warnings with the exact reason, numbers, changed items, and nothing written unasked."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.outcomes import Table

BASE = ["experiment=pTrue", "experiment.arms=[zero-shot]", "experiment.draws=2", "engine=fake", "tracker=none"]
FEW = "only 12 groups of items: below 20 the intervals are rough, and small p are seen by luck"
DRY = "dry run: no model was asked, so that these numbers mean nothing"
HOSTILE = "<script>document.title='ran'</script></textarea><img src=x onerror=alert(1)>\u202e\x00"


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that goes to a file has all columns."""
    monkeypatch.delenv("COLUMNS", raising=False)


def ran(folder: Path, *words: str) -> Path:
    """A run directory of the dry-run engine; it is the only one of its folder."""
    assert main(["run", *BASE, "replicates=20", "max_failed=1", f"runs={folder}", "limit=12", *words]) == 0
    (path,) = (folder / "pTrue").iterdir()
    return path


def edited(run: Path, to: Path, **settings: Any) -> Path:
    """A copy of a run that says of itself that its config was another one."""
    shutil.copytree(run, to)
    manifest = json.loads((to / "manifest.json").read_text())
    for key, value in settings.items():
        manifest["config"][key] = {**manifest["config"][key], **value} if isinstance(value, dict) else value
    manifest["model"]["name"], manifest["seed"] = manifest["config"]["model"]["name"], manifest["config"]["seed"]
    (to / "manifest.json").write_text(json.dumps(manifest))
    return to


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two models and two seeds, the one of the other written by hand; with other answers right in each."""
    made = tmp_path_factory.mktemp("runs")
    found = {"a0": ran(made / "a0"), "fewer": ran(made / "fewer", "limit=8")}
    for name, model, seed, draws in (
        ("a1", "fake:smollm2", 1, 2),
        ("b0", "fake:other", 0, 2),
        ("b1", "fake:other", 1, 2),
    ):
        found[name] = edited(found["a0"], made / name, model={"name": model}, seed=seed, experiment={"draws": draws})
    found["draws"] = edited(found["a0"], made / "draws", experiment={"draws": 3})
    for path, right in zip((found[n] for n in ("a0", "a1", "b0", "b1")), (4, 5, 6, 7), strict=True):
        table = Table.load(path / "outcomes.parquet")
        table.columns["correct"][:] = [float(k < right) for k in range(len(table))]
        table.save(path / "outcomes.parquet")
    return found


def told(words: list[Any], capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    capsys.readouterr()
    assert main(["compare", *map(str, words), "--replicates", "200"]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def as_json(words: list[Any], capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(told([*words, "--json", "-"], capsys))


def test_two_runs_differ_by_what_their_outcomes_say(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = as_json([runs["a0"], runs["b0"], "--metric", "accuracy"], capsys)
    (one,) = found["contrasts"]
    assert (one["first"], one["second"]) == (4 / 12, 6 / 12)
    assert one["value"] == pytest.approx(2 / 12)
    assert (one["gained"], one["lost"], one["p_exact"]) == (2, 0, 0.5)
    assert one["p_holm"] == one["p"]
    assert found["warnings"] == [DRY, FEW]
    assert "model.name: fake:smollm2 against fake:other" in found["differ"]
    assert [c["gained"] for c in found["changes"]] == [True, True]
    out = told([runs["a0"], runs["b0"], "--metric", "accuracy"], capsys)
    assert "fake:other against fake:smollm2" in out
    assert "0.3333  0.5000  +0.1667 [" in out
    assert " 2/0" in out
    assert "gained/lost: items with a label" in out


def test_a_side_with_many_more_answers_that_cannot_be_graded_is_named(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 6 of 12 answers of the other model are unreadable or cut, and wrong by that alone.
    one, like, other = (edited(runs[name], tmp_path / to) for name, to in (("a0", "a"), ("b0", "b"), ("b0", "c")))
    for path, lost in ((one, 0), (like, 1), (other, 6)):
        table = Table.load(path / "outcomes.parquet")
        table.columns["fate"][:] = [("cut", "unreadable")[k % 2] if k < lost else "answered" for k in range(12)]
        table.save(path / "outcomes.parquet")
    equal, unequal = (as_json([one, second, "--metric", "accuracy"], capsys)[0]["warnings"] for second in (like, other))
    assert not any("could not be graded" in text for text in equal)
    assert [text for text in unequal if "could not be graded" in text] == [
        "50% of the answers of fake:other (zero-shot) could not be graded, and 0% of those of fake:smollm2: they count "
        "as wrong, so that a difference may be one of form, length or refusals; metrics that end in _answered leave "
        "them out"
    ]


def test_the_baseline_and_the_family_of_tests(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    third = edited(runs["b0"], tmp_path / "third", model={"name": "fake:third"})
    words = [runs["a0"], third, runs["b0"], "--metric", "accuracy", "--metric", "brier"]
    found = as_json(words, capsys)
    assert [one["first"]["label"] for one in found] == ["fake:smollm2"] * 2
    p = [c["p"] for one in found for c in one["contrasts"]]
    adjusted = [c["p_holm"] for one in found for c in one["contrasts"]]
    assert len(p) == 4
    known = [(x, y) for x, y in zip(p, adjusted, strict=True) if x is not None]
    assert min(y for _, y in known) == pytest.approx(min(1.0, len(known) * min(x for x, _ in known)))
    found = as_json([*words, "--baseline", runs["b0"]], capsys)
    assert {one["first"]["label"] for one in found} == {"fake:other"}
    assert "no side is called that" in told([*words, "--baseline", "nobody"], capsys, 2)


def test_too_few_replicates_for_so_many_tests_are_said(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(runs["a0"]), str(runs["b0"]), "--metric", "accuracy", "--metric", "brier", "--json", "-"]
    capsys.readouterr()
    for replicates, told_so in (("20", True), ("200", False)):
        assert main(["compare", *words, "--replicates", replicates]) == 0
        captured = capsys.readouterr()
        tests = sum(c["p"] is not None for c in json.loads(captured.out)[0]["contrasts"])
        assert tests
        assert (f"of {tests} tests: no p Holm can be below {2 * tests / 21:.2g}" in captured.err) is told_so


@pytest.mark.parametrize("grouped", [[], ["--group-by", "model"]], ids=["ungrouped", "grouped"])
def test_seeds_of_a_model_are_one_side(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], grouped: list[str]
) -> None:
    four = [runs[name] for name in ("a0", "a1", "b0", "b1")]
    (found,) = as_json([*four, *grouped, "--metric", "accuracy"], capsys)
    (one,) = found["contrasts"]
    assert (one["first"], one["second"]) == (pytest.approx(4.5 / 12), pytest.approx(6.5 / 12))
    assert one["spread"] == [pytest.approx((0.5**0.5) / 12)] * 2
    assert [side["label"] for side in (found["first"], found["second"])] == ["fake:smollm2", "fake:other"]
    assert found["warnings"] == [DRY, FEW]
    assert not any("seed" in text for text in found["differ"])
    assert "neither a setting of the runs nor a column" in told([*four, "--group-by", "model.colour"], capsys, 2)
    assert "nothing to compare" in told([*four[:2], "--group-by", "model"], capsys, 2)


def test_runs_of_a_value_that_differ_in_more_than_the_seed_are_sides_of_their_own(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [runs["draws"], *(runs[name] for name in ("a0", "a1", "b0", "b1")), "--metric", "accuracy"]
    (found,) = as_json([*words, "--group-by", "model"], capsys)
    # The other model is compared with the runs that have as many draws.
    assert (found["first"]["label"], found["second"]["label"]) == ("fake:smollm2 draws 2", "fake:other draws 2")
    assert [len(found[side]["runs"]) for side in ("first", "second")] == [2, 2]
    assert found["contrasts"][0]["value"] == pytest.approx(2 / 12)


def test_seeds_are_compared_where_there_is_nothing_else(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = as_json([runs["a0"], runs["a1"], "--metric", "accuracy"], capsys)
    assert [found[side]["label"] for side in ("first", "second")] == ["seed 0", "seed 1"]


def test_runs_of_another_experiment_or_task_are_compared_among_themselves(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = [edited(runs[name], tmp_path / name, task={"name": "mine"}) for name in ("b0", "a0")]
    lonely = edited(runs["a0"], tmp_path / "lonely", task={"name": "lonely"})
    words = [runs["a0"], runs["b0"], *mine, lonely, "--metric", "accuracy"]
    found = as_json(words, capsys)
    assert [(one["about"], one["contrasts"][0]["value"]) for one in found] == [
        ("pTrue on facts", pytest.approx(2 / 12)),
        ("pTrue on mine", pytest.approx(-2 / 12)),
    ]
    capsys.readouterr()
    assert main(["compare", *map(str, words), "--replicates", "50"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("left out: pTrue on lonely: nothing to compare") == 1
    assert "pTrue on mine: fake:smollm2 against fake:other" in captured.out
    err = told([runs["a0"], lonely], capsys, 2)
    assert "runs of different tasks are compared with --group-by task" in err
    (found,) = as_json([runs["a0"], lonely, "--group-by", "task", "--metric", "accuracy"], capsys)
    assert found["second"]["label"] == "lonely"


def test_a_star_of_the_shell_names_what_cannot_be_used(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = edited(runs["b1"], tmp_path / "stopped")
    manifest = json.loads((stopped / "manifest.json").read_text())
    (stopped / "manifest.json").write_text(json.dumps({**manifest, "status": "stopped"}))
    (tmp_path / "report.html").write_text("")
    (tmp_path / "empty").mkdir()
    words = [runs["a0"], runs["b0"], stopped, tmp_path / "report.html", tmp_path / "empty", "--metric", "accuracy"]
    capsys.readouterr()
    assert main(["compare", *map(str, words), "--replicates", "50"]) == 0
    captured = capsys.readouterr()
    for text in ("stopped: the run is stopped, and not finished", "report.html is a file", "empty is empty"):
        assert captured.err.count(text) == 1
    assert len(captured.err.splitlines()) == 3
    assert "fake:other against fake:smollm2" in captured.out
    assert "there is no such run" in told([runs["a0"], runs["b0"], tmp_path / "typo"], capsys, 2)


def test_what_is_not_comparable_is_said_with_the_reason(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = as_json([runs["a0"], runs["fewer"], "--metric", "accuracy"], capsys)
    assert "other items: the runs have 12 and 8, and share 8; only these are compared" in found["warnings"]
    assert FEW.replace("12", "8") in found["warnings"]
    assert found["contrasts"][0]["n_items"] == 8
    assert found["contrasts"][0]["n_unmatched"] == 0  # four items that one run never asked about are not lost
    (found,) = as_json([runs["a0"], runs["draws"], "--metric", "accuracy"], capsys)
    assert "another protocol: experiment.draws: 2 against 3" in found["warnings"]
    assert "WARNING another protocol" in told([runs["a0"], runs["draws"]], capsys)


def test_a_metric_of_another_binning_is_left_out_with_the_reason(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {"_target_": "harness.metrics.calibration.ece_equal_width", "columns": ["p", "correct"]}
    five, ten = (
        edited(runs["a0"], tmp_path / str(bins), metrics={"mine": {**mine, "options": {"bins": bins}}})
        for bins in (5, 10)
    )
    (found,) = as_json([five, ten, "--metric", "mine", "--metric", "brier"], capsys)
    assert [c["metric"] for c in found["contrasts"]] == ["brier"]
    told_so = "metric 'mine' is another in the two runs and left out: options {'bins': 5} against {'bins': 10}"
    assert told_so in found["warnings"]
    assert told_so in told([five, ten, "--metric", "mine"], capsys, 2)


def test_arms_of_a_run_are_sides(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = edited(runs["a0"], tmp_path / "both")
    one = Table.load(both / "outcomes.parquet")
    columns = {name: np.concatenate([values, values]) for name, values in one.columns.items()}
    columns["arm"] = np.array(["plain"] * 12 + ["shots"] * 12, dtype=object)
    columns["correct"] = np.array([float(k < 4) for k in range(12)] + [float(k < 9) for k in range(12)])
    Table(one.kinds, columns).save(both / "outcomes.parquet")
    (found,) = as_json([both, "--group-by", "arm", "--metric", "accuracy", "--baseline", "plain"], capsys)
    (c,) = found["contrasts"]
    assert (c["level"], c["first"], c["second"]) == ({"arm": "shots - plain"}, 4 / 12, 9 / 12)
    assert (c["gained"], c["lost"], c["p_exact"]) == (5, 0, pytest.approx(2 / 32))
    assert (found["warnings"], found["differ"]) == ([DRY, FEW], [])
    page = tmp_path / "arms.html"
    told([both, "--group-by", "arm", "--metric", "accuracy", "--html", page], capsys)
    assert page.read_text().count('<details class="item">') == 5
    assert "nothing to compare" in told([runs["a0"], "--group-by", "arm"], capsys, 2)


def test_runs_without_a_shared_item_are_an_error(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs["b0"], other)
    table = Table.load(other / "outcomes.parquet")
    table.columns["item"][:] = [f"other-{item}" for item in table.columns["item"]]
    table.save(other / "outcomes.parquet")
    assert "share no item" in told([runs["a0"], other], capsys, 2)


def test_csv_and_the_page_and_nothing_unasked(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for run in runs.values() for path in run.rglob("*")}
    other = tmp_path / "hostile"
    shutil.copytree(runs["b0"], other)
    lines = [json.loads(line) for line in (other / "calls.jsonl").read_text().splitlines()]
    for line in lines:
        line["fields"]["question"] = HOSTILE
        for exchange in line["exchanges"]:
            exchange["reply"] = HOSTILE
    (other / "calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["config"]["model"]["name"] = HOSTILE.replace("\x00", "")
    (other / "manifest.json").write_text(json.dumps(manifest))
    page = tmp_path / "page.html"
    words = [runs["a0"], other, "--metric", "all", "--html", page, "--csv", tmp_path / "d.csv"]
    assert f"page: {page}" in told(words, capsys)
    text = page.read_text()
    assert text.count("<script>") == 1
    assert "onerror=alert" not in text.replace("onerror=alert(1)&gt;", "")
    assert "\u202e" not in text
    assert "\x00" not in text
    assert text.count('<details class="item">') == 2
    assert 'src="data:image/svg+xml;base64,' in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "d.csv").read_text())))
    assert {row["metric"] for row in rows} >= {"accuracy", "brier", "auroc", "ece_equal_width"}
    assert {path: path.stat().st_mtime_ns for run in runs.values() for path in run.rglob("*")} == before


def without(run: Path, column: str) -> None:
    """Takes a column out of a run's outcomes."""
    table = Table.load(run / "outcomes.parquet")
    kept = [name for name in table.columns if name != column]
    Table(table.kinds, {name: table.columns[name] for name in kept}).save(run / "outcomes.parquet")


def test_bad_runs_are_named(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(runs["b0"], broken)
    for spoil, words in (
        (lambda: without(broken, "mass"), "outcomes.parquet has no column 'mass', which metric 'option_mass' reads"),
        (lambda: without(broken, "item"), "outcomes.parquet has no column 'item', which every metric reads"),
        (lambda: (broken / "outcomes.parquet").write_bytes(b"no"), "outcomes.parquet cannot be read"),
        (lambda: (broken / "manifest.json").write_text("{"), "manifest.json is damaged"),
        ((broken / "manifest.json").unlink, "no manifest.json"),
    ):
        spoil()
        err = told([runs["a0"], broken], capsys, 2)
        assert words in err
        assert len(err.splitlines()) == 2
        assert "nothing to compare" in err.splitlines()[1]
    both = tmp_path / "both"
    for name in ("a0", "b0"):
        shutil.copytree(runs[name], both / name)
    shutil.copytree(broken, both / "broken")
    (both / "broken" / "manifest.json").write_text("{")
    capsys.readouterr()
    assert main(["compare", str(both), "--metric", "accuracy", "--replicates", "50"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"harness: left out: {both / 'broken' / 'manifest.json'} is damaged")
    assert "fake:other against fake:smollm2" in captured.out
    assert "nothing to compare" in told([runs["a0"]], capsys, 2)
    assert "there is no metric 'nothing'" in told([runs["a0"], runs["b0"], "--metric", "nothing"], capsys, 2)
    assert "cannot write" in told([runs["a0"], runs["b0"], "--json", broken / "outcomes.parquet" / "x.json"], capsys, 2)


def test_arms_that_differ_in_one_factor_are_compared_whatever_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = ["zero-shot", "zero-shot brainstorm", "fixed", "fixed brainstorm"]
    words = [
        "run",
        "experiment=pTrue",
        f"experiment.arms=[{','.join(arms)}]",
        "engine=fake",
        "tracker=none",
        "limit=30",
    ]
    assert main([*words, "max_failed=1", "replicates=50", f"runs={tmp_path}"]) == 0
    (path,) = (tmp_path / "pTrue").iterdir()
    capsys.readouterr()
    (by_ideas,) = as_json([path, "--group-by", "ideas", "--metric", "brier"], capsys)
    assert (by_ideas["first"]["label"], by_ideas["second"]["label"]) == ("false", "true")
    by_arm = {
        name: as_json([path, "--group-by", "arm", "--metric", "brier", "--baseline", name], capsys)
        for name in ("zero-shot", "fixed")
    }
    for contrast in by_ideas["contrasts"]:
        shown = {"none": "zero-shot", "fixed": "fixed"}[contrast["level"]["demonstrations"]]
        (pair,) = [one for one in by_arm[shown] if one["second"]["label"] == f"{shown} brainstorm"]
        assert contrast["value"] == pair["contrasts"][0]["value"]
    assert len(by_ideas["contrasts"]) == 2
    assert "did you mean 'ideas'?" in told([path, "--group-by", "idea"], capsys, 2)


def test_models_of_one_name_are_told_apart_and_dry_runs_are_no_results(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "runs"
    for place, model, seed in (("1", "one/Qwen", 0), ("2", "one/Qwen", 1), ("3", "two/Qwen", 0), ("4", "two/Qwen", 1)):
        edited(runs["a0"], made / place, model={"name": "Qwen", "source": f"/models/{model}"}, seed=seed)
    edited(runs["a0"], made / "dry")
    capsys.readouterr()
    assert main(["compare", str(made), "--group-by", "model", "--metric", "accuracy", "--replicates", "50"]) == 0
    captured = capsys.readouterr()
    assert "Qwen (two/Qwen) against Qwen (one/Qwen)" in captured.out
    assert f"left out: {made / 'dry'}: a dry run, in which no model was asked" in captured.err
    assert main(["report", str(made)]) == 0
    assert "a dry run, in which no model was asked" in capsys.readouterr().out
    assert main(["report", *map(str, made.glob("[1-4d]*")), "--out", str(tmp_path / "all.html")]) == 0
    assert "a dry run" not in capsys.readouterr().out


def gate(words: list[Any], capsys: pytest.CaptureFixture[str], *margins: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a comparison with margins."""
    capsys.readouterr()
    flags = [flag for margin in margins for flag in ("--fail-if", margin)]
    code = main(["compare", *map(str, words), "--replicates", "200", *flags])
    return code, *capsys.readouterr()


def test_a_gate_passes_fails_or_says_how_many_items_it_needs(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = runs["a0"], runs["b0"]  # 4 and 6 of 12 right
    code, out, _ = gate([a, b], capsys, "accuracy < -0.5")
    assert code == 0
    assert out.endswith("pass: --fail-if accuracy < -0.5 (exit code 0)\n")
    assert gate([a, b], capsys, "accuracy[arm=zero-shot] > -0.5")[0] == 3
    code, out, _ = gate([a, b], capsys, "accuracy < -0.02")
    assert code == 4
    assert "items would tell in 80 of 100 cases, given no true difference" in out
    # One that fails decides, whatever the others are; one that is inconclusive keeps the others from passing.
    assert gate([a, b], capsys, "accuracy < -0.02", "accuracy > -0.5")[0] == 3
    assert gate([a, b], capsys, "accuracy < -0.5", "accuracy < -0.02")[0] == 4
    assert gate([a, b], capsys, "accuracy < -0.5", "accuracy > 0.9")[0] == 0
    # A run that could not be compared may be the one that got worse.
    stopped = edited(b, tmp_path / "stopped")
    manifest = json.loads((stopped / "manifest.json").read_text())
    (stopped / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    code, out, _ = gate([a, b, stopped], capsys, "accuracy < -0.5")
    assert code == 4
    assert f"inconclusive: not compared: {stopped}: the run is interrupted" in out
    # JSON on standard output stays JSON.
    code, out, err = gate([a, b, "--json", "-"], capsys, "accuracy < -0.5")
    assert (code, json.loads(out)[0]["contrasts"][0]["metric"]) == (0, "accuracy")
    assert "pass: --fail-if" in err


@pytest.mark.parametrize(
    ("margin", "message"),
    [
        ("acuracy < -0.02", "there is no metric 'acuracy', did you mean 'accuracy'?"),
        ("accuracy[arm=few] < -0.02", "there is no such level (there are: arm=zero-shot)"),
        ("accuracy", "is not understood"),
    ],
    ids=["metric", "level", "words"],
)
def test_a_gate_that_is_not_understood_is_bad_input(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], margin: str, message: str
) -> None:
    code, _, err = gate([runs["a0"], runs["b0"]], capsys, margin)
    assert code == 2
    assert message in err


def test_one_sentence_says_which_differences_are_real(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = told([runs["a0"], runs["b0"], "--metric", "accuracy", "--metric", "brier"], capsys)
    assert "no difference is shown to be real; " in out
    (found,) = as_json([runs["a0"], runs["b0"], "--metric", "accuracy"], capsys)
    assert found["sentence"] == "no difference is shown to be real; 1 may be luck"
