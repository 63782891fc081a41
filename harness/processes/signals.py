"""Treats every signal that asks a process to end like Ctrl-C: the run still reports its finished items.

SLURM, `docker stop`, a closed ssh and a batch script's `--signal` do not send the signal that Ctrl-C sends. While it is
`listening`, all of them raise `KeyboardInterrupt`; inside of `first_calls` the first one only calls a function.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.files import WINDOWS

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
ENDING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
"""Signals that end a run; Windows knows only the first two."""

AGAIN = 0.05
"""Seconds after which a signal is sent again whose KeyboardInterrupt Python had to drop."""

_heard: list[int] = []


@contextmanager
def listening() -> Iterator[None]:
    """Inside, every signal of `ENDING` raises KeyboardInterrupt; one that is ignored (by `nohup`, say) stays so.

    Python drops what is raised while it runs a destructor or the callback of a weak reference: then the signal is sent
    again, so that none is lost.
    """
    _heard.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    hook = sys.unraisablehook
    sys.unraisablehook = lambda dropped: _again(dropped) or hook(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, handler)


def exit_code() -> int:
    """128 and the number of the last signal that asked this process to end; 130, as after Ctrl-C, without one."""
    return 128 + (_heard[-1] if _heard else signal.SIGINT)


def heard() -> int:
    """How many signals have asked this process to end by now: a library may swallow the KeyboardInterrupt."""
    return len(_heard)


def name() -> str:
    """The last signal that asked this process to end; SIGINT without one."""
    return signal.Signals(exit_code() - 128).name


@contextmanager
def first_calls(act: Callable[[], object]) -> Iterator[None]:
    """Inside, the first ending signal calls a function, and the next one raises KeyboardInterrupt.

    Signals that nobody listens to are left alone. In any thread but the main one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    ours = [number for number, handler in before.items() if handler in (_interrupt, signal.default_int_handler)]

    def first(number: int, _: FrameType | None) -> None:
        _heard.append(number)
        back()
        act()

    def back() -> None:
        for number in ours:
            if signal.getsignal(number) is first:
                signal.signal(number, before[number])

    for number in ours:
        signal.signal(number, first)
    try:
        yield
    finally:
        back()


def _interrupt(number: int, _: FrameType | None) -> None:
    _heard.append(number)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _again(dropped: sys.UnraisableHookArgs) -> bool:
    """Sends a signal again whose KeyboardInterrupt was dropped; whether it was one."""
    if not issubclass(dropped.exc_type, KeyboardInterrupt) or not _heard:
        return False
    # On Windows `kill` ends the process, and nothing that waits has to be woken.
    send, given = (_thread.interrupt_main, ()) if WINDOWS else (os.kill, (os.getpid(),))
    later = threading.Timer(AGAIN, send, (*given, _heard[-1]))
    later.daemon = True
    later.start()
    return True
