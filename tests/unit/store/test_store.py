"""The store: nothing answered is lost, nothing damaged is served, no call is asked twice."""

import asyncio
import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Logprobs, Text
from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.store import records, segments
from harness.store.opened import OpenStore
from harness.store.readers import OPEN_READERS
from harness.store.segments import Header, Origin, Segment
from harness.store.store import Store
from tests.support.stored import full_disk

ORIGIN = Origin("0123456789abcdef", "small", "pTrue", {"engine": "fake"})

CHILD = """
import os, signal, sys, time
from pathlib import Path
from harness.calls.calls import Text
from harness.store.segments import Origin
from harness.store.store import Store
store = Store(Path(sys.argv[1]))
def put(i):
    origin = Origin("0123456789abcdef", "small", "pTrue", {"engine": "fake"})
    store.put(i.to_bytes(16, "big"), origin, Text(f"answer {i} é\\n", (i, 7), (-0.5, -0.25), "stop"))
"""


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def reply(number: int) -> Text:
    return Text(f"answer {number} é\n", (number, 7), (-0.5, -0.25), "stop")


def filled(folder: Path, numbers: range, origin: Origin = ORIGIN) -> None:
    store = Store(folder)
    for number in numbers:
        store.put(key(number), origin, reply(number))
    store.close()


def child(folder: Path, code: str) -> int:
    """Runs code of another process on a store; gives its exit status."""
    command = [sys.executable, "-c", CHILD + code, str(folder)]
    return subprocess.run(command, check=False, timeout=60).returncode


