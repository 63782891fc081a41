"""Runs a target on inputs of one seed each, and says what broke its promise."""

from __future__ import annotations

import resource
import signal
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from harness.errors import LONGEST, BaseHarnessError
from tests.fuzz.targets import Target

SECONDS = 60
"""Seconds for one input."""
MOST = 1 << 20
"""Kilobytes by which the memory of the process may grow."""


@dataclass(frozen=True)
class Broken:
    """An input that a reader did not refuse in one line.

    Attributes:
        seed: makes the input again: `python -m tests.fuzz TARGET --seed SEED --inputs 1`.
        told: the exception and where it arose.
    """

    seed: int
    told: str


class Slow(BaseException):
    """An input took too long; no reader can catch this."""


def attack(target: Target, seed: int, inputs: int) -> Iterator[Broken | None]:
    """Tries inputs of the seeds from `seed` on; yields after each what it broke, if anything."""
    with tempfile.TemporaryDirectory() as place:
        good = Path(place, "good")
        good.mkdir()
        target.prepare(good)
        memory = _kilobytes()
        for one in range(seed, seed + inputs):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                told = _try(target, Random(one), good, Path(folder))
            if not told and _kilobytes() - memory > MOST:
                told, memory = "it took a gigabyte of memory", _kilobytes()
            yield Broken(one, told) if told else None


def _try(target: Target, rng: Random, good: Path, folder: Path) -> str:
    """What is wrong with how one input was read; "" for a right value or one line."""
    try:
        with _limited():
            target.attack(rng, good, folder)
    except BaseHarnessError as error:
        message = str(error)
        if "\n" in message or len(message) > LONGEST:
            return f"a message of {len(message)} characters, {message.count(chr(10))} line breaks: {message[:200]!r}"
    except (Exception, Slow) as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "/harness/" in frame.filename]
        place = f" at {own[-1].filename.rpartition('/harness/')[2]}:{own[-1].lineno}" if own else ""
        return f"{type(error).__name__}{place}: {str(error)[:300]}"
    return ""


@contextmanager
def _limited() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Slow(f"no end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
