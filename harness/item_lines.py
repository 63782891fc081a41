"""Reads calls.jsonl of a run directory: a line for each item, with its content and all that was asked about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from harness.errors import HarnessError, named

_KINDS: dict[str, tuple[type, ...]] = {
    "item": (str,),
    "group": (str,),
    "fields": (dict,),
    "gold": (object,),
    "grader": (str, type(None)),
    "form": (dict,),
    "error": (str, type(None)),
    "exchanges": (list,),
}


def item_lines(run: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run, in the order of its task.

    Each has the keys: item (its id), group, fields, gold, grader (None: no function of a module), form, error (None
    where it was finished), exchanges (as `harness.subject.transcript.Transcript.read` takes them).

    Raises:
        HarnessError: the file is missing, or a line of it is damaged.
    """
    file = run / "calls.jsonl"
    with opened(file) as lines:
        for number, text in enumerate(lines, start=1):
            yield parsed(text, f"{file}, line {number}")


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """The file, opened to be read; HarnessError where that fails."""
    try:
        with file.open("rb") as lines:
            yield lines
    except OSError as error:
        raise HarnessError(
            f"{file} cannot be read: {error.strerror}; copy the whole run directory, or run its command again"
        ) from error


def parsed(text: bytes, where: str) -> dict[str, Any]:
    """The content of one line; HarnessError, beginning with `where`, where it is damaged."""
    try:
        line = orjson.loads(text)
        for name, kinds in _KINDS.items():
            if not isinstance(line[name], kinds):
                raise TypeError(f"{name} is {str(line[name])[:40]!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(where, error) from error
    return dict(line)


def damaged(where: str, error: Exception) -> HarnessError:
    """An error of one line about something of a run that is not as the harness wrote it."""
    return HarnessError(f"{where}: damaged, or written by another version ({named(error)}); run its command again")
