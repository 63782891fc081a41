"""Names a process so that another process can later tell whether it is still alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.files import WINDOWS


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of one machine.

    Attributes:
        host, pid: for people.
        machine: boot and process namespace. Only a process of the same ones can be looked up by its number.
        born: start in clock ticks since the boot, because process numbers are used again.
    """

    host: str
    pid: int
    machine: str
    born: str

    @classmethod
    def now(cls) -> ProcessId:
        """This process."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _machine(), _born(pid))

    def lives(self) -> bool | None:
        """Whether the process is at work; None when this machine cannot know."""
        if not self.machine and not _machine() and self.host == socket.gethostname():
            return None if _may_live(self.pid) else False
        if not self.machine or self.machine != _machine():
            return None
        return self.born != "" and self.born == _born(self.pid)


def _may_live(pid: int) -> bool:
    """Whether some process has a number, where the system tells no more (macOS): not whose number it is by now."""
    if WINDOWS:  # whose `kill` would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


@cache
def _machine() -> str:
    """This boot and process namespace; "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _born(pid: int) -> str:
    """The start of a process that is alive; "" when there is none of this number."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state[0] in "ZX" else state[19]
