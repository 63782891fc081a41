"""Sweeps on this machine: one load, one store, states in files, going on with what is missing."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.cli.sweep import follow
from harness.errors import HarnessError
from harness.runs.records import load_record
from harness.store.store import Store
from harness.sweep.folder import Cell, Pack, Status, Sweep, read_sweep
from harness.sweep.launch import slurm
from harness.sweep.launch.base import cancel, load_launcher, look, start
from harness.sweep.launch.queue import NoAnswer, in_queue
from harness.sweep.launch.supervisor import Supervisor
from harness.sweep.lock import driving, holder_of
from harness.sweep.worker import work
from tests.support.sweeps import sweep_folder, words

SLURM = {"_target_": "harness.sweep.launch.slurm.Slurm"}


def states(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    main(["sweep", "status", str(folder), "--json"])
    cells: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["cells"]
    return cells


def test_a_local_sweep_loads_each_model_once_and_a_raising_cell_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = tmp_path / "loads"
    line = words(tmp_path, "experiment.breaks=true,false", "model.name=a,b", f"engine.loads={loads}")
    assert main(line) == 1
    assert loads.read_text().split() == ["a", "b"]
    out = capsys.readouterr().out
    assert "2 done, 2 failed" in out
    folder = sweep_folder(tmp_path)
    cells = states(folder, capsys)
    assert [c["state"] for c in cells] == ["failed"] * 2 + ["done"] * 2
    assert all("prepare: RuntimeError: nothing can be fitted (at " in c["reason"] for c in cells[:2])
    assert [(c["done"], c["total"], c["asked"], c["shared"]) for c in cells[2:]] == [(4, 4, 10, 0)] * 2
    page = (folder / "report.html").read_text()
    assert [f"{Path(c['run']).name}/report.html" in page for c in cells] == [False, False, True, True]
    assert (
        "cell 0 (experiment.breaks=True model.name=a) is failed: Small.prepare: RuntimeError: nothing can be fitted"
        in page
    )
    assert main(["sweep", "status", str(folder)]) == 1
    table, reasons = capsys.readouterr().out.split("\n\n")[-2:]
    ends = [line.split()[-1] for line in table.splitlines()[1:]]
    assert ends == [str(os.getpid())] * 4  # the job, and no reason, which may be long
    assert reasons.startswith("cells 0, 1: Small.prepare: RuntimeError: nothing can be fitted (at ")
    # The same command goes on: what has failed is tried again, what is done stays. No call misses, so nothing loads.
    assert main(line) == 1
    assert loads.read_text().split() == ["a", "b"]
    assert "2 of 4 cells to run, in 2 packs" in capsys.readouterr().err


def test_the_cells_of_a_worker_share_one_open_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    first = Store.__init__

    def counted(store: Store, folder: Path) -> None:
        opened.append(folder)
        first(store, folder)

    monkeypatch.setattr(Store, "__init__", counted)
    # Nothing is known of the engine: whether a store may answer for a known one is looked up in a store of its own.
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    assert main(words(tmp_path, "seed=0,1,2", f"store={tmp_path}/store")) == 0
    assert opened == [tmp_path / "store"]


def test_a_finished_sweep_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loads = tmp_path / "loads"
    line = words(tmp_path, "seed=0,1", f"engine.loads={loads}")
    assert main(line) == 0
    assert main(line) == 0
    assert main(["sweep", "resume", str(sweep_folder(tmp_path))]) == 0
    assert capsys.readouterr().err.count("every cell is done") == 2
    assert loads.read_text().split() == ["smollm2"]
    # The greedy calls of the second cell are those of the first.
    cells = states(sweep_folder(tmp_path), capsys)
    assert [(c["asked"], c["shared"]) for c in cells] == [(10, 0), (4, 6)]
    # A cell whose run directory was removed is made again, of what the store holds; a torn one is told on the page.
    shutil.rmtree(cells[1]["run"])
    shutil.rmtree(sweep_folder(tmp_path) / "cells")
    (Path(cells[0]["run"]) / "verdicts.json").write_text("[")
    assert main(["sweep", "resume", str(sweep_folder(tmp_path))]) == 0
    assert [(c["state"], c["asked"], c["shared"]) for c in states(sweep_folder(tmp_path), capsys)] == [
        ("done", 0, 10)
    ] * 2
    assert loads.read_text().split() == ["smollm2"]
    (Path(cells[0]["run"]) / "verdicts.json").write_text("[")
    assert main(["sweep", "resume", str(sweep_folder(tmp_path))]) == 0
    assert "verdicts.json is damaged" in (sweep_folder(tmp_path) / "report.html").read_text()


def test_shards_are_put_together_to_the_result_of_one_engine_without_a_further_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path / "one", "limit=10")) == 0
    assert main(words(tmp_path / "many", "limit=10", "hydra.launcher.shards=3")) == 0
    cells = states(sweep_folder(tmp_path / "many"), capsys)
    wholes = [c for c in cells if c["whole"] is None]
    assert [c["asked"] for c in wholes] == [0]
    assert [c["total"] for c in cells] == [10, 4, 3, 3]
    for c, single in zip(wholes, states(sweep_folder(tmp_path / "one"), capsys), strict=True):
        one, many = load_record(Path(single["run"])), load_record(Path(c["run"]))
        assert one.path.name == many.path.name
        assert one.estimates == many.estimates
        assert one.manifest["task"] == many.manifest["task"]
        tables = [(run.path / "outcomes.parquet").read_bytes() for run in (one, many)]
        assert tables[0] == tables[1]
    # Shards are no results of their own.
    page = (sweep_folder(tmp_path / "many") / "report.html").read_text()
    assert [Path(c["run"]).name in page for c in cells] == [True, False, False, False]


def test_a_whole_cell_fails_with_a_shard_and_is_made_when_that_is_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "model"
    line = words(tmp_path, "model=hub", f"model.source={there}", "hydra.launcher.shards=2")
    assert main(line) == 1
    folder = sweep_folder(tmp_path)
    cells = states(folder, capsys)
    assert [c["state"] for c in cells] == ["failed"] * 3
    assert cells[0]["reason"] == "shard=0/2, shard=1/2 failed"
    there.mkdir()
    assert main(["sweep", "resume", str(folder)]) == 0
    assert [c["asked"] for c in states(folder, capsys)] == [0, 6, 4]  # the second shard finds the two training items
    # Lost after its shards were done: it is made by itself.
    read_sweep(folder).write(0, Status())
    assert "nobody put them together" in states(folder, capsys)[0]["reason"]
    assert main(["sweep", "resume", str(folder)]) == 0
    assert states(folder, capsys)[0]["asked"] == 0


def test_gpus_are_workers_that_packs_are_queued_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from harness.outcomes import Table

    line = words(tmp_path, "seed=0,1", "hydra/launcher=gpus", "hydra.launcher.devices=[3,5]")
    assert main(line) == 0, capsys.readouterr().err
    cells = states(sweep_folder(tmp_path), capsys)
    assert {Table.load(Path(c["run"]) / "outcomes.parquet").columns["gpu"][0] for c in cells} == {"3", "5"}
    assert len({c["pid"] for c in cells}) == 2


def planned(folder: Path, n: int = 2, launcher: dict[str, Any] | None = None, **changes: Any) -> Sweep:
    cells = tuple(Cell(i, (f"seed={i}",), (f"seed={i}",), "small", f"runs/{i}", f"d{i}") for i in range(n))
    local = {"_target_": "harness.sweep.launch.local.Local"}
    values = {"name": "s", "cwd": folder, "config_dir": None, "cells": cells, "packs": (Pack(tuple(range(n)), 0, 0),)}
    sweep = Sweep(folder=folder / "sweep", launcher=launcher or local, **{**values, **changes})
    sweep.create()
    return sweep


def test_a_folder_of_another_version_another_sweep_or_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = planned(tmp_path)
    with pytest.raises(HarnessError, match="holds another sweep, 's' of 2 cells"):
        planned(tmp_path, 3)
    assert read_sweep(sweep.folder) == sweep
    plan = json.loads((sweep.folder / "sweep.json").read_text())
    (sweep.folder / "sweep.json").write_text(json.dumps({**plan, "version": 99}))
    for action in ("status", "resume", "cancel"):
        assert main(["sweep", action, str(sweep.folder)]) == 2
        assert "layout 99, this one knows 2" in capsys.readouterr().err
    (sweep.folder / "sweep.json").write_text('{"version": 2, "na')
    assert main(["sweep", "status", str(sweep.folder)]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert main(["sweep", "status", str(tmp_path)]) == 2
    assert "is no sweep" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()  # root may write anywhere but below a file
    assert main(words(tmp_path, f"hydra.sweep.dir={tmp_path}/file/sweep")) == 2
    assert f"cannot write the sweep's folder {tmp_path}/file/sweep: Not a directory" in capsys.readouterr().err


def test_a_sweep_has_one_driver_and_that_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    sweep = planned(tmp_path)
    file = sweep.folder / "driver.json"
    with driving(sweep):
        with pytest.raises(HarnessError, match=rf"is held by process {os.getpid()} on .* \(handing out cells, since"):
            driving(sweep).__enter__()
        note = json.loads(file.read_bytes())
    assert not file.exists()
    file.write_text(json.dumps({**note, "machine": "elsewhere"}))
    with pytest.raises(HarnessError, match=f"is held by process {os.getpid()}"):
        driving(sweep).__enter__()
    # A holder on another machine counts as dead when it gave no sign of life for long.
    long_ago = time.time() - 3600
    os.utime(file, (long_ago, long_ago))
    with driving(sweep):
        assert (holder := holder_of(sweep)) is not None
        assert holder.lives
    file.write_text(json.dumps({**note, "born": "1"}))
    assert [s.status.reason for s in look(sweep).cells] == ["the process that ran the sweep is gone"] * 2
    with driving(sweep):
        assert [s.status.state for s in look(sweep).cells] == ["queued"] * 2


def test_a_cancelled_sweep_stops_its_worker_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(tmp_path, "seed=0,1", "engine.delay=0.1", "window=1")
    monkeypatch.setattr("harness.sweep.worker.log", lambda _: cancel(read_sweep(sweep_folder(tmp_path))))
    assert main(line) == 130
    capsys.readouterr()
    cells = states(sweep_folder(tmp_path), capsys)
    assert [(c["state"], c["reason"]) for c in cells] == [
        ("failed", "cancelled (interrupted)"),
        ("failed", "cancelled"),
    ]
    monkeypatch.undo()
    assert main(["sweep", "resume", str(sweep_folder(tmp_path))]) == 0


def test_a_cell_that_no_longer_composes_fails_alone(tmp_path: Path) -> None:
    sweep = planned(tmp_path, cells=(Cell(0, ("seed=x",), (), "small", "runs/0", "d"),), packs=(Pack((0,), 0, 0),))
    before = Path.cwd()
    try:
        assert work(sweep, [0], "here")
    finally:
        os.chdir(before)
    assert sweep.status(0).state == "failed"
    assert sweep.status(0).reason.startswith("seed=x: ")


def on_slurm(monkeypatch: pytest.MonkeyPatch, queue: dict[str, str] | None, ended: dict[str, str]) -> None:
    def asked() -> dict[str, str]:
        if queue is None:
            raise NoAnswer("SLURM does not answer (squeue: error)")
        return queue

    monkeypatch.setattr(slurm, "in_queue", asked)
    monkeypatch.setattr(slurm, "ends", lambda _: ended)


def test_what_slurm_says_corrects_what_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = planned(tmp_path, 7, SLURM)
    sweep.add_jobs({"9_0": (0, 1), "9_1": (2, 3), "9_2": (4,)})
    sweep.add_jobs({"12": (5,)})
    sweep.write(0, Status("done"))
    sweep.write(2, Status("running", host="n1", done=3))
    sweep.write(5, Status("failed", "of its own"))
    on_slurm(monkeypatch, {"9_2": "pending (Priority)"}, {"9_1": "out of memory, signal 9"})
    seen = look(sweep)
    assert [s.status.state for s in seen.cells] == ["done", "failed", "failed", "failed", "queued", "failed", "failed"]
    reasons = [s.status.reason for s in seen.cells]
    assert reasons[1].startswith("job 9_0 is gone from SLURM's queue and did not come to this cell; no log")
    assert reasons[2].startswith("job 9_1 is over (out of memory, signal 9) and left it unfinished")
    assert reasons[4:] == ["pending (Priority)", "of its own", "no job was submitted for it"]
    assert not seen.over
    # Jobs that are at work are believed, whatever the clocks of the machines say.
    on_slurm(monkeypatch, {"9_0": "running", "9_1": "running", "9_2": "running"}, {})
    for file in (sweep.folder / "cells").iterdir():
        os.utime(file, (0, 0) if int(file.stem) % 2 else (4e9, 4e9))
    seen = look(sweep)
    assert [s.status.reason for s in seen.cells][1:5] == ["starting", "", "behind other cells of its job", "starting"]
    assert seen.cells[2].status.state == "running"
    # SLURM that does not answer is no reason to give anything up.
    on_slurm(monkeypatch, None, {})
    seen = look(sweep)
    assert [s.status.state for s in seen.cells] == ["done", *["unknown"] * 4, "failed", "unknown"]
    assert [s.status.reason for s in seen.cells][1:3] == ["last written: queued", "last written: running"]
    assert [s.status.job for s in seen.cells][1:5] == ["9_0", "9_1", "9_1", "9_2"]
    assert str(seen) == "1 done, 5 unknown, 1 failed; SLURM does not answer (squeue: error)"
    assert all(s.alive for s in seen.cells if s.status.state == "unknown")
    assert not seen.over
    # Nothing is handed out again meanwhile: a cell would be asked twice at once.
    with pytest.raises(HarnessError, match=r"squeue: error.*try again later"):
        start(sweep, load_launcher(sweep.launcher))


def test_a_silent_slurm_is_told_once_while_a_sweep_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = planned(tmp_path, 2, SLURM)
    sweep.add_jobs({"9": (0, 1)})
    answers = [{"9": "running"}, None, None, {"9": "running"}, {}]

    def asked() -> dict[str, str]:
        answer = answers.pop(0)
        if answer is None:
            raise NoAnswer("SLURM does not answer (squeue: error)")
        return answer

    monkeypatch.setattr(slurm, "in_queue", asked)
    monkeypatch.setattr(slurm, "ends", lambda _: {"9": "completed"})
    follow(sweep, 0.0)
    lines = [line.removeprefix("harness: ") for line in capsys.readouterr().err.splitlines()]
    assert lines[2:5] == ["2 queued", "2 unknown; SLURM does not answer (squeue: error)", "2 queued"]
    assert lines[-1] == "2 failed"
    assert len(lines) == 8


def test_the_reason_of_a_silent_slurm_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = "squeue: error: Unable to contact slurm controller (connect failure)\n"
    for error, why in (
        (subprocess.CalledProcessError(1, "squeue", stderr=f"retrying\n{silent}"), "squeue: error: Unable to contact"),
        (subprocess.CalledProcessError(3, "squeue", stderr=""), "squeue: exit code 3"),
        (subprocess.TimeoutExpired("squeue", 60), "squeue: nothing within 60 s"),
        (FileNotFoundError(2, "No such file or directory"), "squeue: No such file"),
    ):

        def fails(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(subprocess, "run", fails)
        with pytest.raises(NoAnswer, match=re.escape(f"SLURM does not answer ({why}")):
            in_queue()


def test_a_sweep_at_work_on_slurm_is_not_started_here_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(tmp_path, f"hydra.sweep.dir={tmp_path}/sweep")
    monkeypatch.setattr("harness.sweep.launch.slurm.check_slurm", lambda: None)
    submit = "harness.sweep.launch.slurm.Slurm._submit"
    monkeypatch.setattr(submit, lambda _, sweep, *__: sweep.add_jobs({"7": (0,)}))
    on_slurm(monkeypatch, {"7": "running"}, {})
    assert main([*line[:2], "--detach", *line[2:], "hydra/launcher=slurm"]) == 0
    assert main(line) == 2
    assert "is at work with another launcher" in capsys.readouterr().err
    on_slurm(monkeypatch, {}, {"7": "node fail"})
    assert main(line) == 0


def test_slurms_own_words_are_read_with_and_without_accounting(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.sweep.launch import queue as queries

    answers = {
        "squeue": "12_0|RUNNING|None\n12_1|PENDING|Resources\n12_2|COMPLETED|None\n13|PENDING|launch failed|x\n",
        "sacct": "12_2|CANCELLED by 0|0:15\n12_3|TIMEOUT|0:0\n12_4|FAILED|2:0\n",
        "scontrol": "JobId=20 ArrayJobId=12 ArrayTaskId=5 JobState=NODE_FAIL ExitCode=0:1\n"
        "JobId=12 JobState=RUNNING ExitCode=0:0\n",
    }
    monkeypatch.setattr(queries, "_answer", lambda *words: answers[words[0]])
    queue = queries.in_queue()
    assert queue == {"12_0": "running", "12_1": "pending (Resources)", "13": "pending (launch failed|x)"}
    assert queries.ends(["12_2", "12_3", "12_4", "12_9"]) == {
        "12_2": "cancelled, signal 15",
        "12_3": "timeout",
        "12_4": "failed, exit code 2",
    }
    answers["sacct"] = ""
    assert queries.ends(["12_5", "12"]) == {"12_5": "node fail, signal 1"}


class Worker:
    """Stands in for a worker's process: does something to its cells and ends with a code."""

    def __init__(self, acts: list[Callable[[Sweep, list[int]], int]], sweep: Sweep) -> None:
        self.acts, self.sweep, self.given = acts, sweep, list[list[int]]()

    def __call__(self, command: list[str]) -> "Worker":
        self.given.append([int(index) for index in command[-1].split(",")])
        self.code = self.acts.pop(0)(self.sweep, self.given[-1])
        return self

    def poll(self) -> int:
        return self.code


