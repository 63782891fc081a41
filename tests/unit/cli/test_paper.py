"""What a paper takes from runs: the commands table, figures, methods and cite."""

import csv
import json
from pathlib import Path

import pytest

from harness.cli.figures import inches
from harness.cli.main import main
from harness.errors import HarnessError
from tests.unit.cli.test_compare import edited, ran


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs")
    first = ran(made / "made", "experiment.arms=[zero-shot,fixed]", "replicates=100")
    edited(first, made / "all" / "a", seed=0)
    edited(first, made / "all" / "b", seed=1)
    return made / "all"


def told(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_a_table_goes_to_the_screen_or_to_a_file_whose_name_says_the_form(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(capsys, "table", runs, "--metric", "accuracy")
    assert shown.startswith("|  | accuracy |\n| --- | --- |\n| fixed | ")
    assert "the mean of 2 seeds (0 and 1)" in shown
    assert told(capsys, "table", runs, "--metric", "accuracy", "--output", tmp_path / "new" / "t.tex").startswith(
        "table: "
    )
    assert r"\toprule" in (tmp_path / "new" / "t.tex").read_text()
    told(capsys, "table", runs, "--metric", "accuracy", "--metric", "brier", "--output", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {(row["row"], row["column"]) for row in rows} == {
        (arm, metric) for arm in ("fixed", "zero-shot") for metric in ("accuracy", "brier")
    }
    assert ".tex, .csv or .md" in told(capsys, "table", runs, "--output", tmp_path / "t.docx", code=2)
    assert told(capsys, "table", runs).count("\n") > 4  # with nothing said a table comes, too


def test_labels_name_what_a_table_and_a_figure_show(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.yaml"
    labels.write_text("fixed: six examples\naccuracy: share right\nbrier: in neither\np: in the figure alone\n")
    assert "| six examples |" in told(capsys, "table", runs, "--metric", "accuracy", "--labels", labels)
    words = ["figures", runs / "a", "--format", "svg", "--labels", labels, "--output", tmp_path]
    told(capsys, *words, "--figure", "reliability-p-correct-arm-10")
    assert "six examples" in (tmp_path / "reliability-p-correct-arm-10.svg").read_text()
    for text, message in (
        ("fxied: six", "nothing here is called 'fxied', did you mean 'fixed'"),
        ("- fixed", "write lines like `few-shot: own examples`"),
        ("fixed: [1", "cannot be read"),
    ):
        labels.write_text(text)
        assert message in told(capsys, *words, code=2)


def test_figures_are_drawn_from_the_run_directory_with_their_captions(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, "figures", runs / "a", "--width", "84mm", "--output", tmp_path / "whole")
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert files == ["captions.txt", "reliability-p-correct-arm-10.pdf", "riskcoverage-p-correct-arm.pdf"]
    assert out.count("figure: ") == 2
    captions = (tmp_path / "whole" / "captions.txt").read_text()
    assert "reliability-p-correct-arm-10.pdf: Reliability: share correct against mean probability" in captions
    assert "95 % Wilson intervals" in captions
    told(capsys, "figures", runs / "a", "--panels", "separate", "--format", "png", "--output", tmp_path / "each")
    assert len(list((tmp_path / "each").glob("*.png"))) == 4
    told(capsys, "figures", runs / "a")
    assert len(list((runs / "a" / "figures" / "paper").glob("*.pdf"))) == 2
    told(capsys, "figures", runs / "a", "--figure", "reliability", "--output", tmp_path / "one")
    assert [path.stem for path in (tmp_path / "one").glob("*.pdf")] == ["reliability-p-correct-arm-10"]
    assert "the run has no such figure (there are: reliability" in told(
        capsys, "figures", runs / "a", "--figure", "relia", code=2
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [("3.3in", 3.3), ("84mm", 84 / 25.4), ("8.4 cm", 8.4 / 2.54), ("240pt", 240 / 72.27), ("4", 4.0)],
)
def test_a_length_has_a_unit(text: str, length: float) -> None:
    assert inches("--width", text) == pytest.approx(length)


@pytest.mark.parametrize("text", ["", "wide", "3.3px", "-3in", "0.2in", "900in", "nan", "1e3mm"])
def test_what_is_no_length_of_a_page_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match="--width"):
        inches("--width", text)


def test_methods_say_what_the_manifest_says(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(told(capsys, "methods", runs / "a").split())
    manifest = json.loads((runs / "a" / "manifest.json").read_text())
    for sentence in (
        "The protocol pTrue follows Kadavath et al. (2022, arXiv:2207.05221).",
        f"The test items were 12 items of the task facts, fingerprint {manifest['task']['fingerprint']}, in 12 groups",
        "a dry run: no model was asked, and its numbers mean nothing",
        "Prompts were written by the model's chat template.",
        "arms zero-shot and fixed; draws 2; judged 1; shots 20; temperature 1",
        "from a cluster bootstrap, which draws whole groups, with 100 replicates",
        "Sampled draws had the seed 0.",
        f"(commit {manifest['git']['commit'][:10]}",
    ):
        assert sentence in out, sentence


def test_methods_of_several_runs_say_once_what_they_share(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(told(capsys, "methods", runs).split())
    assert out.count("Prompts were written") == 1
    assert "Sampled draws had the seeds 0 and 1." in out
    changed = edited(runs / "b", runs.parent / "more", seed=2, model={"name": "fake:other"})
    out = " ".join(told(capsys, "methods", runs / "a", changed).split())
    assert "seed 0: The model was fake:smollm2" in out
    assert "seed 2: The model was fake:other" in out
    assert out.count("The test items were") == 1


def test_cite_takes_runs_and_experiments_and_each_paper_once(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "cite", runs / "a", "pTrue", "selfCorrection")
    assert out.count("@article{kadavath2022language,") == 1
    assert "@article{kumar2024training," in out
    assert "@misc{self_evaluation_harness," in out
    assert "did you mean 'pTrue'" in told(capsys, "cite", "pTru", code=2)


def test_runs_of_a_folder_that_do_not_belong_together_are_left_out_by_name(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = edited(runs / "a", tmp_path / "all" / "other", experiment={"draws": 3})
    for name in ("a", "b"):
        edited(runs / name, tmp_path / "all" / name, seed=int(name == "b"))
    capsys.readouterr()
    assert main(["table", str(tmp_path / "all"), "--metric", "accuracy"]) == 0
    captured = capsys.readouterr()
    assert "the mean of 2 seeds (0 and 1)" in captured.out
    assert f"left out: {other} differs from " in captured.err
    assert "in experiment.draws; name the runs" in captured.err
    named = told(capsys, "table", tmp_path / "all/a", other, "--metric", "accuracy", code=2)
    assert "differ in experiment.draws" in named
