"""Keeps the traceback of an error that nobody expected in a file, so that the terminal shows one line."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path

from harness.console import log
from harness.redaction import struck

CODE = 70
"""Exit code after an unexpected error: EX_SOFTWARE of sysexits.h."""


def report_crash(error: Exception) -> int:
    """Says in one line what happened and which file has the traceback; without any disk, prints the traceback.

    Returns:
        The exit code.
    """
    trace = struck("".join(traceback.format_exception(error)))
    text = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {sys.version}\n{trace}"
    told = next(iter(struck(str(error)).splitlines()), "")
    what = f"unexpected {type(error).__name__}{f': {told}' if told else ''}"
    for folder in (_cache, _temporary):
        try:
            file = _keep(text, folder())
        except Exception:  # the disk is full, or there is no home folder: the next place, and at last the terminal
            continue
        log(f"{what}; this is a fault of the harness or of an experiment's code, its traceback is in {file}")
        return CODE
    log(f"{what}; no disk takes its traceback:\n{text}")
    return CODE


def _keep(text: str, folder: Path) -> Path:
    """Writes a file that only its owner may read."""
    folder.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(".txt", time.strftime("error-%Y%m%dT%H%M%S-", time.gmtime()), folder)
    try:
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)


def _cache() -> Path:
    from harness.models.model import cache_folder

    return cache_folder() / "errors"


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