def killed(sweep: Sweep, cells: list[int]) -> int:
    sweep.change(cells[0], state="running")
    return -9


def finished(sweep: Sweep, cells: list[int]) -> int:
    for index in cells:
        sweep.change(index, state="done")
    return 0


def test_a_job_replaces_a_killed_worker_and_gives_up_on_a_cell_that_kills_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = planned(tmp_path, 3)
    worker = Worker([killed, killed, finished], sweep)
    monkeypatch.setattr("harness.sweep.launch.supervisor.subprocess.Popen", worker)
    Supervisor(str(sweep.folder), (0, 1, 2), retries=1)()
    assert worker.given == [[0, 1, 2], [0, 1, 2], [1, 2]]
    first = sweep.status(0)
    assert (first.state, first.requeued) == ("failed", 1)
    assert "killed by SIGKILL (not enough memory?" in first.reason
    assert [sweep.status(i).state for i in (1, 2)] == ["done", "done"]


def test_a_worker_that_is_killed_before_its_first_cell_is_not_started_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = planned(tmp_path, 2)
    worker = Worker([lambda *_: -11, lambda *_: -11, finished], sweep)
    monkeypatch.setattr("harness.sweep.launch.supervisor.subprocess.Popen", worker)
    Supervisor(str(sweep.folder), (0, 1), retries=1)()
    assert "killed by SIGSEGV" in sweep.status(0).reason
    assert [sweep.status(i).state for i in (0, 1)] == ["failed", "done"]


