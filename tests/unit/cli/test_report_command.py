"""`report RUN...`: what words mean, the page over several runs, and one message for what is wrong."""

import base64
import errno
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.found import find_runs
from harness.cli.main import main
from harness.report.multiples import draw_scaling, draw_side_by_side, label, parameters, shared
from harness.report.pooling import pools
from harness.report.several import render_several
from harness.runs.records import load_record
from harness.statistics.estimates import Estimate
from tests.support.reports import estimate, write_run

SIZES = {"smol-135M": 0.4, "smol-360M": 0.5, "big": 0.8}


def model(name: str, **more: Any) -> dict[str, Any]:
    return {"model": {"name": name, "source": name, **more}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models in one experiment, the last of counted size, and one of them in another experiment."""
    runs = tmp_path_factory.mktemp("runs")
    for i, (name, value) in enumerate(SIZES.items()):
        counted = {"parameters": 1_700_000_000} if name == "big" else {}
        estimates = (estimate(value), estimate(1 - value, "none", "aurc"))
        write_run(runs / "pTrue" / name, 3, estimates=estimates, figures=i == 0, **model(name, **counted))
    write_run(runs / "other" / "x", 3, estimates=(estimate(0.1),), figures=False, experiment="other", **model("big"))
    return runs


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "runs")


def run(*words: object) -> int:
    return main(["report", *map(str, words)])


def test_words_mean_runs_patterns_folders_each_once(runs: Path) -> None:
    everything = [*sorted((runs / "other").iterdir()), *sorted((runs / "pTrue").iterdir())]
    assert [found.path for found in find_runs([str(runs)])] == everything
    assert [found.path for found in find_runs([f"{runs}/pTrue/s*"])] == everything[2:]
    assert [found.path for found in find_runs([f"{runs}/**"])] == everything
    named = find_runs([str(runs / "other/x"), str(runs), str(runs / "pTrue/../other/x")])
    assert [found.path for found in named] == everything
    assert [found.named for found in named] == [True, False, False, False]


def test_what_a_run_keeps_inside_itself_is_no_run_of_its_own(runs: Path) -> None:
    shutil.copytree(runs / "other/x", runs / "other/x/earlier/1")
    assert [found.path for found in find_runs([str(runs / "other")])] == [runs / "other/x"]


def test_one_run_is_made_anew_in_its_place_or_elsewhere(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(runs / "other/x") == 0
    assert (runs / "other/x/report.html").is_file()
    assert re.search(r"report: .*/other/x/report\.html \(0\.0 MB, 3 items\)", capsys.readouterr().out)
    assert run(runs / "other/x", f"--out={runs}/new/page.html") == 0
    assert (runs / "new/page.html").read_bytes() == (runs / "other/x/report.html").read_bytes().replace(
        b'data-rest="report-items"', b'data-rest="page-items"'
    )


def test_a_page_over_several_runs_has_models_by_experiment_small_first(runs: Path) -> None:
    assert run(runs, "--title", "Mine & yours") == 0
    html = (runs / "report.html").read_text(encoding="utf-8")
    table = html[html.index('id="overview"') : html.index('id="verdicts"')]
    assert "<h1><bdi>Mine &amp; yours</bdi></h1>" in html
    assert re.findall(r'<th scope="col">(\w+)</th>', table) == ["Model", "other", "pTrue"]
    assert re.findall(r'<th scope="row"><bdi>([^<]*)</bdi> <small>([^<]*)', table) == [
        ("smol-135M", "135M parameters, from its name"),
        ("smol-360M", "360M parameters, from its name"),
        ("big", "1.7B parameters"),
    ]
    assert table.count(">\u2013</td>") == 2  # the small models have no run of `other`
    assert '<a href="pTrue/smol-135M/report.html">facts, seed 0</a>' in table
    assert "AUROC (few-shot) <strong>0.400</strong> <small>0.300 to 0.500</small>" in table
    links = set(re.findall(r'href="([^#"]+)"', html))
    assert links == {str(r.path.relative_to(runs) / "report.html") for r in find_runs([str(runs)])}


THOUGHTS = {
    "replies": 40, "thoughts": 30, "tokens": 12345, "tokens_a_reply": 308.625, "closed": 15, "empty": 6, "forced": 3,
    "cut": 6, "share_closed": 0.5, "share_empty": 0.2, "share_forced": 0.1, "share_cut": 0.2,
}  # fmt: skip


def test_a_page_over_several_runs_has_the_thoughts_of_each_model_that_thinks(runs: Path) -> None:
    assert run(runs) == 0
    assert 'id="thoughts"' not in (runs / "report.html").read_text(encoding="utf-8")
    thoughtful: dict[str, dict[str, Any]] = {
        "think/a": {"thoughts": THOUGHTS},
        "think/b": {"role_thoughts": {"<i>judge": THOUGHTS}},
    }
    for name, more in thoughtful.items():
        write_run(runs / name, 3, figures=False, experiment=name[-1], **model("big"), **more)
    assert run(runs) == 0
    html = (runs / "report.html").read_text(encoding="utf-8")
    table = html[html.index('id="thoughts"') : html.index('id="cost"')]
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall("<tr>(<th scope=.row.*?)</tr>", table)]
    told = ["40", "12,345", "308.6", "30", "50.0 %", "20.0 %", "10.0 %", "20.0 %"]
    assert [row[1:] for row in rows] == [["the subject", *told], ["&lt;i&gt;judge", *told]]
    assert ['href="think/a/report.html"' in rows[0][0], 'href="think/b/report.html"' in rows[1][0]] == [True, True]
    assert '<a href="#thoughts">' in html


def test_small_multiples_and_scaling_say_the_numbers_in_words(made: Path) -> None:
    records = [load_record(made / "pTrue" / name) for name in SIZES]
    beside = draw_side_by_side("pTrue", records)
    assert beside is not None
    assert beside.alt == (
        "AUROC, few-shot: smol-135M 0.400 [0.300, 0.500], smol-360M 0.500 [0.400, 0.600], big 0.800 [0.700, 0.900]. "
        "AURC, none: smol-135M 0.600 [0.500, 0.700], smol-360M 0.500 [0.400, 0.600], big 0.200 [0.100, 0.300]."
    )
    scaling = draw_scaling("pTrue", records)
    assert scaling is not None
    assert scaling.title == "pTrue: against model size (some sizes read from the name)"
    assert scaling.alt.startswith(
        "AUROC, few-shot: 135M 0.400 [0.300, 0.500], 360M 0.500 [0.400, 0.600], 1.7B 0.800 [0.700, 0.900]."
    )
    assert scaling.svg.startswith("<svg")
    assert draw_scaling("pTrue", records[:1]) is None
    assert draw_scaling("pTrue", [records[0], records[0]]) is None  # two runs of one size show no scaling
    assert draw_side_by_side("pTrue", records[:1]) is None


def test_numbers_are_shared_from_two_runs_on_and_undefined_ones_never(tmp_path: Path) -> None:
    for seed, estimates in {
        0: (estimate(0.1), estimate(0.2, "x"), estimate(None, "y")),
        1: (estimate(0.3), estimate(None, "x"), estimate(0.2, "y")),
    }.items():
        write_run(tmp_path / str(seed), 3, estimates=estimates, figures=False, seed=seed)
    records = [load_record(tmp_path / name) for name in "01"]
    assert shared(records) == [("auroc", (("arm", "few-shot"),))]
    assert [label(r, records) for r in records] == ["<b>model</b>, seed 0", "<b>model</b>, seed 1"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen3-0.6B", 0.6e9),
        ("SmolLM2-135M-Instruct", 135e6),
        ("Llama-3.1-8B-Instruct", 8e9),
        ("Qwen3-30B-A3B", 30e9),
        ("llama_3_70b", 70e9),
        ("gemma-2-9b-it+mine", 9e9),
        ("gpt-4o-mini", None),
        ("model-4bit", None),
        ("v2.1m5", None),
        ("smollm2", None),
    ],
)
def test_a_size_is_read_from_a_name_only_where_it_is_one(name: str, size: float | None) -> None:
    assert parameters(model(name)) == (size, False)
    assert parameters(model(name, parameters=7)) == (7, True)


def test_seeds_are_pooled_with_their_spread_and_other_settings_told_apart(tmp_path: Path) -> None:
    claims = [{"text": "c", "metric": "auroc", "level": {"arm": "few-shot"}, "relation": "above", "value": 0.5}]
    for seed, limit, value in ((0, 80, 0.5), (1, 80, 0.6), (2, 80, 0.7), (0, 8, 0.9)):
        config = {"limit": limit, "seed": seed, "claims": claims, "runs": str(tmp_path / str(limit))}
        numbers = (estimate(0.3 if limit == 80 else 0.7, metric="accuracy"), estimate(value), estimate(0.1, "none"))
        folder = tmp_path / f"{limit}-{seed}"
        write_run(folder, 3, estimates=numbers, figures=False, seed=seed, config=config)
    found = pools([load_record(tmp_path / name) for name in ("80-0", "80-1", "80-2", "8-0")])
    assert [(one.label, len(one.runs)) for one in found] == [("limit 80", 3), ("limit 8", 1)]
    accuracy, auroc = found[0].numbers()
    assert (accuracy.name, auroc.name) == ("accuracy (few-shot)", "AUROC (few-shot)")
    assert auroc.value == pytest.approx(0.6)
    assert (auroc.low, auroc.high, auroc.seeds) == (0.5, 0.7, 3)
    (_, alone) = found[1].numbers()
    assert (alone.value, alone.low, alone.high, alone.seeds) == (0.9, 0.8, 1.0, 1)
    assert found[0].kinds("hello") == {"supported": 3}
    assert run(tmp_path) == 0
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "AUROC (few-shot) <strong>0.600</strong> <small>seeds 0.500 to 0.700</small>" in html
    assert "accuracy (few-shot) <strong>0.300</strong> <small>in each of 3 seeds</small>" in html
    assert '<td data-label="&lt;b&gt;model&lt;/b&gt;, limit 80"><span class="kind supported">3 supported</span>' in html


def test_settings_of_the_experiment_and_of_one_model_tell_runs_apart(tmp_path: Path) -> None:
    one = {"experiment": {"shots": 4}, "model": {"name": "a", "style": "auto"}}
    several: dict[str, dict[str, Any]] = {
        "same": one,
        "shots": {**one, "experiment": {"shots": 0}},
        "style": {**one, "model": {"name": "a", "style": "chat"}},
        "another": {**one, "model": {"name": "b", "style": "plain"}},
    }
    records = []
    for name, config in several.items():
        model = {"name": config["model"]["name"], "source": "s"}
        records.append(load_record(write_run(tmp_path / name, 3, figures=False, config=config, model=model)))
    names = ["a, shots 4, style auto", "a, shots 0, style auto", "a, shots 4, style chat", "b, shots 4"]
    assert [pool.name for pool in pools(records)] == names


def test_dry_runs_are_left_out_beside_runs_of_a_model_and_marked_alone(tmp_path: Path) -> None:
    dry = write_run(tmp_path / "dry", 3, figures=False, model={"name": "fake:m", "source": ""})
    real = write_run(tmp_path / "real", 3, figures=False)
    both = render_several("t", [load_record(dry), load_record(real)], tmp_path)
    assert f"{dry}: a dry run, in which no model was asked" in both
    assert "<p>1 run: 1 model" in both
    alone = render_several("t", [load_record(dry)] * 2, tmp_path)
    assert "Dry runs: no model was asked." in alone
    assert "supported</span>" not in alone


def test_pictures_of_a_page_over_several_runs_are_inert(runs: Path) -> None:
    (figure,) = (runs / "pTrue/smol-135M/figures").iterdir()
    figure.write_text(figure.read_text().replace("</svg>", "<script>alert(1)</script></svg>"))
    assert run(runs / "pTrue") == 0
    html = (runs / "pTrue/report.html").read_text()
    assert "alert" not in html  # an <img> never runs what is in it, and its bytes are base64
    images = re.findall(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"', html)
    assert any(b"alert" in base64.b64decode(image) for image in images)


def test_runs_that_cannot_be_read_are_left_out_by_name(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "other/x/estimates.json").unlink()
    config = {"config": {"shard": "1/2"}}
    manifest = json.loads((runs / "pTrue/big/manifest.json").read_text())
    (runs / "pTrue/big/manifest.json").write_text(json.dumps(manifest | config))
    assert run(runs) == 0
    out = capsys.readouterr().out
    assert "2 runs)" in out
    assert f"left out: {runs}/other/x: the run has no results (it is finished)" in out
    assert f"left out: {runs}/pTrue/big: a shard" in out
    html = (runs / "report.html").read_text()
    assert "other/x: the run has no results" in html
    assert run(runs / "other/x", runs / "pTrue/big") == 0
    assert "left out: " in capsys.readouterr().out
    assert run(runs / "other/x") == 2
    assert "other/x: the run has no results" in capsys.readouterr().err
    assert run(runs / "other") == 2  # one run was found, and it cannot be shown


@pytest.mark.parametrize(
    ("make", "word", "message"),
    [
        ("", "nothing", "there is no such run directory"),
        ("", "no*thing", "matches 0 files and folders, none of them a run directory"),
        ("empty/", "empty", "is empty"),
        ("folder/file", "folder", "is no run directory and holds none"),
        ("folder/report.html", "folder/report.html", "is a file; give the run directory"),
        ("killed/owner.json", "killed", "no manifest.json"),
        ("moved/estimates.json", "moved", "no manifest.json"),
    ],
)
def test_words_that_mean_no_run_give_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: str, word: str, message: str
) -> None:
    if make:
        (tmp_path / make).parent.mkdir(exist_ok=True)
        if make.endswith("/"):
            (tmp_path / make).mkdir(exist_ok=True)
        else:
            (tmp_path / make).write_text("")
    assert run(tmp_path / word) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_directory_that_cannot_be_written_asks_for_another_place(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def read_only(path: Path, content: bytes) -> int:
        if path.is_relative_to(runs):
            raise OSError(errno.EROFS, "Read-only file system")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", read_only)
    for word in (runs / "pTrue/big", runs):
        assert run(word) == 2
        assert "Read-only file system; give another place with --out FILE" in capsys.readouterr().err
        assert run(word, "--out", runs.parent / "out.html") == 0
        assert (runs.parent / "out.html").stat().st_size > 5000
    assert run(runs, "--out", runs.parent) == 2
    assert "give the page's file name" in capsys.readouterr().err


def test_a_sweep_means_its_whole_cells(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from harness.sweep.folder import Cell, Pack, Sweep

    cells = (
        Cell(0, (), ("seed=0",), "other", "other/x", "a"),
        Cell(1, (), ("seed=1",), "pTrue", "pTrue/big", "b"),
        Cell(2, (), ("seed=2",), "pTrue", "pTrue/waiting", "c"),
        Cell(3, (), ("shard=1/2",), "pTrue", "pTrue/smol-135M", "d", whole=1),
    )
    Sweep(runs / "sweep", "s", runs, None, {}, cells, (Pack((0, 1, 2, 3), 1, 0),)).create()
    assert run(runs / "sweep") == 0
    out = capsys.readouterr().out
    assert f"report: {runs}/sweep/report.html" in out
    assert "2 runs)" in out
    assert "pTrue/waiting: no such run directory" in out
    assert 'href="../other/x/report.html"' in (runs / "sweep/report.html").read_text()


def test_a_title_or_name_that_is_code_stays_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\u202e"
    name = {"name": evil, "source": evil}
    made = [
        write_run(tmp_path / n, 3, experiment=evil, title=evil, model=name, task={"name": evil, "items": 3})
        for n in "ab"
    ]
    assert run(*made, "--title", evil) == 0
    html = (tmp_path / "report.html").read_text()
    assert html.count("<script>") == 1
    assert "\u202e" not in html


def test_a_value_of_the_wrong_kind_is_one_message(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads((runs / "pTrue/big/estimates.json").read_text())
    (runs / "pTrue/big/estimates.json").write_text(json.dumps([values[0] | {"value": "high"}]))
    wrong = f"{runs}/pTrue/big/estimates.json is damaged: estimates[0].value="
    assert run(runs) == 0
    assert f"left out: {wrong}" in capsys.readouterr().out
    assert run(runs / "pTrue/big") == 2
    err = capsys.readouterr().err
    assert wrong in err
    assert err.count("\n") == 1


def test_an_estimate_without_interval_is_drawn_as_a_point(tmp_path: Path) -> None:
    bare = Estimate(
        metric="mcnemar_p", level={}, value=0.04, low=None, high=None, n=8, n_groups=8, n_failed=0, method="none",
        better="neither",
    )  # fmt: skip
    for seed in range(2):
        write_run(tmp_path / str(seed), 3, estimates=(bare,), figures=False, seed=seed)
    picture = draw_side_by_side("e", [load_record(tmp_path / name) for name in "01"])
    assert picture is not None
    assert picture.alt == "McNemar's p: <b>model</b>, seed 0 0.040, <b>model</b>, seed 1 0.040."
