"""Tracks the segments that a store has found, and how far it has read each."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.store.index import Index
from harness.store.records import SUFFIX

_LENGTH, _OFFSET = 40, 48
"""Bits of a record's length and offset in a place; the segment's number stands above them. A packed integer takes a
third of the memory of a tuple."""


@dataclass(slots=True)
class Known:
    """A segment that was found.

    Attributes:
        identity: of the model whose calls it holds; None when its first line does not tell.
        end: bytes that were read; `sys.maxsize` of those that this process writes, which are indexed as they are put.
        closed: its writer ended in good order: nothing will be added.
        indexed: its index was read in place of its records.
        damaged: records of it that were counted as dropped.
    """

    path: Path
    identity: str | None
    end: int = 0
    closed: bool = False
    indexed: bool = False
    damaged: int = 0


def segments_in(folder: Path) -> list[Path]:
    """The segments in a folder: files alone, and none where there is no folder.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(SUFFIX) and _is_file(entry)]
    except FileNotFoundError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether a name stands for a file, if need be by links; a loop of them stands for none."""
    return entry.is_file(follow_symlinks=False) or (entry.is_symlink() and Path(entry.path).is_file())


def raise_unless_gone(path: Path, error: OSError) -> None:
    """Names a segment that cannot be read; one that was merged or pruned at this moment is no error."""
    if error.errno not in (errno.ENOENT, errno.ESTALE):
        raise OSError(error.errno, f"{path.name}: {error.strerror}") from error


def place_of(number: int, offset: int, length: int) -> int:
    """The place of a record: the number of its segment, and the offset and length of its line in bytes."""
    return (number << _OFFSET | offset) << _LENGTH | length


def number_of(place: int) -> int:
    """The number of the segment of a place."""
    return place >> _LENGTH + _OFFSET


def span_of(place: int) -> tuple[int, int]:
    """Offset and length of the line of a place."""
    return place >> _LENGTH & (1 << _OFFSET) - 1, place & (1 << _LENGTH) - 1


def packed(number: int, index: Index) -> Iterator[tuple[bytes, int]]:
    """Key and place of each record of a segment."""
    base, keys = number << _OFFSET, bytes(index.keys)
    spans = zip(index.offsets, index.lengths, strict=True)
    places = [(base | offset) << _LENGTH | length for offset, length in spans]
    return zip([keys[i : i + 16] for i in range(0, len(keys), 16)], places, strict=True)
