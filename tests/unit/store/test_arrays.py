"""Numbers of activations beside a segment: never served damaged, carried along by upkeep, sound after any kill."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Reply
from harness.cli.main import main
from harness.errors import HarnessError
from harness.store import records
from harness.store.maintenance import choose, merge, prune, survey, verify
from harness.store.records import Place, arrays_of
from harness.store.segments import Origin, Segment, Writer
from harness.store.store import Store
from tests.support.stored import full_disk
from tests.unit.cli.test_store_command import KILLED, OTHER, aged
from tests.unit.store.test_store import ORIGIN, key


def reply(number: int) -> Reply:
    """Activations under even keys, log-probabilities under odd ones."""
    if number % 2:
        return Logprobs((-float(number),))
    return Activations(Array.of([[[number, 0.1, -1e-30], [3e38, 0.0, 1 / (number + 1)]]]))


def filled(folder: Path, numbers: range, origin: Origin = ORIGIN) -> Path:
    store = Store(folder)
    for number in numbers:
        store.put(key(number), origin, reply(number))
    path = store._segments[-1].path
    store.close()
    return path


def kept(folder: Path, numbers: range) -> bool:
    store = Store(folder)
    found = len(store) > 0 and all(store.get(key(i), ORIGIN) == reply(i) for i in numbers)  # of every origin
    store.close()
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_numbers_lie_raw_beside_the_line_that_says_where(tmp_path: Path) -> None:
    path = filled(tmp_path, range(1, 7))
    assert names(tmp_path) == sorted([path.name, path.with_suffix(".arrays").name])
    three = [reply(i).values.data for i in (2, 4, 6)]  # type: ignore[union-attr]
    assert arrays_of(path).read_bytes() == b"".join(three)
    found = [records.parse(line) for _, line in records.lines(path)]
    places = [place for record in found if record is not None and (place := Place.of_body(record.body))]
    assert [(place.arrays, place.shape, place.length) for place in places] == [(i, (1, 2, 3), 24) for i in (0, 24, 48)]
    assert kept(tmp_path, range(1, 7))
    assert Segment.look(path).bytes == path.stat().st_size + 72


def test_replies_without_activations_have_no_second_file(tmp_path: Path) -> None:
    path = filled(tmp_path, range(1, 2))
    assert names(tmp_path) == [path.name]


def damage_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def damage_flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


@pytest.mark.parametrize("damage", [damage_cut, damage_flip, Path.unlink])
def test_damaged_torn_or_missing_numbers_are_dropped_and_asked_again(
    tmp_path: Path, damage: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = filled(tmp_path, range(1, 5))
    damage(arrays_of(path))  # type: ignore[operator]
    store = Store(tmp_path)
    whole = damage is not Path.unlink
    assert [store.get(key(i), ORIGIN) is not None for i in range(1, 5)] == [True, whole, True, False]
    assert store.dropped == 2 - whole
    store.put(key(4), ORIGIN, reply(4))
    assert store.get(key(4), ORIGIN) == reply(4)
    store.close()
    flaws = list(verify(tmp_path))
    assert [flaw.torn for flaw in flaws] == [False] * (2 - whole)
    told = f"24 bytes at 24 of {arrays_of(path).name} are lost or damaged"
    assert told in flaws[-1].what
    assert main(["store", "verify", "--folder", str(tmp_path)]) == 1
    assert told in capsys.readouterr().out
    assert sum(done.damaged for done in merge(tmp_path)) == 2 - whole
    assert list(verify(tmp_path)) == []
    assert Store(tmp_path).get(key(4), ORIGIN) == reply(4)


def test_a_line_that_points_nowhere_is_dropped(tmp_path: Path) -> None:
    path = filled(tmp_path, range(2, 3))
    wrong = [{"arrays": 0}, {"arrays": -4, "shape": [1], "crc": 0}, {"arrays": 0, "shape": [1000], "crc": 0}]
    with path.open("ab") as file:
        for number, body in enumerate(wrong, 10):
            file.write(records.pack(key(number), orjson.dumps(body)))
    store = Store(tmp_path)
    assert [store.get(key(number), ORIGIN) for number in range(10, 13)] == [None] * 3
    assert store.dropped == 3


def test_merge_carries_the_numbers_along_and_readers_find_them(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 7))
    filled(tmp_path, range(5, 11))
    filled(tmp_path, range(20, 25), OTHER)
    reading, fresh = Store(tmp_path), Store(tmp_path)
    assert reading.get(key(1), ORIGIN) == reply(1)  # lines of a segment open, its numbers not
    (done,) = merge(tmp_path)
    assert (done.before, done.after, done.calls, done.duplicates) == (2, 1, 10, 2)
    assert done.freed > 0
    assert len(names(tmp_path)) == 4
    for store in (reading, fresh):
        assert all(store.get(key(i), ORIGIN) == reply(i) for i in range(1, 11))
        assert store.dropped == 0
    assert kept(tmp_path, range(1, 11))
    assert kept(tmp_path, range(20, 25))
    assert list(verify(tmp_path)) == []
    assert survey(tmp_path).foreign == []


def test_prune_takes_the_numbers_too(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 7))
    path = filled(tmp_path, range(20, 25), OTHER)
    prune(choose(survey(tmp_path), model=ORIGIN.model))
    assert names(tmp_path) == sorted([path.name, arrays_of(path).name])


def test_numbers_left_by_a_killed_prune_are_named_and_go_with_the_next_merge(tmp_path: Path) -> None:
    path = filled(tmp_path, range(1, 7))
    path.unlink()
    assert survey(tmp_path).foreign == [arrays_of(path).name]
    merge(tmp_path)
    assert arrays_of(path).exists()  # another machine may not see the lines yet
    aged(arrays_of(path), 2)
    merge(tmp_path)
    assert names(tmp_path) == []


def test_numbers_that_do_not_fit_on_the_disk_leave_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put(key(2), ORIGIN, reply(2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk(20))
        with pytest.raises(HarnessError, match="No space left on device"):
            store.put(key(4), ORIGIN, reply(4))
    store.put(key(6), ORIGIN, reply(6))  # space again
    assert [store.get(key(i), ORIGIN) for i in (2, 4, 6)] == [reply(2), None, reply(6)]
    store.close()
    assert list(verify(tmp_path)) == []


def test_numbers_reach_the_disk_before_the_line_that_points_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path, ORIGIN)
    writer.put(key(2), reply(2))
    flushed: list[str] = []
    fsync = os.fsync

    def noting(file: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{file}")).suffix)
        fsync(file)

    monkeypatch.setattr(os, "fsync", noting)
    writer.flush()
    assert flushed == [".arrays", ".replies", ""]  # at last the names, in the folder
    writer.close()


def test_a_writer_whose_numbers_are_removed_says_so(tmp_path: Path) -> None:
    writer = Writer(tmp_path, ORIGIN)
    writer.put(key(2), reply(2))
    arrays_of(writer.path).unlink()
    writer.flush()
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        writer.put(key(4), reply(4))
    writer.close()


WRITING = """
import os, signal, sys
from pathlib import Path
from harness.store.store import Store
from tests.unit.store.test_arrays import ORIGIN, key, reply
left = int(sys.argv[2])
write = os.write
def killing(file, data):
    global left
    left -= 1
    if left < 0:
        write(file, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(file, data)
os.write = killing
store = Store(Path(sys.argv[1]))
for number in range(1, 5):
    store.put(key(number), ORIGIN, reply(number))
"""


def run(code: str, folder: Path, point: int) -> int:
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(point)], check=False, timeout=60)
    assert done.returncode in (0, -9)
    return done.returncode


@pytest.mark.parametrize(("point", "whole"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)])
def test_a_writer_killed_in_the_middle_of_a_write_leaves_a_sound_store(tmp_path: Path, point: int, whole: int) -> None:
    # Writes: header, line 1, numbers 2, line 2, line 3, numbers 4, line 4; each is cut in half where it is killed.
    assert run(WRITING, tmp_path, point) == -9
    store = Store(tmp_path)
    assert [store.get(key(i), ORIGIN) for i in range(1, 5)] == [reply(i) if i <= whole else None for i in range(1, 5)]
    store.put(key(4), ORIGIN, reply(4))
    assert store.get(key(4), ORIGIN) == reply(4)
    store.close()
    assert {flaw.torn for flaw in verify(tmp_path)} <= {True}


def merges_killed(folder: Path) -> Iterator[bool]:
    """Kills a merge before its first change of the disk, its second, and so on; False when it got through."""
    for point in range(60):
        for path in folder.glob("*"):
            path.unlink()
        filled(folder, range(2, 5))
        filled(folder, range(4, 7))
        yield (killed := run(KILLED, folder, point) == -9)
        if not killed:
            return


def test_a_merge_killed_at_any_moment_loses_no_numbers(tmp_path: Path) -> None:
    points = 0
    for was_killed in merges_killed(tmp_path):
        assert kept(tmp_path, range(2, 7))
        merge(tmp_path, silence=0.0)
        assert kept(tmp_path, range(2, 7))
        assert list(verify(tmp_path)) == []
        for path in tmp_path.glob("*.arrays"):
            aged(path, 1)
        merge(tmp_path, silence=0.0)
        (path,) = tmp_path.glob("*.replies")
        assert names(tmp_path) == sorted([path.name, arrays_of(path).name])
        points += was_killed
    assert points == 22  # as without numbers, and 3 writes of numbers and 1 flush more
