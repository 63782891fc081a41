"""Signals that ask a process to end are heard, whatever Python is doing at that moment."""

import gc
import signal
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from harness.processes.signals import exit_code, listening


def in_a_destructor() -> None:
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    Dying()


def in_a_callback() -> None:
    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
    del thing
    assert reference() is None


def in_a_collection() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    Cycle()
    gc.collect()


@pytest.mark.parametrize("dropped", [in_a_destructor, in_a_callback, in_a_collection])
def test_a_signal_whose_interrupt_python_drops_is_heard(dropped: Callable[[], None]) -> None:
    hook = sys.unraisablehook
    reached = False
    with listening():
        dropped()
        reached = True
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            time.sleep(10)
    assert reached
    assert exit_code() == 143
    assert sys.unraisablehook is hook


def test_other_errors_that_python_drops_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(str(dropped.exc_value)))

    class Dying:
        def __del__(self) -> None:
            raise ValueError("told")

    with listening():
        Dying()
    assert told == ["told"]
