"""The W&B tracker with wandb's own client: what it leaves offline is read back, and it never fails a run."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.figures import Curve, Grid, Reliability, RiskCoverage, Transitions
from harness.outcomes import ItemResult, Outcome, Probability, Table
from harness.report.figures import draw
from harness.statistics.claims import Verdict
from harness.statistics.estimates import Estimate
from harness.tracker import RunResult, RunStart, Tracker
from harness.tracking.series import chart
from harness.tracking.wandb import Wandb, forced_mode, has_key


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    answer: str | None
    p_true: Probability | None
    correct: bool | None


ROWS = [
    ItemResult(f"i{i:02}", f"g{i}", (Row(arm="few-shot", answer="<b>", p_true=Probability(i / 10), correct=i > 5),))
    for i in range(10)
]
ROWS.append(ItemResult("i99", "g", error="broken"))
TABLE = Table.build(Row, ROWS)
FIGURES = (Reliability("p_true", "correct", bins=5), RiskCoverage("p_true", "correct"))
ESTIMATES = [
    Estimate(
        metric="auroc", level={"arm": "few-shot"}, value=0.75, low=0.5, high=1.0, n=10, n_groups=10, n_failed=1,
        method="m", better="higher",
    ),
    Estimate(
        metric="aurc", level={"arm": "few-shot"}, value=None, low=None, high=None, n=0, n_groups=0, n_failed=1,
        method="none", better="lower", note="one class",
    ),
]  # fmt: skip
MANIFEST = {
    "status": "finished", "items_done": 11, "items_failed": 1, "run_id": "abc12345", "seconds": {"ask": 2.5},
    "engine_busy": 0.95, "config": {"claims": [{"metric": "auroc"}]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_settings_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "overwritten"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))


def begun(folder: Path, model: str = "smollm2", task: str = "facts", run_id: str = "abc12345") -> RunStart:
    config = {"seed": 3, "task": {"name": "facts"}}
    return RunStart(
        folder=folder, run_id=run_id, name="a run", config=config, experiment="pTrue", model=model, task=task, items=11
    )


def track(tracker: Tracker, run_dir: Path, model: str = "smollm2", task: str = "facts") -> None:
    """A whole small run."""
    run_dir.mkdir(exist_ok=True)
    (run_dir / "manifest.json").write_text("{}")
    tracker.start(begun(run_dir, model, task))
    tracker.progress({"items": 4, "calls_per_s": 10.0})
    tracker.progress({"items": 9, "calls_per_s": 12.0})
    drawings = [draw(figure, TABLE, ESTIMATES) for figure in FIGURES]
    verdicts = [Verdict("supported", "a claim", ESTIMATES[0], None, "why", "s", 0.03, 0.06, "undecided")]
    tracker.finish(
        RunResult(
            folder=run_dir,
            manifest=MANIFEST,
            table=TABLE,
            estimates=ESTIMATES,
            drawings=drawings,
            figures=FIGURES,
            verdicts=[asdict(verdict) for verdict in verdicts],
        )
    )


def read_back(run_dir: Path, *flags: str) -> Any:
    """What wandb itself reads in the newest offline run."""
    log = max(run_dir.glob("wandb/offline-run-*/*.wandb"))
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *flags, "--json", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if flags else [json.loads(line) for line in done.stdout.splitlines()]


def test_an_offline_run_holds_config_numbers_history_table_figures_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track(Wandb(group="grid"), tmp_path / "run")
    assert "offline; later: python -m harness wandb sync" in capsys.readouterr().err
    run = read_back(tmp_path / "run", "--summary")
    assert (run["run_id"], run["name"], run["state"]) == ("abc12345", "a run", "finished")
    assert run["config"] == {"seed": 3, "task": {"name": "facts"}}
    assert run["tags"] == ["smollm2", "facts"]
    summary = run["summary"]
    plain = {k: v for k, v in summary.items() if not isinstance(v, dict) and not k.startswith("_")}
    assert plain == {
        "claims/a claim": "supported", "auroc/few-shot": 0.75, "auroc/few-shot/low": 0.5, "auroc/few-shot/high": 1.0,
        "status": "finished", "items_done": 11, "items_failed": 1, "engine_busy": 0.95, "seconds/ask": 2.5,
    }  # fmt: skip
    (place,) = tmp_path.glob("run/wandb/offline-run-*/files/media/table/numbers_*.table.json")
    assert json.loads(place.read_text()) == {
        "columns": ["metric", "level", "value", "low", "high", "n", "n_groups", "n_failed", "better", "note"],
        "data": [
            ["auroc", "few-shot", 0.75, 0.5, 1.0, 10, 10, 1, "higher", ""],
            ["aurc", "few-shot", None, None, None, 0, 0, 1, "lower", "one class"],
        ],
    }
    assert summary["outcomes"]["nrows"] == 11
    (place,) = tmp_path.glob("run/wandb/offline-run-*/files/media/table/verdicts_*.table.json")
    assert json.loads(place.read_text()) == {
        "columns": ["kind", "kind_holm", "text", "p", "p_holm", "published", "reason", "source"],
        "data": [["supported", "undecided", "a claim", 0.03, 0.06, None, "why", "s"]],
    }
    assert summary["points/reliability-p_true-correct-arm-5"]["nrows"] == 5
    assert "charts/risk-coverage-p_true-correct-arm_table" in summary
    records = read_back(tmp_path / "run")
    history = [r["history"]["item"] for r in records if r["type"] == "history"]
    assert [h["progress/items"] for h in history if "progress/items" in h] == [4, 9]
    (head,) = [r["run"] for r in records if r["type"] == "run"]
    assert (head["job_type"], head["run_group"], head["project"]) == ("pTrue", "grid", "self-evaluation")
    artifacts = [r["artifact"] for r in records if r["type"] == "artifact"]
    assert any(a["name"] == "run-abc12345" for a in artifacts)
    assert list(tmp_path.glob("run/wandb/offline-run-*/files/media/images/figures/*.png"))
    # Nothing is staged where it would be lost with the machine.
    assert not (tmp_path / ".local").exists()
    assert not (tmp_path / "overwritten").exists()


def test_the_table_is_cut_knowingly_and_long_tags_are_no_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track(Wandb(table_rows=4), tmp_path / "run", model="", task="long" * 20)
    assert "shows 4 of 11 rows" in capsys.readouterr().err
    run = read_back(tmp_path / "run", "--summary")
    assert (run["summary"]["outcomes"]["nrows"], run["tags"]) == (4, [f"{'long' * 12}"[:47] + "…" + "long" * 4])


def test_the_run_is_called_tagged_and_grouped_as_one_asks_within_what_wandb_takes(tmp_path: Path) -> None:
    track(
        Wandb(
            name="n" * 150 + "-0001",
            tags=("mine", "smollm2", "t" * 70),
            notes="why\nit is",
            group="g" * 130,
            job_type="j",
        ),
        tmp_path / "run",
    )
    run = read_back(tmp_path / "run", "--summary")
    assert (len(run["name"]), run["name"][-5:]) == (128, "-0001")
    assert run["tags"][:3] == ["smollm2", "facts", "mine"]
    assert [len(tag) for tag in run["tags"][3:]] == [64]
    (head,) = [r["run"] for r in read_back(tmp_path / "run") if r["type"] == "run"]
    assert (head["job_type"], len(head["run_group"]), head["notes"]) == ("j", 128, "why\nit is")


@pytest.mark.parametrize(
    ("name", "value", "mode"),
    [
        ("WANDB_MODE", "dryrun", "offline"),
        ("WANDB_MODE", "Offline", "offline"),
        ("WANDB_MODE", "run", "online"),
        ("WANDB_MODE", "auto", None),
        ("WANDB_MODE", "disabled", "disabled"),
        ("WANDB_DISABLED", "yes", "disabled"),
        ("WANDB_DISABLED", "false", None),
    ],
)
def test_the_modes_have_old_names(monkeypatch: pytest.MonkeyPatch, name: str, value: str, mode: str | None) -> None:
    monkeypatch.setenv(name, value)
    assert forced_mode() == mode


def test_the_old_name_of_offline_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    tracker = Wandb()
    track(tracker, tmp_path / "run")
    assert tracker.problems == []
    assert read_back(tmp_path / "run", "--summary")["summary"]["auroc/few-shot"] == 0.75


def test_a_mode_that_wandb_does_not_know_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offlin")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    track(Wandb(), tmp_path / "run")
    assert "WANDB_MODE=offlin is no mode of W&B: online, run, offline, dryrun" in capsys.readouterr().err
    assert not (tmp_path / "run/wandb").exists()


def test_the_command_line_goes_to_wandb_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = "plant-0451-argument"
    monkeypatch.setattr("sys.argv", ["harness", "run", f"model.template.hf_token={planted}", "seed=3"])
    track(Wandb(), tmp_path / "run")
    assert sys.argv[2].endswith(planted)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if planted.encode() in path.read_bytes()]
    assert any(b"model.template.hf_token=***" in path.read_bytes() for path in files)


def test_what_is_printed_is_sent_only_when_asked_for(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from harness.tracking.wandb import Wandb\n"
        "from tests.unit.tracking.test_tracking import begun\n"
        "tracker = Wandb(console=sys.argv[1], stats=False); tracker.start(begun(Path(sys.argv[2])))\n"
        "print('a printed line'); tracker.abort()"
    )
    for console in ("off", "wrap"):
        subprocess.run(
            [sys.executable, "-c", script, console, str(tmp_path / console)], check=True, capture_output=True
        )
        lines = [r["output_raw"]["line"] for r in read_back(tmp_path / console) if r["type"] == "output_raw"]
        assert ("a printed line" in lines) == (console == "wrap")


def test_a_run_gone_on_with_keeps_its_id(tmp_path: Path) -> None:
    track(Wandb(), tmp_path / "run")
    time.sleep(1.1)  # wandb names folders by the second
    track(Wandb(), tmp_path / "run")
    logs = sorted(path.name for path in (tmp_path / "run").glob("wandb/offline-run-*/*.wandb"))
    assert logs == ["run-abc12345.wandb"] * 2
    assert read_back(tmp_path / "run")[1]["run"]["resume"] is True


def test_a_dead_server_leaves_an_offline_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert has_key()
    track(Wandb(init_timeout=2, finish_timeout=5), tmp_path / "run")
    shown = capsys.readouterr().err
    assert "cannot be reached" in shown
    assert "offline; later: python -m harness wandb sync" in shown
    assert "0" * 40 not in shown
    assert read_back(tmp_path / "run", "--summary")["summary"]["auroc/few-shot"] == 0.75


def test_a_service_of_an_ended_process_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    wandb.teardown()  # the service of earlier tests, whose address is in no variable any more
    track(Wandb(mode="offline"), tmp_path / "first")
    inherited = os.environ["WANDB_SERVICE"]
    wandb.teardown()
    monkeypatch.setenv("WANDB_SERVICE", inherited)
    tracker = Wandb(mode="offline")
    track(tracker, tmp_path / "second")
    assert tracker.problems == []
    assert list((tmp_path / "second").glob("wandb/offline-run-*/*.wandb"))


def test_disabled_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track(Wandb(mode="disabled"), tmp_path / "a")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    track(Wandb(), tmp_path / "b")
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_DISABLED", "true")
    track(Wandb(), tmp_path / "c")
    assert sorted(p.name for p in tmp_path.glob("*/*")) == ["manifest.json"] * 3


def test_a_key_is_found_in_netrc_for_the_server_in_use_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_key()
    (tmp_path / "netrc").write_text("machine wandb.example login user password " + "1" * 40 + "\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert not has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example")
    assert has_key()


def test_no_trouble_of_wandbs_reaches_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"no {name}\nmore")

    tracker = Wandb()
    tracker._run = Broken()
    tracker.progress({"items": 1})
    tracker.finish(RunResult(folder=tmp_path, manifest=MANIFEST, table=TABLE, estimates=ESTIMATES))
    tracker.abort()
    monkeypatch.setattr("wandb.init", Broken().__getattr__)
    tracker.start(begun(tmp_path))
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) >= 3
    assert all(line.startswith("harness: ") for line in shown)


def test_charts_hold_the_points_of_the_figures() -> None:
    reliability, risk = (chart(figure, TABLE, ()) for figure in FIGURES)
    assert reliability is not None
    assert risk is not None
    (line,) = reliability.lines
    assert line.name == "few-shot"
    # Bins are (left, right]: 0, 0.1, 0.2 | 0.3, 0.4 | 0.5, 0.6 | 0.7, 0.8 | 0.9; those above 0.5 are right.
    assert line.x == pytest.approx([0.1, 0.35, 0.55, 0.75, 0.9])
    assert (list(line.y), list(line.n)) == ([0, 0, 0.5, 1, 1], [3, 2, 2, 2, 1])
    assert all(low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True))
    (line,) = risk.lines
    assert line.x == pytest.approx([k / 10 for k in range(1, 11)])
    assert line.y == pytest.approx([0, 0, 0, 0, 1 / 5, 2 / 6, 3 / 7, 4 / 8, 5 / 9, 6 / 10])
    assert chart(Transitions("correct", "correct"), TABLE, ()) is None
    charts = [
        chart(Reliability("p_true", "correct", by=by, bins=b), TABLE, ()) for by in ("arm", "item") for b in (5, 10)
    ]
    names = {one.name for one in charts if one is not None}
    assert len(names) == 4
    chosen = chart(Reliability("p_true", "correct", where={"correct": True}), TABLE, ())
    assert chosen is not None
    assert chosen.name not in names
    assert sum(chosen.lines[0].n) == 4
    points = [
        replace(ESTIMATES[0], metric="m", level={"arm": "a", "n": n}, value=v) for n, v in (("4", 0.5), ("2", 0.25))
    ]
    curve = chart(Curve("m", x="n"), TABLE, points)
    assert curve is not None
    assert [(line.name, list(line.x), list(line.y)) for line in curve.lines] == [("a", [2, 4], [0.25, 0.5])]
    assert chart(Grid("m", "n", "arm"), TABLE, points) is None  # its picture is logged
    nothing = TABLE.where(TABLE.columns["item"] == "i99")
    assert chart(FIGURES[0], nothing, ()) is None
