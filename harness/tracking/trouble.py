"""Keeps a tracker's trouble away from the run that it follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.console import log


@contextmanager
def told(problems: list[str], service: str, what: str) -> Iterator[None]:
    """An error inside of the block is said in one line and added to the problems, and ends there."""
    try:
        yield
    except ModuleNotFoundError as error:
        problems.append(
            f"{service} needs its package: pip install 'self-evaluation-harness[{service.lower()}]' ({error})"
        )
        log(f"{problems[-1]}; the run directory has everything")
    except Exception as error:
        problems.append(f"{service} could not {what} ({type(error).__name__}: {first_line(error)})")
        log(f"{problems[-1]}; the run directory has everything")


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).strip().splitlines() or ["no message"])[0]
