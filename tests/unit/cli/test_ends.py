"""How a process ends: signals, broken streams, errors that nobody expected, paths with `~`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.main import main

WORDS = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=4", "replicates=20"]
WORDS += ["max_failed=1"]
RUN = [sys.executable, "-m", "harness", "run", *WORDS]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_as_ctrl_c_does(name: str, tmp_path: Path) -> None:
    words = [*RUN, "engine.delay=0.4", "window=1", f"runs={tmp_path}"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("store/*.replies")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name), err
    assert "report: " in out
    (run,) = (tmp_path / "pTrue").iterdir()
    assert json.loads((run / "manifest.json").read_bytes())["status"] == "interrupted"


@pytest.mark.parametrize("to", ["/dev/full", "pipe", "closed"])
def test_a_run_goes_on_when_nobody_can_read_it(to: str, tmp_path: Path) -> None:
    words = [*RUN, f"runs={tmp_path}"]
    if to == "closed":
        done = subprocess.run(["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *words], check=False, timeout=60)
    elif to == "pipe":
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(words, stdout=write, stderr=write, check=False, timeout=60)
        os.close(write)
    else:
        with open(to, "wb") as full:
            done = subprocess.run(words, stdout=full, stderr=full, check=False, timeout=60)
    assert done.returncode == 0
    assert len(list(tmp_path.glob("pTrue/*/report.html"))) == 1


def test_a_result_that_is_lost_is_no_success() -> None:
    with open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "harness", "list", "metrics"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "stdout cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("disk", [True, False])
def test_an_unexpected_error_is_one_line_and_a_file(
    disk: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trip(*_: object) -> int:
        raise ZeroDivisionError("of nobody's making")

    monkeypatch.setattr("harness.cli.listing.print_list", trip)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path if disk else "/proc/nothing"))
    monkeypatch.setattr("tempfile.tempdir", "/proc/nothing")
    assert main(["list"]) == 70
    err = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: of nobody's making" in err
    if disk:
        assert len(err.splitlines()) == 1
        (file,) = (tmp_path / "errors").iterdir()
        assert str(file) in err
        assert "Traceback (most recent call last)" in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
    else:
        assert "Traceback (most recent call last)" in err


def test_a_home_folder_is_meant_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    assert main(["run", *WORDS, "runs=~/x", "store=~/s"]) == 0
    assert not (tmp_path / "~").exists()
    assert len(list((tmp_path / "home/x").glob("pTrue/*/report.html"))) == 1
    assert list((tmp_path / "home/s").glob("*.replies"))
    assert main(["report", "~/x"]) == 0


def test_names_that_are_too_long_and_links_to_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *WORDS, f"runs={tmp_path}", f"model.name={'m' * 300}"]) == 0
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert main(["run", *WORDS, f"runs={tmp_path}/link", f"store={tmp_path}/store"]) == 2
    err = capsys.readouterr().err
    assert f"{tmp_path}/link is a link to {tmp_path}/nowhere, which does not exist" in err
    assert "free space" not in err


def test_a_working_directory_that_was_removed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["list", "tasks"]) == 2
    assert "the working directory is not there any more" in capsys.readouterr().err
