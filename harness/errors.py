"""The errors a user may meet. Each message names the file, key or item at fault, and the fix.

* BaseHarnessError: catches all of them; the command line does.
    * HarnessError: bad input or environment. Stops the run.
    * ItemError: one item cannot be asked. Becomes a failure row; the run goes on.
    * EngineDied: the engine stopped answering. Stops the run, whose report covers what was finished.

The three are siblings: code that catches one of them lets the others through.
"""

import difflib
from collections.abc import Iterable

from harness.console import visible
from harness.redaction import struck

LONGEST = 2000
"""Characters of a message. A value that it shows may be a whole document."""


class BaseHarnessError(Exception):
    """Any error of the harness with a message for the user. Never raised itself.

    Its text may quote what a user, a file or a server wrote: it shows no credential and no control character, and of a
    long one both ends.
    """

    def __str__(self) -> str:
        text = visible(struck(super().__str__()))
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 500]} ... {text[-400:]}"

    def _render_traceback_(self) -> list[str]:
        """A notebook shows the message alone, as the command line does: the fault is not in the harness's own lines."""
        return [f"{type(self).__name__}: {self}"]


class HarnessError(BaseHarnessError):
    """Bad input or environment (config, data, model, disk): stops the run with one line and exit code 2."""


class ItemError(BaseHarnessError):
    """One item cannot be asked (prompt too long, option merges with the prompt): becomes a failure row."""


class EngineDied(BaseHarnessError):
    """The engine stopped answering. Nothing answered before is lost; the same command goes on from there."""


TOLD = 300
"""Characters of another program's error in a message."""


def one_line(error: BaseException) -> str:
    """The text of any error in one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:TOLD] or type(error).__name__


def named(error: BaseException) -> str:
    """The kind of any error and its text in one line, without credentials or control characters: KeyError: 'a'."""
    return visible(struck(" ".join(f"{type(error).__name__}: {error}".split())[:TOLD]))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one; None where none is."""
    # Case is the commonest slip (ptrue for pTrue), and difflib counts it as a difference.
    folded = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), folded, 1, 0.6)
    return folded[close[0]] if close else None


def one_line_name(name: str) -> str:
    """A name for a message of one line: line breaks and control characters are escaped. Columns may have such names."""
    return name if name.isprintable() else repr(name)[1:-1]


def nearest(word: str, known: Iterable[str], most: int = 40) -> str:
    """The end of a message about an unknown word: ", did you mean 'x'?" for the nearest known one, else all of them.

    Args:
        most: known words that are listed at most; of more, only the number is told.
    """
    known = list(known)
    if close := closest(word, known):
        return f", did you mean {close!r}?"
    names = sorted(map(one_line_name, known))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f" (there are: {', '.join(names[:most]) or 'none'}{more})"
