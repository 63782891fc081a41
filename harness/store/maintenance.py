"""Maintains a call store: lists its content, verifies it, prunes it, and merges its segments.

Works on segments as a whole, beside any number of running readers and writers: a segment whose writer may be at work
is never touched, and a reader that loses a segment finds its records in the merged one, or asks again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.files import flush
from harness.store.readers import Readers
from harness.store.records import (
    ARRAYS,
    INDEX,
    PART,
    RESERVED,
    SUFFIX,
    Place,
    Record,
    arrays_of,
    beside,
    key_of,
    lines,
    parse,
    unended,
    unpack_body,
)
from harness.store.segments import SILENCE, Origin, Segment, Writer

UNKNOWN = Origin("", "?", "?")
"""Of segments whose first line is damaged."""


@dataclass(slots=True)
class Holding:
    """A segment and what is in it.

    Attributes:
        calls: whole lines that hold a call. damaged: lines that are none.
        torn: its last line was cut off, and nobody is writing it.
        live: its writer may be at work.
    """

    segment: Segment
    calls: int
    damaged: int
    torn: bool
    live: bool

    @property
    def origin(self) -> Origin:
        """The model and experiment of these calls."""
        return self.segment.header.origin if self.segment.header is not None else UNKNOWN


@dataclass(slots=True)
class Survey:
    """The content of a folder of segments, as far as it shows without reading the bodies of calls.

    Attributes:
        distinct: calls of different keys.
        foreign: names of files that are no segments, or lie beside one that is gone.
    """

    folder: Path
    holdings: list[Holding] = field(default_factory=list)
    distinct: int = 0
    foreign: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A place in a segment that holds no sound record.

    Attributes:
        offset: in bytes. what: in words.
        torn: only cut off, as a killed writer leaves it: nothing that was answered is missing.
    """

    path: Path
    offset: int
    what: str
    torn: bool


@dataclass(slots=True)
class Merge:
    """The result of merging the segments of one origin.

    Attributes:
        before, after: segments.
        calls: kept. duplicates, damaged: left out.
        freed: bytes.
        problem: why nothing was done; "" when something was.
    """

    origin: Origin
    before: int
    after: int = 1
    calls: int = 0
    duplicates: int = 0
    damaged: int = 0
    freed: int = 0
    problem: str = ""


def survey(folder: Path) -> Survey:
    """Counts what a folder holds.

    Raises:
        HarnessError: no such folder, or it cannot be read.
    """
    found = Survey(folder)
    keys: set[bytes] = set()
    for path in _files(folder):
        if not path.is_file() or (not path.name.endswith((SUFFIX, PART)) and not _beside_segment(path)):
            found.foreign.append(path.name)
            continue
        if not path.name.endswith(SUFFIX):
            continue
        calls = damaged = 0
        line = b"\n"
        try:
            for _, line in lines(path):
                key = key_of(line)
                damaged += key is None
                if key is not None and key != RESERVED:
                    calls += 1
                    keys.add(key)
            segment = Segment.look(path)
        except FileNotFoundError:
            continue  # removed at this moment
        except OSError as error:
            raise _unreadable(path, error) from error
        unfinished, live = line[-1] != 10, segment.live()
        found.holdings.append(Holding(segment, calls, damaged - unfinished, unfinished and not live, live))
    found.distinct = len(keys)
    return found


