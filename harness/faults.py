"""Tells where an exception arose in the code of an experiment's author, in one line."""

from __future__ import annotations

import inspect
import linecache
import re
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

from harness.console import visible
from harness.redaction import struck

_OURS = str(Path(__file__).parent)
_LIBRARIES = tuple({path for name, path in sysconfig.get_paths().items() if name in ("stdlib", "purelib", "platlib")})
_LONGEST = 300
"""Characters of an exception's text, and of a source line, that are told."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that no protocol should raise.

    Attributes:
        text: its type and text, and the file, line number and source line where it arose.
        place: its type, file and line number: what tells one fault from another.
    """

    text: str
    place: str


def fault_of(error: Exception) -> Fault:
    """Describes an exception by the deepest line that is neither the harness's nor a library's."""
    kind = type(error).__name__
    said = " ".join(visible(struck(str(error))).split())[:_LONGEST]
    text = f"{kind}: {said}" if said else kind
    if advice := _advice(error):
        text += f"; {advice}"
    own = [frame for frame in traceback.walk_tb(error.__traceback__) if _is_own(frame[0].f_code.co_filename)]
    if not own:
        return Fault(text, text)
    frame, line = own[-1]
    file = frame.f_code.co_filename
    place = f"{_short(file)}:{line}"
    source = visible(struck(linecache.getline(file, line, frame.f_globals).strip()))[:_LONGEST]
    return Fault(f"{text} (at {place}{f': {source}' if source else ''})", f"{kind} {place}")


def _advice(error: Exception) -> str:
    """Advice for a missing or needless `await`."""
    if isinstance(error, TypeError) and "'await' expression" in str(error):
        return "write async def for the function that is awaited"
    if (
        "never awaited" in str(error)
        or not isinstance(error, (AttributeError, TypeError))
        or not re.search(r"\bcoroutine\b", str(error))
    ):
        return ""
    coroutine = getattr(error, "obj", None)
    if not inspect.iscoroutine(coroutine):
        return "a coroutine was never awaited: write await before the call that made it"
    coroutine.close()  # otherwise Python warns about it again
    return f"the coroutine {coroutine.__qualname__} was never awaited: write await before that call"


def _is_own(file: str) -> bool:
    inside = (file == folder or file.startswith(f"{folder}/") for folder in (_OURS, *_LIBRARIES))
    return not file.startswith("<frozen") and not any(inside)


def _short(file: str) -> str:
    """A path as seen from the working directory, where it lies in it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
