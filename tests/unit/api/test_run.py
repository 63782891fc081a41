"""Runs from Python: the same run as from the command line, in a loop, in a thread, interrupted, and in silence."""

import asyncio
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import harness
from harness import EngineDied, EnginePool, HarnessError, Item, Outcome, Run, Subject
from harness.cli.main import main
from harness.console import log
from harness.engines.fake.engine import Fake
from harness.execution.execute import execute
from harness.processes.own_thread import in_own_thread
from harness.tasks.facts import Facts
from tests.support.helpers import Dying
from tests.unit.api.own import Sure

CLAIM = "it is ${right}: 'often', \"really\"\n"

FEW: dict[str, Any] = {"engine": "fake", "tracker": "none", "limit": 12, "replicates": 20}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_the_run_of_the_command_line() -> None:
    run = harness.run("pTrue", "experiment.arms=[zero-shot]", **FEW)
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=12"]
    before = (run.path / "estimates.json").read_bytes()
    assert main(["run", *words, "replicates=20"]) == 0
    assert [path.name for path in run.path.parent.iterdir()] == [run.path.name]
    assert (run.path / "estimates.json").read_bytes() == before
    assert harness.load_run(run.path).manifest["store"]["asked"] == 0


def test_it_runs_inside_a_running_loop_and_in_threads() -> None:
    async def cell() -> Run:
        return harness.run(Sure(), **FEW)

    first = asyncio.run(cell())
    found: list[Run] = []
    threads = [
        threading.Thread(target=lambda seed=seed: found.append(harness.run(Sure(), seed=seed, **FEW)))
        for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {run.manifest["seed"] for run in found} == {1, 2}
    assert len({run.path for run in (first, *found)}) == 3


def test_an_experiment_of_a_function_runs_and_is_compared() -> None:
    """As in a cell of a notebook: no module holds the class."""

    @dataclass(frozen=True, kw_only=True)
    class Surer(Sure):
        """A model is surer when it is told so."""

    runs = [harness.run(Surer(wording={"sure": "Sure?\nYes or no: $${x}?"}), seed=seed, **FEW) for seed in (0, 1)]
    assert runs[0].path.parent.name == "surer"
    assert runs[0].manifest["config"]["experiment"]["wording"]["sure"] == "Sure?\nYes or no: $${x}?"
    assert any("Yes or no: ${x}?" in prompt for prompt in runs[0].calls["prompt"])
    table = harness.compare(runs, metric="accuracy").table
    assert list(table["side"]) == ["seed 1"]
    assert table["value"].iloc[0] == pytest.approx(
        runs[1].estimate("accuracy").value - runs[0].estimate("accuracy").value  # type: ignore[operator]
    )


def test_parts_may_be_objects_and_classes_and_numbers_those_of_numpy() -> None:
    run = harness.run(
        Sure,
        engine=Fake(delay=0.0),
        task=Facts,
        tracker="none",
        limit=np.int64(10),
        max_failed=np.float32(0.5),
        replicates=20,
        claims=[{"text": CLAIM, "metric": "accuracy", "level": {"arm": "greedy"}, "relation": "above", "value": 0.5}],
    )
    assert run.manifest["config"]["limit"] == 10
    assert run.verdicts["text"].to_list() == [CLAIM]
    assert len(run.items) == 10


@pytest.mark.parametrize(
    ("experiment", "settings", "message"),
    [
        ("pTru", {}, "there is no experiment 'pTru', did you mean 'pTrue'?"),
        ("pTrue", {"limti": 3}, "there is no setting limti, did you mean 'limit'?"),
        ("pTrue", {"limit": "many"}, "limit"),
        ("pTrue", {"task": "fact"}, "there is no task 'fact'"),
        ("pTrue", {"task": Sure()}, "task is no Task"),
        (Fake(), {}, "experiment is no Experiment"),
        (Sure(), {"experiment.shots": 3}, "experiment.shots: experiment is given as a Sure; set it there"),
        ("pTrue", {"claims": [object()]}, "claims[0]: a object cannot be written"),
    ],
    ids=["name", "key", "type", "choice", "no task", "no experiment", "setting of an object", "no value"],
)
def test_bad_input_has_the_message_of_the_command_line(experiment: Any, settings: Any, message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        harness.run(experiment, **{**FEW, **settings})
    assert message in str(caught.value)
    assert not Path("runs").exists()


def test_quiet_prints_nothing_and_says_nothing_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    harness.run(Sure(), quiet=True, **FEW)
    with pytest.raises(HarnessError):
        harness.run("pTru", quiet=True, **FEW)
    assert capfd.readouterr() == ("", "")
    log("here")
    assert capfd.readouterr().err == "harness: here\n"
    harness.run(Sure(), **FEW)
    told = capfd.readouterr()
    assert told.out == ""
    assert "report: runs/dry/sure/" in told.err


def test_models_stay_loaded_in_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = Fake.load

    def counted(self: Fake, model: Any) -> Any:
        loads.append(model.name)
        return load(self, model)

    monkeypatch.setattr(Fake, "load", counted)
    with EnginePool() as engines:
        for seed in (0, 1):
            harness.run(Sure(), engines=engines, seed=seed, **FEW)
    assert len(loads) == 1


def test_too_many_failures_and_a_dead_engine_raise_and_keep_what_is_finished() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Picky(Sure):
        """It asks about few items."""

        async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Any:
            if item.id[0] in "01234567":
                raise harness.ItemError("not this one")
            return await super().protocol(item, subject, fitted)

    with pytest.raises(HarnessError, match=r"more than max_failed=0.05 allows; what is finished: .*load_run"):
        harness.run(Picky(), **FEW)
    (path,) = Path("runs/dry/picky").iterdir()
    assert harness.load_run(path).outcomes["error"].notna().any()
    with pytest.raises(EngineDied, match="out of memory"):
        harness.run(Sure(), **{**FEW, "engine": Dying(after=9), "window": 1})
    assert harness.load_run(next(Path("runs/sure").iterdir())).manifest["status"] == "engine died"


def press_ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_ctrl_c_leaves_a_report_on_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        while not list(Path("runs/dry/sure").glob("*/.*")) and not list(Path("runs/dry/sure").glob("*/*")):
            time.sleep(0.01)
        time.sleep(1.0)
        press_ctrl_c()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        harness.run(Sure(), **{**FEW, "engine": Fake(delay=0.4), "window": 1, "limit": 40})
    run = harness.load_run(next(Path("runs/dry/sure").iterdir()))
    assert run.manifest["status"] == "interrupted"
    assert 0 < len(run.outcomes) < 40
    assert run.report().is_file()


def test_a_second_ctrl_c_does_not_wait() -> None:
    asked = threading.Event()

    def stubborn(ended: Any) -> None:
        while not asked.is_set():
            time.sleep(0.01)
            if ended():
                press_ctrl_c()
                asked.wait(5)

    threading.Timer(0.2, press_ctrl_c).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_own_thread(stubborn, "stubborn")
    assert time.monotonic() - begin < 4
    asked.set()


def test_the_numbers_are_those_of_the_session() -> None:
    run = harness.run(Sure(), **FEW)
    from harness.config import load_job

    job = load_job(
        ["engine=fake", "tracker=none"], values={"limit": 12, "replicates": 20}, built={"experiment": Sure()}
    )
    session = execute(job)
    assert session.run.path == run.path
    for one in session.estimates:
        row = run.estimates[run.estimates["metric"] == one.metric].iloc[0]
        assert (row["value"], row["n"]) == (pytest.approx(one.value, nan_ok=True), one.n) or one.value is None
    assert session.table is not None
    rows: pd.DataFrame = run.outcomes
    assert rows["correct"].to_list() == [bool(value) for value in session.table.columns["correct"]]
    assert rows["p"].to_numpy() == pytest.approx(session.table.columns["p"])


def test_outcomes_are_rows_of_the_declared_columns() -> None:
    assert issubclass(Sure.outcome, Outcome)
    run = harness.run(Sure(), **FEW)
    assert {"item", "group", "arm", "answer", "correct", "p", "mass"} <= set(run.outcomes)
    assert str(run.outcomes["correct"].dtype) == "boolean"
    merged = run.outcomes.merge(run.items, on="item")
    assert merged["question"].str.endswith("?").all()
