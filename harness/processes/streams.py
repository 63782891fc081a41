"""Guards stdout and stderr: no stream that is closed, full or of another encoding can end a run."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO, cast

from typing_extensions import Buffer

from harness.files import WINDOWS


def guard_streams() -> None:
    """Makes stdout and stderr of this process take everything: see `lost`.

    Text that cannot be written is dropped, and a character that their encoding lacks is written as an escape. Missing
    descriptors are opened on nothing, because the next file would get their numbers, and with them what libraries
    print.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout, sys.stderr = _guarded(1, sys.stdout), _guarded(2, sys.stderr)


def lost() -> OSError | None:
    """Why something printed on stdout is lost; None when nothing is, or when its reader has gone (`| head`)."""
    with suppress(OSError, ValueError, AttributeError):  # no stdout, or one that is closed
        sys.stdout.flush()
    failed = _failed(sys.stdout)
    return None if failed is None or failed.errno == errno.EPIPE else failed


def gone() -> bool:
    """Whether nobody can read stdout any more."""
    return _failed(sys.stdout) is not None


def _failed(stream: TextIO | None) -> OSError | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.failed if isinstance(raw, _Lossy) else None


class _Lossy(io.FileIO):
    """A file that drops what it cannot write, and says by `failed` that it did."""

    failed: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        if self.failed is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failed = error
        return memoryview(data).nbytes


def _guarded(number: int, stream: TextIO | None) -> TextIO:
    if WINDOWS and stream is not None and os.isatty(number):
        # A console of Windows takes characters, and would show bytes as those of an old code page.
        cast(io.TextIOWrapper, stream).reconfigure(errors="backslashreplace")
        return stream
    encoding = (stream.encoding if stream is not None else None) or "utf-8"
    raw = _Lossy(number, "w", closefd=False)
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=lines, write_through=number == 2
    )
