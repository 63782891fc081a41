"""The store: nothing answered is lost, nothing damaged is served, no call is asked twice."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.calls import Logprobs, Text
from harness.errors import HarnessError
from harness.store import Store


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def reply(number: int) -> Text:
    return Text(f"answer {number} é\n", (number, 7), (-0.5, -0.25), "stop")


def filled(folder: Path, numbers: range) -> None:
    store = Store(folder)
    for number in numbers:
        store.put(key(number), reply(number))
    store.close()


def segment(folder: Path) -> Path:
    return next(folder.glob("*.calls"))


def test_what_was_put_is_got_by_this_and_by_later_processes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(key(1)) is None
    store.put(key(1), reply(1))
    store.put(key(2), Logprobs((-1.5, -0.125)))
    assert store.get(key(1)) == reply(1)
    store.close()
    again = Store(tmp_path)
    assert (len(again), again.dropped) == (2, 0)
    assert again.get(key(1)) == reply(1)
    assert again.get(key(2)) == Logprobs((-1.5, -0.125))
    assert again.hits == 2


def test_an_empty_store_writes_no_segment(tmp_path: Path) -> None:
    Store(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 10, 41, 42, 60])
def test_a_torn_last_record_is_dropped_and_the_rest_kept(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, range(3))
    path = segment(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (2, 1)
    assert [store.get(key(i)) for i in range(3)] == [reply(0), reply(1), None]


def test_a_flipped_byte_is_never_served(tmp_path: Path) -> None:
    filled(tmp_path, range(2))
    path = segment(tmp_path)
    data = path.read_bytes()
    at = data.index(b"answer 1")
    path.write_bytes(data[:at] + b"X" + data[at + 1 :])
    store = Store(tmp_path)
    assert store.get(key(1)) is None
    assert store.dropped == 1
    assert store.get(key(0)) == reply(0)


def test_garbage_between_records_is_skipped(tmp_path: Path) -> None:
    filled(tmp_path, range(2))
    path = segment(tmp_path)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\x00\xff garbage\n" + b"z" * 80 + b"\n" + second)
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (2, 2)
    assert store.get(key(1)) == reply(1)


def test_two_writers_share_a_folder_without_touching_each_other(tmp_path: Path) -> None:
    one, two = Store(tmp_path), Store(tmp_path)
    one.put(key(1), reply(1))
    two.put(key(2), reply(2))
    assert two.get(key(1)) is None  # written after `two` was opened: asked again, never wrong
    one.close()
    two.close()
    assert len(list(tmp_path.glob("*.calls"))) == 2
    assert len(Store(tmp_path)) == 2


def test_a_killed_writer_loses_nothing_that_was_put(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from harness.store import Store; from harness.calls import Text\n"
        "s = Store(Path(sys.argv[1]))\n"
        "for i in range(500): s.put(i.to_bytes(16, 'big'), Text(f'answer {i} é\\n', (i, 7), (-0.5, -0.25), 'stop'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    store = Store(tmp_path)
    assert (len(store), store.dropped) == (500, 0)
    assert store.get(key(499)) == reply(499)


def test_calls_of_one_key_in_flight_are_asked_once(tmp_path: Path) -> None:
    asked = []

    async def ask() -> Text:
        asked.append(1)
        await asyncio.sleep(0.01)
        return reply(1)

    async def run() -> list[object]:
        store = Store(tmp_path)
        got = await asyncio.gather(*(store.once(key(1), ask) for _ in range(5)))
        assert store.misses == 1
        return list(got)

    assert asyncio.run(run()) == [reply(1)] * 5
    assert len(asked) == 1


def test_an_error_reaches_everybody_who_waits_and_is_not_stored(tmp_path: Path) -> None:
    async def ask() -> Text:
        await asyncio.sleep(0.01)
        raise RuntimeError("engine")

    async def run() -> None:
        store = Store(tmp_path)
        got = await asyncio.gather(*(store.once(key(1), ask) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in got] == ["engine"] * 3
        assert store.get(key(1)) is None
        assert await store.once(key(1), lambda: asyncio.sleep(0, reply(1))) == reply(1)

    asyncio.run(run())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error_and_the_next_write_begins_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.put(key(1), reply(1))
    full = os.open("/dev/full", os.O_WRONLY)
    good = store._writer
    monkeypatch.setattr(store, "_writer", full)
    with pytest.raises(HarnessError, match="No space left on device; free space"):
        store.put(key(2), reply(2))
    assert store.get(key(2)) is None
    store.put(key(3), reply(3))  # space again
    assert store.get(key(3)) == reply(3)
    assert store.get(key(1)) == reply(1)
    assert good is not None
    os.close(good)
    os.close(full)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"cannot open the call store .*file/store"):
        Store(tmp_path / "file" / "store")
