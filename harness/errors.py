"""The errors a user may meet. Each message names the file, key or item at fault, and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Collection


class HarnessError(Exception):
    """Bad input or environment (config, data, model, disk): stops the run with one line and exit code 2."""


class ItemError(HarnessError):
    """One item cannot be asked (prompt too long, option merges with the prompt): becomes a failure row."""


class EngineDied(HarnessError):
    """The engine stopped answering. Nothing answered before is lost; the same command goes on from there."""


def nearest(word: str, known: Collection[str]) -> str:
    """ ", did you mean 'x'?" for the nearest known word, else the list of all of them."""
    # Case is the commonest slip (ptrue for pTrue), and difflib counts it as a difference.
    folded = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), folded, 1, 0.6)
    if close:
        return f", did you mean {folded[close[0]]!r}?"
    return f" (there are: {', '.join(sorted(known))})"
