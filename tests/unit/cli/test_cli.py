"""The command line as a user meets it: exit codes, messages, kill and go on, Ctrl-C. On the dry-run engine.

Runs that are killed or interrupted are processes of their own; what only ends is called in this one.
"""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.execution.execute import execute
from harness.outcomes import Table
from harness.redaction import without_secrets
from tests.support.stored import stored

SMALL = [
    "experiment=pTrue",
    "engine=fake",
    "tracker=none",
    "limit=12",
    "experiment.shots=4",
    "experiment.judged=5",
    "replicates=50",
]


class Ended(NamedTuple):
    """One command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Ended]


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command to its end, in this process."""

    def command(*words: str) -> Ended:
        capsys.readouterr()
        return Ended(main(words), *capsys.readouterr())

    return command


def process(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end, as a process of its own."""
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def start(*words: str) -> subprocess.Popen[str]:
    """Starts one command."""
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_dir(runs: Path) -> Path:
    """The only run directory below `runs`."""
    (manifest,) = runs.glob("*/*/manifest.json")
    return manifest.parent


def wait_for_calls(runs: Path, at_least: int, process: subprocess.Popen[str]) -> None:
    """Waits until the store holds some calls and the process is still at work."""
    deadline = time.monotonic() + 240
    while len(stored(runs)) < at_least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def same_outcomes(a: Path, b: Path) -> None:
    """Asserts that two runs have the same outcomes, row by row."""
    one, two = Table.load(a / "outcomes.parquet"), Table.load(b / "outcomes.parquet")
    assert one.kinds == two.kinds
    for name, values in one.columns.items():
        np.testing.assert_array_equal(values, two.columns[name], err_msg=name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run; the folder of its runs."""
    runs = tmp_path_factory.mktemp("runs")
    done = process("run", *SMALL, f"runs={runs}")
    assert done.returncode == 0, done.stderr
    assert "report: " in done.stdout
    return runs


def test_a_run_leaves_everything_that_is_promised(finished: Path) -> None:
    path = run_dir(finished)
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert (manifest["items_done"], manifest["items_failed"]) == (12, 0)
    assert manifest["config"]["experiment"]["shots"] == 4
    assert len(manifest["fitted"]["items"]) == 3 * 4
    fitted = (path / "fitted.json").read_bytes()
    assert manifest["fitted"]["fingerprint"] == hashlib.sha256(fitted).hexdigest()[:16]
    calls = [json.loads(line) for line in (path / "calls.jsonl").read_text().splitlines()]
    assert len(calls) == 12
    # Every question of an item is in its transcript: 5 draws, and 6 arms of 5 judgements.
    assert {len(c["exchanges"]) for c in calls} == {5 + 6 * 5}
    assert len(Table.load(path / "outcomes.parquet")) == 12 * 6 * 5
    estimates = json.loads((path / "estimates.json").read_text())
    assert {"accuracy", "auroc", "ece_equal_count", "ece_equal_width", "brier"} <= {e["metric"] for e in estimates}
    assert (path / "report.html").read_text().startswith("<!doctype html>")
    assert len(list((path / "figures").glob("*.svg"))) == 2
    assert json.loads((path / "verdicts.json").read_text())


def test_no_test_item_is_a_training_item(finished: Path) -> None:
    path = run_dir(finished)
    trained = set(json.loads((path / "manifest.json").read_text())["fitted"]["items"])
    tested = {json.loads(line)["item"] for line in (path / "calls.jsonl").read_text().splitlines()}
    assert len(trained) == 3 * 4
    assert not trained & tested


def test_the_same_command_again_asks_nothing(harness: Command, finished: Path) -> None:
    before = (run_dir(finished) / "outcomes.parquet").read_bytes()
    keys = stored(finished)
    done = harness("run", *SMALL, f"runs={finished}")
    assert done.returncode == 0
    assert "0 calls asked" in done.stdout
    assert stored(finished) == keys
    assert (run_dir(finished) / "outcomes.parquet").read_bytes() == before


@pytest.mark.parametrize("calls", [5, 150])
def test_kill_and_go_on_asks_nothing_twice_and_ends_the_same(
    harness: Command, finished: Path, tmp_path: Path, calls: int
) -> None:
    slow = [*SMALL, f"runs={tmp_path}", "window=3"]
    running = start("run", *slow, "engine.delay=0.05")
    wait_for_calls(tmp_path, calls, running)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = len(stored(tmp_path))
    done = harness("run", *slow)
    assert done.returncode == 0, done.stderr
    keys = stored(tmp_path)
    assert len(keys) == len(set(keys)), "an answered call was asked a second time"
    assert len(keys) > before
    (again,) = [
        p.parent for p in tmp_path.glob("*/*/manifest.json") if json.loads(p.read_text())["status"] == "finished"
    ]
    same_outcomes(again, run_dir(finished))


def test_kill_and_go_on_with_greedy_and_sampled_chains(harness: Command, tmp_path: Path) -> None:
    words = ["experiment=selfCorrection", "engine=fake", "tracker=none", "limit=8", "replicates=50", "window=2"]
    assert harness("run", *words, f"runs={tmp_path / 'a'}").returncode == 0
    running = start("run", *words, f"runs={tmp_path / 'b'}", "engine.delay=0.05")
    wait_for_calls(tmp_path / "b", 40, running)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(stored(tmp_path / "b")) < 8 * 18
    assert harness("run", *words, f"runs={tmp_path / 'b'}").returncode == 0
    keys = stored(tmp_path / "b")
    assert len(keys) == len(set(keys))
    assert sorted(keys) == sorted(stored(tmp_path / "a"))
    ended = [p.parent for p in (tmp_path / "b").glob("*/*/manifest.json") if "finished" in p.read_text()]
    same_outcomes(ended[0], run_dir(tmp_path / "a"))


def test_ctrl_c_reports_what_is_there(tmp_path: Path) -> None:
    running = start("run", *SMALL, f"runs={tmp_path}", "window=2", "engine.delay=0.1")
    wait_for_calls(tmp_path, 120, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "interrupted: writing the report" in err
    manifest = json.loads((run_dir(tmp_path) / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert 0 < manifest["items_done"] < 12
    assert (run_dir(tmp_path) / "report.html").exists()
    assert "report: " in out


def test_a_run_that_is_cancelled_while_it_asks_reports_what_is_there(tmp_path: Path) -> None:
    job = load_job([*SMALL, f"runs={tmp_path}", "window=2", "engine.delay=0.3"])
    looks = iter([False, False])  # at the start and after two seconds; true when looked at once more
    session = execute(job, cancelled=lambda: next(looks, True))
    assert (session.status, session.code) == ("interrupted", 130)
    assert 0 < len(session.results) < 12
    assert (run_dir(tmp_path) / "report.html").exists()


def test_ctrl_c_while_preparing_still_ends_with_a_report(tmp_path: Path) -> None:
    running = start("run", *SMALL, f"runs={tmp_path}", "engine.delay=2")
    wait_for_calls(tmp_path, 0, running)
    while not list(tmp_path.glob("*/*/manifest.json")):
        time.sleep(0.05)
    time.sleep(1.5)  # the first calls take two seconds
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert json.loads((run_dir(tmp_path) / "manifest.json").read_text())["items_done"] == 0
    assert (run_dir(tmp_path) / "report.html").exists()


def test_a_run_that_cannot_begin_leaves_the_results_of_an_earlier_one(harness: Command, finished: Path) -> None:
    before = (run_dir(finished) / "calls.jsonl").read_bytes()
    done = harness("run", *SMALL, f"runs={finished}", "store=/proc/nothing")
    assert done.returncode == 2
    assert (run_dir(finished) / "calls.jsonl").read_bytes() == before


def test_an_engine_that_dies_leaves_a_report_and_the_next_run_goes_on(
    harness: Command, finished: Path, tmp_path: Path
) -> None:
    dying = ["engine._target_=tests.support.helpers.Dying", "engine.after=150", "window=3"]
    done = harness("run", *SMALL, f"runs={tmp_path}", *dying)
    assert done.returncode == 1
    assert "RuntimeError: out of memory" in done.stderr
    manifest = json.loads((run_dir(tmp_path) / "manifest.json").read_text())
    assert manifest["status"] == "engine died"
    assert 0 < manifest["items_done"] < 12
    assert (run_dir(tmp_path) / "report.html").exists()
    assert len(stored(tmp_path)) == 150
    done = harness("run", *SMALL, f"runs={tmp_path}")
    assert done.returncode == 0
    keys = stored(tmp_path)
    assert len(keys) == len(set(keys)) == len(stored(finished))


def test_secrets_are_struck_out() -> None:
    given = {
        "api_key": "abc", "engine": {"token": "t", "max_tokens": 5, "url": "https://user:pw@host/x"}, "hf_token": None,
        "per_token": True, "words": ["engine.api_key=abc", "experiment.max_tokens=5", "seed=1"],
    }  # fmt: skip
    assert without_secrets(given) == {
        "api_key": "***", "engine": {"token": "***", "max_tokens": 5, "url": "https://***@host/x"}, "hf_token": None,
        "per_token": True, "words": ["engine.api_key=***", "experiment.max_tokens=5", "seed=1"],
    }  # fmt: skip


def test_too_many_failures_fail_the_run_after_its_report(harness: Command, tmp_path: Path) -> None:
    # 5 tokens of context for a prompt that needs more: every item fails, and says why.
    (tmp_path / "rows.jsonl").write_text('{"question": "Q?", "answer": "A"}\n')
    done = harness(
        "run", *SMALL[:3], "experiment.arms=[zero-shot]", "experiment.max_tokens=2000000", "task=table",
        f"task.path={tmp_path / 'rows.jsonl'}", "limit=1", f"runs={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 of 1 items failed" in done.stderr
    assert "does not fit the context" in done.stdout
    assert (run_dir(tmp_path) / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "experiment=pTru"], "did you mean 'pTrue'?"),
        (["run", "+experiment.nshots=3"], "did you mean 'shots'?"),
        (["run", "--experiment=pTrue"], "write experiment=pTrue, without the dashes"),
        (["run", "experiment=falseBelief", "engine=fake", "tracker=none", "task=facts", "limit=5"], "'probes'"),
        (["run", *SMALL, "limit=0"], "limit"),
        (["run", *SMALL, "task=gsm8k", "task.path=/nowhere/x.jsonl"], "/nowhere/x.jsonl"),
        (["run", *SMALL[:1], "tracker=none", "model=hub", "model.source=/nowhere/model", "limit=5"], "/nowhere/model"),
        (["run", *SMALL, "runs=/proc/nothing"], "/proc/nothing"),
        (["show", "ptrue"], "did you mean 'pTrue'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(harness: Command, words: list[str], message: str, tmp_path: Path) -> None:
    extra = [] if any(w.startswith("runs=") for w in words) or words[0] == "show" else [f"runs={tmp_path}"]
    done = harness(*words, *extra)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("harness: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_exit_2() -> None:
    assert process("rum").returncode == 2


def test_list_names_everything(harness: Command) -> None:
    out = harness("list").stdout
    for name in ("pTrue", "selfCorrection", "falseBelief", "facts", "arithmetic", "gsm8k", "smollm2", "vllm", "auroc"):
        assert f"  {name} " in out, name


def test_show_gives_the_paper_an_item_and_its_prompt_tokens(harness: Command) -> None:
    out = harness("show", "pTrue", "engine=fake", "--tokens").stdout
    assert "arXiv 2207.05221" in out
    assert "<assistant> The proposed answer is: (" in out
    assert "' proposed':" in out
    assert "gold " in out
    assert "Expected calibration error" in harness("show", "ece_equal_width").stdout
    assert "items" in harness("show", "facts").stdout


def test_validate_asks_eight_items_and_writes_nothing(harness: Command, tmp_path: Path) -> None:
    done = harness("validate", *SMALL, f"runs={tmp_path / 'runs'}")
    assert done.returncode == 0, done.stderr
    assert "8 items, " in done.stdout
    assert not (tmp_path / "runs").exists()


def test_validate_asks_a_set_that_is_smaller_than_the_limit_and_says_so(harness: Command, tmp_path: Path) -> None:
    rows = [f'{{"question": "What is {i} + 1?", "answer": "{i + 1}"}}' for i in range(10)]
    (tmp_path / "own.jsonl").write_text("\n".join([*rows, "{oops"]))
    own = [
        "experiment=selfCorrection",
        "engine=fake",
        "tracker=none",
        "task=table",
        f"task.path={tmp_path / 'own.jsonl'}",
    ]
    done = harness("validate", *own, "limit=300")
    assert done.returncode == 0, done.stderr
    assert "8 items, " in done.stdout
    assert "1 broken rows are left out:\n  " in done.stdout
    assert "own.jsonl, line 11: malformed JSON" in done.stdout
    assert "limit=300, but task 'table' has 10 items: 10 are tested" in done.stdout
    done = harness("run", *own, "limit=11", f"runs={tmp_path / 'runs'}", f"store={tmp_path / 'store'}")
    assert done.returncode == 0, done.stderr
    assert "own.jsonl, line 11: malformed JSON" in done.stdout + done.stderr
    (manifest,) = (tmp_path / "runs").rglob("manifest.json")
    task = json.loads(manifest.read_text())["task"]
    assert (task["items"], task["broken_rows"], len(task["first_broken_rows"])) == (10, 1, 1)


def test_cfg_prints_the_composed_config(harness: Command) -> None:
    out = harness("run", "--cfg", "seed=5").stdout
    assert "seed: 5" in out
    assert "_target_: experiments.calibration.p_true.p_true.PTrue" in out


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("harness.__main__, harness.cli.main", {"numpy", "torch", "hydra", "transformers", "wandb", "matplotlib"}),
        (
            "harness.config, harness.execution.execute",
            {"torch", "vllm", "transformers", "wandb", "matplotlib", "datasets"},
        ),
    ],
)
def test_help_and_start_are_quick_because_nothing_heavy_is_imported(modules: str, heavy: set[str]) -> None:
    code = f"import sys, {modules}\nfound = {heavy!r} & set(sys.modules)\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
