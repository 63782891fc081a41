"""Prints lines for the person who watches, on stderr, because results go to stdout and may be piped.

A line may hold text from a data set, a model, a file or a server. Such text cannot move the cursor, hide or reverse a
line, and no credential is shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from secrets import token_hex
from typing import TextIO, cast

from harness.redaction import known_struck, struck

# C0 and C1 controls except tab and line feed, zero-width characters, line separators, everything that changes the
# direction of what follows, lone surrogates (not encodable), non-characters, and the invisible "tag" characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)

_OURS = token_hex(8)
"""Stands behind the escapes that the harness itself prints; nobody else can know it."""


def visible(text: str) -> str:
    """The text with every invisible or direction-changing character written out: NUL as U+2400, others as ⟨U+202E⟩."""
    return _UNSEEN.sub(_shown, text.replace("\r\n", "\n"))


def counted(n: int, what: str) -> str:
    """A number of things: "1 item", "1,200 items"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def log(text: str) -> None:
    """Prints one line on stderr, where there is one and nobody asked for silence. Never raises.

    Further lines of a text are indented: none can pass for one that the harness printed.
    """
    if not _silences:
        shown = visible(struck(text)).replace("\n", "\n  ")
        _write(sys.stderr, f"harness: {shown}\n")


_silences: list[object] = []
"""A mark for each block of `silence` that has not ended yet."""


@contextmanager
def silence() -> Iterator[None]:
    """Inside of the block `log` prints nothing in any thread, and nobody draws a progress bar."""
    mark = object()
    _silences.append(mark)
    try:
        yield
    finally:
        _silences.remove(mark)


def aligned(rows: Sequence[Sequence[str]], right: Collection[int]) -> list[str]:
    """The lines of a table of texts.

    Args:
        right: the columns, from 0 on, that stand to the right, as numbers do.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{'>' if i in right else '<'}{widths[i]}}" for i, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def in_notebook() -> bool:
    """Whether a notebook shows what is printed: Jupyter's kernel runs this process."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def watched() -> bool:
    """Whether a person may be watching stderr, on a terminal or in a notebook, and wants to see something."""
    there = sys.stderr is not None and sys.stderr.isatty()
    return not _silences and (there or in_notebook())


def tell(text: str = "") -> None:
    """Prints one line of a result on stdout, where there is one. Never raises."""
    _write(sys.stdout, f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    with suppress(OSError, ValueError):  # ValueError: the stream is closed
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def coloured(text: str, code: str | int) -> str:
    """A text in an ANSI colour, which stdout lets through although it shows what others write of the kind."""
    mark = _OURS if isinstance(sys.stdout, Safe) else ""
    return f"\x1b{mark}[{code}m{text}\x1b{mark}[0m"


def redraw(text: str) -> None:
    """Clears the terminal and prints a text."""
    stream = sys.stdout.stream if isinstance(sys.stdout, Safe) else sys.stdout
    print(f"\033[H\033[2J{visible(known_struck(text))}", file=stream, flush=True)


@contextmanager
def safe_stdout() -> Iterator[None]:
    """Makes all text printed on stdout inside of the block visible, and strikes the known credentials out."""
    with redirect_stdout(cast(TextIO, Safe(sys.stdout))):
        yield


class Safe:
    """A text stream before another one, which gets every text safe to look at.

    Attributes:
        stream: the other one, which text that moves the cursor is written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(visible(known_struck(text)).replace(f"␛{_OURS}", "\x1b"))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"
