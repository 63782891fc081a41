"""Files that are written whole or not at all: first under another name in the same folder, then renamed."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

WINDOWS = os.name == "nt"

BINARY: int = getattr(os, "O_BINARY", 0)
"""Flag of `os.open` without which Windows changes the line ends."""


LONGEST_NAME = 255
"""Bytes of a name that file systems take."""


def as_name(text: str) -> str:
    """A free text as part of a file's name, on any system: what a name cannot have everywhere becomes a dash."""
    return re.sub(r"[^\w.-]+", "-", text)


def user_path(text: str | Path) -> Path:
    """A path as a user writes it: `~` and `~name` stand for home folders, which only an unquoted word of a shell does.

    Raises:
        HarnessError: there is no such home folder, a name is longer than any file system takes, or the path has a line
            break, behind which something could be printed that looks like the harness's own line.
    """
    if any(c in str(text) for c in "\n\r\0"):
        raise HarnessError(f"{str(text)!r}: a path without line breaks is needed; rename the folder or file")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(text).parts):
        raise HarnessError(f"{str(text)[:100]}...: a name in this path has more than {LONGEST_NAME} bytes")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise HarnessError(f"{text}: there is no such home folder; write the path out") from error


@contextmanager
def whole(path: Path, fix: str, what: str = "", *, folder: bool = False) -> Iterator[Path]:
    """A draft beside `path` to be written inside of the block. It takes the place of `path` at the end.

    The draft has a name of its own, so that several processes may write one file: the last one wins. It is on the disk
    before it gets its final name, so that no power failure leaves an empty file there. After an error the draft is
    removed, and an earlier file stays as it was.

    Args:
        fix: advice for the user when the disk refuses; ends the message.
        what: name of the file in the message; empty is its path.
        folder: whether its folder is made where that is missing. So is it for a place that the user names; a folder of
            ours that is missing was taken away.

    Raises:
        HarnessError: the file cannot be written.
    """
    # A name that a file system just takes must not become too long as the name of the draft.
    draft = path.parent / f".{path.name[:40]}-{secrets.token_hex(4)}.part"
    try:
        if no_file(path):
            raise HarnessError(f"cannot write {what or path}: it is no file but {no_file(path)}; {fix}")
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        flush(draft)
        draft.replace(path)
    except OSError as error:
        raise refused(what or str(path), error, fix) from error
    finally:
        # Nothing is left to remove where the draft became the file, or could not be made.
        with suppress(OSError):
            draft.unlink()


def no_file(path: Path) -> str:
    """What stands in the place of a file and must not be replaced by one; "" where nothing does.

    A draft that takes the name of /dev/null makes a file of it for every process of the machine. /dev/stdout may be a
    link to a file, whose writer would not notice that it has another one.

    Raises:
        OSError: the disk does not tell.
    """
    place = path.absolute()
    of_system = any(place.is_relative_to(one) for one in ("/dev", "/proc", "/sys")) and not place.is_relative_to(
        _SHARED
    )
    if path.is_dir():
        return "a folder"
    return "a device or a pipe" if of_system or (path.exists() and not path.is_file()) else ""


_SHARED = "/dev/shm"
"""The only folder of /dev that holds files."""


def write_whole(path: Path, content: str | bytes, fix: str, what: str = "", *, folder: bool = False) -> None:
    """Writes text (as UTF-8) or bytes to a file, whole or not at all; arguments and errors as `whole`."""
    with whole(path, fix, what, folder=folder) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def json_of(content: str | bytes) -> Any:
    """The value of a JSON text, which may have been damaged or made by somebody else.

    Raises:
        ValueError: it is none, is nested deeper than Python can read, or a key of it stands twice: other readers take
            the other value.
    """
    try:
        return json.loads(content, object_pairs_hook=unique)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of a JSON text, for Python's reader.

    Raises:
        ValueError: a key stands twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {twice!r} stands twice in an object")
    return found


def flush(path: Path) -> None:
    """Makes a file, or the names in a folder, survive the death of the machine.

    Raises:
        OSError: the disk refused what was written.
    """
    if WINDOWS and path.is_dir():
        return  # it cannot be opened there, and the system writes names down by itself
    # Windows flushes only what was opened for writing.
    number = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot do so
            raise
    finally:
        os.close(number)


def named_first(draft: Path, place: Path) -> bool:
    """Gives a draft the name of a place where nothing lies yet; of several processes at once, one succeeds.

    Returns:
        Whether it was this one.

    Raises:
        OSError: the disk refuses.
    """
    try:
        os.link(draft, place)
    except FileExistsError:
        # A network file system that gets no answer in time links again, and is then told that the name is taken.
        with suppress(FileNotFoundError):
            return os.path.samefile(draft, place)
        return False
    except OSError:  # a file system without hard links, as a USB stick's, or a share's that a Mac mounts
        try:
            with place.open("xb") as file:
                file.write(draft.read_bytes())
        except FileExistsError:
            return False
        except OSError:
            place.unlink(missing_ok=True)  # an empty file would name nobody
            raise
    return True


def refused(what: str, error: OSError, fix: str) -> HarnessError:
    """Why something cannot be written, and the remedy: more space only where there is too little."""
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    reason = error.strerror or str(error)
    if place is not None and error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENOENT, errno.ELOOP):
        reason += _in_the_way(place)
    if error.errno == errno.ENAMETOOLONG:
        fix = f"a shorter name is needed, or {fix}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT) and "free space" not in fix:
        fix = f"free space or {fix}"
    if error.errno == errno.EFBIG:
        fix = (
            "a limit on the size of files holds here: raise it (`ulimit -f unlimited`), then run the same command again"
        )
    return HarnessError(f"cannot write {what}: {reason}; {fix}")


def _in_the_way(place: Path) -> str:
    """The link to nothing, or the file, that stands where a folder is needed; "" when there is none."""
    for one in (place, *place.parents):
        if one.is_symlink() and not one.exists():
            return f" ({one} is a link to {os.readlink(one)}, which does not exist)"
        if one.is_file():
            return f" ({one} is a file and no folder)"
    return ""