def test_a_worker_that_does_nothing_is_not_started_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = planned(tmp_path, 2)
    worker = Worker([lambda *_: 2], sweep)
    monkeypatch.setattr("harness.sweep.launch.supervisor.subprocess.Popen", worker)
    Supervisor(str(sweep.folder), (0, 1), retries=1)()
    assert {sweep.status(i).reason for i in (0, 1)} == {"its worker ended with exit code 2; see its log"}


def test_a_job_without_time_left_is_queued_again_or_says_that_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from submitit.core.utils import UncompletedJobError

    sweep = planned(tmp_path, 3)
    sweep.write(0, Status("done"))
    sweep.write(1, Status("running", requeued=2))
    again = Supervisor(str(sweep.folder), (0, 1, 2), 1).checkpoint()
    assert (again.function.cells, again.function.folder) == ((0, 1, 2), str(sweep.folder))
    assert [(s.state, s.requeued) for s in map(sweep.status, range(3))] == [("done", 0), ("queued", 3), ("queued", 0)]
    sweep.change(1, state="running")
    job = Supervisor(str(sweep.folder), (0, 1, 2), 1)

    def last_signal(*_: object) -> None:
        job.checkpoint()  # what submitit's handler does before it raises
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")

    monkeypatch.setattr("harness.sweep.launch.supervisor.subprocess.Popen", last_signal)
    job()
    assert [(s.state, s.requeued) for s in map(sweep.status, range(3))] == [("done", 0), ("failed", 3), ("failed", 0)]
    assert "out of time" in sweep.status(1).reason


