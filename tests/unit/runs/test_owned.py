"""One owner of a run directory, and results that are replaced as a whole wherever the process dies."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.runs.owned import OWNER, Owned
from harness.runs.records import load_record

WORDS = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=4", "replicates=20"]
WORDS += ["max_failed=1"]


class Died(BaseException):
    """Stands for a process that is killed at this moment."""


def made(tmp_path: Path, *more: str) -> Path:
    assert main(["run", *WORDS, *more, f"runs={tmp_path}", f"store={tmp_path}/store"]) == 0
    (run,) = (tmp_path / "pTrue").iterdir()
    return run


def state(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def die_at(monkeypatch: pytest.MonkeyPatch, n: int) -> Callable[[], bool]:
    """Makes the n-th rename or flush raise, and each after it, as removing does from then on."""
    count = 0

    def wrapped(real: Any, counts: bool) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += counts
            if count >= n:
                raise Died
            return real(*args, **kwargs)

        return call

    for owner, name, counts in (
        (os, "rename", True), (os, "replace", True), (os, "fsync", True), (os, "unlink", False), (os, "rmdir", False),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, wrapped(getattr(owner, name), counts))
    return lambda: count >= n


@pytest.mark.parametrize("command", ["rescore", "report"])
def test_a_command_that_dies_anywhere_leaves_old_or_new_results(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(tmp_path)
    old = (run / "estimates.json").read_bytes()
    more = ["replicates=30"] if command == "rescore" else []
    refused, deaths, n = 0, 0, 1
    while True:
        with monkeypatch.context() as patch:
            died = die_at(patch, n)
            with suppress(Died):
                main([command, str(run), *more])
            dead = died()
        if not dead:
            break
        deaths += 1
        # The lock of this very process would look alive.
        if (run / OWNER).is_file():
            note = json.loads((run / OWNER).read_bytes())
            (run / OWNER).write_text(json.dumps({**note, "born": "1"}))
        try:
            record = load_record(run)
        except HarnessError as error:
            refused += "python -m harness report" in str(error)
        else:
            estimates = (run / "estimates.json").read_bytes()
            rescored = len(record.manifest.get("rescored", ()))
            assert (estimates == old) == (rescored == 0), "numbers and manifest belong together"
        assert main(["report", str(run)]) == 0
        record = load_record(run)
        assert record.manifest["status"] == "finished"
        assert {p.name for p in run.iterdir() if p.name.startswith(".")} == set()
        assert not (run / OWNER).exists()
        n += 3
        if deaths > 12:
            break
    assert deaths >= 3
    assert refused > 0 or command == "report"


def test_a_run_that_dies_anywhere_while_writing_leaves_old_or_new_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(tmp_path)
    before = state(run)
    for n in (2, 6, 10, 14):
        with monkeypatch.context() as patch:
            died = die_at(patch, n)
            with suppress(Died):
                main(["run", *WORDS, f"runs={tmp_path}", f"store={tmp_path}/store"])
            assert died() or n == 14
        if (run / OWNER).is_file():
            note = json.loads((run / OWNER).read_bytes())
            (run / OWNER).write_text(json.dumps({**note, "born": "1"}))
        assert main(["report", str(run)]) == 0
        assert state(run).keys() == before.keys()
        assert state(run)["estimates.json"] == before["estimates.json"]
        assert json.loads((run / "manifest.json").read_bytes())["status"] == "finished"


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    run = made(tmp_path)
    with Owned(run, "run"):
        with pytest.raises(HarnessError, match=rf"is held by process {os.getpid()} on .* \(run, since 20"):
            Owned(run, "report", patience=0.0)
        note = json.loads((run / OWNER).read_bytes())
    for gone, age in (({"born": "1"}, 0), ({"machine": "other"}, 3600)):
        (run / OWNER).write_text(json.dumps({**note, **gone}))
        os.utime(run / OWNER, (time.time() - age, time.time() - age))
        with Owned(run, "report", patience=0.0) as owned:
            assert not owned.waited


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 99, b"[" * 100_000, b"[]", b'{"pid": "\\u0000"}', b'{"pid": Infinity}', b"\xff", b"9" * 5000],
    ids=["empty", "nul", "deep", "list", "text", "infinite", "no text", "number"],
)
def test_an_owner_that_cannot_be_read_counts_by_its_age(content: bytes, tmp_path: Path) -> None:
    (tmp_path / OWNER).write_bytes(content)
    with pytest.raises(HarnessError, match="is held by process 0 on an unknown host"):
        Owned(tmp_path, "run", patience=0.0)
    os.utime(tmp_path / OWNER, (1e9, 1e9))
    with Owned(tmp_path, "run", patience=0.0) as owned:
        owned.check()


def test_new_results_that_are_damaged_are_named(tmp_path: Path) -> None:
    (tmp_path / ".results").mkdir()
    (tmp_path / ".results/manifest.json").write_bytes(b"[" * 100_000)
    with pytest.raises(HarnessError, match=r"manifest\.json is damaged: .*; remove .*\.results, then run"):
        Owned(tmp_path, "run")
    assert not (tmp_path / OWNER).exists()


def test_who_was_taken_for_dead_publishes_nothing(tmp_path: Path) -> None:
    run = made(tmp_path)
    before = state(run)
    first = Owned(run, "run")
    note = json.loads((run / OWNER).read_bytes())
    (run / OWNER).write_text(json.dumps({**note, "born": "1"}))
    with Owned(run, "run", patience=0.0), pytest.raises(HarnessError, match="was taken over by process"):
        first.check()
    first.release()
    assert state(run) == before


def test_two_identical_commands_ask_every_call_once(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "harness", "run", *WORDS, "engine.delay=0.2", "window=2", f"runs={tmp_path}"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("is held by process" in err for _, err in told) == 1
    assert sum(" 0 calls asked" in f" {out}".replace("\n", " ") for out, _ in told) == 1
    (run,) = (tmp_path / "pTrue").iterdir()
    assert main(["report", str(run)]) == 0


def test_a_start_that_fails_is_no_run_at_work(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    job = load_job([*WORDS, f"runs={tmp_path}", "store=/proc/nothing"])
    with pytest.raises(HarnessError, match="call store"):
        execute(job)
    (run,) = (tmp_path / "pTrue").iterdir()
    manifest = json.loads((run / "manifest.json").read_bytes())
    assert manifest["status"] == "failed"
    assert "call store" in manifest["error"]
    assert not (run / OWNER).exists()
    with pytest.raises(HarnessError, match=r"has no results \(it is failed: .*call store"):
        load_record(run)


def test_a_dead_run_is_told_from_a_living_one(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"status": "running"}))
    with Owned(tmp_path, "run"):
        note = json.loads((tmp_path / OWNER).read_bytes())
        with pytest.raises(HarnessError, match=r"no results yet \(it is at work: process"):
            load_record(tmp_path)
    (tmp_path / OWNER).write_text(json.dumps({**note, "born": "1"}))
    with pytest.raises(HarnessError, match=rf"no results \(process {os.getpid()} on .* died\); run its command again"):
        load_record(tmp_path)


def test_transcripts_stand_in_the_order_of_the_task(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a", "window=1"), made(tmp_path / "b", "window=8", "engine.delay=0.02")

    def order(run: Path) -> list[tuple[str, list[list[str]]]]:
        lines = map(json.loads, (run / "calls.jsonl").read_text().splitlines())
        return [(line["item"], [one["keys"] for one in line["exchanges"]]) for line in lines]

    assert order(first) == order(second)
