"""Sweeps on a real SLURM of one node: arrays, killed jobs, time-outs, cancelled jobs, cells wrong at run time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.outcomes import Table
from harness.sweep.folder import Status, read_sweep
from tests.support.slurm_cluster import Cluster, NoCluster
from tests.support.stored import stored
from tests.support.sweeps import sweep_folder, words

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))  # its path is part of a socket's, which must be short
    try:
        started = Cluster(folder)
    except NoCluster as error:
        shutil.rmtree(folder)
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**started.environment, "OMP_NUM_THREADS": "1"}.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(ROOT))
        patch.setenv("PYTHONPATH", f"{ROOT}:{os.environ.get('PYTHONPATH', '')}")
        yield started
    started.close()
    shutil.rmtree(folder)


def slurm(folder: Path, *more: str) -> list[str]:
    settings = {"cpus_per_task": 1, "timeout_min": 9, "poll_s": 0.3, "signal_delay_s": 5}
    return words(folder, "hydra/launcher=slurm", *(f"hydra.launcher.{k}={v}" for k, v in settings.items()), *more)


def launch(folder: Path, *more: str) -> int:
    """Launches a sweep and waits for it."""
    return main(slurm(folder, *more))


def detach(folder: Path, *more: str) -> Path:
    """Launches a sweep and gives its folder at once."""
    command = slurm(folder, *more)
    assert main([*command[:2], "--detach", *command[2:]]) == 0
    return sweep_folder(folder)


def status(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    main(["sweep", "status", str(folder), "--json"])
    cells: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["cells"]
    return cells


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(folder: Path, index: int) -> Status:
    """The state of a cell, once something of it is done."""
    sweep = read_sweep(folder)
    until(lambda: sweep.status(index).state == "running" and stored(folder.parents[1]) > [])
    return sweep.status(index)


def test_an_array_of_eight_jobs_shares_two_gpus_and_one_store(cluster: Cluster, tmp_path: Path) -> None:
    code = launch(tmp_path, "seed=range(0,8)", "hydra.launcher.pack_by=none", "hydra.launcher.gpus_per_node=1")
    assert code == 0
    folder = sweep_folder(tmp_path)
    sweep = read_sweep(folder)
    assert sorted(sweep.jobs().values()) == [(i,) for i in range(8)]
    assert len({job.partition("_")[0] for job in sweep.jobs()}) == 1
    states = [sweep.status(i) for i in range(8)]
    assert [(s.state, s.done, s.total) for s in states] == [("done", 4, 4)] * 8
    gpus = {Table.load(sweep.cwd / cell.folder / "outcomes.parquet").columns["gpu"][0] for cell in sweep.cells}
    assert gpus == {"0", "1"}
    # Six greedy calls are the same for every seed; a job that started later found them.
    assert all(s.asked is not None and s.shared is not None and s.asked + s.shared == 10 for s in states)
    assert len(set(stored(tmp_path / "runs"))) == 6 + 8 * 4
    assert sum(s.asked or 0 for s in states) < 8 * 10
    assert (folder / "report.html").read_text().count("report.html") >= 8


def test_a_killed_worker_is_replaced_and_a_killed_job_is_told_and_resumed(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = tmp_path / "loads"
    slow = ["window=1", "engine.delay=0.2", f"engine.loads={loads}"]
    folder = detach(tmp_path, "seed=0,1", "model.name=a,b", "hydra.launcher.pack_by=model.name", *slow)
    sweep = read_sweep(folder)
    assert sorted(sweep.jobs().values()) == [(0, 2), (1, 3)]
    until(lambda: loads.exists() and sorted(loads.read_text().split()) == ["a", "b"])
    os.kill(running(folder, 0).pid, signal.SIGKILL)  # the worker only
    job = next(job for job, cells in sweep.jobs().items() if cells == (1, 3))
    # The other job as a whole, at once, as when its node dies: scancel would give it five more seconds.
    os.kill(int(Path(f"/proc/{running(folder, 1).pid}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    until(lambda: all(cell["state"] in ("done", "failed") for cell in status(folder, capsys)))
    cells = status(folder, capsys)
    assert [cell["state"] for cell in cells] == ["done", "failed", "done", "failed"]
    assert cells[0]["requeued"] == 1
    assert job in cells[1]["reason"]
    assert "left it unfinished" in cells[1]["reason"]
    assert "did not come to this cell" in cells[3]["reason"]
    assert main(["sweep", "resume", str(folder)]) == 0
    keys = stored(tmp_path / "runs")
    # Of each model 6 greedy calls and 4 of each seed; a kill loses the one call in flight, which is asked again.
    assert len(keys) == len(set(keys)) == 2 * (6 + 2 * 4)
    assert loads.read_text().split()[2:] == ["a", "b"]


def test_a_timed_out_job_is_queued_again_and_repeats_no_answered_call(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = detach(tmp_path, "seed=0,1", "window=1", "engine.delay=0.2")
    sweep = read_sweep(folder)
    ((job, cells),) = sweep.jobs().items()
    assert cells == (0, 1)
    running(folder, 0)
    cluster.ask("scancel", "--signal=USR2", job)
    until(lambda: all(cell["state"] == "done" for cell in status(folder, capsys)), 45)
    first, second = status(folder, capsys)
    assert (first["requeued"], second["requeued"]) == (1, 0)
    assert first["job"] == job
    keys = stored(tmp_path / "runs")
    assert len(keys) == len(set(keys)) == 6 + 2 * 4


def test_cancelled_cells_say_so_and_resume_goes_on_with_them_only(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = ["window=1", "engine.delay=0.2", "hydra.launcher.pack_by=none", "hydra.launcher.array_parallelism=1"]
    folder = detach(tmp_path, "seed=0,1,2", *slow)
    until(lambda: read_sweep(folder).status(0).state == "done")
    assert main(["sweep", "cancel", str(folder)]) == 0
    until(lambda: not cluster.ask("squeue", "-h"))
    cells = status(folder, capsys)
    assert cells[0]["state"] == "done"
    assert [(cell["state"], cell["reason"]) for cell in cells[2:]] == [("failed", "cancelled")]
    assert main(["sweep", "resume", str(folder)]) == 0
    sweep = read_sweep(folder)
    assert [sweep.status(i).state for i in range(3)] == ["done"] * 3
    assert 0 not in list(sweep.jobs().values())[-1]


def test_cells_that_are_wrong_at_run_time_leave_the_others_going(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    sources = f"model.source={tmp_path}/missing,{tmp_path}/there"
    assert launch(tmp_path, "model=hub", sources, "experiment.breaks=true,false", "limit=2") == 1
    cells = status(sweep_folder(tmp_path), capsys)
    assert [cell["state"] for cell in cells] == ["failed", "failed", "failed", "done"]
    assert all("there is no such folder" in cell["reason"] for cell in cells[:2])
    assert "prepare: RuntimeError: nothing can be fitted (at " in cells[2]["reason"]


def test_a_refused_partition_is_named_and_nothing_waits(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, "hydra.launcher.partition=none") == 2
    assert "SLURM refuses the jobs: " in (told := capsys.readouterr().err)
    assert "partition" in told
    (cell,) = status(sweep_folder(tmp_path), capsys)
    assert cell["state"] == "failed"
    assert "partition" in cell["reason"]
    assert read_sweep(sweep_folder(tmp_path)).jobs() == {}