def test_a_detached_local_sweep_is_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []

    class Process:
        pid = 1

        def __init__(self, command: list[str], **options: Any) -> None:
            assert options["start_new_session"]
            started.append(command)

    monkeypatch.setattr("harness.sweep.launch.base.subprocess.Popen", Process)
    line = words(tmp_path)
    assert main([*line[:2], "--detach", *line[2:]]) == 0
    (command,) = started
    assert command[1:] == ["-m", "harness", "sweep", "resume", str(sweep_folder(tmp_path))]
    monkeypatch.undo()
    assert main(command[3:]) == 0
    assert [c["state"] for c in states(sweep_folder(tmp_path), capsys)] == ["done"]


def test_reasons_cannot_steer_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = planned(tmp_path, 1)
    sweep.write(0, Status("failed", "a \x1b[2Jb\nc"))
    assert main(["sweep", "status", str(sweep.folder)]) == 1
    assert "a  [2Jb c" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b"[]", b"\xff", b"9" * 5000], ids=["0", "deep", "[]", "ff", "9"]
)
@pytest.mark.parametrize("name", ["sweep.json", "cells/0000.json", "jobs/12.json"])
def test_a_damaged_file_of_a_sweep_is_named_in_one_line(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = Sweep(tmp_path, "s", tmp_path, None, SLURM, (Cell(0, (), (), "e", "r", "d"),), (Pack((0,), 0, 0),))
    sweep.create()
    (tmp_path / name).write_bytes(content)
    assert main(["sweep", "status", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert len(told.strip().splitlines()) == 1
