"""Notices model files that change after the model was loaded, by size, modification time and inode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Snapshot:
    """The files of a model or an adapter, as they were when it was loaded. Looking again takes microseconds a file.

    Attributes:
        folders: folders that are looked at, and the patterns of the names of their files.
        files: files that lie elsewhere.
        stamps: size, time of change and inode of each file.
    """

    folders: Mapping[Path, Sequence[str]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)

    @classmethod
    def take(cls, folders: Mapping[Path, Sequence[str]], files: Iterable[Path] = ()) -> Snapshot:
        """The files as they are now."""
        others = tuple(files)
        return cls(folders, others, _stamps(folders, others))

    def changed(self) -> tuple[str, ...]:
        """Names of files that are new, gone or other ones than they were."""
        now = _stamps(self.folders, self.files)
        names = {file.name for file in now.keys() | self.stamps.keys() if now.get(file) != self.stamps.get(file)}
        return tuple(sorted(names))


def _stamps(folders: Mapping[Path, Sequence[str]], files: Iterable[Path]) -> dict[Path, Stamp]:
    stamps: dict[Path, Stamp] = {}
    found = {file for folder, patterns in folders.items() for pattern in patterns for file in folder.glob(pattern)}
    for file in (*found, *files):
        try:
            state = file.stat()  # of a link's target: the hub's cache is made of links
        except OSError:
            continue
        stamps[file] = (state.st_size, state.st_mtime_ns, state.st_ino)
    return stamps
