"""Which bytes a store reads: those of the models asked about, by an index where there is one that fits."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store import index as indexes
from harness.store import store as stores
from harness.store.index import Index
from harness.store.maintenance import merge, prune, survey, verify
from harness.store.records import INDEX, beside, lines
from harness.store.store import Store
from tests.unit.store.test_format import OTHER
from tests.unit.store.test_store import ORIGIN, child, filled, key, reply, segment

MANY = range(1, 301)


@pytest.fixture(autouse=True)
def small_segments_have_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "INDEXED_FROM", 1000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every segment whose records are gone through."""
    seen: list[Path] = []

    def noting(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
        for offset, line in lines(path, start):
            seen.append(path)
            yield offset, line

    monkeypatch.setattr(indexes, "lines", noting)
    return seen


def index_of(folder: Path) -> Path:
    return beside(segment(folder), INDEX)


def whole(folder: Path, numbers: range = MANY) -> Store:
    store = Store(folder)
    assert [store.get(key(i), ORIGIN) for i in numbers] == [reply(i) for i in numbers]
    assert store.dropped == 0
    return store


def test_a_closed_segment_has_an_index_and_its_records_are_not_gone_through(tmp_path: Path, read: list[Path]) -> None:
    filled(tmp_path, MANY)
    assert index_of(tmp_path).stat().st_size == 40 + 32 * len(MANY)
    whole(tmp_path)
    assert read == []


def test_segments_of_other_models_are_skipped_by_their_first_line(tmp_path: Path, read: list[Path]) -> None:
    filled(tmp_path, range(1, 3))
    filled(tmp_path, range(1001, 1301), OTHER)
    other = next(path for path in tmp_path.glob("*.replies") if b'"large"' in path.read_bytes()[:300])
    beside(other, INDEX).unlink()
    data = other.read_bytes()
    other.write_bytes(data[:600] + b"X" * (len(data) - 601) + b"\n")
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) == reply(1)
    assert other not in read
    assert store.dropped == 0
    assert store.get(key(1001), OTHER) == reply(1001)
    assert other in read
    assert store.dropped == 1


def test_a_call_is_never_found_under_another_model(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 3))
    assert Store(tmp_path).get(key(1), OTHER) is None


def lost(path: Path) -> None:
    path.unlink()


def flipped(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [lost, flipped, cut, emptied, folder_instead])
def test_a_missing_or_damaged_index_is_made_anew(tmp_path: Path, read: list[Path], damage: object) -> None:
    filled(tmp_path, MANY)
    damage(index_of(tmp_path))  # type: ignore[operator]
    whole(tmp_path)
    assert read
    read.clear()
    whole(tmp_path)
    assert bool(read) == (damage is folder_instead)
    assert not list(tmp_path.glob("*.part"))


def test_the_index_of_another_segment_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path / "one", MANY)
    filled(tmp_path / "two", range(301, 601))
    shutil.copy(index_of(tmp_path / "two"), index_of(tmp_path / "one"))
    whole(tmp_path / "one")


def test_an_index_that_fits_by_its_ends_alone_serves_nothing_wrong(tmp_path: Path, read: list[Path]) -> None:
    filled(tmp_path, MANY)
    path = segment(tmp_path)
    head, *calls, end = path.read_bytes().splitlines(keepends=True)
    assert min(len(b"".join(part)) for part in (calls[:140], calls[160:])) > 4096
    middle = [*calls[:140], *reversed(calls[140:160]), *calls[160:]]
    path.write_bytes(head + b"".join(middle) + end)
    whole(tmp_path)
    assert read  # the segment itself, once it was seen that the index does not fit


def test_damage_behind_an_index_is_counted_once_and_the_rest_is_served(tmp_path: Path) -> None:
    filled(tmp_path, MANY)
    path = segment(tmp_path)
    data = path.read_bytes()
    for number in (150, 151):
        at = data.index(b"answer %d " % number)
        data = data[:at] + b"X" + data[at + 1 :]
    path.write_bytes(data)
    for _ in range(2):
        store = Store(tmp_path)
        found = [store.get(key(i), ORIGIN) for i in MANY]
        assert found == [None if i in (150, 151) else reply(i) for i in MANY]
        assert store.dropped == 2
    assert len(list(verify(tmp_path))) == 2


def test_a_segment_that_grew_after_its_index_is_read_on_from_there(tmp_path: Path, read: list[Path]) -> None:
    filled(tmp_path, MANY)
    filled(tmp_path / "more", range(301, 303))
    with segment(tmp_path).open("ab") as file:
        file.write(b"".join(segment(tmp_path / "more").read_bytes().splitlines(keepends=True)[1:]))
    whole(tmp_path, range(1, 303))
    assert len(read) == 3


def test_who_first_reads_the_segment_of_a_killed_writer_makes_its_index(tmp_path: Path, read: list[Path]) -> None:
    assert child(tmp_path, "for i in range(1, 301): put(i)\nos.kill(os.getpid(), signal.SIGKILL)") == -9
    assert not index_of(tmp_path).exists()
    whole(tmp_path)
    read.clear()
    whole(tmp_path)
    assert read == []


def test_a_folder_that_cannot_be_written_is_read_without_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, MANY)
    index_of(tmp_path).unlink()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    whole(tmp_path)
    assert not index_of(tmp_path).exists()


def test_upkeep_takes_indexes_along(tmp_path: Path) -> None:
    filled(tmp_path, MANY)
    filled(tmp_path, range(301, 601))
    filled(tmp_path, range(601, 901), OTHER)
    assert survey(tmp_path).foreign == []
    merge(tmp_path)
    assert len(list(tmp_path.glob("*.replies"))) == len(list(tmp_path.glob("*.index"))) == 2
    whole(tmp_path, range(1, 601))
    prune([holding for holding in survey(tmp_path).holdings if holding.origin == OTHER])
    (kept,) = tmp_path.glob("*.replies")
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, beside(kept, INDEX).name}
    left = beside(kept, INDEX)
    kept.unlink()
    assert survey(tmp_path).foreign == [left.name]
    then = time.time() - 2 * 86400
    os.utime(left, (then, then))
    merge(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_others_answer_meanwhile_is_found_after_some_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "LOOK_EVERY", 10)
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) is None
    writer = Store(tmp_path)
    for i in range(1, 301):
        writer.put(key(i), ORIGIN, reply(i))
    found = [store.get(key(i), ORIGIN) is not None for i in range(1, 301)]
    assert sum(found) > 280
    assert not any(found[:8])
    monkeypatch.setattr(stores, "LOOK_SHARE", 1e-9)  # looking may take no more time
    store._absent, store._next_look = 0, time.monotonic() + 60
    writer.put(key(999), ORIGIN, reply(999))
    assert [store.get(key(999), ORIGIN) for _ in range(50)] == [None] * 50
    writer.close()


def test_an_index_says_how_many_records_were_damaged_when_it_was_made(tmp_path: Path) -> None:
    filled(tmp_path, MANY)
    path = segment(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"answer 7 ", b"answer X "))
    index_of(tmp_path).unlink()
    for _ in range(2):
        store = Store(tmp_path)
        assert (len(store), store.dropped) == (299, 1)
    made = Index.load(path)
    assert made is not None
    assert (len(made), made.damaged, made.size) == (299, 1, path.stat().st_size)
