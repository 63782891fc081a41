"""On macOS and Windows: what only Linux has is not asked for, and files are opened as those systems need it."""

import _thread
import io
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness import files
from harness.files import flush, named_first, write_whole
from harness.processes import identity, signals, streams
from harness.processes.identity import ProcessId
from harness.processes.lock import Lock, holder_of
from harness.store import readers
from harness.store.readers import Readers


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without /proc."""
    monkeypatch.setattr(identity, "_machine", lambda: "")
    monkeypatch.setattr(identity, "_born", lambda pid: "")


def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.usefixtures("macos")
def test_a_dead_process_of_this_machine_is_known_as_dead() -> None:
    here = socket.gethostname()
    assert ProcessId(here, gone(), "", "").lives() is False
    assert ProcessId.now().lives() is None  # or another one that has its number: its signs of life tell
    assert ProcessId("elsewhere", gone(), "", "").lives() is None
    assert ProcessId(here, gone(), "a boot of Linux", "1").lives() is None


@pytest.mark.usefixtures("macos")
def test_a_folder_whose_holder_was_killed_is_free_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", gone)
    dead = Lock(tmp_path / "owner.json", "the folder", "run")
    dead.take(0)
    monkeypatch.undo()
    monkeypatch.setattr(identity, "_machine", lambda: "")
    lock = Lock(tmp_path / "owner.json", "the folder", "run")
    lock.take(0)
    assert lock.mine
    for one in (lock, dead):
        one.release()


def test_nothing_is_sent_to_a_process_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: Any) -> None:
        raise AssertionError("on Windows this ends the process")

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(identity, "WINDOWS", True)
    monkeypatch.setattr(identity, "_machine", lambda: "")
    assert ProcessId(socket.gethostname(), gone(), "", "").lives() is None
    sent: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(signals, "WINDOWS", True)
    monkeypatch.setattr(_thread, "interrupt_main", sent.put)
    monkeypatch.setattr(signals, "_heard", [15])
    dropped = type("Dropped", (), {"exc_type": KeyboardInterrupt})
    assert signals._again(dropped)  # type: ignore[arg-type]
    assert sent.get(timeout=5) == 15


def test_windows_flushes_files_that_are_open_for_writing_and_no_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int]] = []
    real = os.open

    def opens(path: Any, flags: int, *more: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", str(path))
        opened.append((Path(path).name, flags & os.O_ACCMODE))
        return real(path, flags, *more)

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(os, "open", opens)
    flush(tmp_path)
    (tmp_path / "file").write_text("x")
    flush(tmp_path / "file")
    assert opened[-1] == ("file", os.O_RDWR)
    write_whole(tmp_path / "whole.json", "{}", "give another place")
    assert (tmp_path / "whole.json").read_text() == "{}"


def test_segments_are_read_where_no_call_reads_at_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pread")
    file = tmp_path / "segment"
    file.write_bytes(bytes(range(256)) * 64)
    shared = Readers()
    wrong: list[int] = []

    def read(first: int) -> None:
        wrong.extend(
            at for at in range(first, 16000, 7) if shared.read(file, at, 3) != bytes((at + i) % 256 for i in range(3))
        )

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.close()
    assert wrong == []
    assert not readers._SEEKING.locked()


def test_a_console_of_windows_gets_characters_and_never_refuses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOWS", True)
    monkeypatch.setattr(os, "isatty", lambda _: True)
    console = io.TextIOWrapper(io.BytesIO(), "cp1252")
    assert streams._guarded(1, console) is console
    print("≤", file=console, flush=True)
    assert console.buffer.getvalue() == f"\\u2264{os.linesep}".encode()


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "none"])
def test_one_of_many_names_its_file_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def refuses(*_: Any) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(os, "link", refuses)
    drafts = [tmp_path / f"draft-{i}" for i in range(8)]
    for draft in drafts:
        draft.write_text(draft.name)
    with_name = [named_first(draft, tmp_path / "place") for draft in drafts]
    assert with_name == [True, *[False] * 7]
    assert (tmp_path / "place").read_text() == "draft-0"
    lock = Lock(tmp_path / "owner.json", "the folder", "run")
    if links:
        link = os.link

        def repeats(source: Path, place: Path) -> None:
            link(source, place)
            link(source, place)

        # The answer to the first link was lost: the name is taken, by nobody else.
        monkeypatch.setattr(os, "link", repeats)
    lock.take(0)
    found = holder_of(tmp_path / "owner.json")
    assert found is not None
    assert found.process.pid == os.getpid()
    assert time.time() - 60 < (tmp_path / "owner.json").stat().st_mtime
    lock.release()
    assert holder_of(tmp_path / "owner.json") is None


def test_a_full_disk_leaves_no_lock_that_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuses)
    monkeypatch.setattr(Path, "read_bytes", lambda _: refuses())
    with pytest.raises(OSError, match="Operation not supported"):
        Lock(tmp_path / "owner.json", "the folder", "run").take(0)
    assert list(tmp_path.iterdir()) == []
