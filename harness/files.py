"""Files that are written whole or not at all: first under another name in the same folder, then renamed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError


@contextmanager
def whole(path: Path, fix: str, what: str = "") -> Iterator[Path]:
    """A draft beside `path` to be written inside of the block. It takes the place of `path` at the end.

    The draft has a name of its own, so that several processes may write one file: the last one wins. After an error
    the draft is removed, and an earlier file stays as it was.

    Args:
        fix: what the user can do when the disk refuses; ends the message.
        what: what the message calls the file; empty is its path.

    Raises:
        HarnessError: the file cannot be written.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}.part")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise HarnessError(f"cannot write {what or path}: {error.strerror or error}; {fix}") from error
    finally:
        # Nothing is left to remove where the draft became the file, or could not be made.
        with suppress(OSError):
            draft.unlink()


def write_whole(path: Path, content: str | bytes, fix: str, what: str = "") -> None:
    """Writes text (as UTF-8) or bytes to a file, whole or not at all; arguments and errors as `whole`."""
    with whole(path, fix, what) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