def verify(folder: Path) -> Iterator[Flaw]:
    """Reads every record and checks it against its checksum; gives the places where that fails.

    Raises:
        HarnessError: as `survey`.
    """
    for path in _files(folder):
        if not path.name.endswith(SUFFIX) or not path.is_file():
            continue
        try:
            yield from _flaws(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unreadable(path, error) from error


def _flaws(path: Path) -> Iterator[Flaw]:
    with _Checker(path) as checker:
        for offset, line in lines(path):
            if line[-1] != 10 and not unended(line):
                if not Segment.look(path).live():
                    yield Flaw(path, offset, f"cut off after {len(line)} bytes", True)
            elif what := checker.flaw(line):
                yield Flaw(path, offset, what, False)


class _Checker:
    """Checks the records of a segment, with the numbers beside it."""

    def __init__(self, path: Path) -> None:
        self._arrays = arrays_of(path)
        self._readers = Readers()

    def __enter__(self) -> _Checker:
        return self

    def __exit__(self, *_: object) -> None:
        self._readers.close()

    def flaw(self, line: bytes) -> str:
        """The flaw of a line, in words; "" for a sound one."""
        record = parse(line)
        if record is None:
            return f"no record ({len(line)} bytes)"
        if not record.sound:
            return f"a record of {len(line)} bytes that fails its checksum"
        place = Place.of_body(record.body)
        if place is None or place.holds(self.numbers(place)):
            return ""
        return f"a record whose {place.length} bytes at {place.arrays} of {self._arrays.name} are lost or damaged"

    def numbers(self, place: Place) -> bytes | None:
        """The numbers of a record; None when the file beside the segment cannot be read."""
        return self._readers.read(self._arrays, place.arrays, place.length)


def choose(
    found: Survey, *, model: str | None = None, experiment: str | None = None, older_than: float | None = None
) -> list[Holding]:
    """The segments of a model, of an experiment, not written to for some seconds; all that is given must hold."""
    now = time.time()
    return [
        holding
        for holding in found.holdings
        if (model is None or holding.origin.model == model)
        and (experiment is None or holding.origin.experiment == experiment)
        and (older_than is None or now - holding.segment.touched > older_than)
    ]


def prune(holdings: Sequence[Holding]) -> None:
    """Removes segments.

    Raises:
        HarnessError: one cannot be removed; those before it are.
    """
    for holding in holdings:
        try:
            holding.segment.remove()
        except OSError as error:
            raise HarnessError(f"cannot remove {holding.segment.path}: {error.strerror}") from error


def merge(folder: Path, silence: float = SILENCE) -> list[Merge]:
    """Makes one segment of the segments of each origin, without duplicates and damaged records.

    Killed at any moment, it leaves every record at least once: the new segment is written aside, flushed and renamed
    before the old ones go. Segments whose first line is damaged stay as they are. Numbers and indexes whose lines were
    removed by somebody who was killed then go, too.

    Args:
        silence: seconds after which a writer of another machine counts as gone.

    Raises:
        HarnessError: as `survey`.
    """
    groups: dict[Origin, list[Segment]] = {}
    for path in _files(folder):
        try:
            if not path.is_file():
                continue
            if path.name.endswith((ARRAYS, INDEX)) and not _beside_segment(path):
                _clear_numbers(path, silence)
            if not path.name.endswith((SUFFIX, PART)):
                continue
            segment = Segment.look(path)
            if path.name.endswith(PART):
                _clear(segment, silence)
            elif not segment.live(silence) and segment.size == 0:
                segment.remove()  # its writer died before its first line
            elif not segment.live(silence) and segment.header is not None:
                groups.setdefault(segment.header.origin, []).append(segment)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unreadable(path, error) from error
    return [
        _merge(folder, origin, segments)
        for origin, segments in groups.items()
        if len(segments) > 1 or not _clean(segments[0].path)
    ]


def _merge(folder: Path, origin: Origin, segments: Sequence[Segment]) -> Merge:
    done = Merge(origin, len(segments))
    part: Path | None = None
    try:
        writer = Writer(folder, origin, PART)
        part = writer.path
        seen: set[bytes] = set()
        try:
            ends = [_copy(segment.path, writer, done, seen) for segment in segments]
        finally:
            writer.close()
        newest = max(segment.touched for segment in segments)
        os.utime(part, (newest, newest))
        made = Segment.look(part)
        done.freed = -made.size - made.numbers
        part.rename(part.with_suffix(""))
        flush(folder)
    except OSError as error:
        if part is not None and part.exists():  # else it has its name already, and is whole
            part.unlink()
            arrays_of(part).unlink(missing_ok=True)
            beside(part, INDEX).unlink(missing_ok=True)
        return Merge(origin, len(segments), len(segments), problem=error.strerror or str(error))
    for segment, end in zip(segments, ends, strict=True):
        try:
            if segment.path.stat().st_size == end:  # else its writer was alive after all: it keeps its own
                segment.remove()
                done.freed += end + segment.numbers
            else:
                done.after += 1
        except OSError:
            done.after += segment.path.exists()
    return done


def _copy(path: Path, writer: Writer, done: Merge, seen: set[bytes]) -> int:
    """Appends the sound calls of a segment that were not seen yet; gives the offset of its end."""
    end = 0
    with _Checker(path) as checker:
        for offset, line in lines(path):
            end = offset + len(line)
            record = parse(line)
            if record is None or checker.flaw(line):
                done.damaged += 1
            elif record.key in seen:
                done.duplicates += 1
            elif record.key != RESERVED:
                if kept := _append(writer, record, checker):
                    seen.add(record.key)
                done.calls += kept
                done.damaged += not kept
    return end


def _append(writer: Writer, record: Record, checker: _Checker) -> bool:
    """Writes a sound call; False when it holds no reply."""
    place = Place.of_body(record.body)
    numbers = b"" if place is None else checker.numbers(place)
    reply = None if numbers is None else unpack_body(record.body, numbers)
    if reply is not None:
        writer.put(record.key, reply)
    return reply is not None


def _clean(path: Path) -> bool:
    """Whether a segment holds no damaged record and no key twice; one that cannot be read has nothing to give."""
    seen: set[bytes] = set()
    try:
        with _Checker(path) as checker:
            for _, line in lines(path):
                record = parse(line)
                if record is None or record.key in seen or checker.flaw(line):
                    return False
                if record.key != RESERVED:
                    seen.add(record.key)
    except OSError:
        pass
    return True


def _clear(part: Segment, silence: float) -> None:
    """Removes the leftovers of a killed merge; all of its sources are still there."""
    lives = part.header.writer.lives() if part.header is not None else None
    if part.size == 0 or lives is False or (lives is None and time.time() - part.touched > silence):
        part.remove()


def _clear_numbers(path: Path, silence: float) -> None:
    """Removes what lies beside no segment. Not at once: another machine may not see the segment yet."""
    if time.time() - path.stat().st_mtime > silence:
        path.unlink(missing_ok=True)


def _beside_segment(path: Path) -> bool:
    """Whether a file holds numbers or the index of a segment that is there, whole or not."""
    # The unfinished one first: it becomes the other by one renaming, so that one of them is always met.
    return path.name.endswith((ARRAYS, INDEX)) and any(path.with_suffix(end).exists() for end in (PART, SUFFIX))


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise HarnessError(
            f"cannot read the call store {folder}: {error.strerror}; name another with --folder FOLDER"
        ) from error


def _unreadable(path: Path, error: OSError) -> HarnessError:
    return HarnessError(f"cannot read {path}: {error.strerror}")
