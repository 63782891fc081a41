"""Prints lines for the person who watches, on stderr, because results go to stdout and may be piped."""

from __future__ import annotations

import sys


def log(text: str) -> None:
    """Prints one line."""
    print(f"harness: {text}", file=sys.stderr, flush=True)