def segment(folder: Path) -> Path:
    (path,) = folder.glob("*.replies")
    return path


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segment of three records whose writer was killed."""
    folder = tmp_path_factory.mktemp("killed")
    assert child(folder, "for i in range(1, 4): put(i)\nos.kill(os.getpid(), signal.SIGKILL)") == -9
    return segment(folder)


def test_what_was_put_is_got_by_this_and_by_later_processes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) is None
    store.put(key(1), ORIGIN, reply(1))
    store.put(key(2), ORIGIN, Logprobs((-1.5, -0.125)))
    store.put(key(3), ORIGIN, Activations(Array((1, 1, 2), bytes(range(8)))))
    assert store.get(key(1), ORIGIN) == reply(1)
    store.close()
    again = Store(tmp_path)
    assert (len(again), again.dropped) == (3, 0)
    assert again.get(key(1), ORIGIN) == reply(1)
    assert again.get(key(2), ORIGIN) == Logprobs((-1.5, -0.125))
    assert again.get(key(3), ORIGIN) == Activations(Array((1, 1, 2), bytes(range(8))))
    assert again.hits == 3


def test_an_empty_store_writes_no_segment(tmp_path: Path) -> None:
    Store(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_every_origin_has_a_segment_of_its_own_that_says_where_it_comes_from(tmp_path: Path) -> None:
    store = Store(tmp_path)
    engine = {"engine": "server", "url": "https://me:secret@host/v1", "api_key": "hunter-two"}
    others = [Origin.of(engine, "large", "pTrue"), Origin.of(engine, "large", "selfCorrection"), ORIGIN]
    for number in range(9):
        store.put(key(number + 1), others[number % 3], reply(number))
    store.close()
    found = [Segment.look(path) for path in tmp_path.glob("*.replies")]
    headers = [s.header for s in found if s.header is not None]
    assert {h.origin for h in headers} == set(others)
    assert all(s.closed and not s.live() for s in found)
    assert {(h.writer.pid, h.writer.host) for h in headers} == {(os.getpid(), os.uname().nodename)}
    assert all(abs(h.started - time.time()) < 60 for h in headers)
    text = b"".join(path.read_bytes() for path in tmp_path.glob("*.replies"))
    assert b"https://***@host/v1" in text
    assert b"secret" not in text
    assert b"hunter" not in text
    assert len(Store(tmp_path)) == 9


@pytest.mark.parametrize("cut", [1, 10, 21, 22, 40])
def test_the_torn_last_record_of_a_killed_writer_is_dropped_and_the_rest_kept(
    killed: Path, tmp_path: Path, cut: int
) -> None:
    (tmp_path / killed.name).write_bytes(killed.read_bytes()[:-cut])
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (2, 1)
    assert [store.get(key(i), ORIGIN) for i in range(1, 4)] == [reply(1), reply(2), None]


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_the_unfinished_last_record_of_a_living_writer_is_no_damage(tmp_path: Path, cut: int) -> None:
    store = Store(tmp_path)
    for i in range(1, 4):
        store.put(key(i), ORIGIN, reply(i))
    other = tmp_path / "seen by another"
    other.mkdir()
    (other / segment(tmp_path).name).write_bytes(segment(tmp_path).read_bytes()[:-cut])
    seen = Store(other)
    assert (len(seen), seen.dropped) == (2, 0)


@pytest.mark.parametrize(("silent", "dropped"), [(60, 0), (23 * 3600, 0), (25 * 3600, 1)])
def test_an_unfinished_record_of_another_machine_is_damage_after_a_day_of_silence(
    killed: Path, tmp_path: Path, silent: float, dropped: int
) -> None:
    head, rest = killed.read_bytes().split(b"\n", 1)
    header = orjson.loads(head[records.HEAD :]) | {"machine": "another boot"}
    path = tmp_path / killed.name
    path.write_bytes(records.pack(records.RESERVED, orjson.dumps(header)) + rest[:-5])
    then = time.time() - silent
    os.utime(path, (then, then))
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (3 - 1, dropped)


def test_a_process_number_used_again_is_not_the_writer(killed: Path) -> None:
    header = Segment.look(killed).header
    assert header is not None
    assert header.writer.lives() is False
    assert replace(header.writer, pid=os.getpid()).lives() is False
    assert Header.now(ORIGIN).writer.lives() is True


def test_a_flipped_byte_is_never_served(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 3))
    path = segment(tmp_path)
    data = path.read_bytes()
    at = data.index(b"answer 1")
    path.write_bytes(data[:at] + b"X" + data[at + 1 :])
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) is None
    assert store.dropped == 1
    assert store.get(key(2), ORIGIN) == reply(2)


def test_garbage_between_records_is_skipped(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 3))
    path = segment(tmp_path)
    header, first, second, end = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + first + b"\x00\xff garbage\n" + b"z" * 80 + b"\n" + second + end)
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (2, 2)
    assert store.get(key(2), ORIGIN) == reply(2)


def test_a_sound_line_that_is_no_reply_is_asked_again(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 2))
    with segment(tmp_path).open("ab") as file:
        for number, body in enumerate([b"{}", b"[1]", b'{"text":"cut', b"7"]):
            file.write(records.pack(key(10 + number), body))
    store = Store(tmp_path)
    assert [store.get(key(10 + number), ORIGIN) for number in range(4)] == [None] * 4
    assert store.dropped == 4


def test_two_writers_share_a_folder_without_touching_each_other(tmp_path: Path) -> None:
    one, two = Store(tmp_path), Store(tmp_path)
    assert two.get(key(1), ORIGIN) is None
    one.put(key(1), ORIGIN, reply(1))
    two.put(key(2), ORIGIN, reply(2))
    assert two.get(key(1), ORIGIN) is None  # written after `two` looked: asked again, never wrong
    one.close()
    two.close()
    assert len(list(tmp_path.glob("*.replies"))) == 2
    assert len(Store(tmp_path)) == 2


def test_a_killed_writer_loses_nothing_that_was_put(tmp_path: Path) -> None:
    assert child(tmp_path, "for i in range(1, 501): put(i)\nos.kill(os.getpid(), signal.SIGKILL)") == -9
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (500, 0)
    assert store.get(key(500), ORIGIN) == reply(500)


def test_of_two_processes_one_is_killed_in_the_middle_of_a_line_and_nothing_is_lost(tmp_path: Path) -> None:
    # The first dies with half of its 201st line on disk; the second works on all the while, and this one watches.
    torn = (
        "for i in range(1, 201): put(i)\n"
        "write = os.write\n"
        "def half(file, line):\n    write(file, line[: len(line) // 2])\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.write = half\nput(999)"
    )
    going = "for i in range(1001, 1301):\n    put(i)\n    time.sleep(0.005)\nstore.close()"
    second = subprocess.Popen([sys.executable, "-c", CHILD + going, str(tmp_path)])
    first = child(tmp_path, torn)
    watched = Store(tmp_path)
    assert first == -9
    assert watched.get(key(200), ORIGIN) == reply(200)
    assert watched.dropped == 1
    assert second.wait(60) == 0
    store = Store(tmp_path)
    numbers = [*range(1, 201), *range(1001, 1301)]
    assert [store.get(key(i), ORIGIN) for i in numbers] == [reply(i) for i in numbers]
    assert store.get(key(999), ORIGIN) is None
    assert (len(store), store.dropped) == (500, 1)


def test_a_refreshed_store_knows_what_others_have_written_and_reads_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = Store(tmp_path), Store(tmp_path)
    assert reader.get(key(1), ORIGIN) is None
    writer.put(key(1), ORIGIN, reply(1))
    assert reader.get(key(1), ORIGIN) is None
    reader.refresh()
    assert reader.get(key(1), ORIGIN) == reply(1)
    writer.put(key(2), ORIGIN, reply(2))
    reader.put(key(3), ORIGIN, reply(3))
    read: list[bytes] = []
    sound_key = records.sound_key

    def noted(line: bytes) -> bytes | None:
        read.append(line)
        return sound_key(line)

    monkeypatch.setattr("harness.store.index.sound_key", noted)
    reader.refresh()
    assert [sound_key(line) for line in read] == [key(2)]
    reader.refresh()
    assert len(read) == 1
    assert [reader.get(key(number), ORIGIN) for number in (1, 2, 3)] == [reply(1), reply(2), reply(3)]
    writer.close()
    reader.close()


def test_a_record_that_was_half_written_is_found_when_it_is_whole(tmp_path: Path, killed: Path) -> None:
    path = tmp_path / killed.name
    head, *rest = killed.read_bytes().splitlines(keepends=True)
    header = orjson.loads(head[records.HEAD :]) | {"machine": "another boot"}
    head = records.pack(records.RESERVED, orjson.dumps(header))
    path.write_bytes(head + rest[0] + rest[1][:-9])
    store = Store(tmp_path)
    store.refresh()
    assert (len(store), store.dropped) == (1, 0)
    path.write_bytes(head + rest[0] + rest[1] + rest[2][:30])
    store.refresh()
    assert (len(store), store.dropped, store.get(key(2), ORIGIN)) == (2, 0, reply(2))


def test_a_torn_record_of_a_killed_writer_is_counted_once(tmp_path: Path, killed: Path) -> None:
    (tmp_path / killed.name).write_bytes(killed.read_bytes()[:-5])
    store = Store(tmp_path)
    store.refresh()
    store.refresh()
    assert (len(store), store.dropped) == (2, 1)


def test_an_open_store_is_used_again_unless_another_folder_is_asked_for_or_its_disk_has_failed(tmp_path: Path) -> None:
    opened = OpenStore()
    first = opened.at(tmp_path / "a")
    assert opened.at(tmp_path / "a") is first
    filled(tmp_path / "a", range(1, 3))
    assert len(opened.at(tmp_path / "a")) == 2
    second = opened.at(tmp_path / "b")
    assert second is not first
    second.put(key(9), ORIGIN, reply(9))
    second._unflushed = OSError(errno.EIO, "input/output error")
    third = opened.at(tmp_path / "b")
    assert (third is second, len(third)) == (False, 1)
    opened.close()


def test_calls_of_one_key_in_flight_are_asked_once(tmp_path: Path) -> None:
    asked = []

    async def ask() -> Text:
        asked.append(1)
        await asyncio.sleep(0.01)
        return reply(1)

    async def run() -> list[object]:
        store = Store(tmp_path)
        got = await asyncio.gather(*(store.once(key(1), ORIGIN, ask) for _ in range(5)))
        assert store.misses == 1
        return list(got)

    assert asyncio.run(run()) == [reply(1)] * 5
    assert len(asked) == 1


def test_who_waits_for_one_that_gives_up_asks_for_itself(tmp_path: Path) -> None:
    asked = []

    async def ask() -> Text:
        asked.append(1)
        await asyncio.sleep(0.01)
        return reply(1)

    async def run() -> None:
        store = Store(tmp_path)
        first, second, third, fourth = [asyncio.create_task(store.once(key(1), ORIGIN, ask)) for _ in range(4)]
        await asyncio.sleep(0)
        first.cancel()
        fourth.cancel()
        assert list(await asyncio.gather(second, third)) == [reply(1)] * 2
        assert (first.cancelled(), fourth.cancelled()) == (True, True)
        assert store.misses == 1

    asyncio.run(run())
    assert len(asked) == 2


def test_an_error_reaches_everybody_who_waits_and_is_not_stored(tmp_path: Path) -> None:
    async def ask() -> Text:
        await asyncio.sleep(0.01)
        raise RuntimeError("engine")

    async def run() -> None:
        store = Store(tmp_path)
        got = await asyncio.gather(*(store.once(key(1), ORIGIN, ask) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in got] == ["engine"] * 3
        assert store.get(key(1), ORIGIN) is None
        assert await store.once(key(1), ORIGIN, lambda: asyncio.sleep(0, reply(1))) == reply(1)

    asyncio.run(run())


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file may grow beyond 2000 bytes: the write that would is cut short, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    yield 2000
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_segment_that_can_grow_no_more_is_followed_by_another_and_nothing_is_lost(
    tmp_path: Path, small_files: int
) -> None:
    filled(tmp_path, range(1, 101))
    sizes = [path.stat().st_size for path in tmp_path.glob("*.replies")]
    assert len(sizes) >= 3
    assert max(sizes) <= small_files
    store = Store(tmp_path)
    assert [store.get(key(i), ORIGIN) for i in range(1, 101)] == [reply(i) for i in range(1, 101)]
    assert store.dropped == 0  # what had been written of the line that did not fit was taken back


def test_a_full_disk_is_one_clear_error_and_the_next_write_begins_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.put(key(1), ORIGIN, reply(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk(20))
        with pytest.raises(HarnessError, match="No space left on device; free space"):
            store.put(key(2), ORIGIN, reply(2))
    assert store.get(key(2), ORIGIN) is None
    store.put(key(3), ORIGIN, reply(3))  # space again
    assert [store.get(key(i), ORIGIN) for i in (1, 3)] == [reply(1), reply(3)]
    store.close()
    assert len(list(tmp_path.glob("*.replies"))) == 2
    again = Store(tmp_path)
    assert (len(again), again.dropped) == (2, 0)


def test_what_was_put_is_flushed_within_seconds_though_nothing_more_is_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def noting(file: int) -> None:
        flushed.append(os.fstat(file).st_size)
        fsync(file)

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr("harness.store.store.FLUSH_EVERY", 0.02)
    store = Store(tmp_path)
    for i in range(1, 4):
        store.put(key(i), ORIGIN, reply(i))
    size = segment(tmp_path).stat().st_size
    deadline = time.monotonic() + 10
    while size not in flushed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert size in flushed
    time.sleep(0.1)
    count = len(flushed)
    time.sleep(0.1)
    assert len(flushed) == count  # with nothing new, nothing is flushed
    store.close()


def test_a_disk_that_does_not_take_what_it_was_given_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = Store(tmp_path)
    store.put(key(1), ORIGIN, reply(1))
    monkeypatch.setattr(os, "fsync", broken)
    store.flush()
    with pytest.raises(HarnessError, match=r"cannot write to the call store .*Input/output error"):
        store.put(key(2), ORIGIN, reply(2))
    with pytest.raises(HarnessError, match="Input/output error"):
        store.close()


def test_a_run_whose_last_flush_fails_says_so_and_still_gets_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(file: int) -> None:
        if os.readlink(f"/proc/self/fd/{file}").startswith(f"{tmp_path}/store"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(file)

    fsync = os.fsync
    job = load_job([
        "experiment=falseBelief", "task.families=4", "experiment.arms=[options]", "engine=fake", "tracker=none",
        "limit=2", "replicates=20", f"runs={tmp_path}",
    ])  # fmt: skip
    monkeypatch.setattr(os, "fsync", broken)
    monkeypatch.setattr("harness.store.store.FLUSH_EVERY", 1000.0)
    session = execute(job)
    assert session.code == 0
    assert (session.run.path / "report.html").exists()
    assert "cannot write to the call store" in capsys.readouterr().err


def test_a_writer_whose_segment_is_removed_goes_on_in_a_new_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(key(1), ORIGIN, reply(1))
    segment(tmp_path).unlink()
    store.flush()
    store.put(key(2), ORIGIN, reply(2))
    store.close()
    assert Store(tmp_path).get(key(2), ORIGIN) == reply(2)


def test_a_long_silent_writer_shows_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put(key(1), ORIGIN, reply(1))
    store.flush()
    os.utime(segment(tmp_path), (1, 1))
    store.flush()
    assert segment(tmp_path).stat().st_mtime == 1
    monkeypatch.setattr(segments, "TOUCHED_EVERY", 0.0)
    store.flush()
    assert time.time() - segment(tmp_path).stat().st_mtime < 60
    store.close()


def test_thousands_of_segments_are_read_with_few_open_files(tmp_path: Path) -> None:
    for number in range(1, 301):
        writer = segments.Writer(tmp_path, ORIGIN)
        writer.put(key(number), reply(number))
        writer.close()
    store = Store(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        assert [store.get(key(i), ORIGIN) for i in range(1, 301)] == [reply(i) for i in range(1, 301)]
    assert len(os.listdir("/proc/self/fd")) - before <= OPEN_READERS
    store.close()


def test_a_segment_merged_by_somebody_else_meanwhile_is_found_again(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 4))
    store = Store(tmp_path)
    old = segment(tmp_path)
    shutil.copy(old, tmp_path / "merged.replies")
    old.unlink()  # not open yet, or open on another machine: it cannot be read any more
    assert [store.get(key(i), ORIGIN) for i in range(1, 4)] == [reply(i) for i in range(1, 4)]
    assert store.dropped == 0


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOENT])
def test_a_segment_that_cannot_be_read_any_more_is_a_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    filled(tmp_path, range(1, 4))
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) == reply(1)

    def gone(*_: Any) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", gone)
        assert store.get(key(2), ORIGIN) is None
    assert store.dropped == 0
    assert store.get(key(3), ORIGIN) == reply(3)


def test_a_stale_handle_is_opened_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, range(1, 4))
    store = Store(tmp_path)
    pread = os.pread
    failed: list[int] = []

    def once_stale(file: int, length: int, offset: int) -> bytes:
        if not failed:
            failed.append(1)
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return pread(file, length, offset)

    monkeypatch.setattr(os, "pread", once_stale)
    assert store.get(key(2), ORIGIN) == reply(2)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"cannot open the call store .*file/store"):
        Store(tmp_path / "file" / "store")
