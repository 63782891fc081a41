"""Lets one process at a time do something with a folder: write a run directory, or hand out the cells of a sweep.

The lock is a small file that names its holder. It is made by a hard link where there are any, which one of several
processes wins on network file systems, too; nothing here relies on `flock`. The holder touches the file every few
seconds. A dead holder never blocks: on its own machine its process is looked up, and from another machine its last
sign of life counts.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.console import log
from harness.errors import HarnessError
from harness.files import json_of, named_first
from harness.processes.identity import ProcessId

BEAT = 5.0
"""Seconds between two signs of life."""

SILENT = 120.0
"""Seconds without a sign of life after which a holder on another machine counts as dead."""

LOOK_EVERY = 1.0
"""Seconds between two looks of a process that waits."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock, or held it and died.

    Attributes:
        doing: its work, for people: "run", "rescore".
        since: UTC.
        age: seconds since its last sign of life, by the clock of the file system where that can be asked.
        key: tells this time of holding from every other one.
    """

    process: ProcessId
    doing: str
    since: str
    age: float
    key: str

    @property
    def lives(self) -> bool:
        """Whether it is still at work."""
        known = self.process.lives()
        return self.age < SILENT if known is None else known

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.process.host} ({self.doing}, since {self.since})"


class Lock:
    """Holds a file until it is released; a second holder waits, or is refused, while the first one lives.

    Args:
        file: names the holder; its folder must exist.
        what: the name of the locked thing in messages.
        doing: the work of this process on it.

    Attributes:
        waited: whether another process had it first.
        key: tells this time of holding from every other one.
    """

    def __init__(self, file: Path, what: str, doing: str) -> None:
        self.file, self.what, self.doing = file, what, doing
        self.waited = False
        self.key = secrets.token_hex(8)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lock", daemon=True)

    def take(self, patience: float, ended: Callable[[], bool] = lambda: False) -> None:
        """Takes the lock, after waiting while another living process holds it.

        Args:
            patience: seconds to wait at most.
            ended: looked at while waiting; once true, `KeyboardInterrupt` is raised.

        Raises:
            HarnessError: another process holds it for longer.
            OSError: the file cannot be written.
        """
        deadline = time.monotonic() + patience
        told = ""
        while not self._made():
            holder = holder_of(self.file)
            if holder is None:
                continue
            if not holder.lives:
                self._remove(holder)
                continue
            if time.monotonic() >= deadline:
                raise HarnessError(f"{self.what} is held by {holder}; wait until that has ended, or end it")
            self.waited = True
            if told != holder.key:
                log(f"{self.what} is held by {holder}; waiting for its end (Ctrl-C leaves)")
                told = holder.key
            if ended():
                raise KeyboardInterrupt
            time.sleep(min(LOOK_EVERY, max(0.0, deadline - time.monotonic())))
        self._thread.start()

    def release(self) -> None:
        """Lets others have it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.mine:
            with suppress(OSError):
                self.file.unlink()

    @property
    def mine(self) -> bool:
        """Whether this process still holds it: a process that was suspended for long may have been taken for dead."""
        try:
            holder = holder_of(self.file)
        except HarnessError:
            return False
        return holder is not None and holder.key == self.key

    def _made(self) -> bool:
        note = {
            **asdict(ProcessId.now()),
            "doing": self.doing,
            "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "key": self.key,
        }
        draft = self.file.with_name(f".{self.file.name}-{self.key}")
        try:
            draft.write_text(json.dumps(note), encoding="utf-8")
            return named_first(draft, self.file)
        finally:
            with suppress(OSError):
                draft.unlink()

    def _remove(self, dead: Holder) -> None:
        """Removes a dead holder's file. Of several processes that do so at once, no one removes a living one's."""
        aside = self.file.with_name(f".{self.file.name}-{self.key}-dead")
        with suppress(FileNotFoundError):
            self.file.rename(aside)
            taken = holder_of(aside)
            if taken is not None and taken.key != dead.key:  # another one was faster, and holds it already
                named_first(aside, self.file)
            aside.unlink()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            with suppress(OSError):
                os.utime(self.file)


def holder_of(file: Path) -> Holder | None:
    """The process that holds a lock, or died while it held it; None without one.

    A file that was cut off by a power failure names nobody; its age alone says whether it counts.

    Raises:
        HarnessError: the file cannot be read.
    """
    try:
        with file.open("rb") as opened:  # opening asks a network file system for the present state
            content = opened.read()
            beat = os.fstat(opened.fileno()).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}") from error
    age = _now(file.parent) - beat
    try:
        note = json_of(content)
        if not isinstance(note["pid"], int):
            raise TypeError("a process has a number")
        process = ProcessId(str(note["host"]), note["pid"], str(note["machine"]), str(note["born"]))
        return Holder(process, str(note["doing"]), str(note["since"]), age, str(note["key"]))
    except (ValueError, TypeError, KeyError):
        return Holder(ProcessId("an unknown host", 0, "", ""), "unknown", "unknown", age, "")


def _now(folder: Path) -> float:
    """The clock of the folder's file system, by which its files have their times; else this machine's."""
    probe = folder / f".clock-{secrets.token_hex(4)}"
    try:
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()
    except OSError:
        return time.time()
